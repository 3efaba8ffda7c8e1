#!/bin/sh
# What a user sees when a GPU is missing, refuses or fails: with --backend cuda exit code 6, a message, and never a damaged
# file; with --backend auto the CPU, the same bits and a line that says why. On the played device of fake_cudart.c.
#   sh cuda_faults.sh PROGRAM HASH FAKE OTHER: hash_result, the folders of the played plug-in and of one of another version
. tests/cli/harness.inc
hash=$2
fake=$3
other=$4
export ENSGRAD_PLUGIN_PATH="$fake" ENSGRAD_FAKE_ORDER=steps

# asked FAULT TEXT OPTION..: --backend cuda fails and says TEXT; what lies there then can be verified and continued.
asked() {
  rm -f asked.h5
  fault=$1
  text=$2
  shift 2
  ENSGRAD_FAKE_FAULT=$fault expect 6 run study.yaml -o asked.h5 --backend cuda -q "$@"
  says err "$text"
  if [ -e asked.h5 ]; then
    expect 0 verify asked.h5
  fi
  expect 0 run study.yaml -o asked.h5 --backend cuda -q
  check "$hash" asked.h5 >asked.hash
  same asked.hash cpu.hash
}

# auto FAULT TEXT OPTION..: --backend auto takes the CPU, says TEXT (nothing where it is empty) and has its bits.
auto() {
  rm -f auto.h5
  fault=$1
  text=$2
  shift 2
  ENSGRAD_FAKE_FAULT=$fault expect 0 run study.yaml -o auto.h5 -q "$@"
  if [ -n "$text" ]; then
    says err "$text"
  else
    is_empty err
  fi
  check "$hash" auto.h5 >auto.hash
  same auto.hash cpu.hash
}

write_study study.yaml 30000 64
expect 0 run study.yaml -o cpu.h5 --backend cpu -q
check "$hash" cpu.h5 >cpu.hash

expect 0 run study.yaml -o cuda.h5 --backend cuda -q
check "$hash" cuda.h5 >cuda.hash
same cuda.hash cpu.hash

asked devices:1 'no GPU is visible'
auto devices:1 ''
asked load:1 'compute capability 8.0'
auto load:1 'the GPU is not used'
asked malloc:1 "the GPU's memory is full"
auto malloc:3 'the GPU is not used'
asked launch:1 'starting the steps'
asked kernel:1 'a kernel failed'
auto kernel:1 'the GPU is not used'
asked copy:1 'the device gives wrong results on a known answer and is not used'
auto copy:1 'the device gives wrong results on a known answer and is not used'

# after the known answer came out right: in the middle of the study
write_study study.yaml 150000 64
expect 0 run study.yaml -o cpu.h5 --backend cpu -q --force
check "$hash" cpu.h5 >cpu.hash
asked kernel:200 'a kernel failed'
auto kernel:200 'the GPU failed, the CPU goes on'

auto launch:200 'the GPU failed, the CPU goes on'

# A device that hangs is given up, at the known answer and later.
asked hang:1 'the device hangs: no sign of life for 0.5 seconds' --device-timeout 0.5
auto hang:1 'the GPU is not used: the device hangs' --device-timeout 0.5
asked hang:200 'the device hangs: no sign of life for 0.5 seconds' --device-timeout 0.5
auto hang:200 'the GPU failed, the CPU goes on: the device hangs' --device-timeout 0.5

# Spot checks: a tile with a wrong last bit, or with a NaN, is seen when the CPU makes it again, and all tiles of the session go,
# also those that a snapshot holds already. Without checks it is not seen: the comparison itself is no accident.
counts() { # FILE: tiles of devices that were checked, agreed, discarded
  /usr/bin/python3 -c 'import h5py, sys
a = h5py.File(sys.argv[1])["provenance"].attrs
print(*(int(a["device_tiles_" + name]) for name in ("checked", "agreed", "discarded")))' "$1" 2>/dev/null || echo unread
}
expect 0 run study.yaml -o counted.h5 -q --backend cuda --check-tiles 1
check [ "$(counts counted.h5)" = "74 74 0" ]
expect 0 run study.yaml -o counted.h5 -q --backend cuda --force # the default: one in a thousand, and the first of the run
check [ "$(counts counted.h5)" = "1 1 0" ]
expect 0 run study.yaml -o counted.h5 -q --backend cuda --check-tiles 0 --force
check [ "$(counts counted.h5)" = "0 0 0" ]
for fault in wrong nan; do
  asked $fault:70 'gave wrong results' --check-tiles 1 --snapshot 0.01
  auto $fault:70 'the GPU failed, the CPU goes on: cuda 0' --check-tiles 1
done
rm -f asked.h5
ENSGRAD_FAKE_FAULT=wrong:70 expect 6 run study.yaml -o asked.h5 --backend cuda -q --check-tiles 1 --snapshot 0.01
says err 'tiles that it had made are discarded'
expect 0 verify asked.h5
says out partial
asked nan:70 'gave wrong results' # a NaN is looked at whatever is drawn

# One that hangs after it was found wrong, when it has nothing in hand any more. (Half a second without a step happens on a busy machine.)
asked dying:160 'gave wrong results' --check-tiles 1 --device-timeout 2
auto dying:160 'the GPU failed, the CPU goes on: cuda 0' --check-tiles 1 --device-timeout 2

# A CPU that cannot check: no device is wrong for that
ENSGRAD_ISA=none expect 0 run study.yaml -o unchecked.h5 -q --backend cuda --check-tiles 1
says err 'tiles of devices cannot be checked on the CPU: ENSGRAD_ISA'
check [ "$(counts unchecked.h5)" = "0 0 0" ]
ENSGRAD_FAKE_FAULT=wrong:70 expect 0 run study.yaml -o unseen.h5 -q --backend cuda --check-tiles 0
check "$hash" unseen.h5 >unseen.hash
check [ "$(cmp -s unseen.hash cpu.hash; echo $?)" = 1 ]

# Histograms and kept paths: counts of every batch add up, those of the first tile are compared, and so is every checked path.
write_study study.yaml 150000 64
cat >>study.yaml <<END
  histograms: {feature: x, bins: 8, low: -4, high: 4}
  keep: {realisations: 20}
END
expect 0 run study.yaml -o cpu.h5 --backend cpu -q --force
check "$hash" cpu.h5 >cpu.hash
asked miscount:1 'a histogram has '
asked miscount:1 'tiles that it had made are discarded'
asked misbin:1 'in the histograms of tile 0 is'
asked keep:1 'in the kept paths of tile 0 is'
auto miscount:9 'the GPU failed, the CPU goes on: cuda 0'
auto keep:1 'in the kept paths of tile 0 is'
sed -i 's/, low: -4, high: 4//' study.yaml # grids of a first tile, which the wrong device makes
expect 0 run study.yaml -o cpu.h5 --backend cpu -q --force
check "$hash" cpu.h5 >cpu.hash
auto misbin:1 'tiles that this session had made are discarded'
# Statistics of paths: their sums, their lists and the counts of their values
write_study study.yaml 150000 64
sed -i 's/linear: 2/linear: 8/' study.yaml
cat >>study.yaml <<END
  paths: [{statistic: msd}, {statistic: time-averaged-msd, lags: [8, 16], histogram: true}, {statistic: tail, feature: x0, largest: 100},
    {statistic: time-average, feature: x0}, {statistic: correlator, feature: x0, every: 2}]
END
expect 0 run study.yaml -o cpu.h5 --backend cpu -q --force
check "$hash" cpu.h5 >cpu.hash
rm -f cuda.h5
expect 0 run study.yaml -o cuda.h5 --backend cuda -q --check-tiles 5
check "$hash" cuda.h5 >cuda.hash
same cuda.hash cpu.hash
asked swap:1 'in the sums of tile 0 is'
asked swap:40 'gave wrong results' --check-tiles 1
auto swap:1 'the GPU failed, the CPU goes on: cuda 0'
asked uncount:9 'a histogram has '
asked misfeed:1 'in the sums of tile 0 is'
asked unfeed:40 'gave wrong results' --check-tiles 1
auto misfeed:1 'the GPU failed, the CPU goes on: cuda 0'

# Counts at times of their own, between those of the moments, and of two histograms together
write_study study.yaml 150000 64
cat >>study.yaml <<END
  histograms: [{feature: x, bins: 8, low: -4, high: 4, at: {steps: [16, 48, 64]}}, {feature: norm2, bins: 3, low: 0, high: 4, at: {steps: [16, 48, 64]}}]
  joint_histograms: {of: x0, with: norm2}
END
expect 0 run study.yaml -o cpu.h5 --backend cpu -q --force
check "$hash" cpu.h5 >cpu.hash
rm -f cuda.h5
expect 0 run study.yaml -o cuda.h5 --backend cuda -q --check-tiles 5
check "$hash" cuda.h5 >cuda.hash
same cuda.hash cpu.hash
asked miscount:1 'a histogram has '
asked misbin:1 'in the histograms of tile 0 is'
asked unpair:1 'in the histograms of tile 0 is'
auto miscount:9 'the GPU failed, the CPU goes on: cuda 0'

expect 2 run study.yaml --check-tiles -1
says err "--check-tiles '-1' is no whole number"

# a plug-in of another version, and none
ENSGRAD_PLUGIN_PATH=$other expect 6 run study.yaml -o other.h5 --backend cuda -q
says err 'the CUDA plug-in is of another version'
ENSGRAD_PLUGIN_PATH=/nowhere expect 6 run study.yaml -o other.h5 --backend cuda -q
says err 'there is no CUDA plug-in'
check test ! -e other.h5

# One that lies beside the program, where everybody could have put it
mkdir place
cp "$program" place/ensgrad
cp "$fake"/libensgrad_cuda.so place/
check env -u ENSGRAD_PLUGIN_PATH place/ensgrad devices >out 2>err
says out 'a device played on the host'
chmod o+w place/libensgrad_cuda.so
check env -u ENSGRAD_PLUGIN_PATH place/ensgrad devices >out 2>err
says out 'not opened: it can be written by everybody'
report
