#!/bin/sh
# The promise of equal bits: hashes of accumulators and results of small studies are those of tests/golden/hashes.txt,
# with 2 threads on the best instruction set of this CPU, with 1 thread on the least one, and after stops and a kill.
#   sh tests/golden/test_bits.sh PROGRAM            compare
#   sh tests/golden/test_bits.sh PROGRAM --each     also with 1 thread and on every instruction set, one by one (label slow)
#   sh tests/golden/test_bits.sh PROGRAM --write    make hashes.txt anew: a decision to be explained in the commit
#   sh tests/golden/test_bits.sh PROGRAM --quick [THREADS]    only the first comparison (scripts/bits_matrix)
set -u
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mode=${2:-}
helpers=$(dirname "$program")/tests
root=$PWD
golden=$root/tests/golden
folder=$(mktemp -d) || exit 1
child=
trap 'test -z "$child" || kill -9 $child 2>/dev/null; cd /; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$folder/tests/golden" "$folder/data"
cp -R "$golden/studies" "$folder/tests/golden/"
cp "$root/data/diabetes.h5" "$root/data/breast_cancer.h5" "$folder/data/"
"$helpers/make_two_columns" "$folder/tests/golden/studies/two_columns.h5" || exit 1
cd "$folder" || exit 1
failures=0
checks=0

# name, study, overrides: every stepper, noise kind and precision of the CPU.
cat >cases <<'END'
process-gaussian process
process-gaussian64 process --set noise=gaussian64
process-table5 process --set noise=table5
process-table8 process --set noise=table8
process-table10 process --set noise=table10
process-two-point process --set noise=two-point
process-three-point process --set noise=three-point
process-float process --set state=float
process-float-table5 process --set state=float --set noise=table5
process-common process --set noise=common
law-gaussian process_law
law-gaussian64 process_law --set noise=gaussian64
law-float process_law --set state=float
growth growth
growth-float growth --set state=float
double-well double_well
double-well-float double_well --set state=float
double-well-two-point double_well --set noise=two-point
quadratic quadratic
quadratic-gaussian64 quadratic --set noise=gaussian64
quadratic-table5 quadratic --set noise=table5
regression regression
regression-float regression --set state=float
two-columns two_columns
two-columns-gaussian64 two_columns --set noise=gaussian64
two-columns-float two_columns --set state=float
groups groups
groups-gaussian64 groups --set noise=gaussian64
groups-float groups --set state=float
group-levels group_levels
group-rows group_rows
histograms histograms
histograms-table5 histograms --set noise=table5
gaussian-regression gaussian_regression
gaussian-regression-gaussian64 gaussian_regression --set noise=gaussian64
gaussian-regression-table8 gaussian_regression --set noise=table8
gaussian-regression-float gaussian_regression --set state=float
population population
population-gaussian64 population --set noise=gaussian64
population-two-point population --set noise=two-point
population-float population --set state=float
chains chains
chains-float chains --set state=float
chains-normal chains_normal
chains-normal-table5 chains_normal --set noise=table5
schemes schemes
schemes-gaussian64 schemes --set noise=gaussian64
schemes-float schemes --set state=float
monitors monitors
monitors-float monitors --set state=float
absorbing absorbing
absorbing-float absorbing --set state=float
absorbing-table5 absorbing --set noise=table5
team-linear team_linear
team-linear-float team_linear --set state=float
team-linear-unstable team_linear --set learning_rate=1e30 --set diverged_limit=1
team-logistic team_logistic
team-logistic-float team_logistic --set state=float
team-softmax team_softmax
team-softmax-float team_softmax --set state=float
lane-logistic team_logistic --set model.columns=[3,0,7] --set form=lane
paths paths
paths-float paths --set state=float
streams streams
streams-float streams --set state=float
streams-team streams_team
streams-group streams_group
schedules schedules
schedules-float schedules --set state=float
fractional fractional
fractional-gaussian64 fractional --set noise=gaussian64
fractional-float fractional --set state=float
scaled scaled
random-walk random_walk
random-walk-gaussian64 random_walk --set noise=gaussian64
levy-walk levy_walk
transit-time transit_time
laws laws
laws-gaussian64 laws --set noise=gaussian64
laws-float laws --set state=float
laws-samples laws_samples
laws-samples-float laws_samples --set state=float
sampled sampled
sampled-float sampled --set state=float
sampled-quadratic sampled_quadratic
adaptive-sde adaptive_sde
adaptive-sde-float adaptive_sde --set state=float
phase-retrieval phase_retrieval
phase-retrieval-table8 phase_retrieval --set noise=table8
phase-retrieval-float phase_retrieval --set state=float
matrix-factorisation matrix_factorisation
matrix-factorisation-float matrix_factorisation --set state=float
linear-networks linear_networks
linear-networks-float linear_networks --set state=float
deep-network deep_network
deep-network-float deep_network --set state=float
linear-network linear_network
linear-network-float linear_network --set state=float
matrix-sensing matrix_sensing
matrix-sensing-float matrix_sensing --set state=float
bilinear bilinear
bilinear-two-point bilinear --set noise=two-point
bilinear-float bilinear --set state=float
langevin langevin
langevin-float langevin --set state=float
rows-sde rows_sde
schemes-rows schemes_rows
schemes-rows-float schemes_rows --set state=float
langevin-exact langevin_exact
langevin-exact-float langevin_exact --set state=float
langevin-laws langevin_laws
langevin-rows langevin_rows
escape escape
escape-float escape --set state=float
escape-cubic escape_cubic
levy levy
levy-gaussian64 levy --set noise=gaussian64
levy-float levy --set state=float
levy-process levy_process
log-time log_time
log-time-gaussian64 log_time --set noise=gaussian64
joint joint
joint-float joint --set state=float
softmax softmax
softmax-float softmax --set state=float
adaptive-sde-rows adaptive_sde_rows
END

# run OUTPUT STUDY ARGUMENT...: one run, quiet; its exit code.
run() {
  output=$1
  study=$2
  shift 2
  "$program" run "tests/golden/studies/$study.yaml" --backend cpu -q -o "$output" "$@" >log 2>&1
}

# hashes FILE ARGUMENT...: the hashes of all cases, run with these arguments.
hashes() {
  to=$1
  shift
  : >"$to"
  while read -r name study overrides; do
    rm -f result.h5
    # shellcheck disable=SC2086
    if run result.h5 "$study" $overrides "$@" && "$helpers/hash_result" result.h5 >lines; then
      sed "s/^/$name /" lines >>"$to"
    else
      echo "$name failed" >>"$to"
      cat log
    fi
  done <cases
}

# same WHAT FILE FILE
same() {
  checks=$((checks + 1))
  if ! diff "$2" "$3" >differences; then
    failures=$((failures + 1))
    echo "FAILED: $1"
    head -n 40 differences
  fi
}

hashes two --threads "${3:-2}"
if [ "$mode" = --write ]; then
  if grep -q failed two; then
    grep failed two
    exit 1
  fi
  cp two "$golden/hashes.txt"
  echo "wrote $(wc -l <two) hashes"
  exit 0
fi
same "golden hashes" "$golden/hashes.txt" two
if [ "$mode" != --quick ]; then
  if [ "$(uname -m)" = x86_64 ]; then
    export ENSGRAD_ISA=v3
  fi
  hashes one --threads 1
  same "1 thread, ${ENSGRAD_ISA:-the only instruction set}, against 2 threads on the best instruction set" two one
  unset ENSGRAD_ISA
  if [ "$mode" = --each ]; then
    hashes one --threads 1
    same "1 thread against 2" two one
    for isa in v3 v4; do
      if ENSGRAD_ISA=$isa "$program" run tests/golden/studies/growth.yaml --backend cpu -q -o isa-$isa.h5 >log 2>&1; then
        ENSGRAD_ISA=$isa hashes $isa --threads 2
        same "instruction set $isa" two $isa
      else
        echo "instruction set $isa skipped: $(head -n 1 log)"
      fi
    done
  fi

  # A study with groups, stopped and continued: members and differences go on together.
  run whole.h5 groups --set realisations=2^18 --threads 2 || { echo "FAILED: whole groups"; cat log; exit 1; }
  "$helpers/hash_result" whole.h5 >whole
  stops=0
  while run parts.h5 groups --set realisations=2^18 --threads 1 --max-time 0.15; test $? -eq 75; do
    stops=$((stops + 1))
    test $stops -lt 200 || break
  done
  "$helpers/hash_result" parts.h5 >parts
  same "groups stopped by --max-time $stops times" whole parts
  checks=$((checks + 1))
  if [ $stops -lt 1 ]; then
    failures=$((failures + 1))
    echo "FAILED: --max-time did not stop the groups: make the study longer"
  fi

  # A longer study, straight; stopped by --max-time again and again; stopped by SIGTERM; killed after a snapshot.
  # pieces STUDY REALISATIONS
  pieces() {
    rm -f ./*.h5
    run straight.h5 "$1" --set realisations="$2" --threads 2 || { echo "FAILED: straight"; cat log; exit 1; }
    "$helpers/hash_result" straight.h5 >straight
    stops=0
    while run pieces.h5 "$1" --set realisations="$2" --threads 1 --max-time 0.2; test $? -eq 75; do
      stops=$((stops + 1))
      test $stops -lt 200 || break
    done
    "$helpers/hash_result" pieces.h5 >pieces
    same "$1 stopped by --max-time $stops times" straight pieces
    checks=$((checks + 1))
    if [ $stops -lt 1 ]; then
      failures=$((failures + 1))
      echo "FAILED: --max-time did not stop anything: make the study longer"
    fi
    for signal in TERM KILL; do
      "$program" run "tests/golden/studies/$1.yaml" --backend cpu -q -o $signal.h5 --set realisations="$2" \
        --threads 1 --snapshot 0.1 >log 2>&1 &
      child=$!
      sleep 0.3
      kill -$signal $child 2>/dev/null || echo "finished before SIG$signal"
      { wait $child; } 2>/dev/null # no word of the shell about the kill
      code=$?
      child=
      checks=$((checks + 1))
      case $signal-$code in
      TERM-75 | KILL-137 | *-0) ;; # 0: a fast machine was done already
      *)
        failures=$((failures + 1))
        echo "FAILED: exit code $code after SIG$signal"
        ;;
      esac
      run $signal.h5 "$1" --set realisations="$2" --threads 2 || cat log
      "$helpers/hash_result" $signal.h5 >continued
      same "$1 continued after SIG$signal" straight continued
    done
  }
  pieces regression 2^13
  pieces histograms 2^20
  # The team form looks for a stop within a step.
  rm -f ./*.h5
  run straight.h5 team_logistic --set realisations=2^11 --threads 2 || { echo "FAILED: straight"; cat log; exit 1; }
  "$helpers/hash_result" straight.h5 >straight
  stops=0
  while run team.h5 team_logistic --set realisations=2^11 --threads 1 --max-time 0.3; test $? -eq 75; do
    stops=$((stops + 1))
    test $stops -lt 200 || break
  done
  "$helpers/hash_result" team.h5 >pieces
  same "team form stopped by --max-time $stops times" straight pieces
  checks=$((checks + 1))
  if [ $stops -lt 1 ]; then
    failures=$((failures + 1))
    echo "FAILED: --max-time did not stop the team form: make the study longer"
  fi
fi
echo "$checks checks, $failures failed; $(wc -l <two) hashes"
test $failures -eq 0
