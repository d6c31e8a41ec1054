# load: CPU of the generator per request, Tenfold against wrk, hey and autocannon, on the same keep-alive GET of 5 KB.
# Requests are counted by the server, over the same window as the CPU: start-up and warm-up of every generator are left out.

need nginx nginx-light
need wrk wrk
need hey hey
npm_peer autocannon
tenfold_ready

warm=4 window=5
[ $quick = 0 ] || { warm=2 window=1; }
export BENCH_SECONDS=$((warm + window + 2))

free_port
PORT=$port start nginx "$here/upstream.sh" "$tmp"
base=http://127.0.0.1:$port url=http://127.0.0.1:$port/products.json
wait_http "$base/health" 10 nginx

machine
echo "versions: tenfold $("$repo/tenfold" --version 2>/dev/null), $(nginx -v 2>&1), wrk $(wrk -v 2>&1 | awk '{ print $2; exit }'), hey $(dpkg-query -W -f '${Version}' hey), autocannon $(node -p "require('$peer/node_modules/autocannon/package.json').version") on node $(node -v)"
echo "ran: GET $url ($(curl -s "$url" | wc -c) bytes), nginx with one worker, 64 connections, closed model, $warm s of warm-up, $window s measured, $pairs pairs"

served() { http_body "$port" /requests | awk 'NR == 3 { print $3 }'; }

generate() { # generate SIDE: the command, its output in SIDE.log
  case $1 in
    tenfold) start tenfold "$repo/tenfold" load "$here/load" get --target "$base" --json "$tmp/tenfold.json" ;;
    wrk) start wrk wrk -t2 -c64 -d"${BENCH_SECONDS}s" "$url" ;;
    hey) start hey hey -c 64 -z "${BENCH_SECONDS}s" "$url" ;;
    autocannon) start autocannon node "$peer/node_modules/autocannon/autocannon.js" -c 64 -d "$BENCH_SECONDS" -n -j "$url" ;;
  esac
}

without_errors() { # without_errors SIDE
  case $1 in
    tenfold) node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1])); process.exit(r.total.errors === 0 ? 0 : 1)' "$tmp/tenfold.json" ;;
    wrk) ! grep -qE 'Socket errors|Non-2xx' "$tmp/wrk.log" ;;
    hey) ! grep -q 'Error distribution' "$tmp/hey.log" && ! grep -E '^ *\[[0-9]+\]' "$tmp/hey.log" | grep -qv '\[200\]' ;;
    autocannon) node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8").split("\n").find(l => l.startsWith("{"))); process.exit(r.errors + r.timeouts + r.non2xx === 0 ? 0 : 1)' "$tmp/autocannon.log" ;;
  esac
}

measure() { # measure SIDE PAIR
  local side=$1 pid cpu from
  generate "$side"
  pid=$started_pid
  sleep $warm
  cpu=$(cpu_ticks "$pid") from=$(served)
  sleep $window
  cpu=$(($(cpu_ticks "$pid") - cpu)) from=$(($(served) - from))
  finish "$pid" || { tail -n 20 "$tmp/$side.log" >&2; invalid "$side ended with exit code $?"; }
  without_errors "$side" || { tail -n 20 "$tmp/$side.log" >&2; invalid "$side met errors"; }
  [ "$from" -gt 100 ] && [ $cpu -gt 0 ] || invalid "$side sent $from requests with $cpu ticks of CPU"
  record "$side" "$2" cpu "$(calc "$cpu / $tick / $from * 1e6" 2)"
  record "$side" "$2" rate "$(calc "$from / $window" 0)"
  record "$side" "$2" cores "$(calc "$cpu / $tick / $window" 2)"
}

for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair tenfold wrk hey autocannon); do measure "$side" $pair; done
done

figures cpu "CPU a request, µs" tenfold wrk hey autocannon
figures rate "requests a second" tenfold wrk hey autocannon
figures cores "cores used by the generator" tenfold wrk hey autocannon
ratio load-cpu-vs-wrk cpu tenfold wrk "<=" 3
ratio load-cpu-vs-hey cpu tenfold hey "<=" 0.5
ratio load-cpu-vs-autocannon cpu tenfold autocannon "<=" 0.5
