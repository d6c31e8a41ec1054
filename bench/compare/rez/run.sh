# rez: requests per CPU-second of GET /api/products?page=1&limit=20 behind its gateway, with its cache and without, against
# Express with pg (and ioredis, cache-aside) on the same PostgreSQL and Redis with the same rows, and against a Kestrel
# endpoint that sends the same bytes through the same gateway. Each application side has two processes of 500m.

need hey hey
npm_peer express
tenfold_ready

warm=12 window=5
[ $quick = 0 ] || { warm=3 window=2; }
list="/api/products?page=1&limit=20"

free_port; tenfold_port=$port
system=$here/rez
export BENCH_PORT=$tenfold_port BENCH_BODY=$tmp/body.json BENCH_REZ=$tmp/rez/rez.dll
down() { "$repo/tenfold" down "$system" --delete >/dev/null 2>&1; }
on_stop+=(down)
echo "building rez, and starting it with its 250,000 products"
dotnet publish "$repo/systems/rez" -c Release --use-current-runtime --self-contained false -p:PublishReadyToRun=true \
  --artifacts-path "$tmp/artifacts" --output "$tmp/rez" --nologo -v q >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "rez does not build"; }
"$repo/tenfold" up "$system" --detach >"$tmp/up.log" 2>&1 || { tail -n 20 "$tmp/up.log" >&2; die 3 "tenfold up failed"; }
host=$(host_pid bench-rez) || exit 3
postgres=$(store_pids "$host" postgres) redis=$(store_pids "$host" redis-server)
instances() { # instances SERVICE: their process ids
  "$repo/tenfold" status "$system" --json | node -e '
    const status = JSON.parse(require("fs").readFileSync(0));
    console.log(status.services.find(s => s.name === process.argv[1]).instances.map(i => i.pid).join(" "));
  ' "$1"
}

# The peer connects to the same database over the same socket, in the same way: pool of 50 a process, nothing in between.
export NODE_ENV=production
while IFS="=" read -r key value; do
  case $key in Host) export PGHOST=$value ;; Port) export PGPORT=$value ;; Database) export PGDATABASE=$value ;; Username) export PGUSER=$value ;; Password) export PGPASSWORD=$value ;; esac
done < <(connection_string "$host" main | tr ";" "\n")
[ -n "${PGHOST:-}" ] || die 3 "the instances of rez have no connection string of the store main"
cache_url=$(connection_string "$host" cache)
[ -n "$cache_url" ] || die 3 "the instances of rez have no connection string of the store cache"
express() { # express NAME VARIABLE=VALUE...
  local worker n=0 name=$1; shift
  free_port
  start "$name" env PORT="$port" "$@" node "$peer/server.js"
  wait_http "http://127.0.0.1:$port$list" 20 "$name"
  for worker in $(pgrep -P "$started_pid"); do
    n=$((n + 1))
    limit_cpu "$name-$n" "$worker" 500 || limits="none: this machine allows no cgroup"
  done
  [ $n = 2 ] || invalid "$name has $n processes, not 2"
  of[$name]=$started_pid at[$name]=http://127.0.0.1:$port
}
limits="two processes of 500m on each side"
declare -A of at
express express
express express-kept COUNT=kept
express express-cached REDIS="$cache_url"
for side in cached:tenfold uncached:tenfold-uncached static:static; do
  of[${side#*:}]="=$host $(instances "${side%%:*}")" at[${side#*:}]=http://127.0.0.1:$tenfold_port
done
sides="tenfold tenfold-uncached static express express-kept express-cached"

get() { curl -sf -H "X-Side: $1" "${at[$1]}$list"; } # get SIDE
get tenfold-uncached >"$BENCH_BODY" || die 3 "rez does not answer"
for side in tenfold static; do
  for ((i = 0; i < 8; i++)); do # both instances
    get $side | cmp -s - "$BENCH_BODY" || invalid "$side does not answer the same bytes as tenfold-uncached"
  done
done
for side in express express-kept express-cached; do
  for ((i = 0; i < 4; i++)); do get $side >"$tmp/$side.json"; done
  node -e '
    const [a, b] = process.argv.slice(1).map(f => JSON.parse(require("fs").readFileSync(f)));
    const plain = p => ({ ...p, createdAt: Date.parse(p.createdAt), updatedAt: Date.parse(p.updatedAt) });
    require("assert").deepStrictEqual([b.success, b.data.length, b.data.map(plain)], [true, 20, a.data.map(plain)]);
  ' "$BENCH_BODY" "$tmp/$side.json" >&2 || invalid "$side does not answer the same 20 products as tenfold"
done

machine
echo "versions: tenfold $("$repo/tenfold" --version 2>/dev/null), express $(node -p "require('$peer/node_modules/express/package.json').version"), pg $(node -p "require('$peer/node_modules/pg/package.json').version"), ioredis $(node -p "require('$peer/node_modules/ioredis/package.json').version"), node $(node -v), PostgreSQL $(curl -s "${at[express]}/version"), hey $(dpkg-query -W -f '${Version}' hey)"
echo "ran: GET $list; the same 20 products from all ($(wc -c <"$BENCH_BODY") and $(wc -c <"$tmp/express.json") bytes); 64 connections; CPU limits: $limits; $warm s of warm-up each, then $pairs rounds of about $window s each"
echo "note: tenfold, tenfold-uncached and static go through Tenfold's gateway, whose CPU is counted with the app's; Express is asked directly"

run_hey() { # run_hey SIDE HEY-ARGUMENTS...: then $requests and $rps; every request that is begun is also finished
  local side=$1; shift
  hey -c 64 -t 60 -H "X-Side: $side" "$@" "${at[$side]}$list" >"$tmp/hey.out" 2>&1 || { cat "$tmp/hey.out" >&2; invalid "hey failed at $side"; }
  read -r requests rps others < <(awk '
    $1 == "Requests/sec:" { r = $2 } $1 == "[200]" { n = $2 } /^ *\[[0-9]+\]/ && $1 != "[200]" { o++ } END { print n + 0, r + 0, o + 0 }' "$tmp/hey.out")
  [ "$others" = 0 ] && [ "$requests" -gt 0 ] || { tail -n 20 "$tmp/hey.out" >&2; invalid "errors at $side"; }
}

declare -A count
for side in $sides; do
  run_hey $side -z "${warm}s"
  count[$side]=$(calc "64 * int($rps * $window / 64 + 1)" 0)
done
sleep 1

for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair $sides); do
    app=$(cpu_ticks "${of[$side]}") stores=$(cpu_ticks "$postgres $redis")
    run_hey $side -n "${count[$side]}"
    app=$(($(cpu_ticks "${of[$side]}") - app)) stores=$(($(cpu_ticks "$postgres $redis") - stores))
    [ $app -gt 0 ] || invalid "$side used no CPU that could be measured"
    record $side $pair per-second "$(calc "$requests / ($app / $tick)" 0)"
    record $side $pair per-second-all "$(calc "$requests / (($app + $stores) / $tick)" 1)"
    record $side $pair app "$(calc "$app / $tick / $requests * 1e6" 1)"
    record $side $pair stores "$(calc "$stores / $tick / $requests * 1e6" 1)"
    record $side $pair rate "$(calc "$rps" 0)"
  done
done

figures per-second "requests a CPU-second, app" $sides
figures per-second-all "same, stores counted too" $sides
figures app "CPU a request of the app, µs" $sides
figures stores "CPU a request, stores, µs" $sides
figures rate "requests a second" $sides
info "rez-uncached-vs-express-that-keeps-the-total $(median_ratio per-second tenfold-uncached express-kept), stores counted too $(median_ratio per-second-all tenfold-uncached express-kept)"
info "rez-cached-vs-express-cached, stores counted too $(median_ratio per-second-all tenfold express-cached)"
ratio rez-uncached-requests-per-cpu-second-vs-express per-second tenfold-uncached express ">=" 4
ratio rez-uncached-requests-per-cpu-second-with-stores-vs-express per-second-all tenfold-uncached express ">=" 4
ratio rez-cached-requests-per-cpu-second-vs-express-cached per-second tenfold express-cached ">=" 10
ratio rez-cached-requests-per-cpu-second-vs-static per-second tenfold static ">=" 0.6
