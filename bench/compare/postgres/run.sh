# postgres: CPU and allocations of point reads and of a list of 20 rows through the data plane against bare Npgsql, on one
# server; reads per CPU-second against pg (Node.js); and how many reads a primary with two replicas is left with.

postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$postgres" ] || { need initdb postgresql; postgres=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1); }
npm_peer pg

driver=$here/postgres/driver
dotnet build "$driver" -c Release -v q --nologo >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "the driver does not build"; }
driver=$driver/bin/Release/net10.0/PostgresDriver

as=() # never as root
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=postgres --regid=postgres --init-groups --); fi
data=$tmp/pg
mkdir "$data" && { [ "$(id -u)" != 0 ] || chown postgres "$data"; }
sql() { "$postgres/psql" -qAtX -h 127.0.0.1 -p "$1" -U postgres -d postgres -c "$2"; }
up() { # up NAME PORT
  start "$1" "${as[@]}" "$postgres/postgres" -D "$data/$1" -p "$2" -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$data" -c shared_buffers=64MB -c max_connections=200 -c jit=off -c wal_receiver_status_interval=1s
  local i
  for ((i = 0; i < 150; i++)); do [ "$(sql "$2" 'SELECT 1' 2>/dev/null)" = 1 ] && return 0; sleep 0.1; done
  tail -n 5 "$tmp/$1.log" >&2
  die 3 "PostgreSQL does not start"
}
(cd "$data" && "${as[@]}" "$postgres/initdb" -D "$data/primary" -U postgres --auth=trust --encoding=UTF8 --lc-collate=C --no-sync) >"$tmp/initdb.log" 2>&1 || { tail -n 5 "$tmp/initdb.log" >&2; die 3 "initdb failed"; }
free_port; primary=$port
up primary "$primary"
sql "$primary" "CREATE TABLE items AS SELECT n AS id, 'item ' || n AS name, n % 100 AS price FROM generate_series(1, 10000) n; ALTER TABLE items ADD PRIMARY KEY (id); ANALYZE items; CREATE TABLE counters (id int PRIMARY KEY, value bigint)" >/dev/null || die 3 "PostgreSQL does not take the rows"

# As the runtime starts instances (docs/guide.md, Service).
export DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0
# As docs/data.md says for services that wait and do not compute.
inline=DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1
callers=16 warm=4 window=2
[ $quick = 0 ] || { warm=1; window=1; }
machine
echo "versions: Npgsql 10.0.0, .NET $(dotnet --version), $("$postgres/postgres" --version), pg $(node -p "require('$peer/node_modules/pg/package.json').version"), Node.js $(node --version)"
echo "ran: $callers callers, one server over its Unix socket, prepared statements, $inline for .NET; $warm s of warm-up, then $pairs rounds of $window s a side; the data plane and bare Npgsql in one process, in turns of 0.2 s"

for ((pair = 1; pair <= pairs; pair++)); do
  for kind in point list; do
    for side in $(order $pair tenfold pg); do
      case $side in
        tenfold)
          read -r count cpu bytes other_count other_cpu other_bytes < <(env $inline "$driver" read "$data" "$primary" $kind $callers $warm $window 2>"$tmp/driver.err")
          [ "${other_count:-0}" -gt 0 ] || invalid "the driver got no answers: $(tail -n 3 "$tmp/driver.err")"
          record npgsql "$pair" "cpu-$kind" "$(calc "$other_cpu / $other_count")"
          record npgsql "$pair" "bytes-$kind" "$(calc "$other_bytes / $other_count" 0)"
          record tenfold "$pair" "bytes-$kind" "$(calc "$bytes / $count" 0)" ;;
        pg)
          read -r count cpu < <(cd "$peer" && node driver.js "$data" "$primary" $kind $callers $warm $window 2>"$tmp/pg.err")
          [ "${count:-0}" -gt 0 ] || invalid "pg got no answers: $(tail -n 3 "$tmp/pg.err")" ;;
      esac
      record $side "$pair" "cpu-$kind" "$(calc "$cpu / $count")"
      record $side "$pair" "per-cpu-second-$kind" "$(calc "$count / $cpu * 1e6" 0)"
    done
  done
done
for kind in point list; do
  figures cpu-$kind "CPU of the client a $kind read, µs" tenfold npgsql pg
  figures bytes-$kind "bytes allocated a $kind read" tenfold npgsql
done

read -r count cpu _ < <("$driver" read "$data" "$primary" point $callers $warm $window 2>"$tmp/driver.err")
info "without $inline: $(calc "$cpu / $count" 1) µs of CPU a point read, $(calc "$count / $cpu * 1e6" 0) a CPU-second"
read -r c0 u0 b0 c1 u1 b1 < <(env $inline "$driver" timed "$data" "$primary" point $callers $warm $window 2>"$tmp/driver.err")
info "each command timed for slow-query: $(calc "$u1 / $c1 - $u0 / $c0" 1) µs of CPU and $(calc "$b1 / $c1 - $b0 / $c0" 0) bytes more a point read"

# Replicas: 19 reads for a write, each caller sees what it wrote.
servers=127.0.0.1:$primary
for name in one two; do
  free_port
  (cd "$data" && "${as[@]}" "$postgres/pg_basebackup" -h 127.0.0.1 -p "$primary" -U postgres -D "$data/$name" -R -X stream -C -S "$name" --checkpoint=fast --no-sync) >"$tmp/basebackup.log" 2>&1 || { tail -n 5 "$tmp/basebackup.log" >&2; die 3 "pg_basebackup failed"; }
  up $name "$port"
  servers+=,127.0.0.1:$port
done
violations=0
for ((pair = 1; pair <= pairs; pair++)); do
  read -r writes reads by_primary wrong < <("$driver" mixed "$servers" 32 $((window + 1)) 2>"$tmp/mixed.err")
  [ "${reads:-0}" -gt 0 ] || invalid "the mixed run got no answers: $(tail -n 3 "$tmp/mixed.err")"
  violations=$((violations + wrong))
  record all "$pair" mixed "$reads"
  record primary "$pair" mixed "$by_primary"
  record writes "$pair" mixed "$writes"
done
figures mixed "reads in all and by the primary, and writes; one primary, two replicas, tokens on" all primary writes

for kind in point list; do
  ratio postgres-cpu-$kind-vs-npgsql cpu-$kind tenfold npgsql "<=" 1.05
  ratio postgres-bytes-$kind-vs-npgsql bytes-$kind tenfold npgsql "<=" 1.01 # the smallest object, 24 bytes, would be more than that
  ratio postgres-per-cpu-second-$kind-vs-pg per-cpu-second-$kind tenfold pg ">=" 3
done
ratio postgres-primary-reads-of-all mixed primary all "<=" 0.1
# The sum of all rounds stands in each of them: one violation anywhere is one too many.
for ((pair = 1; pair <= pairs; pair++)); do record sum "$pair" violations "$violations"; record one "$pair" violations 1; done
ratio postgres-read-your-writes-violations violations sum one "<=" 0
