#!/bin/sh
# Several GPUs, and GPUs with the CPU: tiles are given out to all of them, the bits are those of the CPU alone, and the tiles of a
# device that fails, hangs or is wrong are made by the others. On played devices (fake_cudart.c).
#   sh cuda_several.sh PROGRAM HASH FAKE: hash_result, the folder of the played plug-in
. tests/cli/harness.inc
hash=$2
export ENSGRAD_PLUGIN_PATH="$3" ENSGRAD_FAKE_DEVICES=3

# devices FILE: what computed it.
device_of() {
  /usr/bin/python3 -c 'import h5py, sys
a = h5py.File(sys.argv[1])["provenance"].attrs
print(a["backend"], "-", a["device"])' "$1" 2>/dev/null || echo unread
}

# right OPTION..: exit 0 and the CPU's bits.
right() {
  rm -f got.h5
  expect 0 run study.yaml -o got.h5 -q "$@"
  check "$hash" got.h5 >got.hash
  same got.hash cpu.hash
}

expect 0 devices
says out 'cuda 0 a device played on the host'
says out 'cuda 2 a device played on the host, another'

write_study study.yaml 300000 64
expect 0 run study.yaml -o cpu.h5 --backend cpu -q
check "$hash" cpu.h5 >cpu.hash
for order in concurrent steps; do
  export ENSGRAD_FAKE_ORDER=$order
  right --backend cuda --check-tiles 5
  is_empty err
  right --backend all --threads 2 --check-tiles 5
  right --backend cuda --devices 2,0
  right --backend auto --devices 1
done
right --backend cuda
check [ "$(device_of got.h5 | cut -c1-60)" = "cuda - a device played on the host, 1 SM, driver for CUDA 13" ]
check sh -c "case '$(device_of got.h5)' in *'; 2 x a device played on the host, another'*) ;; *) false ;; esac"
right --backend all --threads 1
check sh -c "case '$(device_of got.h5)' in 'cuda+cpu - '*) ;; *) false ;; esac"

# Tiles of a device are not kept: a session too short for one says so, as does the check. A long enough one says nothing (above).
write_study long.yaml 64 20000000
expect 75 run long.yaml -o long.h5 -q --backend cuda --max-time 1
says err "a tile of run 'sde' takes more than"
says err "its state is not kept there: the tiles in hand begin anew, so a time limit must be longer"
expect 75 run long.yaml -o long-cpu.h5 -q --backend cpu --max-time 1 --set steps=200000000
check [ "$(grep -c 'time limit' err)" = 0 ]
expect 0 check long.yaml
says out "tiles are in hand there for about"
expect 0 run long.yaml -o slow.h5 -q --backend cuda --snapshot 0.05 --check-tiles 0 --set steps=2000000
says err "longer than the snapshot interval (0.05 s); its state is not kept there, so a kill costs as much"
check [ "$(grep -c 'snapshot interval' err)" = 1 ]

# One of three goes away: the others take its tiles. The last one of one: as ever. On a busy machine the others may have made all
# tiles before the second one took any: then again, and the bits must be right every time.
for fault in kernel:116@1 launch:116@1 hang:116@1 wrong:33@1 nan:33@1; do # behind what the known answer takes
  case $fault in
  wrong* | nan*) told='tiles that it had made are discarded' ;;
  *) told='failed, the others go on' ;;
  esac
  for backend in cuda all; do
    tries=0
    while [ $tries -lt 20 ]; do
      ENSGRAD_FAKE_FAULT=$fault right --backend $backend --threads 1 --check-tiles 1 --device-timeout 0.5
      tries=$((tries + 1))
      if grep -q 'cuda 1' err; then
        break
      fi
    done
    says err 'cuda 1'
    says err 'failed, the others go on'
    says err "$told"
  done
done

# A wrong device costs what it made: less than a session of all, of which others made most.
check test "$(/usr/bin/python3 -c 'import h5py
a = h5py.File("got.h5")["provenance"].attrs
print(1 <= int(a["device_tiles_discarded"]) < 60 and int(a["device_tiles_checked"]) > int(a["device_tiles_agreed"]))')" = True
ENSGRAD_FAKE_FAULT=copy:1@2 right --backend cuda
says err 'GPU 2 is not used: the device gives wrong results on a known answer'
ENSGRAD_FAKE_FAULT=copy:1@2 expect 6 run study.yaml -o no.h5 -q --backend cuda --devices 0,2
ENSGRAD_FAKE_FAULT=devices:1 right --backend all
says err 'the CPU computes alone: looking for a GPU'
ENSGRAD_FAKE_FAULT=kernel:116@1 expect 6 run study.yaml -o no.h5 -q --backend cuda --devices 1
expect 6 run study.yaml -o no.h5 -q --backend cuda --devices 0,3
says err 'there is no GPU 3: 3 are visible, counted from 0'

# Stop and go on, with other devices.
stopped stop.h5 10 run study.yaml -q --backend all
expect 0 run study.yaml -o stop.h5 -q --backend cuda --devices 1,2
check "$hash" stop.h5 >got.hash
same got.hash cpu.hash

# Statistics of paths, with counts and lists
sed -i 's/linear: 2/linear: 8/' study.yaml
cat >>study.yaml <<END
  paths: [{statistic: msd}, {statistic: time-averaged-msd, lags: [8, 16], histogram: true}, {statistic: tail, feature: x0, largest: 100},
    {statistic: time-average, feature: x0}, {statistic: correlator, feature: x0, every: 2}]
END
expect 0 run study.yaml -o cpu.h5 --backend cpu -q --force
check "$hash" cpu.h5 >cpu.hash
right --backend cuda --check-tiles 5
right --backend all --threads 2 --check-tiles 5

expect 2 run study.yaml --backend cpu --devices 0
says err 'GPUs are named, but the backend is cpu'
for list in '' 0, 0,0 a -1 0,,1; do
  expect 2 run study.yaml --devices "$list"
  says err 'is no list of GPUs'
done
report
