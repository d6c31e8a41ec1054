#!/usr/bin/env bash
# nginx on $PORT serving /products.json, 5 KB of JSON, from the folder given. Runs by itself and as a Tenfold service.
set -euo pipefail
PATH=$PATH:/usr/sbin
folder=$1/upstream-$PORT
mkdir -p "$folder/www"
awk 'BEGIN {
  printf "{\"success\":true,\"data\":["
  for (i = 1; i <= 20; i++) {
    item = sprintf("%s{\"id\":%d,\"name\":\"Product %05d\",\"price\":%d.99,\"rating\":4.%d,\"merchantId\":%d,\"description\":\"", i > 1 ? "," : "", 100000 + i, i, 10 + i, i % 10, 5000 + i)
    while (length(item) < 252) item = item "abcdefghijklmnopqrstuvwxyz"
    printf "%s\"}", substr(item, 1, 252)
  }
  printf "]}"
}' >"$folder/www/products.json"
sed "s|@FOLDER@|$folder|g; s|@PORT@|$PORT|g" "$(dirname "$0")/upstream.conf" >"$folder/nginx.conf"
chmod -R a+rX "$folder"
exec nginx -c "$folder/nginx.conf" -p "$folder" -e "$folder/error.log"
