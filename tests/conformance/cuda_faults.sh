#!/bin/sh
# What a user sees when a GPU is missing, refuses or fails: with --backend cuda exit code 6, a message, and never a damaged
# file; with --backend auto the CPU, the same bits and a line that says why. On the played device of fake_cudart.c.
#   sh cuda_faults.sh PROGRAM HASH FAKE OTHER: hash_result, the folders of the played plug-in and of one of another version
. tests/cli/harness.inc
hash=$2
fake=$3
other=$4
export ENSGRAD_PLUGIN_PATH="$fake" ENSGRAD_FAKE_ORDER=steps

# asked FAULT TEXT: --backend cuda fails and says TEXT; what lies there then can be verified and continued.
asked() {
  rm -f asked.h5
  ENSGRAD_FAKE_FAULT=$1 expect 6 run study.yaml -o asked.h5 --backend cuda -q
  says err "$2"
  if [ -e asked.h5 ]; then
    expect 0 verify asked.h5
  fi
  expect 0 run study.yaml -o asked.h5 --backend cuda -q
  check "$hash" asked.h5 >asked.hash
  same asked.hash cpu.hash
}

# auto FAULT TEXT: --backend auto takes the CPU, says TEXT (nothing where it is empty) and has its bits.
auto() {
  rm -f auto.h5
  ENSGRAD_FAKE_FAULT=$1 expect 0 run study.yaml -o auto.h5 -q
  if [ -n "$2" ]; then
    says err "$2"
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
write_study study.yaml 300000 64
expect 0 run study.yaml -o cpu.h5 --backend cpu -q --force
check "$hash" cpu.h5 >cpu.hash
asked kernel:200 'a kernel failed'
auto kernel:200 'the GPU failed, the CPU goes on'

# a plug-in of another version, and none
ENSGRAD_PLUGIN_PATH=$other expect 6 run study.yaml -o other.h5 --backend cuda -q
says err 'the CUDA plug-in is of another version'
ENSGRAD_PLUGIN_PATH=/nowhere expect 6 run study.yaml -o other.h5 --backend cuda -q
says err 'there is no CUDA plug-in'
check test ! -e other.h5
report
