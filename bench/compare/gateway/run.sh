# gateway: CPU of the proxy per request, and p99 at a fixed rate, Tenfold's gateway against nginx and HAProxy in front of
# the same two nginx that serve 5 KB of JSON over keep-alive.

need nginx nginx-light
need haproxy haproxy
need wrk wrk
need node nodejs
tenfold_ready

warm=10 window=5 rate_window=6
[ $quick = 0 ] || { warm=2 window=1 rate_window=2; }

# Tenfold starts the two upstreams, and the peers use the same two.
free_port; export BENCH_PORT=$port
export BENCH_FOLDER=$tmp/www; mkdir -p "$BENCH_FOLDER"; chmod 777 "$BENCH_FOLDER"
down() { "$repo/tenfold" down "$here/gateway" --delete >/dev/null 2>&1; }
on_stop+=(down)
"$repo/tenfold" up "$here/gateway" --detach >"$tmp/up.log" 2>&1 || { tail -n 20 "$tmp/up.log" >&2; die 3 "tenfold up failed"; }
tenfold_port=$BENCH_PORT
wait_http "http://127.0.0.1:$tenfold_port/products.json" 20 up
host=$(host_pid bench-gateway) || exit 3

upstreams=("$BENCH_FOLDER"/upstream-*)
[ ${#upstreams[@]} = 2 ] || die 3 "expected two upstreams, found ${upstreams[*]}"
fill() { # fill FILE FOLDER
  mkdir -p "$2"
  sed "s|@FOLDER@|$2|g; s|@PORT@|$port|g; s|@UPSTREAM1@|${upstreams[0]##*-}|g; s|@UPSTREAM2@|${upstreams[1]##*-}|g" "$here/gateway/$1" >"$2/$1"
}
free_port; nginx_port=$port
fill nginx.conf "$tmp/nginx"
start nginx nginx -c "$tmp/nginx/nginx.conf" -p "$tmp/nginx" -e "$tmp/nginx/error.log"; nginx=$started_pid
free_port; haproxy_port=$port
fill haproxy.cfg "$tmp/haproxy"
start haproxy haproxy -db -f "$tmp/haproxy/haproxy.cfg"; haproxy=$started_pid

declare -A of=([tenfold]="=$host" [nginx]=$nginx [haproxy]=$haproxy)
declare -A at=([tenfold]=http://127.0.0.1:$tenfold_port [nginx]=http://127.0.0.1:$nginx_port [haproxy]=http://127.0.0.1:$haproxy_port)
for side in nginx haproxy; do wait_http "${at[$side]}/products.json" 10 $side; done
first=$(curl -s "${at[nginx]}/products.json" | cksum)
for side in tenfold haproxy; do
  [ "$(curl -s "${at[$side]}/products.json" | cksum)" = "$first" ] || invalid "$side answers another body than nginx"
done

machine
echo "versions: tenfold $("$repo/tenfold" --version 2>/dev/null), $(nginx -v 2>&1), $(haproxy -v | awk '{ print $1, $3; exit }'), wrk $(wrk -v 2>&1 | awk '{ print $2; exit }')"
echo "ran: GET /products.json ($(curl -s "${at[nginx]}/products.json" | wc -c) bytes) from two nginx upstreams; 64 connections; $warm s of warm-up each, then $pairs rounds of $window s each"

for side in tenfold nginx haproxy; do run_wrk "${at[$side]}/products.json" $warm; done

for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair tenfold nginx haproxy); do
    cpu=$(cpu_ticks "${of[$side]}")
    run_wrk "${at[$side]}/products.json" $window
    cpu=$(($(cpu_ticks "${of[$side]}") - cpu))
    [ $cpu -gt 0 ] || invalid "$side used no CPU that could be measured"
    record $side $pair cpu "$(calc "$cpu / $tick / $requests * 1e6" 2)"
    record $side $pair rate "$(calc "$rps" 0)"
    record $side $pair loaded-p99 "$(calc "$p99" 2)"
  done
done
figures cpu "CPU a request of the proxy, µs" tenfold nginx haproxy
figures rate "requests a second at saturation" tenfold nginx haproxy
figures loaded-p99 "p99 at saturation, ms" tenfold nginx haproxy

# The rate: 70% of what nginx carries from this generator on this machine, open model. Both sides then get that same rate.
load() { # load TEST SIDE SECONDS: then $requests, $rps, $p99 (ms)
  local try code
  for try in 1 2 3; do
    BENCH_SECONDS=$3 "$repo/tenfold" load "$here/gateway" "$1" --target "${at[$2]}" --json "$tmp/load.json" >"$tmp/load.out" 2>&1
    code=$?
    # Exit 4: the generator itself fell behind (something else had the processor). The same again, whichever side it was.
    [ $code = 4 ] || break
    echo "note: $2 again: $(sed -n "s/^invalid: //p" "$tmp/load.out" | head -n 1)"
  done
  [ $code = 0 ] || { tail -n 20 "$tmp/load.out" >&2; invalid "tenfold load $1 against $2 ended with exit code $code"; }
  read -r requests rps p99 errors < <(load_figures "$tmp/load.json")
  [ "$errors" = 0 ] || invalid "$errors errors from $2 under tenfold load $1"
}
holds() { # holds SIDE: whether it carries BENCH_RATE, open model, without errors and without the arrivals falling behind
  BENCH_SECONDS=3 "$repo/tenfold" load "$here/gateway" steady --target "${at[$1]}" --json "$tmp/load.json" >"$tmp/load.out" 2>&1 || return 1
  read -r requests rps p99 errors < <(load_figures "$tmp/load.json")
  [ "$errors" = 0 ]
}
load saturate nginx $rate_window
closed=$rps
export BENCH_RATE
# 64 users that wait for each other wake everything in batches; arrivals that wait for nobody do not, so less is carried.
saturation=0
for share in 90 80 70 60 50 40 30 20; do
  BENCH_RATE=$(calc "$closed * $share / 100" 0)
  if holds nginx; then saturation=$BENCH_RATE; break; fi
  sleep 1
done
[ "$saturation" != 0 ] || invalid "nginx does not hold even $BENCH_RATE requests/s from tenfold load"
BENCH_RATE=$(calc "$saturation * 0.7" 0)
echo
echo "nginx carries $(calc "$closed" 0) requests/s from 64 users of tenfold load, and $saturation requests/s as open arrivals; both now get 70% of these, $BENCH_RATE requests/s, open model, 2 s of ramp and $rate_window s each"
for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair tenfold nginx); do
    load steady $side $rate_window
    record $side $pair p99 "$(calc "$p99" 3)"
    record $side $pair held "$(calc "$rps" 0)"
  done
done
figures p99 "p99 at that rate, ms" tenfold nginx
figures held "requests a second then" tenfold nginx

info "gateway-cpu-vs-haproxy $(median_ratio cpu tenfold haproxy)"
info "haproxy-cpu-vs-nginx $(median_ratio cpu haproxy nginx)"
info "gateway-throughput-vs-nginx $(median_ratio rate tenfold nginx)"
ratio gateway-cpu-vs-nginx cpu tenfold nginx "<=" 1.3
ratio gateway-p99-vs-nginx p99 tenfold nginx "<=" 1.0
