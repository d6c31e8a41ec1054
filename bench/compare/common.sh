# Helpers of the comparisons: install, start and stop, measure CPU, tell ratios. Sourced by ./run; bash and awk only.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
cache=${TENFOLD_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tenfold/bench}
tick=$(getconf CLK_TCK)
PATH=$PATH:/usr/sbin:/sbin

# --- ending -----------------------------------------------------------------------------------------------------------
# 1: a target is missed; 3: something cannot be installed; 4: the measurement is not valid.

die() { local code=$1; shift; echo "bench: $*" >&2; exit "$code"; }
missing() { die 3 "$@"; }
invalid() { die 4 "not a valid measurement: $*"; }

started=()   # process ids that this run started
on_stop=()   # functions to call before those are ended

stop_all() {
  local code=$? f pid
  trap - EXIT INT TERM
  for f in "${on_stop[@]}"; do "$f"; done
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for pid in "${started[@]}"; do wait_gone "$pid" 50 || kill -KILL "$pid" 2>/dev/null; done
  remove_cgroups
  # What failed is worth reading; what went well leaves nothing behind.
  if [ $code -ge 3 ] && [ -n "${TENFOLD_BENCH_KEEP:-}" ]; then echo "bench: kept $tmp" >&2; else rm -rf "$tmp"; fi
  exit $code
}

wait_gone() { # wait_gone PID TENTHS
  local i
  for ((i = 0; i < $2; i++)); do
    { [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; } || return 0
    sleep 0.1
  done
  return 1
}

# Short, because sockets in it must stay under 100 bytes; open to others, because stores and nginx workers are not root.
begin() {
  tmp=$(mktemp -d /tmp/tfb.XXXXXX) || die 3 "cannot make a folder in /tmp"
  chmod 755 "$tmp"
  trap stop_all EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

start() { # start NAME COMMAND...: in the background, output to NAME.log; its process id is then in $started_pid
  local name=$1; shift
  "$@" >"$tmp/$name.log" 2>&1 </dev/null &
  started_pid=$!
  started+=("$started_pid")
}

finish() { # finish PID: waits for a started process and forgets it; its exit code
  local code=0 pid left=()
  wait "$1" || code=$?
  for pid in "${started[@]}"; do [ "$pid" = "$1" ] || left+=("$pid"); done
  started=("${left[@]}")
  return $code
}

# --- installing -------------------------------------------------------------------------------------------------------

need() { # need COMMAND PACKAGE: with apt where that asks nothing, without starting the package's own service
  command -v "$1" >/dev/null && return 0
  local apt=(apt-get) sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  command -v apt-get >/dev/null || missing "$1 is missing and there is no apt-get; install $2"
  "${sudo[@]}" true 2>/dev/null || missing "$1 is missing; run: sudo apt-get install $2"
  echo "installing $2"
  # RUNLEVEL=1 makes invoke-rc.d leave services alone; a unit enabled by the package is disabled again.
  local install=("${sudo[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$2")
  "${install[@]}" >"$tmp/apt.log" 2>&1 || { "${sudo[@]}" apt-get update -q >>"$tmp/apt.log" 2>&1; "${install[@]}" >>"$tmp/apt.log" 2>&1; } ||
    { tail -n 5 "$tmp/apt.log" >&2; missing "apt-get install $2 failed"; }
  if [ -d /run/systemd/system ]; then "${sudo[@]}" systemctl disable --now "$2" >/dev/null 2>&1; fi
  command -v "$1" >/dev/null || missing "$2 is installed but has no command $1"
}

npm_peer() { # npm_peer NAME: installs peers/NAME into the cache once a version; the folder is then in $peer
  need node nodejs
  need npm npm
  local from=$here/peers/$1
  peer=$cache/$1-$(cat "$from"/* | cksum | cut -d' ' -f1)
  [ -e "$peer/.done" ] && return 0
  echo "installing peers/$1"
  rm -rf "$peer" && mkdir -p "$peer" && cp "$from"/* "$peer" || missing "cannot write $peer"
  (cd "$peer" && npm install --omit=dev --no-package-lock --no-audit --no-fund --loglevel=error) >"$tmp/npm.log" 2>&1 ||
    { tail -n 5 "$tmp/npm.log" >&2; rm -rf "$peer"; missing "npm install of peers/$1 failed"; }
  touch "$peer/.done"
}

tenfold_ready() { # builds the product when its sources are newer, and keeps its state in the temporary folder
  [ -x "$repo/tenfold" ] || missing "$repo/tenfold is missing"
  export TENFOLD_STATE=$tmp/state
  "$repo/tenfold" --version >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; missing "./tenfold does not build"; }
}

# --- ports and requests -----------------------------------------------------------------------------------------------

used_ports=" "
free_port() { # a port that nobody listens on, below the range of outgoing connections; then in $port
  local i
  for ((i = 0; i < 200; i++)); do
    port=$((20000 + RANDOM % 10000))
    [[ $used_ports == *" $port "* ]] && continue
    awk -v hex="$(printf ':%04X' "$port")" '$4 == "0A" && index($2, hex) { found = 1 } END { exit found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || continue
    used_ports+="$port "
    return 0
  done
  die 3 "no free port between 20000 and 30000"
}

wait_http() { # wait_http URL SECONDS NAME: until it answers 200
  local end=$((SECONDS + $2))
  until [ "$(curl -s -o /dev/null -m 2 -w '%{http_code}' "$1")" = 200 ]; do
    [ $SECONDS -lt $end ] || { tail -n 20 "$tmp/$3.log" >&2; die 3 "$3 does not answer at $1 after $2 s"; }
    sleep 0.2
  done
}

http_body() { # http_body PORT PATH: a plain GET by the shell itself, quick enough to read counters with
  local line fd
  exec {fd}<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: bench\r\n\r\n' "$2" >&"$fd"
  while IFS= read -r line <&"$fd" && [ "${line%$'\r'}" != "" ]; do :; done
  cat <&"$fd"
  exec {fd}>&-
}

# --- CPU --------------------------------------------------------------------------------------------------------------

# Ticks (1/CLK_TCK s) of user and system time that the trees under some processes have used since they started. A child
# that has ended is in its parent's cutime and cstime, so a difference of two readings misses nothing.
cpu_ticks() { # cpu_ticks "ROOT..." ["LEFT-OUT-TREE..."]; a root written =PID is that process alone, without children
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="$1" -v without="${2:-}" '
    function tree(pid, out,    i, n, list) {
      if (pid in leave) return 0
      n = split(kids[pid], list, " ")
      out = self[pid] + reaped[pid]
      for (i = 1; i <= n; i++) out += tree(list[i])
      return out
    }
    {
      pid = $1; rest = $0; sub(/^.*\) /, "", rest); split(rest, f, " ")
      self[pid] = f[12] + f[13]; reaped[pid] = f[14] + f[15]
      kids[f[2]] = kids[f[2]] " " pid
    }
    END {
      n = split(without, w, " "); for (i = 1; i <= n; i++) leave[w[i]]
      n = split(roots, r, " ")
      for (i = 1; i <= n; i++) total += r[i] ~ /^=/ ? self[substr(r[i], 2)] : tree(r[i])
      print total + 0
    }'
}

# --- a running system -------------------------------------------------------------------------------------------------

host_pid() { # host_pid SYSTEM: the process that `tenfold up --detach` left running
  local pid
  pid=$(cut -d" " -f1 "$TENFOLD_STATE/$1/host.pid" 2>/dev/null)
  [ -n "$pid" ] && [ -d "/proc/$pid" ] || die 3 "no host process of $1 in $TENFOLD_STATE"
  echo "$pid"
}

store_pids() { # store_pids HOST [NAME]: the stores that it started, each with its own processes below
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v host="$1" '{ rest = $0; sub(/^.*\) /, "", rest); split(rest, f, " ") }
    f[2] == host && /\(('"${2:-postgres|redis-server}"')\)/ { printf "%s ", $1 }'
}

connection_string() { # connection_string HOST STORE: what the instances under the host were given
  local pid
  for pid in $(pgrep -P "$1"); do
    tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n "s/^ConnectionStrings__$2=//p"
  done | head -n 1
}

load_figures() { # load_figures FILE: requests, requests a second, p99 (ms), errors of a `tenfold load --json` report
  node -e '
    const total = JSON.parse(require("fs").readFileSync(process.argv[1])).total;
    console.log(total.count, total.perSecond, total.latencyMilliseconds.p99, total.errors);
  ' "$1"
}

# --- limits -----------------------------------------------------------------------------------------------------------

bench_cgroups=()
limit_cpu() { # limit_cpu NAME PID MILLICORES: 1 when this machine does not allow it
  local group
  if [ -w /sys/fs/cgroup/cpu/cgroup.procs ]; then
    group=/sys/fs/cgroup/cpu/tenfold-bench-$$-$1
    mkdir -p "$group" && echo 100000 >"$group/cpu.cfs_period_us" && echo $(($3 * 100)) >"$group/cpu.cfs_quota_us"
  elif [ -w /sys/fs/cgroup/cgroup.subtree_control ]; then
    group=/sys/fs/cgroup/tenfold-bench-$$-$1
    echo +cpu >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
    mkdir -p "$group" && echo "$(($3 * 100)) 100000" >"$group/cpu.max"
  else
    return 1
  fi || return 1
  bench_cgroups+=("$group")
  echo "$2" >"$group/cgroup.procs"
}

remove_cgroups() { # once their processes have ended
  local group i
  for group in "${bench_cgroups[@]}"; do
    for ((i = 0; i < 50; i++)); do rmdir "$group" 2>/dev/null && break; sleep 0.1; done
  done
}

# --- generators -------------------------------------------------------------------------------------------------------

run_wrk() { # run_wrk URL SECONDS [CONNECTIONS]: then $requests, $rps, $p99 (ms); errors are not accepted
  wrk -t2 -c"${3:-64}" -d"$2s" --timeout 30s --latency "$1" >"$tmp/wrk.out" 2>&1 || { cat "$tmp/wrk.out" >&2; invalid "wrk failed at $1"; }
  ! grep -E 'Socket errors|Non-2xx' "$tmp/wrk.out" >&2 || invalid "errors at $1"
  read -r requests rps p99 < <(awk '
    function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t ~ /m$/ ? t * 60000 : t * 1000 }
    $2 == "requests" { n = $1 } $1 == "Requests/sec:" { r = $2 } $1 == "99%" { p = ms($2) }
    END { print n + 0, r + 0, p + 0 }' "$tmp/wrk.out")
  [ "$requests" -gt 0 ] || invalid "no request was answered at $1"
}

# --- figures ----------------------------------------------------------------------------------------------------------

record() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$tmp/figures"; } # record SIDE PAIR METRIC VALUE

calc() { awk "BEGIN { printf \"%.${2:-3}f\", $1 }"; }

figures() { # figures METRIC TITLE SIDE...: a row a side, a column a pair, the median last
  local metric=$1 title=$2; shift 2
  echo
  awk -F'\t' -v metric="$metric" -v title="$title" -v sides="$*" '
    function median(s,    i, j, n, t, v) {
      for (i = 1; i <= pairs; i++) if ((s, i) in value) v[++n] = value[s, i] + 0
      for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
      return n == 0 ? 0 : n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    $3 == metric { value[$1, $2] = $4; if ($2 > pairs) pairs = $2 }
    END {
      printf "%-34s", title; for (i = 1; i <= pairs; i++) printf "%11s", "run " i; printf "%11s\n", "median"
      n = split(sides, side, " ")
      for (k = 1; k <= n; k++) {
        printf "  %-32s", side[k]
        for (i = 1; i <= pairs; i++) printf "%11s", value[side[k], i]
        printf "%11s\n", sprintf("%.6g", median(side[k]))
      }
    }' "$tmp/figures"
}

median_ratio() { # median_ratio METRIC A B: the median over the pairs of A's figure divided by B's
  awk -F'\t' -v metric="$1" -v a="$2" -v b="$3" '
    $3 == metric && $1 == a { x[$2] = $4 } $3 == metric && $1 == b { y[$2] = $4 }
    END {
      for (i in x) if (y[i] > 0) v[++n] = x[i] / y[i]
      for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
      if (n == 0) exit 1
      printf "%.3f", n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }' "$tmp/figures"
}

missed=0 verdicts=()
ratio() { # ratio NAME METRIC A B "<=|>=" TARGET
  local value
  value=$(median_ratio "$2" "$3" "$4") || invalid "no figures for $1"
  if [ "$quick" = 1 ]; then verdicts+=("info quick run, not a verdict: $1 $value (target $5 $6)"); return; fi
  verdicts+=("ratio $1 $value $5 $6")
  awk -v v="$value" -v op="$5" -v t="$6" 'BEGIN { exit !(op == "<=" ? v <= t : v >= t) }' || missed=1
}
info() { verdicts+=("info $*"); } # beside the ratios, without a target

verdict() { # info lines first: the last lines are the ratios
  local line
  echo
  for line in "${verdicts[@]}"; do [[ $line == info* ]] && echo "$line"; done
  for line in "${verdicts[@]}"; do [[ $line == ratio* ]] && echo "$line"; done
  [ $missed = 0 ] || exit 1
}

order() { # order PAIR SIDE...: the sides forwards in odd pairs, backwards in even ones, so that no side always goes first
  local pair=$1 i; shift
  if ((pair % 2)); then echo "$@"; else for ((i = $#; i > 0; i--)); do printf '%s ' "${!i}"; done; fi
}

machine() {
  echo "machine: $(nproc) cores, $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r)"
  echo "commit: $(git -C "$repo" describe --always --dirty 2>/dev/null || echo unknown), $(date -u +%Y-%m-%dT%H:%MZ)"
  awk '{ if ($1 > 0.5) printf "note: other work was running here at the start (load average %s); expect wider figures\n", $1 }' /proc/loadavg
}
