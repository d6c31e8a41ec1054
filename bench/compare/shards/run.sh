# shards: point reads and single-row writes by key with shards against the same without, both through Tenfold.Postgres; then a bucket
# of 100,000 rows is moved between two servers while 500 rows a second are written to it, and 500 a second to others.

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/initdb" ] || missing "no PostgreSQL in /usr/lib/postgresql; run: apt-get install postgresql"
driver=$here/shards/driver
dotnet build "$driver" -c Release -v q --nologo >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "the driver does not build"; }
driver=$driver/bin/Release/net10.0/ShardsDriver
as=()
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=postgres --regid=postgres --init-groups --); fi

server() { # server NAME: a PostgreSQL with its defaults for durability; its connection string is then in $server, its process id in $started_pid
  local data=$tmp/$1
  mkdir -p "$data"
  [ ${#as[@]} = 0 ] || chown postgres "$data"
  (cd "$data" && "${as[@]}" "$bin/initdb" -D "$data/d" -U postgres --auth=trust --encoding=UTF8 --lc-collate=C --lc-ctype=C.UTF-8 --no-sync) >"$tmp/initdb.log" 2>&1 || die 3 "initdb failed: $(tail -n 3 "$tmp/initdb.log")"
  free_port
  start "$1" "${as[@]}" "$bin/postgres" -D "$data/d" -c port=$port -c listen_addresses=127.0.0.1 -c unix_socket_directories="$data" -c wal_level=logical -c shared_buffers=256MB -c max_wal_size=2GB -c jit=off
  for ((i = 0; i < 100; i++)); do "$bin/pg_isready" -q -h 127.0.0.1 -p $port && break; sleep 0.1; done
  server="Host=127.0.0.1;Port=$port;Username=postgres;Database=postgres;Max Auto Prepare=64;Auto Prepare Min Usages=2;No Reset On Close=true;Maximum Pool Size=40"
}
server home; home=$server home_pid=$started_pid
server other; other=$server
"$driver" fill "$home" "$other" 100000 16 2>"$tmp/fill.err" || die 3 "the tables cannot be filled: $(tail -n 3 "$tmp/fill.err")"

warm=1.5 window=3 callers=4
[ $quick = 0 ] || window=1
machine
echo "versions: .NET $(dotnet --version), $("$bin/postgres" --version)"
echo "ran: by primary key, $callers callers, $warm s of warm-up each, $pairs rounds of $window s each; CPU is of the client and the server together; commits wait for the disk"

sides=(shard plain)
for ((pair = 1; pair <= pairs; pair++)); do
  for operation in read write; do
    for side in $(order $pair "${sides[@]}"); do
      read -r done seconds own server_cpu < <("$driver" ops "$home" "$other" "$side" $operation $callers $warm $window "$home_pid" 2>"$tmp/$side.err")
      [ "${done:-0}" -gt 0 ] || invalid "$side ${operation}s: $(tail -n 3 "$tmp/$side.err")"
      record "$side" $pair "$operation-time" "$(calc "$seconds * $callers / $done * 1e6" 1)"
      record "$side" $pair "$operation-cpu" "$(calc "($own + $server_cpu) / $done" 1)"
      record "$side" $pair "$operation-client" "$(calc "$own / $done" 1)"
    done
  done
done
for operation in read write; do
  figures $operation-time "time a $operation, µs" "${sides[@]}"
  figures $operation-cpu "CPU a $operation (client, server), µs" "${sides[@]}"
  figures $operation-client "CPU a $operation (client), µs" "${sides[@]}"
done

read -r blocked longest waited others count took < <("$driver" move "$home" "$other" 500 2>"$tmp/move.err")
[ -n "${took:-}" ] || invalid "the move failed: $(tail -n 3 "$tmp/move.err")"
echo
echo "move of a bucket of 100,000 rows under 2 × 500 writes a second: $took s, of which 1 s is the pause before the source's rows are deleted; $count writes of the bucket"
echo "  writes of the bucket waited for $blocked ms; the longest write of it took $longest ms, the longest of others (of the whole run) $others ms"

info "shards-cpu-read $(median_ratio read-cpu shard plain)"
info "shards-cpu-write $(median_ratio write-cpu shard plain)"
ratio shards-read-time-vs-unsharded read-time shard plain "<=" 1.05
ratio shards-write-time-vs-unsharded write-time shard plain "<=" 1.05
record blocked 1 move "$blocked"; record one 1 move 1
ratio shards-move-blocked-milliseconds move blocked one "<=" 300
record waited 1 others "$waited"; record one 1 others 1
ratio shards-move-writes-of-others-that-waited others waited one "<=" 0
