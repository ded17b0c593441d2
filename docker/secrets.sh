#!/bin/sh
# The secrets of the containers, as files: `sh docker/secrets.sh [FOLDER]`, by default ./secrets.
#
# Passwords are created once and then kept: write your own before the first `make up`. The servers read
# them when their volumes are created; change them in the servers yourself later. Files derived from
# passwords (URLs, server configurations) are written each time.
set -eu
umask 077
folder=${1:-secrets}
mkdir -p "$folder"
chmod 700 "$folder"  # the containers' users must read the files; other users cannot open the folder

write() { # NAME: standard input becomes the file
  cat >"$folder/.new"
  chmod 644 "$folder/.new"
  mv -f "$folder/.new" "$folder/$1"
}

password() { # NAME: the password of that name, created if it is missing
  [ -s "$folder/$1" ] || LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32 | write "$1"
  value=$(cat "$folder/$1")
  case "$value" in
    *[!A-Za-z0-9._~-]*)
      echo "$folder/$1: use letters, digits and - _ . ~ only, as it becomes a part of URLs" >&2
      exit 1 ;;
  esac
}

password jwt_secret
password mysql_root_password
password grafana_password

# The user that owns the tables, for migrations; the API's and the engines' users may change rows alone.
password mysql_password
printf 'mysql+pymysql://afterimage:%s@mysql/afterimage' "$value" | write database_url
: >"$folder/.users"
for user in api engine; do
  password "mysql_${user}_password"
  printf 'mysql+pymysql://afterimage_%s:%s@mysql/afterimage' "$user" "$value" | write "database_url_$user"
  cat >>"$folder/.users" <<SQL
CREATE USER IF NOT EXISTS 'afterimage_$user'@'%';
ALTER USER 'afterimage_$user'@'%' IDENTIFIED BY '$value';
GRANT SELECT, INSERT, UPDATE, DELETE ON afterimage.* TO 'afterimage_$user'@'%';
SQL
done
write mysql_users.sql <"$folder/.users"
rm "$folder/.users"

password rabbitmq_password
printf 'amqp://afterimage:%s@rabbitmq/%%2F' "$value" | write broker_url
# RabbitMQ's management, for KEDA (docker/kubernetes), which runs in another namespace.
printf 'http://afterimage:%s@rabbitmq.afterimage.svc:15672' "$value" | write rabbitmq_url
# No administrator: it may use its virtual host and look at the management pages.
write rabbitmq.conf <<CONF
default_user = afterimage
default_pass = $value
default_user_tags.administrator = false
default_user_tags.monitoring = true
CONF

password s3_secret_key
endpoint='endpoint=http://s3:8333'
printf 's3://afterimage?%s&access_key=afterimage&secret_key=%s' "$endpoint" "$value" | write storage_url
printf 'afterimage:%s' "$value" | write s3_keys
write s3.json <<JSON
{"identities": [{
  "name": "afterimage",
  "credentials": [{"accessKey": "afterimage", "secretKey": "$value"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]
}]}
JSON

# A folder on a volume; an S3 bucket will do too, if its server knows conditional writes.
[ -s "$folder/index_url" ] || printf 'file:///index' | write index_url

# Optional secrets: fill in yours; an empty file means no value.
[ -e "$folder/openai_api_key" ] || printf '' | write openai_api_key
