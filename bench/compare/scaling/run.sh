# scaling: traces of load played against scaling policies, with a model of the instances; the same figures in each run.

driver=$here/scaling/driver
dotnet build "$driver" -c Release -v q --nologo >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "the driver does not build"; }
[ $quick = 0 ] || filter+=(--quick)

machine
echo "versions: the policies of this commit, .NET $(dotnet --version)"
"$driver/bin/Release/net10.0/ScalingDriver" "${filter[@]}" >"$tmp/scaling" || exit 2
grep -v "^ratio " "$tmp/scaling" | sed "\${/^$/d}"
while read -r _ ratio_name value _ target; do
  if [ $quick = 1 ]; then info "quick run, not a verdict: $ratio_name $value (target <= $target)"; continue; fi
  verdicts+=("ratio $ratio_name $value <= $target")
  awk -v v="$value" -v t="$target" 'BEGIN { exit !(v <= t) }' || missed=1
done < <(grep '^ratio ' "$tmp/scaling")
