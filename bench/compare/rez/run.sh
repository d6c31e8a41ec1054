# rez: requests per CPU-second of GET /api/products?page=1&limit=20, Tenfold's rez behind its gateway against Express and
# pg on the same PostgreSQL with the same rows. Both application sides have two processes of 500m each.

need hey hey
npm_peer express
tenfold_ready

warm=15 window=6
[ $quick = 0 ] || { warm=3 window=2; }
list="/api/products?page=1&limit=20"

free_port; tenfold_port=$port
system=$repo/systems/rez
export REZ_PORT=$tenfold_port
down() { "$repo/tenfold" down "$system" --delete >/dev/null 2>&1; }
on_stop+=(down)
echo "starting rez with its 250,000 products"
"$repo/tenfold" up "$system" --detach >"$tmp/up.log" 2>&1 || { tail -n 20 "$tmp/up.log" >&2; die 3 "tenfold up failed"; }
wait_http "http://127.0.0.1:$tenfold_port$list" 20 up
host=$(host_pid rez) || exit 3
stores=$(store_pids "$host")
postgres=$(store_pids "$host" postgres)

# The peer connects to the same database over the same socket, in the same way: pool of 50 a process, nothing in between.
export NODE_ENV=production
while IFS="=" read -r key value; do
  case $key in Host) export PGHOST=$value ;; Port) export PGPORT=$value ;; Database) export PGDATABASE=$value ;; Username) export PGUSER=$value ;; Password) export PGPASSWORD=$value ;; esac
done < <(connection_string "$host" main | tr ";" "\n")
[ -n "${PGHOST:-}" ] || die 3 "the instances of rez have no connection string of the store main"
express() { # express NAME [COUNT]
  local worker n=0
  free_port
  PORT=$port COUNT=${2:-} start "$1" node "$peer/server.js"
  wait_http "http://127.0.0.1:$port$list" 20 "$1"
  for worker in $(pgrep -P "$started_pid"); do
    n=$((n + 1))
    limit_cpu "$1-$n" "$worker" 500 || limits="none: this machine allows no cgroup"
  done
  [ $n = 2 ] || invalid "$1 has $n processes, not 2"
}
limits="two processes of 500m on each side"
express express;           declare -A of=([express]=$started_pid) at=([express]=http://127.0.0.1:$port)
express express-kept kept; of[express-kept]=$started_pid at[express-kept]=http://127.0.0.1:$port
of[tenfold]=$host at[tenfold]=http://127.0.0.1:$tenfold_port

for side in tenfold express express-kept; do curl -s "${at[$side]}$list" >"$tmp/$side.json"; done
for side in express express-kept; do
  node -e '
    const [a, b] = process.argv.slice(1).map(f => JSON.parse(require("fs").readFileSync(f)));
    const plain = p => ({ ...p, createdAt: Date.parse(p.createdAt), updatedAt: Date.parse(p.updatedAt) });
    require("assert").deepStrictEqual([b.success, b.data.length, b.data.map(plain)], [true, 20, a.data.map(plain)]);
  ' "$tmp/tenfold.json" "$tmp/$side.json" >&2 || invalid "$side does not answer the same 20 products as tenfold"
done

machine
echo "versions: tenfold $("$repo/tenfold" --version 2>/dev/null), express $(node -p "require('$peer/node_modules/express/package.json').version"), pg $(node -p "require('$peer/node_modules/pg/package.json').version"), node $(node -v), PostgreSQL $(curl -s "${at[express]}/version"), hey $(dpkg-query -W -f '${Version}' hey)"
echo "ran: GET $list; the same 20 products from both ($(wc -c <"$tmp/tenfold.json") and $(wc -c <"$tmp/express.json") bytes); 64 connections; CPU limits: $limits; $warm s of warm-up each, then $pairs rounds of about $window s each"

run_hey() { # run_hey URL HEY-ARGUMENTS...: then $requests and $rps; every request that is begun is also finished
  local url=$1; shift
  hey -c 64 -t 60 "$@" "$url" >"$tmp/hey.out" 2>&1 || { cat "$tmp/hey.out" >&2; invalid "hey failed at $url"; }
  read -r requests rps others < <(awk '
    $1 == "Requests/sec:" { r = $2 } $1 == "[200]" { n = $2 } /^ *\[[0-9]+\]/ && $1 != "[200]" { o++ } END { print n + 0, r + 0, o + 0 }' "$tmp/hey.out")
  [ "$others" = 0 ] && [ "$requests" -gt 0 ] || { tail -n 20 "$tmp/hey.out" >&2; invalid "errors at $url"; }
}

declare -A count
for side in tenfold express express-kept; do
  run_hey "${at[$side]}$list" -z "${warm}s"
  count[$side]=$(calc "64 * int($rps * $window / 64 + 1)" 0)
done
sleep 1

for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair tenfold express express-kept); do
    app=$(cpu_ticks "${of[$side]}" "$stores") database=$(cpu_ticks "$postgres")
    run_hey "${at[$side]}$list" -n "${count[$side]}"
    app=$(($(cpu_ticks "${of[$side]}" "$stores") - app)) database=$(($(cpu_ticks "$postgres") - database))
    [ $app -gt 0 ] || invalid "$side used no CPU that could be measured"
    record $side $pair per-second "$(calc "$requests / ($app / $tick)" 0)"
    record $side $pair per-second-all "$(calc "$requests / (($app + $database) / $tick)" 1)"
    record $side $pair app "$(calc "$app / $tick / $requests * 1e6" 1)"
    record $side $pair database "$(calc "$database / $tick / $requests * 1e6" 1)"
    record $side $pair rate "$(calc "$rps" 0)"
  done
done

sides="tenfold express express-kept"
figures per-second "requests a CPU-second, app" $sides
figures per-second-all "same, PostgreSQL counted too" $sides
figures app "CPU a request of the app, µs" $sides
figures database "CPU a request, PostgreSQL, µs" $sides
figures rate "requests a second" $sides
info "rez-requests-per-cpu-second-vs-express-that-keeps-the-total $(median_ratio per-second tenfold express-kept)"
info "the same with PostgreSQL's CPU $(median_ratio per-second-all tenfold express-kept)"
ratio rez-requests-per-cpu-second-vs-express per-second tenfold express ">=" 4
ratio rez-requests-per-cpu-second-with-postgres-vs-express per-second-all tenfold express ">=" 4
