#!/bin/sh
# Writes the parts that depend on settings to /tmp, then starts nginx.
set -eu
here=$(dirname "$0")
there=${TMPDIR:-/tmp}
bytes=$(printf %s "${MAX_UPLOAD_BYTES:-10485760}" | tr -d _)
# As in api/app.py: base64 is 4/3 of the bytes, and lines and JSON around it need some room.
echo "client_max_body_size $((bytes * 3 / 2 + 65536));" >"$there/upload_size.conf"
{
  echo "limit_req_zone \$client_network zone=requests:10m rate=${REQUESTS_PER_SECOND:-100}r/s;"
  # With another proxy in front, the client is the last address that it names; only these networks
  # may be such a proxy.
  if [ "${TRUSTED_PROXIES:-1}" -gt 1 ]; then
    networks=${TRUSTED_PROXY_NETWORKS:-10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,127.0.0.0/8,::1,fc00::/7}
    for network in $(printf %s "$networks" | tr ',' ' '); do echo "set_real_ip_from $network;"; done
    echo "real_ip_header X-Forwarded-For;"
  fi
} >"$there/settings.conf"
if [ -e "${TLS_FOLDER:-/tls}/fullchain.pem" ]; then
  cat "$here/tls.conf" >"$there/tls.conf"
  port=${TLS_PORT:-443}
  # 0: the port is any free one, which is not known here.
  case "$port" in 443 | 0) port= ;; *) port=":$port" ;; esac
  echo "location / { return 308 https://\$host$port\$request_uri; }" >"$there/plain.conf"
else
  : >"$there/tls.conf"
  echo "include /etc/afterimage/service.conf;" >"$there/plain.conf"
fi
exec nginx -e stderr -c "$here/nginx.conf"
