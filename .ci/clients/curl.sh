#!/usr/bin/env bash
# curl over HTTP/2: the option is --http2-prior-knowledge, or --http2 for ALPN over TLS.
set -euo pipefail
http2="$1"
ask() { # key, what to print, and more options
  local key="$1" print="$2"
  shift 2
  curl -sS "$http2" --cacert "$CA" -m 30 -o /dev/null -w "$print" -H "Authorization: Bearer $key" "$@"
}
count=0
while [ ! -e "$DONE" ]; do
  [ "$(ask "$KEY_GOOD" '%{http_code} %{http_version}' "$URL/v1/models")" = "200 2" ] || { echo "request $count failed"; exit 1; }
  head -c 3000000 /dev/zero >"$DONE.upload"
  [ "$(ask "$KEY_GOOD" '%{http_code} %{http_version}' --data-binary "@$DONE.upload" "$URL/v1/files")" = "200 2" ] ||
    { echo "upload $count failed"; exit 1; }
  count=$((count + 2))
done
for key in "$KEY_WRONG" "$KEY_EXPIRED" "$KEY_REVOKED"; do
  for upload in "" "--data-binary @$DONE.upload"; do
    # shellcheck disable=SC2086 # two words, or none
    [ "$(ask "$key" '%{http_code} %{http_version}' $upload "$URL/v1/files")" = "401 2" ] || { echo "a refused key got no 401"; exit 1; }
  done
done
echo "$count calls"
