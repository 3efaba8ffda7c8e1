#!/bin/sh
# run, info, verify, export: what is written, what is kept, and which exit code tells what went wrong.
. tests/cli/harness.inc

write_study tiny.yaml 2^14 8

# A first run, with the default name of the output in the current folder.
mkdir studies
cp tiny.yaml studies/tiny.yaml
expect 0 run studies/tiny.yaml
says err "writing to tiny.h5"
says out "a tiny study"
check [ -f tiny.h5 ]
cp out table
expect 0 info tiny.h5
same out table
is_empty err
expect 0 verify tiny.h5
says out "tiny.h5: sealed, complete"
expect 0 export tiny.h5 --csv
cp out tiny.csv
check [ "$(wc -l <tiny.csv)" -ge 5 ]
expect 0 export tiny.h5 -o copy.csv
is_empty out
same copy.csv tiny.csv
expect 5 export tiny.h5 -o copy.csv
expect 0 export tiny.h5 -o copy.csv --force
same copy.csv tiny.csv
expect 2 export tiny.h5 -o ./tiny.h5 --force
expect 5 export tiny.h5 -o /dev/full --force
says err "No space left on device"
expect 0 verify tiny.h5

# The bits do not depend on threads.
for threads in 1 2 5; do
  expect 0 run tiny.yaml -o threads.h5 --force --threads "$threads" --quiet
  is_empty err
  "$program" export threads.h5 >threads.csv
  same threads.csv tiny.csv
done

# A complete result stays as it is; --force replaces it; --set makes another study of it.
cp -p tiny.h5 before.h5
expect 0 run tiny.yaml -o tiny.h5
says err "complete already"
same tiny.h5 before.h5
same out table
expect 5 run tiny.yaml -o tiny.h5 --set realisations=2^15
same tiny.h5 before.h5
expect 5 run tiny.yaml -o tiny.h5 --set seed=8 --json
says out '"exit_code": 5'
same tiny.h5 before.h5
expect 0 run tiny.yaml -o tiny.h5 --set realisations=2^15 --force
expect 0 run tiny.yaml -o tiny.h5 --set realisations=2^15
expect 5 run tiny.yaml -o tiny.h5
expect 0 run tiny.yaml -o tiny.h5 --force
"$program" export tiny.h5 >again.csv
same again.csv tiny.csv

# A foreign, empty or damaged file is not touched, and told from a good one.
printf 'not a result\n' >foreign.h5
: >empty.h5
cp before.h5 flipped.h5
printf 'X' | dd of=flipped.h5 bs=1 seek=3000 conv=notrunc 2>dd.log
head -c 5000 before.h5 >cut.h5
{ cat before.h5; printf 'more'; } >longer.h5
for file in foreign.h5 empty.h5 flipped.h5 cut.h5 longer.h5; do
  cp "$file" kept
  expect 7 verify "$file"
  expect 7 info "$file"
  expect 7 export "$file"
  is_empty out
  expect 7 run tiny.yaml -o "$file"
  same "$file" kept
  says err "$file"
done
expect 7 verify before.h5 flipped.h5 tiny.h5
says out "before.h5: sealed"
says out "tiny.h5: sealed"
says err "flipped.h5"
expect 0 run tiny.yaml -o flipped.h5 --force
expect 0 verify flipped.h5

# Files that cannot be read or written.
expect 5 info missing.h5
expect 5 verify missing.h5
expect 5 export missing.h5
expect 7 verify missing.h5 cut.h5
expect 5 run tiny.yaml -o nowhere/x.h5
says err "nowhere"
expect 5 run tiny.yaml -o studies
expect 5 run tiny.yaml -o /proc/x.h5
mkdir locked
chmod 555 locked
[ "$(id -u)" -eq 0 ] || expect 5 run tiny.yaml -o locked/x.h5
(ulimit -f 4 && "$program" run tiny.yaml -o limited.h5 >out 2>err)
check [ $? -eq 5 ]
says err "limited.h5"
check [ ! -e limited.h5 ]
"$program" run tiny.yaml -o full.h5 -q >/dev/full 2>err
check [ $? -eq 5 ]
expect 0 verify full.h5
check [ -z "$(find . -name '*.tmp*')" ]

# Devices.
expect 0 devices
if grep -q 'cuda.*not usable' out; then
  expect 6 run tiny.yaml -o device.h5 --backend cuda
  says err "ensgrad: error:"
  check [ ! -e device.h5 ]
  expect 6 run tiny.yaml -o device.h5 --backend cuda --json
  says out '"exit_code": 6'
fi
expect 0 run tiny.yaml -o device.h5 --backend auto

# Studies that are wrong. Nothing is written, and all mistakes come with their place.
wrong_study() { # TEXT ARGUMENT...
  text=$1
  shift
  rm -f wrong.h5
  expect 3 run "$@" -o wrong.h5
  is_empty out
  says err "$text"
  check [ ! -e wrong.h5 ]
  expect 3 check "$@"
  says err "error:"
}
wrong_study "cannot be opened" absent.yaml
wrong_study "error:" studies
wrong_study "error:" /dev/null
wrong_study "realisations" tiny.yaml --set realisations=0
wrong_study "realisations" tiny.yaml --set realisations=-5
wrong_study "realisations" tiny.yaml --set realisations=.nan
wrong_study "realisations" tiny.yaml --set realisations=2^99
wrong_study "realisations" tiny.yaml --set realisations=1.5
wrong_study "realizations" tiny.yaml --set realizations=5
wrong_study "steps" tiny.yaml --set steps=0
wrong_study "time_step" tiny.yaml --set time_step=.nan
wrong_study "sigma" tiny.yaml --set model.sigma=.inf
wrong_study "horizon" tiny.yaml --set horizon=1
wrong_study "model" tiny.yaml --set model.name=ornstein
wrong_study "error:" tiny.yaml --set 'observe.features=[y]'
wrong_study "error:" tiny.yaml --set 'observe={'
sed 's/seed: 7/sede: 7/; s/realisations: .*/realisations: many/' tiny.yaml >two.yaml
wrong_study "two.yaml:2:1: error:" two.yaml
says err "two.yaml:9:15: error:"
cat >data.yaml <<'END'
seed: 1
model: {name: linear-regression, data: absent.h5}
start: {point: 0}
steps: 8
learning_rate: 1/8
dynamics: [{name: sgd, batch_size: 1}]
realisations: 2^10
observe: {at: {linear: 1}, features: [loss]}
END
wrong_study "absent.h5" data.yaml
printf 'not HDF5' >absent.h5
wrong_study "absent.h5" data.yaml
expect 3 run tiny.yaml --set realisations=0 --json -o wrong.h5
says out '"message_type": "error"'
says out '"message_type": "summary"'
says out '"exit_code": 3'

# Trajectories that diverge: the run ends, the file is complete, the exit code is 4.
cat >unstable.yaml <<'END'
seed: 1
model: {name: quadratic, curvature: [4], noise: 1}
start: {point: 1}
steps: 2000
learning_rate: 2
dynamics: [{name: sgd, batch_size: 1}]
realisations: 2^10
observe: {at: {linear: 1}, features: [x]}
END
expect 4 run unstable.yaml
says err "ensgrad: warning: unstable.yaml:5:16: learning_rate 2"
says err "   5 | learning_rate: 2"
check [ "$(grep -c 'warning' err)" -eq 1 ]
says err "ensgrad: error: unstable.h5: 1024 of 1024 trajectories"
says err "non-finite"
expect 0 verify unstable.h5
says out "complete"
cp unstable.h5 before.h5
expect 4 run unstable.yaml
same unstable.h5 before.h5
expect 4 run unstable.yaml --json
says out '"exit_code": 4'
expect 0 run unstable.yaml --force --set diverged_limit=1

# A study is also JSON; names with blanks and other letters are names.
printf '%s\n' '{"seed": 1, "model": {"name": "ornstein-uhlenbeck"}, "start": {"point": 1}, "steps": 8, "time_step": 0.125,
"dynamics": ["sde"], "realisations": 4096, "observe": {"at": {"linear": 1}, "features": ["x"]}}' >'a "study" ä.json'
expect 0 run 'a "study" ä.json' --json
check [ -f 'a "study" ä.h5' ]
tail -n 1 out >last
check /usr/bin/python3 -c 'import json; assert json.load(open("last"))["output"] == "a \"study\" ä.h5"'
# No error bar is printed where the law has no variance.
cat >levy.yaml <<'END'
seed: 3
model: {name: quadratic, curvature: 1, noise: 1}
start: {point: 1}
steps: 16
learning_rate: 1/8
dynamics:
  - {name: levy, tail_index: 1.5, label: stable}
  - {name: levy, tail_index: 2, label: gaussian}
  - {name: levy, tail_index: 0.75, label: wild}
sweep: {batch_size: [1]}
realisations: 4096
observe: {at: {linear: 2}, features: [x, norm2]}
END
expect 0 run levy.yaml -o levy.h5 --force
check grep -qE '^stable .* x  .* -  *stable noise: no variance, no error bar$' out
check grep -qE '^stable .* norm2  .* -  *stable noise: no mean, no error bar$' out
check grep -qE '^wild .* x  .* -  *stable noise: no mean, no error bar$' out
check [ "$(grep -c 'stable noise' out)" -eq 4 ]

# Known answers of selftest; where there is no compiler, those that need one are skipped.
expect 0 selftest --backend cpu
check [ "$(grep -c ' ok  ' out)" -eq 5 ]
CC=none ENSGRAD_CACHE=$folder/no_cache expect 0 selftest --backend cpu
check [ "$(grep -cE " ok  |skipped: .*compiler 'none' cannot be started" out)" -eq 5 ]
check grep -qE '^cpu .*euler-maruyama, gaussian  .* ok  ' out
! grep -q FAILED out
check [ $? -eq 0 ]

report
