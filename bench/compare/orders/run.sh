# orders: orders that rez commits in a second, asked for through its gateway (stock held, order written, event in the outbox; two
# instances of one core), against pgbench's TPC-B on the same PostgreSQL with the same durability. Generators and servers share the machine.

tenfold_ready

warm=6 window=12
[ $quick = 0 ] || { warm=3 window=4; }
users=32

system=$here/orders
free_port
export BENCH_PORT=$port
down() { "$repo/tenfold" down "$system" --delete >/dev/null 2>&1; }
on_stop+=(down)
echo "building rez, and starting it with 2,000 products and their buyers"
"$repo/tenfold" up "$system" --detach >"$tmp/up.log" 2>&1 || { tail -n 20 "$tmp/up.log" >&2; die 3 "tenfold up failed"; }

# The superuser of rez' own server, over its socket.
admin=$(curl -sf --unix-socket "$TENFOLD_STATE/bench-orders/run/control.sock" http://control/databases | node -e '
  const database = JSON.parse(require("fs").readFileSync(0)).find(d => d.name === "main");
  console.log(database.adminConnectionString);') || die 3 "the running system does not tell its databases"
while IFS="=" read -r key value; do
  case $key in Host) export PGHOST=$value ;; Port) export PGPORT=$value ;; Username) export PGUSER=$value ;; esac
done < <(tr ";" "\n" <<<"$admin")
pgbench=$(ls -d /usr/lib/postgresql/*/bin/pgbench 2>/dev/null | tail -n 1)
[ -n "$pgbench" ] || missing "pgbench is missing; it comes with the package postgresql"
psql() { "${pgbench%pgbench}psql" -XAtq "$@"; }
psql -d postgres -c "CREATE DATABASE tpcb" >"$tmp/psql.log" 2>&1 || { cat "$tmp/psql.log" >&2; die 3 "no database for pgbench"; }
"$pgbench" -i -s 10 -q tpcb >"$tmp/pgbench.log" 2>&1 || { tail -n 5 "$tmp/pgbench.log" >&2; die 3 "pgbench -i failed"; }

tpcb() { # tpcb SECONDS: then $rate
  "$pgbench" -n -M prepared -c $users -j 2 -T "$1" tpcb >"$tmp/pgbench.out" 2>&1 || { tail -n 5 "$tmp/pgbench.out" >&2; invalid "pgbench failed"; }
  rate=$(awk '/^tps = / { print $3 }' "$tmp/pgbench.out")
  grep -q 'number of failed transactions: 0 ' "$tmp/pgbench.out" || invalid "transactions of pgbench failed"
}
place() { # place SECONDS: then $rate
  "$repo/tenfold" load "$system" place --for "${1}s" --json "$tmp/place.json" >"$tmp/place.out" 2>&1 || { tail -n 25 "$tmp/place.out" >&2; invalid "orders failed"; }
  rate=$(node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(r.total.count / r.elapsedSeconds); process.exit(r.total.errors ? 1 : 0)' "$tmp/place.json") || invalid "orders failed"
  p95=$(node -e 'console.log(JSON.parse(require("fs").readFileSync(process.argv[1])).total.latencyMilliseconds.p95)' "$tmp/place.json")
}

machine
echo "versions: tenfold $("$repo/tenfold" --version 2>/dev/null), PostgreSQL $(psql -d postgres -c 'SHOW server_version'), fsync $(psql -d postgres -c 'SHOW fsync'), synchronous_commit $(psql -d tpcb -c 'SHOW synchronous_commit')"
echo "ran: POST /api/orders of one of 2,000 products, $users buyers at a time; pgbench TPC-B, scale 10, $users clients, prepared; $warm s of warm-up each, then $pairs rounds of $window s each"
place $warm; tpcb 3
for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair orders tpcb); do
    if [ "$side" = orders ]; then place $window; record orders $pair p95 "$p95"; else tpcb $window; fi
    record "$side" $pair rate "$(calc "$rate" 1)"
  done
done

figures rate "commits a second" orders tpcb
figures p95 "p95 of an order, ms" orders
ratio orders-committed-per-second-vs-pgbench-tpc-b rate orders tpcb ">=" 0.25
