# ratelimit: decisions per CPU-second of the process that decides (what grows with the service; Redis' part is told beside it, and
# both together), 1 and 64 at a time over 1,000 callers, every one of them asked of Redis, against rate-limiter-flexible; then 8
# processes that hammer one caller: how many pass in all.

need redis-server redis-server
need redis-cli redis-tools
npm_peer rate-limiter-flexible

driver=$here/ratelimit/driver
dotnet build "$driver" -c Release -v q --nologo >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "the driver does not build"; }
driver=$driver/bin/Release/net10.0/RateLimitDriver

warm=3 window=1.5 limit=2000 tries=1000 processes=8
[ $quick = 0 ] || { warm=1 window=1; }

free_port
start redis redis-server --port "$port" --bind 127.0.0.1 --save "" --appendonly no --dir "$tmp"
redis_pid=$started_pid
for ((i = 0; i < 100; i++)); do [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && break; sleep 0.1; done

machine
echo "versions: .NET $(dotnet --version), $(redis-server --version | awk '{ print $1, $3 }'), rate-limiter-flexible $(node -p "require('$peer/node_modules/rate-limiter-flexible/package.json').version"), ioredis $(node -p "require('$peer/node_modules/ioredis/package.json').version"), Node.js $(node --version)"
echo "ran: one limit of 100,000 in 15 min, 1,000 callers in turn, none of them over; $warm s of warm-up each, then $pairs rounds of $window s each"
echo "note: CPU is that of the process that decides; what Redis spends on a decision is shown beside it"
echo "note: tenfold's process runs with a thread pool that does not spin when it is idle (an option of the runtime, docs/rate-limits.md); tenfold-spinning is the same with the runtime's default"

run_side() { # run_side SIDE CALLERS
  local decisions seconds cpu bytes before
  before=$(cpu_ticks "$redis_pid")
  case $1 in
    tenfold) read -r decisions seconds cpu bytes < <("$driver" rate "redis://127.0.0.1:$port" "$2" $warm $window 2>"$tmp/$1.err") ;;
    tenfold-spinning) read -r decisions seconds cpu bytes < <(DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=46 "$driver" rate "redis://127.0.0.1:$port" "$2" $warm $window 2>"$tmp/$1.err") ;;
    rate-limiter-flexible) read -r decisions seconds cpu < <(cd "$peer" && node driver.js rate "$port" "$2" $warm $window 2>"$tmp/$1.err") ;;
  esac
  [ "${decisions:-0}" -gt 0 ] || invalid "$1 with $2 callers made no decisions: $(tail -n 3 "$tmp/$1.err")"
  record "$1" "$pair" "rate-$2" "$(calc "$decisions / $seconds" 0)"
  record "$1" "$pair" "cpu-$2" "$(calc "$cpu / $decisions")"
  record "$1" "$pair" "per-cpu-second-$2" "$(calc "$decisions / $cpu * 1e6" 0)"
  # Redis is watched over warm-up and window together: its share is that of the window.
  local redis
  redis=$(calc "($(cpu_ticks "$redis_pid") - $before) / $tick * 1e6 * $window / ($warm + $window) / $decisions")
  record "$1" "$pair" "redis-$2" "$redis"
  record "$1" "$pair" "per-both-$2" "$(calc "1e6 / ($cpu / $decisions + $redis)" 0)"
}

sides=(tenfold rate-limiter-flexible)
asking_1=(tenfold rate-limiter-flexible)
asking_64=(tenfold tenfold-spinning rate-limiter-flexible)
for ((pair = 1; pair <= pairs; pair++)); do
  for callers in 1 64; do
    declare -n asking=asking_$callers
    for side in $(order $pair "${asking[@]}"); do run_side "$side" "$callers"; done
  done

  # Eight processes that know nothing of each other but Redis.
  for side in "${sides[@]}"; do
    for ((p = 1; p <= processes; p++)); do
      case $side in
        tenfold) "$driver" hammer "redis://127.0.0.1:$port" "round-$pair" $limit $tries 32 >"$tmp/passed-$p" 2>>"$tmp/$side.err" & ;;
        rate-limiter-flexible) (cd "$peer" && node driver.js hammer "$port" "round-$pair" $limit $tries 32) >"$tmp/passed-$p" 2>>"$tmp/$side.err" & ;;
      esac
      hammers[$p]=$!
    done
    for ((p = 1; p <= processes; p++)); do wait "${hammers[$p]}" || invalid "$side: a hammering process failed: $(tail -n 3 "$tmp/$side.err")"; done
    record "$side" "$pair" admitted "$(cat "$tmp"/passed-* | awk '{ n += $1 } END { print n + 0 }')"
  done
  record limit "$pair" admitted $limit
done

for callers in 1 64; do
  declare -n asking=asking_$callers
  figures rate-$callers "decisions a second, $callers at once" "${asking[@]}"
  figures cpu-$callers "CPU of the process a decision, µs" "${asking[@]}"
  figures redis-$callers "CPU of Redis a decision, µs" "${asking[@]}"
done
figures admitted "passed of $((processes * tries)) by $processes processes" "${sides[@]}" limit

info "ratelimit-1-per-cpu-second-vs-rate-limiter-flexible $(median_ratio per-cpu-second-1 tenfold rate-limiter-flexible)"
info "ratelimit-per-cpu-second-of-process-and-redis-vs-rate-limiter-flexible $(median_ratio per-both-64 tenfold rate-limiter-flexible)"
info "ratelimit-spinning-per-cpu-second-vs-rate-limiter-flexible $(median_ratio per-cpu-second-64 tenfold-spinning rate-limiter-flexible)"
info "ratelimit-redis-cpu-vs-rate-limiter-flexible $(median_ratio redis-64 tenfold rate-limiter-flexible)"
ratio ratelimit-per-cpu-second-vs-rate-limiter-flexible per-cpu-second-64 tenfold rate-limiter-flexible ">=" 4
ratio ratelimit-admitted-vs-limit admitted tenfold limit "<=" 1
