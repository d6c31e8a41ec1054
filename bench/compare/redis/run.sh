# redis: throughput and CPU per command of the client, 1, 64 and 1,024 concurrent callers on one connection, against
# redis-benchmark with as many commands in its pipeline and ioredis with as many callers.

need redis-server redis-server
need redis-benchmark redis-tools
npm_peer ioredis

driver=$here/redis/driver
dotnet build "$driver" -c Release -v q --nologo >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "the driver does not build"; }
driver=$driver/bin/Release/net10.0/RedisDriver

warm=2 window=1.2
declare -A requests_of=([1]=20000 [64]=1000000 [1024]=3000000)

free_port
start redis redis-server --port "$port" --bind 127.0.0.1 --save "" --appendonly no --dir "$tmp"
for ((i = 0; i < 100; i++)); do [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && break; sleep 0.1; done
for ((i = 0; i < 1000; i++)); do printf 'SET key:%012d %0100d\r\n' $i 0; done | redis-cli -p "$port" >/dev/null
[ "$(redis-cli -p "$port" dbsize)" = 1000 ] || die 3 "redis-server does not take the keys"

machine
echo "versions: $("$repo/tenfold" --version 2>/dev/null || echo "tenfold of this commit"), .NET $(dotnet --version), $(redis-server --version | awk '{ print $1, $3 }'), ioredis $(node -p "require('$peer/node_modules/ioredis/package.json').version"), Node.js $(node --version)"
echo "ran: GET of 1,000 keys of 100 bytes over one connection; $warm s of warm-up each, then $pairs rounds of $window s each (redis-benchmark: ${requests_of[1]}, ${requests_of[64]} and ${requests_of[1024]} commands)"
echo "note: ioredis-auto is ioredis with enableAutoPipelining"

note() { # note SIDE CALLERS COMMANDS SECONDS CPU-MICROSECONDS
  [ "${3:-0}" -gt 0 ] || invalid "$1 with $2 callers got no answers: $(tail -n 3 "$tmp/$1.err")"
  record "$1" "$pair" "rate-$2" "$(calc "$3 / $4" 0)"
  record "$1" "$pair" "cpu-$2" "$(calc "$5 / $3")"
  record "$1" "$pair" "per-cpu-second-$2" "$(calc "$3 / $5 * 1e6" 0)"
}
TIMEFORMAT='%R %U %S'
run_side() { # run_side SIDE CALLERS
  local commands seconds cpu bytes
  case $1 in
    tenfold) read -r commands seconds cpu bytes < <("$driver" "redis://127.0.0.1:$port?connections=1" "$2" $warm $window 2>"$tmp/$1.err")
      record tenfold "$pair" "bytes-$2" "$(calc "${bytes:-0} / ${commands:-1}" 0)" ;;
    ioredis) read -r commands seconds cpu < <(cd "$peer" && node driver.js "$port" "$2" $warm $window 2>"$tmp/$1.err") ;;
    ioredis-auto) read -r commands seconds cpu < <(cd "$peer" && node driver.js "$port" "$2" $warm $window autopipelining 2>"$tmp/$1.err") ;;
    redis-benchmark)
      commands=${requests_of[$2]}
      # In a shell of its own: `time` counts whatever child of this one ends meanwhile.
      (time redis-benchmark -p "$port" -c 1 -P "$2" -t get -r 1000 -d 100 -n "$commands" --csv >"$tmp/csv" 2>"$tmp/$1.err") 2>"$tmp/time" || invalid "redis-benchmark failed"
      read -r _ user system <"$tmp/time"
      seconds=$(awk -F'"' -v n="$commands" '/GET/ { print n / $4 }' "$tmp/csv")
      cpu=$(calc "($user + $system) * 1e6" 0) ;;
  esac
  note "$1" "$2" "${commands:-0}" "${seconds:-1}" "${cpu:-0}"
}

sides=(tenfold redis-benchmark ioredis ioredis-auto)
for ((pair = 1; pair <= pairs; pair++)); do
  for callers in 1 64 1024; do
    for side in $(order $pair "${sides[@]}"); do run_side "$side" "$callers"; done
  done
done
for callers in 1 64 1024; do
  figures rate-$callers "commands a second, $callers at once" "${sides[@]}"
  figures cpu-$callers "CPU of the client a command, µs" "${sides[@]}"
  figures bytes-$callers "bytes allocated a command" tenfold
done

# One caller at a time is two changes of process a command; what is left to a client is little. Shown without a target.
info "redis-throughput-1-vs-redis-benchmark $(median_ratio rate-1 tenfold redis-benchmark)"
info "redis-per-cpu-second-1-vs-ioredis $(median_ratio per-cpu-second-1 tenfold ioredis)"
info "redis-benchmark-per-cpu-second-1-vs-ioredis $(median_ratio per-cpu-second-1 redis-benchmark ioredis)"
for callers in 64 1024; do
  info "redis-per-cpu-second-$callers-vs-ioredis-auto $(median_ratio per-cpu-second-$callers tenfold ioredis-auto)"
  ratio redis-throughput-$callers-vs-redis-benchmark rate-$callers tenfold redis-benchmark ">=" 0.7
  ratio redis-per-cpu-second-$callers-vs-ioredis per-cpu-second-$callers tenfold ioredis ">=" 4
done
