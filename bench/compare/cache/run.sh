# cache: a hit in memory against MemoryCache.TryGetValue and bentocache; and one load for 1,000 callers in 4 processes.

need redis-server redis-server
npm_peer bentocache

driver=$here/cache/driver
dotnet build "$driver" -c Release -v q --nologo >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "the driver does not build"; }
driver=$driver/bin/Release/net10.0/CacheDriver

window=1 rounds_cold=20
[ $quick = 0 ] || window=0.3 rounds_cold=3
free_port
redis=redis://127.0.0.1:$port
start redis redis-server --port "$port" --bind 127.0.0.1 --save "" --appendonly no --dir "$tmp"
for ((i = 0; i < 100; i++)); do [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && break; sleep 0.1; done

machine
echo "versions: $("$repo/tenfold" --version 2>/dev/null || echo "tenfold of this commit"), .NET $(dotnet --version), $(redis-server --version | awk '{ print $1, $3 }'), bentocache $(node -p "require('$peer/node_modules/bentocache/package.json').version"), Node.js $(node --version)"
echo "ran: hits of 1,000 keys in turn, $pairs rounds of $window s a side; Tenfold with its Redis, coherent, one tag; bentocache's memory layer alone, without serialisation"

for ((pair = 1; pair <= pairs; pair++)); do
  for side in $(order $pair dotnet node); do
    if [ $side = dotnet ]; then
      "$driver" hit "$redis" $window 1 >"$tmp/hits" || invalid "the driver failed"
      while read -r name nanoseconds bytes; do
        record "$name" "$pair" hit "$nanoseconds"
        record "$name" "$pair" bytes "$bytes"
      done <"$tmp/hits"
    else
      record bentocache "$pair" hit "$(cd "$peer" && node driver.js $window)" || invalid "bentocache failed"
    fi
  done
done
figures hit "nanoseconds a hit in memory" tenfold memorycache bentocache
figures bytes "bytes allocated a hit" tenfold memorycache

# 250 callers in each of 4 processes ask for a key that nobody has, at the same time.
nodes=()
for ((i = 0; i < 4; i++)); do
  coproc_in=$tmp/in$i coproc_out=$tmp/out$i
  mkfifo "$coproc_in" "$coproc_out"
  start node$i bash -c "exec '$driver' cold '$redis' 250 <'$coproc_in' >'$coproc_out'"
  exec {in}>"$coproc_in" {out}<"$coproc_out"
  nodes+=("$in $out")
  read -r -t 30 ready <&"$out"; [ "$ready" = ready ] || invalid "a process does not get ready: $(cat "$tmp/node$i.log")"
done
most=0 wrong=0
for ((round = 0; round < rounds_cold; round++)); do
  for node in "${nodes[@]}"; do read -r in _ <<<"$node"; echo "cold-$round" >&"$in"; done
  sum=0
  for node in "${nodes[@]}"; do
    read -r _ out <<<"$node"; read -r -t 30 loads bad <&"$out" || invalid "a process did not answer"
    sum=$((sum + loads)) wrong=$((wrong + bad))
  done
  record loads $((round + 1)) cold "$sum"
  [ $sum -le $most ] || most=$sum
done
for node in "${nodes[@]}"; do read -r in out <<<"$node"; exec {in}>&- {out}<&-; done
[ $wrong = 0 ] || invalid "$wrong callers got a wrong value"
echo
echo "loads of a cold key for 1,000 callers in 4 processes, most of $rounds_cold rounds: $most"
for ((pair = 1; pair <= pairs; pair++)); do record one "$pair" loads 1; record tenfold "$pair" loads "$most"; record tenfold "$pair" allocated "$(awk -F'\t' -v p="$pair" '$1 == "tenfold" && $2 == p && $3 == "bytes" { print $4 }' "$tmp/figures")"; record one "$pair" allocated 1; done

ratio cache-hit-vs-memorycache hit tenfold memorycache "<=" 1.5
ratio cache-hit-vs-bentocache hit tenfold bentocache "<=" 0.1
ratio cache-hit-bytes allocated tenfold one "<=" 0
ratio cache-loads-of-a-cold-key loads tenfold one "<=" 1
