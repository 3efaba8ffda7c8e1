#!/bin/sh
# Every allocation of a small study on a played device fails once, and launches and kernels at many places of it: with --backend cuda
# exit code 6, a message and no file or a whole one, from which the same command goes on to all bits; with --backend auto the
# CPU's bits at once. On the played device of fake_cudart.c.
#   sh cuda_sweep.sh PROGRAM HASH FAKE: hash_result, the folder of the played plug-in
. tests/cli/harness.inc
hash=$2
export ENSGRAD_PLUGIN_PATH="$3" ENSGRAD_FAKE_ORDER=steps

write_study study.yaml 10000 64
cat >>study.yaml <<END
  histograms: {feature: x, bins: 8, low: -4, high: 4}
  keep: {realisations: 4}
  paths: [{statistic: msd}, {statistic: time-average, feature: x0}]
END
expect 0 run study.yaml -o cpu.h5 --backend cpu -q
check "$hash" cpu.h5 >cpu.hash

# bits FILE
bits() {
  check "$hash" "$1" >now.hash
  same now.hash cpu.hash
}

# strike FAULT: under both backends. Sets `struck` to 1 if the fault was met, `went_on` counts the runs that had left a file.
went_on=0
strike() {
  rm -f a.h5 b.h5
  ENSGRAD_FAKE_FAULT=$1 "$program" run study.yaml -o a.h5 --backend cuda -q --snapshot 0.01 >out 2>err
  code=$?
  mv err said
  if [ $((n % 3)) -eq 1 ]; then
    ENSGRAD_FAKE_FAULT=$1 expect 0 run study.yaml -o b.h5 --backend auto -q
    bits b.h5
  fi
  struck=0
  checks=$((checks + 1))
  if [ $code -eq 0 ]; then
    bits a.h5
    return
  fi
  struck=1
  [ $code -eq 6 ] || fail "$1: exit code $code, expected 6"
  check [ -s said ]
  if [ -e a.h5 ]; then
    went_on=$((went_on + 1))
    expect 0 verify a.h5
    expect 0 run study.yaml -o a.h5 --backend cuda -q
    bits a.h5
  fi
}

# all KIND LEAST: n = 1, 2, .. until nothing is met any more; at least LEAST are.
all() {
  n=1
  struck=1
  while [ $struck -eq 1 ] && [ $n -lt 500 ]; do
    strike "$1:$n"
    n=$((n + 1))
  done
  echo "$1: $((n - 2)) places"
  check [ $((n - 2)) -ge "$2" ]
  strike "$1:$n" # really the end
  check [ $struck -eq 0 ]
}
all malloc 20
all host 5
# launches and kernels: each of the first, then every 7th
for kind in launch kernel; do
  n=1
  struck=1
  met=0
  while [ $struck -eq 1 ] && [ $n -lt 2000 ]; do
    strike "$kind:$n"
    met=$((met + struck))
    n=$((n + (n < 8 ? 1 : 17)))
  done
  echo "$kind: $met places up to $n"
  check [ $met -ge 12 ]
done
# A tile that the device's memory (6 MiB here) does not hold is refused before the first step; the number of times that it names fits.
observed() { # TIMES
  sed "s/at: {linear: 2}/at: {steps: {linear: $1}}/; s/^steps: .*/steps: 65536/; s|^time_step: .*|time_step: 1/65536|; /histograms\|keep\|paths/d" study.yaml >large.yaml
}
observed 65536
expect 6 run large.yaml -o large.h5 --backend cuda -q --set realisations=10
says err 'kB of GPU memory and'
check [ ! -e large.h5 ]
fit=$(sed -n 's/.*about \([0-9]*\) of the 65536 times would fit.*/\1/p' err)
check [ "${fit:-0}" -gt 1000 ]
observed "${fit:-1}"
expect 0 run large.yaml -o large.h5 --backend cuda -q --set realisations=10
rm -f large.h5
observed "$((${fit:-1} * 5 / 4))"
expect 6 run large.yaml -o large.h5 --backend cuda -q --set realisations=10
echo "$went_on runs under cuda had left a file and went on"
report
