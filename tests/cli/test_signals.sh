#!/bin/sh
# Stopped at any time, by signals or --max-time, a run leaves a valid partial result, and continuing it gives the bits
# of the straight run.
. tests/cli/harness.inc

# A study that takes at least two seconds of CPU time here (wall time would depend on what else runs).
straight() {
  write_study big.yaml "2^$1" 1024
  rm -f straight.h5
  milliseconds=$(/usr/bin/python3 -c '
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(int(1000 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime))
sys.exit(code)' "$program" run big.yaml -o straight.h5 --threads 1 --quiet) || fail "the straight run"
}
size=16
straight $size
while [ "$milliseconds" -lt 2000 ] && [ $size -lt 30 ]; do
  size=$((size + 1))
  straight $size
done
"$program" export straight.h5 >straight.csv
check [ -s straight.csv ]

# stopping FUNCTION: calls it, which returns 1 where the run was done before this script came to stop it: then again, with twice the work.
stopping() {
  until "$1"; do
    rm -f part.h5
    size=$((size + 1))
    [ $size -lt 32 ] || { fail "$1: nothing stops it"; report; }
    straight $size
    "$program" export straight.h5 >straight.csv
  done
}

# run_until_noted ARGUMENT...: start a run in the background (in $pid) and wait until signals are caught.
run_until_noted() {
  : >err
  env --default-signal=INT,HUP "$program" run big.yaml --threads 1 "$@" >out 2>err &
  pid=$!
  until grep -q "writing to" err || ! kill -0 "$pid" 2>/dev/null; do
    sleep 0.02
  done
}

# stop_by SIGNAL DELAY: expects exit code 75 and a valid partial result; 1 if the run was done before. The largest time from a signal to the exit is told, and
# decides nothing: other programs are part of it (scripts/reliability latency measures it).
slowest=0
stop_by() {
  run_until_noted -o part.h5
  sleep "$2"
  asked=$(date +%s%N)
  kill -s "$1" "$pid" 2>/dev/null
  wait "$pid"
  got=$?
  [ $got -ne 0 ] || return 1
  took=$((($(date +%s%N) - asked) / 1000000))
  [ $took -le $slowest ] || slowest=$took
  checks=$((checks + 1))
  [ "$got" -eq 75 ] || fail "exit code $got after SIG$1, expected 75: $(cat err)"
  says err "stopped early (SIG$1)"
  says err "continue with: "
  expect 0 verify part.h5
  says out "part.h5: sealed, partial"
  expect 0 info part.h5
  expect 0 export part.h5
  return 0
}

# finish: the rest of part.h5 gives the bits of the straight run.
finish() {
  expect 0 run big.yaml -o part.h5 --quiet
  expect 0 verify part.h5
  says out "part.h5: sealed, complete"
  "$program" export part.h5 >part.csv
  same part.csv straight.csv
  rm -f part.h5
}

many_stops() {
  stop_by TERM 0.3 && stop_by INT 0.2 && stop_by USR1 0.1 && stop_by HUP 0 && stop_by XCPU 0.15
}
early_stop() {
  stop_by TERM 0 # perhaps before the first tile
}
stopping many_stops
finish
stopping early_stop
finish
echo "largest time from a signal to the exit: $slowest ms"

# The command it names continues, and does not start anew: --force is left out.
stop_forced() {
  run_until_noted -o part.h5 --force --set "title=a title with 'quotes'"
  sleep 0.3
  kill -s TERM "$pid" 2>/dev/null
  wait "$pid"
  got=$?
  [ $got -ne 0 ]
}
stopping stop_forced
check [ $got -eq 75 ]
sed -n 's/.*continue with: //p' err >command.sh
says command.sh "run big.yaml"
check [ "$(grep -c -e --force command.sh)" -eq 0 ]
cp part.h5 partial.h5
check sh ./command.sh >out 2>err
expect 0 verify part.h5
says out complete
"$program" export part.h5 >part.csv
same part.csv straight.csv

# timeout sends its signal twice at once, to the process and to the group: that is one request. A slow machine may not have begun.
stop_twice() {
  for seconds in 1 2 4 8 16; do
    rm -f part.h5
    timeout --preserve-status -s TERM $seconds "$program" run big.yaml -o part.h5 --threads 1 >out 2>err
    got=$?
    ! grep -q "writing to" err || break
  done
  [ $got -ne 0 ]
}
stopping stop_twice
check [ $got -eq 75 ]
expect 0 verify part.h5
finish

# --max-time, and JSON lines about the stop.
stop_by_time() {
  "$program" run big.yaml -o part.h5 --threads 1 --max-time 0.5s --json >out 2>first
  got=$?
  tail -n 1 out >last
  [ $got -ne 0 ] || return 1
  "$program" run big.yaml -o part.h5 --threads 1 --max-time 0.4 --snapshot 0.1 >out 2>err
  again=$?
  [ $again -ne 0 ]
}
stopping stop_by_time
check [ $got -eq 75 ]
check [ $again -eq 75 ]
says first "stopped early (--max-time)"
says last '"message_type": "summary"'
says last '"exit_code": 75'
finish

# What makes automatic grids is kept like a tile: sessions too short for it get on, and none has to say otherwise.
write_study grids.yaml 64 40000000
printf '  histograms: {feature: x}\n' >>grids.yaml
for session in 1 2; do
  expect 75 run grids.yaml -o grids.h5 -q --threads 1 --max-time 0.5
  check [ "$(grep -c 'time limit' err)" = 0 ]
done
expect 75 run grids.yaml -o fixed.h5 -q --threads 1 --max-time 0.5 --set observe.histograms.low=-4 --set observe.histograms.high=4
check [ "$(grep -c 'time limit' err)" = 0 ]

# Killed, with snapshots: the last one is valid and continues.
stop_hard() {
  run_until_noted -o part.h5 --snapshot 0.1
  until [ -e part.h5 ] || ! kill -0 "$pid" 2>/dev/null; do
    sleep 0.02
  done
  kill -s KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  expect 0 verify part.h5
  ! grep -q "part.h5: sealed, complete" out
}
stopping stop_hard
says out "part.h5: sealed, partial"
finish
rm -f ./*.tmp*

# What the parent ignores stays ignored: nohup.
: >err
(
  trap '' HUP
  exec "$program" run big.yaml -o part.h5 --threads 1 >out 2>err
) &
pid=$!
until grep -q "writing to" err || ! kill -0 "$pid" 2>/dev/null; do
  sleep 0.02
done
kill -s HUP "$pid"
wait "$pid"
check [ $? -eq 0 ]

# A second INT or TERM ends the program at once. Here it hangs on a full pipe, with its file already complete. (The thread sanitizer
# holds signals back while a call of libc waits: there it would hang for ever.)
if nm -D "$program" 2>/dev/null | grep -q __tsan_init; then
  report
fi
mkfifo pipe
sleep 3600 <pipe &
reader=$!
exec 3>pipe
dd if=/dev/zero of=pipe bs=4096 count=100000 oflag=nonblock 2>dd.log # until it is full
write_study tiny.yaml 2^10 8
second_signal() { # SIGNAL CODE
  env --default-signal=INT "$program" run tiny.yaml -o "$1.h5" >pipe 2>err &
  pid=$!
  until [ -e "$1.h5" ] || ! kill -0 "$pid" 2>/dev/null; do
    sleep 0.05
  done
  sleep 0.3
  kill -s "$1" "$pid"
  sleep 0.5
  check kill -0 "$pid"
  while kill -s "$1" "$pid" 2>/dev/null; do # a slow machine may see the first two as one
    sleep 0.5
  done
  wait "$pid"
  got=$?
  checks=$((checks + 1))
  [ "$got" -eq "$2" ] || fail "exit code $got after a second SIG$1, expected $2"
  expect 0 verify "$1.h5"
}
second_signal TERM 143
second_signal INT 130
exec 3>&-
kill "$reader"
wait "$reader" 2>/dev/null
report
