#!/bin/sh
# ensgrad-mpi: equal bits for 1 to 4 ranks, also after stops, signals and lost ranks, which the same command goes on from.
#   sh mpi.sh PROGRAM ENSGRAD-MPI MPIEXEC [second]: where the first MPI has tried what does not depend on it
. tests/cluster/cluster.inc
mpi_program=$2
mpiexec=$3
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
command -v "$mpiexec" >/dev/null || { echo "there is no $mpiexec"; exit 77; }
# The second MPI may need what a container lacks (shared memory, a name of the machine); the first one has tried the program.
if [ "${4:-}" = second ] && ! timeout 120 "$mpiexec" -n 4 "$mpi_program" help >out 2>&1; then
  echo "skipped: $mpiexec does not start four ranks: $(tail -n 3 out)"
  exit 77
fi

# ranks CODE N ARGUMENT..: the program on N ranks.
ranks() {
  wanted=$1
  n=$2
  shift 2
  timeout 1200 "$mpiexec" -n "$n" "$mpi_program" "$@" >out 2>err
  got=$?
  checks=$((checks + 1))
  if [ "$got" -ne "$wanted" ]; then
    fail "exit code $got, expected $wanted: $n ranks, $*"
    head -n 5 out err
  fi
}

computed_by() {
  /usr/bin/python3 -c 'import h5py, sys
print(h5py.File(sys.argv[1])["provenance"].attrs["device"])' "$1" 2>/dev/null
}

studies="rich absorbing groups"
[ "${4:-}" != second ] || studies=rich
for study in $studies; do
  expect 0 run $study.yaml -o $study.h5 -q --backend cpu
  for n in 1 2 3 4; do
    ranks 0 "$n" run $study.yaml -o ranks.h5 -q --force --backend cpu --threads 1
    equal $study.h5 ranks.h5
  done
done
computed_by ranks.h5 >by
says by 'and 3 workers of other ranks'
ranks 0 2 run rich.yaml -o ranks.h5 -q --force --backend cpu --threads 2 # two workers a rank
equal rich.h5 ranks.h5

# The table is printed once, errors too; other commands are those of one process.
ranks 0 3 run rich.yaml -o ranks.h5 --backend cpu
check [ "$(grep -c 'ranks.h5: complete' out)" = 1 ]
ranks 3 3 run nowhere.yaml
check [ "$(grep -c 'error' err)" = 1 ]
ranks 0 2 verify ranks.h5
says out 'ranks.h5: sealed, complete'

# Stopped, and gone on with by another number of ranks.
write_study long.yaml 4000000 1024
expect 0 run long.yaml -o long.h5 -q --backend cpu
limit=600
got=0
while [ $got -eq 0 ] && [ $limit -gt 0 ]; do # a machine that is done before has less time
  limit=$((limit / 2))
  rm -f stopped.h5
  timeout 1200 "$mpiexec" -n 3 "$mpi_program" run long.yaml -o stopped.h5 -q --backend cpu --threads 1 --max-time "$(as_seconds $limit)" >out 2>err
  got=$?
done
check [ $got -eq 75 ]
expect 0 verify stopped.h5
says out partial
ranks 0 2 run long.yaml -o stopped.h5 -q --backend cpu
equal long.h5 stopped.h5

# rank_of PID: what the launcher has told it.
rank_of() {
  tr '\0' '\n' <"/proc/$1/environ" 2>/dev/null | sed -n 's/^\(OMPI_COMM_WORLD_RANK\|PMI_RANK\)=//p'
}

# kill_one RANK OPTION..: of 3 ranks this one is killed after the first snapshot. *code*: what the launcher ends with.
kill_one() {
  rank=$1
  shift
  rm -f lost.h5
  timeout 1200 "$mpiexec" "$@" -n 3 "$mpi_program" run long.yaml -o lost.h5 -q --backend cpu --threads 1 --snapshot 0.1 \
    --device-timeout 2 >out 2>err &
  launcher=$!
  until [ -e lost.h5 ] || ! kill -0 $launcher 2>/dev/null; do
    sleep 0.1
  done
  victim=
  for pid in $(ps -eo pid=,args= | awk -v program="$mpi_program" '$2 == program && /lost.h5/ {print $1}'); do
    [ "$(rank_of "$pid")" != "$rank" ] || victim=$pid
  done
  check [ -n "$victim" ]
  kill -9 "$victim"
  wait $launcher
  code=$?
}

# MPI ends the job. What the last snapshot holds is whole, and the same command goes on.
for rank in 2 0; do
  kill_one $rank
  check [ $code -ne 0 ] && check [ $code -ne 124 ]
  expect 0 verify lost.h5
  says out partial
  ranks 0 3 run long.yaml -o lost.h5 -q --backend cpu --threads 1
  equal long.h5 lost.h5
done

# A launcher that leaves the others alive: they make the tiles that the dead rank had in hand, and the run ends well.
if "$mpiexec" --version 2>&1 | grep -qi 'open.*mpi\|openrte'; then
  kill_one 2 --enable-recovery
  check [ $code -eq 0 ]
  says err 'rank 2: '
  says err 'the others go on'
  expect 0 verify lost.h5
  says out complete
  equal long.h5 lost.h5

  # Without rank 0 there is nobody to write: the others end by themselves. The launcher gives 0 all the same; the file tells.
  kill_one 0 --enable-recovery
  check [ $code -ne 124 ]
  says err 'no sign of life of rank 0'
  expect 0 verify lost.h5
  says out partial
  ranks 0 3 run long.yaml -o lost.h5 -q --backend cpu --threads 1
  equal long.h5 lost.h5
fi

# A table that nobody reads is no dead rank 0: its output is a full pipe for longer than the others would wait for it.
cat >to_pipe <<'END'
#!/bin/sh
case ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} in
0) exec "$@" >pipe ;;
*) exec "$@" ;;
esac
END
chmod +x to_pipe
mkfifo pipe
(
  until "$program" verify held.h5 2>/dev/null | grep -q complete; do
    sleep 0.1
  done
  sleep 5
  exec cat >drained
) <pipe &
reader=$!
exec 3>pipe
dd if=/dev/zero of=pipe bs=4096 count=100000 oflag=nonblock 2>dd.log # until it is full
timeout 1200 "$mpiexec" -n 3 ./to_pipe "$mpi_program" run rich.yaml -o held.h5 --backend cpu --device-timeout 2 >out 2>err
code=$?
check [ $code -eq 0 ]
check [ "$(grep -c 'no sign of life' err)" = 0 ]
exec 3>&-
[ $code -eq 0 ] || kill "$reader"
wait "$reader"
check grep -aq 'held.h5: complete' drained

# GPUs of the ranks, played: as many as ranks, and fewer, where the others work on the CPU or, under cuda, not at all.
export ENSGRAD_PLUGIN_PATH="$(dirname "$program")/tests/fake_cuda" ENSGRAD_FAKE_DEVICES=2
if [ -e "$ENSGRAD_PLUGIN_PATH/libensgrad_cuda.so" ] && [ "${4:-}" != second ]; then
  write_study study.yaml 300000 64
  expect 0 run study.yaml -o cpu.h5 -q --backend cpu
  for backend in cuda auto; do
    for n in 1 2 3; do
      ranks 0 "$n" run study.yaml -o ranks.h5 -q --force --backend $backend --threads 1 --check-tiles 5
      equal cpu.h5 ranks.h5
      computed_by ranks.h5 >by
      says by 'played on the host'
      case $backend-$n in
      *-1) ;;
      cuda-3) says err 'rank 2 does not work: no GPU is left for it: its machine has 2 for 3 ranks' ;;
      *) says by "and $((n - 1)) worker" ;;
      esac
    done
  done
  # One cannot load the kernels: auto computes on the CPU there.
  ranks 0 2 run rich.yaml -o ranks.h5 -q --force --backend auto --threads 1
  equal rich.h5 ranks.h5
fi
report
