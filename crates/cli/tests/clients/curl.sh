#!/usr/bin/env bash
# curl over HTTP/2 by prior knowledge, across rotations of the upstream's key, and with keys that are refused.
set -euo pipefail
ask() { # key, what to print, and more options
  local key="$1" print="$2"
  shift 2
  curl -sS --http2-prior-knowledge -m 30 -o /dev/null -w "$print" -H "Authorization: Bearer $key" "$@"
}
for n in $(seq 40); do
  [ "$(ask "$KEY_GOOD" '%{http_code} %{http_version}' "$URL/v1/models")" = "200 2" ] || { echo "request $n failed"; exit 1; }
  sleep 0.1
done
[ "$(head -c 3000000 /dev/zero | ask "$KEY_GOOD" '%{http_code}' --data-binary @- "$URL/v1/files")" = 200 ]
for key in "$KEY_WRONG" "$KEY_EXPIRED" "$KEY_REVOKED"; do
  [ "$(ask "$key" '%{http_code}' "$URL/v1/models")" = 401 ] || { echo "a refused key was accepted"; exit 1; }
done
echo "41 requests"
