#!/bin/sh
# The promise of equal bits: hashes of accumulators and results of small studies are those of tests/golden/hashes.txt,
# with 2 threads on the best instruction set of this CPU, with 1 thread on the least one, and after stops and a kill.
#   sh tests/golden/test_bits.sh PROGRAM            compare; on the least instruction set what is linked, and a few others
#   sh tests/golden/test_bits.sh PROGRAM --each     all on the least one, with 1 thread, and on every one (label slow)
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
cases=cases
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
team-chains team_chains
team-chains-float team_chains --set state=float
team-drawn team_drawn
team-drawn-float team_drawn --set state=float
team-drawn-table5 team_drawn --set noise=table5
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
points-together points_together
points-together-float points_together --set state=float
antithetic antithetic
antithetic-table5 antithetic --set noise=table5
sde-laws sde_laws
sde-laws-float sde_laws --set state=float
levy-laws levy_laws
levy-laws-gaussian64 levy_laws --set noise=gaussian64
END

# run OUTPUT STUDY ARGUMENT...: one run, quiet; its exit code.
run() {
  output=$1
  study=$2
  shift 2
  "$program" run "tests/golden/studies/$study.yaml" --backend cpu -q -o "$output" "$@" >log 2>&1
}

# hashes FILE ARGUMENT...: the hashes of all cases, run with these arguments. With CC=none those that need a compiler are left out.
left_out=0
hashes() {
  to=$1
  shift
  : >"$to"
  while read -r name study overrides; do
    rm -f result.h5
    # shellcheck disable=SC2086
    if run result.h5 "$study" $overrides "$@" && "$helpers/hash_result" result.h5 >lines; then
      sed "s/^/$name /" lines >>"$to"
    elif [ "${CC:-}" = none ] && grep -q "the compiler 'none' cannot be started" log; then
      left_out=$((left_out + 1))
    else
      echo "$name failed" >>"$to"
      cat log
    fi
  done <"$cases"
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
  cp two wanted
  if [ "$mode" = --each ]; then
    hashes one --threads 1
  else
    # Compiling for a second instruction set takes longer than all else: of the cases with kernels that are not linked, these.
    grep -E '^(process-float|groups-gaussian64|schemes) ' cases >few
    cases=few hashes one --threads 1
    CC=none hashes linked --threads 1
    echo "$left_out of $(wc -l <cases) cases need a compiler; of those the first pass and $(cut -d' ' -f1 few | tr '\n' ' ')"
    sort -u one linked >compared
    awk 'NR == FNR { name[$1] = 1; next } $1 in name' compared two | sort >wanted
    mv compared one
    checks=$((checks + 1))
    if [ "$(cut -d' ' -f1 wanted | uniq | wc -l)" -lt 40 ]; then
      failures=$((failures + 1))
      echo "FAILED: fewer than 40 cases were compared"
    fi
  fi
  same "1 thread, ${ENSGRAD_ISA:-the only instruction set}, against 2 threads on the best instruction set" wanted one
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

  # Stopped by --max-time again and again. Sessions grow, so that every machine comes to the end.
  by_time() {
    stops=0
    limit=50 # milliseconds
    while run parts.h5 "$study" --set realisations="2^$size" --threads 1 --max-time "$((limit / 1000)).$(printf %03d $((limit % 1000)))"
      test $? -eq 75; do
      stops=$((stops + 1))
      limit=$((limit * 5 / 4))
    done
    "$helpers/hash_result" parts.h5 >continued
    same "$study of 2^$size stopped by --max-time $stops times" straight continued
    [ $stops -gt 0 ] || is_stopped=0
  }

  # Stopped by a signal after its first snapshot.
  by_signal() {
    "$program" run "tests/golden/studies/$study.yaml" --backend cpu -q -o "$1.h5" --set realisations="2^$size" \
      --threads 1 --snapshot 0.1 >log 2>&1 &
    child=$!
    until [ -e "$1.h5" ] || ! kill -0 $child 2>/dev/null; do
      sleep 0.02
    done
    kill -"$1" $child 2>/dev/null
    { wait $child; } 2>/dev/null # no word of the shell about the kill
    code=$?
    child=
    checks=$((checks + 1))
    case $1-$code in
    TERM-75 | KILL-137) ;;
    *-0) is_stopped=0 ;;
    *)
      failures=$((failures + 1))
      echo "FAILED: exit code $code after SIG$1"
      ;;
    esac
    run "$1.h5" "$study" --set realisations="2^$size" --threads 2 || cat log
    "$helpers/hash_result" "$1.h5" >continued
    same "$study of 2^$size continued after SIG$1" straight continued
  }

  # in_parts STUDY EXPONENT [SIGNAL...]: a study of 2^EXPONENT realisations that is stopped and goes on has the bits of the straight
  # run. A machine that is done before it can be stopped gets twice the work.
  in_parts() {
    study=$1
    size=$2
    shift 2
    is_stopped=0
    while [ $is_stopped -eq 0 ] && [ "$size" -le 30 ]; do
      rm -f ./*.h5
      is_stopped=1
      run straight.h5 "$study" --set realisations="2^$size" --threads 2 || cat log
      "$helpers/hash_result" straight.h5 >straight
      by_time
      for signal; do
        by_signal "$signal"
      done
      size=$((size + 1))
    done
    checks=$((checks + 1))
    if [ $is_stopped -eq 0 ] || ! [ -s straight ]; then
      failures=$((failures + 1))
      echo "FAILED: nothing stopped $study"
    fi
  }
  in_parts groups 18 # members and differences go on together
  in_parts regression 13 TERM KILL
  in_parts histograms 20 TERM KILL
  in_parts team_logistic 11 # looks for a stop within a step
fi
echo "$checks checks, $failures failed; $(wc -l <two) hashes"
test $failures -eq 0
