#!/bin/sh
# Writes what follows from settings to /tmp, then becomes nginx.
set -eu
here=$(dirname "$0")
there=${TMPDIR:-/tmp}
bytes=$(printf %s "${MAX_UPLOAD_BYTES:-10485760}" | tr -d _)
{
  # As in api/app.py: base64 is 4/3 of the bytes, and lines and JSON around it need some room.
  echo "client_max_body_size $((bytes * 3 / 2 + 65536));"
  echo "limit_req_zone \$binary_remote_addr zone=requests:10m rate=${REQUESTS_PER_SECOND:-100}r/s;"
  # With another proxy in front, who asks is the last address that it names.
  if [ "${TRUSTED_PROXIES:-1}" -gt 1 ]; then
    echo "set_real_ip_from 0.0.0.0/0; set_real_ip_from ::/0; real_ip_header X-Forwarded-For;"
  fi
} >"$there/settings.conf"
if [ -e /tls/fullchain.pem ]; then cat "$here/tls.conf"; fi >"$there/tls.conf"
exec nginx -e stderr -c "$here/nginx.conf"
