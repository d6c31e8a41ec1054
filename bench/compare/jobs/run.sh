# jobs: jobs that do nothing, worked off from one PostgreSQL (or Redis) on this machine's cores: Tenfold.Jobs against graphile-worker and
# BullMQ, per CPU-second of worker and store together; with one commit a job; what enqueueing adds to a transaction; how soon an
# idle worker starts a job; and whether a million waiting jobs, or a transaction that stays open, slow it down.

need redis-server redis-server
npm_peer graphile-worker; graphile=$peer
npm_peer bullmq; bullmq=$peer
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || { need initdb postgresql; bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1); }
driver=$here/jobs/driver
dotnet build "$driver" -c Release -v q --nologo >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "the driver does not build"; }
driver=$driver/bin/Release/net10.0/JobsDriver

as=() # never as root
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=postgres --regid=postgres --init-groups --); fi
mkdir "$tmp/pg" && { [ ${#as[@]} = 0 ] || chown postgres "$tmp/pg"; }
(cd "$tmp/pg" && "${as[@]}" "$bin/initdb" -D "$tmp/pg/d" -U postgres --auth=trust --encoding=UTF8 --lc-collate=C --lc-ctype=C.UTF-8 --no-sync) >"$tmp/initdb.log" 2>&1 || die 3 "initdb failed: $(tail -n 3 "$tmp/initdb.log")"
free_port; pg_port=$port
# Its defaults for durability: every commit waits for the disk.
start postgres "${as[@]}" "$bin/postgres" -D "$tmp/pg/d" -c port=$pg_port -c listen_addresses=127.0.0.1 -c unix_socket_directories="$tmp/pg" -c shared_buffers=256MB -c max_wal_size=2GB -c jit=off
postgres=$started_pid
stop_postgres() { kill -QUIT "$postgres" 2>/dev/null; wait_gone "$postgres" 50; } # at once: nothing of it is kept
on_stop+=(stop_postgres)
for ((i = 0; i < 150; i++)); do "$bin/pg_isready" -q -h 127.0.0.1 -p $pg_port && break; sleep 0.1; done
free_port; redis_port=$port
start redis redis-server --port "$redis_port" --bind 127.0.0.1 --save "" --appendonly no --maxmemory-policy noeviction --dir "$tmp"
redis=$started_pid
for ((i = 0; i < 100; i++)); do [ "$(redis-cli -p "$redis_port" ping 2>/dev/null)" = PONG ] && break; sleep 0.1; done

sql() { "$bin/psql" -qAtX -h 127.0.0.1 -p $pg_port -U postgres -d "$1" -c "$2"; }
net() { echo "Host=127.0.0.1;Port=$pg_port;Username=postgres;Database=$1;Max Auto Prepare=128;Auto Prepare Min Usages=2;No Reset On Close=true;Maximum Pool Size=50"; } # as AddTenfold() makes it
url() { echo "postgres://postgres@127.0.0.1:$pg_port/$1"; }
for name in tenfold graphile few many kept enqueue latency; do sql postgres "CREATE DATABASE $name" || die 3 "PostgreSQL makes no database"; done

# As the runtime starts instances (docs/guide.md, Service).
export DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0
# As docs/data.md says for services that wait and do not compute.
export DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1
warm=100000 jobs=100000 graphile_batched_warm=20000 graphile_batched=60000 bull_warm=3000 bull_jobs=20000 commit_warm=8000 commit_jobs=8000 graphile_warm=500 graphile_jobs=3000
window=3 many=1000000 few=10000 clients=8 picked=200 bull_at_once=50
[ $quick = 0 ] || { jobs=30000 warm=10000 graphile_batched_warm=5000 graphile_batched=10000 bull_jobs=3000 commit_warm=500 commit_jobs=2000 graphile_jobs=1000 window=1 many=100000 picked=50; }
machine
echo "versions: .NET $(dotnet --version), $("$bin/postgres" --version), $(redis-server --version | awk '{ print $1, $3 }'), graphile-worker $(node -p "require('$graphile/node_modules/graphile-worker/package.json').version"), BullMQ $(node -p "require('$bullmq/node_modules/bullmq/package.json').version"), Node.js $(node --version)"
echo "ran: $pairs rounds; one worker process a side; jobs that do nothing and of which nothing is kept; commits wait for the disk, Redis keeps nothing"
echo "ran: batched: $jobs jobs after $warm to warm up (graphile-worker: $graphile_batched after $graphile_batched_warm; BullMQ: $bull_jobs after $bull_warm, $bull_at_once at once); graphile-worker: 24 at once, 25 connections, localQueue 500, completeJobBatchDelay 0"
echo "ran: one commit a job: $commit_jobs jobs after $commit_warm (graphile-worker: $graphile_jobs after $graphile_warm), 24 at once on both sides; graphile-worker with its defaults"

drained() { # drained SIDE PART STORE-PID COMMAND...: notes what a drain took, of the worker and of the store
  local side=$1 part=$2 store=$3 word rest count seconds cpu before='' after=''; shift 3
  while read -r word rest; do
    case $word in
      started) before=$(cpu_ticks "$store") ;;
      ended) after=$(cpu_ticks "$store"); read -r count seconds cpu <<<"$rest" ;;
    esac
  done < <("$@" 2>"$tmp/$side.err")
  wait $! && [ -n "$after" ] || invalid "$side did not end its jobs: $(tail -n 3 "$tmp/$side.err")"
  local stored=$(calc "($after - $before) * 1e6 / $tick" 0)
  record "$side" "$pair" "$part-rate" "$(calc "$count / $seconds" 0)"
  record "$side" "$pair" "$part-worker" "$(calc "$cpu / $count" 1)"
  record "$side" "$pair" "$part-store" "$(calc "$stored / $count" 1)"
  record "$side" "$pair" "$part-per-cpu-second" "$(calc "$count * 1e6 / ($cpu + $stored)" 0)"
}
settled() { sql "$1" "VACUUM ANALYZE" && sql "$1" CHECKPOINT; } # so that no round pays for what was left by another, or by enqueueing

for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair tenfold graphile-worker bullmq); do
    case $side in
      tenfold)
        "$driver" add "$(net tenfold)" $((warm + jobs)) >/dev/null 2>"$tmp/add.err" || invalid "jobs cannot be enqueued: $(tail -n 3 "$tmp/add.err")"
        settled tenfold
        drained $side batched "$postgres" "$driver" drain "$(net tenfold)" $warm $jobs batched ;;
      graphile-worker)
        (cd "$graphile" && node driver.js add "$(url graphile)" $((graphile_batched_warm + graphile_batched))) >/dev/null 2>"$tmp/add.err" || invalid "graphile-worker takes no jobs: $(tail -n 3 "$tmp/add.err")"
        settled graphile
        drained $side batched "$postgres" env -C "$graphile" node driver.js drain "$(url graphile)" $graphile_batched_warm $graphile_batched batched ;;
      bullmq)
        (cd "$bullmq" && node driver.js add "$redis_port" $((bull_warm + bull_jobs))) >/dev/null 2>"$tmp/add.err" || invalid "BullMQ takes no jobs: $(tail -n 3 "$tmp/add.err")"
        drained $side batched "$redis" env -C "$bullmq" node driver.js drain "$redis_port" $bull_warm $bull_jobs $bull_at_once ;;
    esac
  done
  for side in $(order $pair tenfold graphile-worker); do
    case $side in
      tenfold)
        "$driver" add "$(net tenfold)" $((commit_warm + commit_jobs)) >/dev/null 2>"$tmp/add.err" || invalid "jobs cannot be enqueued: $(tail -n 3 "$tmp/add.err")"
        settled tenfold
        drained $side commit "$postgres" "$driver" drain "$(net tenfold)" $commit_warm $commit_jobs commit ;;
      graphile-worker)
        (cd "$graphile" && node driver.js add "$(url graphile)" $((graphile_warm + graphile_jobs))) >/dev/null 2>"$tmp/add.err" || invalid "graphile-worker takes no jobs: $(tail -n 3 "$tmp/add.err")"
        settled graphile
        drained $side commit "$postgres" env -C "$graphile" node driver.js drain "$(url graphile)" $graphile_warm $graphile_jobs unbatched ;;
    esac
  done
done
sides=(tenfold graphile-worker bullmq)
figures batched-rate "jobs a second, batched" "${sides[@]}"
figures batched-worker "CPU of the worker a job, µs" "${sides[@]}"
figures batched-store "CPU of the store a job, µs" "${sides[@]}"
figures batched-per-cpu-second "jobs a CPU-second, batched" "${sides[@]}"
figures commit-rate "jobs a second, one commit a job" tenfold graphile-worker
figures commit-worker "CPU of the worker a job, µs" tenfold graphile-worker
figures commit-store "CPU of the store a job, µs" tenfold graphile-worker

# What an enqueue adds to a transaction; how soon an idle worker starts a job.
pair=0
while read -r plain selected enqueued in_batch; do
  pair=$((pair + 1))
  record plain "$pair" transaction "$plain"; record select "$pair" transaction "$selected"; record enqueue "$pair" transaction "$enqueued"; record command "$pair" transaction "$in_batch"
done < <("$driver" enqueue "$(net enqueue)" $clients $((window * 3)) "$pairs" "$window" 2>"$tmp/enqueue.err")
[ "$pair" = "$pairs" ] || invalid "the transactions failed: $(tail -n 3 "$tmp/enqueue.err")"
for ((pair = 1; pair <= pairs; pair++)); do
  read -r half most highest < <("$driver" latency "$(net latency)" $picked 2>"$tmp/latency.err")
  [ -n "${highest:-}" ] || invalid "the idle worker did not answer: $(tail -n 3 "$tmp/latency.err")"
  record median "$pair" picked "$half"; record p99 "$pair" picked "$most"; record highest "$pair" picked "$highest"; record limit "$pair" picked 10
done
figures transaction "time of a transaction, µs ($clients clients)" plain select enqueue command
figures picked "ms from the commit to the handler" median p99 highest

# As many waiting all the time.
"$driver" add "$(net many)" $many >/dev/null 2>"$tmp/add.err" || invalid "jobs cannot be enqueued: $(tail -n 3 "$tmp/add.err")"
for name in few kept; do "$driver" add "$(net $name)" $few >/dev/null 2>"$tmp/add.err" || invalid "jobs cannot be enqueued: $(tail -n 3 "$tmp/add.err")"; done
for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair few many kept); do
    settled $side
    waiting=$few snapshot=()
    [ $side != many ] || waiting=$many
    [ $side != kept ] || snapshot=(snapshot)
    read -r count seconds < <("$driver" steady "$(net $side)" $waiting 1.5 $window "${snapshot[@]}" 2>"$tmp/steady.err")
    [ "${count:-0}" -gt 0 ] || invalid "no job ended with $waiting waiting: $(tail -n 3 "$tmp/steady.err")"
    record $side "$pair" steady "$(calc "$count / $seconds" 0)"
  done
done
figures steady "jobs a second, $few / $many waiting / $few with a snapshot held" few many kept

for name in 63:Hangfire 98:Quartz; do
  for ((pair = 1; pair <= pairs; pair++)); do record "${name#*:}" "$pair" commit-rate "${name%:*}"; done
  info "jobs-commit-vs-${name#*:} $(median_ratio commit-rate tenfold "${name#*:}") (its published ${name%:*} jobs a second on PostgreSQL, another machine)"
done
info "jobs-transaction-with-select-1-vs-without $(median_ratio transaction select plain) (what a round trip more costs by itself)"
ratio jobs-per-cpu-second-vs-graphile-worker batched-per-cpu-second tenfold graphile-worker ">=" 2
ratio jobs-per-cpu-second-vs-bullmq batched-per-cpu-second tenfold bullmq ">=" 2
ratio jobs-commit-rate-vs-graphile-worker commit-rate tenfold graphile-worker ">=" 1.5
ratio jobs-transaction-with-enqueueasync-vs-without transaction enqueue plain "<=" 1.25
ratio jobs-transaction-with-command-vs-without transaction command plain "<=" 1.25
ratio jobs-p99-pick-up-vs-10-ms picked p99 limit "<=" 1
ratio jobs-rate-million-waiting-vs-10000 steady many few ">=" 0.8
ratio jobs-rate-snapshot-held-vs-without steady kept few ">=" 0.6
