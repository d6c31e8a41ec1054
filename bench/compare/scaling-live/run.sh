# scaling-live: launch day on running instances. From 26 to 260 requests/s within a second, for two minutes, and back: by Tenfold's
# default and by HPA's arithmetic in turn, on the same machine, gateway and instances.

need node nodejs
tenfold_ready
system=$here/scaling-live
down() { "$repo/tenfold" down "$system" --delete >/dev/null 2>&1; }
on_stop+=(down)
rounds=3
[ $quick = 0 ] || rounds=1

machine
echo "versions: tenfold $("$repo/tenfold" --version 2>/dev/null), node $(node -v)"
echo "ran: 3 ms of processor time a request, instances of 100m, min 4, max 14, cpu 70%; 20 s of 26 requests/s, then 260 for 2 min, then 26; p95 budget 400 ms; $rounds rounds of both"
printf '%-8s %5s  %22s  %12s  %8s  %6s  %16s  %5s\n' side round "back in budget after" "seconds over" requests errors instance-seconds most

one() { # one ALGORITHM ROUND: a line, and its figures in $tmp/ALGORITHM
  local report=$tmp/$1-$2.json
  export BENCH_ALGORITHM=$1
  down
  "$repo/tenfold" up "$system" --detach >"$tmp/up.log" 2>&1 || { tail -n 20 "$tmp/up.log" >&2; die 3 "tenfold up failed"; }
  "$repo/tenfold" load "$system" launch --json "$report" >"$tmp/load.log" 2>&1
  [ -s "$report" ] || { tail -n 20 "$tmp/load.log" >&2; invalid "no report"; }
  node -e '
    const report = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const [side, round] = process.argv.slice(2);
    if (report.outcome === "invalid") { console.error(report.invalid.join("; ")); process.exit(4); }
    const step = 20, end = 140;
    const over = report.timeline.filter(p => p.seconds >= step && p.seconds < end && (p.errors > 0 || !(p.p95 <= 400)));
    const back = over.length === 0 ? 0 : over.at(-1).seconds + 1 - step;
    let count = 4, at = step, used = 0, most = 4;
    for (const mark of [...report.scaling, { seconds: end }]) {
      used += count * Math.max(0, Math.min(mark.seconds, end) - at);
      at = Math.max(at, Math.min(mark.seconds, end));
      count = mark.to ?? count;
      most = Math.max(most, count);
    }
    console.log([side.padEnd(8), round.padStart(5), (back + " s").padStart(23), (over.length + " s").padStart(13), String(report.total.count).padStart(9), String(report.total.errors).padStart(7), used.toFixed(0).padStart(17), String(most).padStart(6)].join(" "));
    require("fs").appendFileSync(process.argv[4], [over.length, back, report.total.errors, used].join(" ") + "\n");
  ' "$report" "$1" "$2" "$tmp/$1" || invalid "the generator did not keep its schedule, or the report is not whole"
}

for ((round = 1; round <= rounds; round++)); do
  one demand $round
  one hpa $round
done

column() { awk -v n="$2" '{ print $n }' "$tmp/$1" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
of() { awk -v a="$(column demand "$1")" -v b="$(column hpa "$1")" 'BEGIN { printf "%.3f", a == 0 ? 0 : b == 0 ? 999 : a / b }'; }
errors=$(awk '{ n += $3 } END { print n + 0 }' "$tmp/demand")
target() { # target NAME VALUE LIMIT
  if [ $quick = 1 ]; then info "quick run, not a verdict: $1 $2 (target <= $3)"; return; fi
  verdicts+=("ratio $1 $2 <= $3")
  awk -v v="$2" -v t="$3" 'BEGIN { exit !(v <= t) }' || missed=1
}
target scaling-live-seconds-over-budget-vs-hpa "$(of 1)" 0.5
# Not a target: who has too few instances pays less for them.
info "instance-seconds from the step on, against HPA's: $(of 4)"
target scaling-live-failed-requests "$errors" 0
