#!/bin/sh
# studies/gallery: every study can be planned and run, and `selftest --all` judges each of its known values. Controls: a wrong
# declared value, a user's model with a noise 2 % too strong, a study of which nothing is known.
#   JUDGED: pattern of the studies that `selftest --all` judges (*); all others are run, but with few realisations
. tests/cli/harness.inc
export ENSGRAD_KERNELS="$root/kernels"
mkdir -p studies/gallery data
cp "$root"/studies/gallery/*.h5 studies/gallery/
cp "$root"/data/*.h5 data/

# All of them are checked, beside each other since that compiles kernels, then run.
# Builds for sanitizers have few units: a study whose model or dimension is left out there is none of theirs.
cp "$root"/studies/gallery/*.yaml studies/gallery/
ls studies/gallery/*.yaml | xargs -P "$(nproc)" -n 1 sh -c \
  '"$0" check "$1" --set realisations=2^12 >"$1.out" 2>"$1.err"; echo $? >"$1.code"' "$program"
for study in studies/gallery/*.yaml; do
  name=$(basename "$study")
  code=$(cat "$study.code")
  if [ "$code" -eq 3 ] && grep -qE "'model.name' = .* is not known;|has at most [0-9]* dimensions? here" "$study.err"; then
    echo "not in this build: $name"
    rm "$study"
    continue
  fi
  checks=$((checks + 1))
  [ "$code" -eq 0 ] || { fail "check $name: exit code $code"; cat "$study.err"; }
  expect 0 run "$study" --set realisations=2^12 -o result.h5 --force -q
done

# all of them, judged together, as JSON lines; two numbers of threads give the same rows
mkdir studies/judged
cp studies/gallery/*.h5 studies/judged/
for study in studies/gallery/${JUDGED:-*}.yaml; do
  cp "$study" studies/judged/
done
expect 0 selftest --all --gallery studies/judged --backend cpu --json --threads 1
grep -v '"message_type": "summary"' out >rows1
expect 0 selftest --all --gallery studies/judged --backend cpu --json --threads 2
grep -v '"message_type": "summary"' out >rows
same rows rows1
cat >read.py <<'END'
import json
rows = [json.loads(line) for line in open("out")]
summary = rows.pop()
assert summary["message_type"] == "summary" and summary["failed"] == 0 and summary["rows"] == len(rows)
assert all(row["passed"] for row in rows) and sum(row["judged"] for row in rows) == summary["judged"] > 50
assert max(abs(row["z"] or 0) for row in rows) <= summary["z_limit"] < 8
# errors of the right size: the worst of a few values each, so more than 0.6 and less than 2.5 in the mean
z = [abs(row["z"]) for row in rows if row["z"] is not None]
assert 0.6 < sum(z) / len(z) < 2.5, sum(z) / len(z)
END
checks=$((checks + 1))
/usr/bin/python3 read.py || fail "the JSON lines"

# a table in place of them
mkdir wrong
cp studies/gallery/ornstein-uhlenbeck.yaml wrong/right.yaml
expect 0 selftest --all --gallery wrong --backend cpu
check grep -qE '; 0 of [1-9][0-9]* rows failed' out
check grep -q '^ok ' out

# control: a wrong value among the right ones
sed 's/^observe:/expect: {feature: x0, dynamics: exact law, value: 0.52, source: wrong}\nobserve:/' \
  wrong/right.yaml >wrong/value.yaml
expect 4 selftest --all --gallery wrong --backend cpu
check [ "$(grep -c '^FAILED' out)" -eq 1 ]
check grep -q '^FAILED value .* 0.52 ' out
says err "1 of "
expect 4 run wrong/value.yaml -o value.h5 -q
says err "expected values contradict"

# control: a process that is not what its study says
cat >wrong/process.h <<'END'
#define EG_NAME       "strong-noise"
#define EG_EQUATION   "dx = -rate x dt + 1.02 dW"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       (EG_CAP_DRIFT | EG_CAP_DIAGONAL)
#define EG_STAGED     0
#define EG_PARAMS(P, PV) P(strength, 1.0, 0.0, 10.0, "noise, length / sqrt(time)")
EG_PARAMS_STRUCT
EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  (void)p;
  (void)st;
  (void)correction;
  b[0] = -x[0];
}
EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {
  (void)st;
  (void)x;
  s[0] = (eg_real)p->strength;
}
END
rm wrong/value.yaml
# Euler-Maruyama with h = 1/8: E x^2 = (1 - (1 - h)^16) / (2 - h) after 8 steps from 0
value=$(awk 'BEGIN { printf "%.15g", (1 - (7 / 8) ^ 16) / (2 - 1 / 8) }')
for strength in 1 1.02; do
  cat >wrong/process.yaml <<END
seed: 1
model: {file: process.h, strength: $strength}
time_step: 1/8
horizon: 1
dynamics: sde
realisations: 2^20
observe: {at: [1], features: [norm2]}
expect: {feature: norm2, value: $value, source: closed form}
END
  expect "$([ $strength = 1 ] && echo 0 || echo 4)" selftest --all --gallery wrong --backend cpu
done
check grep -q '^FAILED process ' out

# control: nothing known, and nothing there
sed '/^expect/d' wrong/process.yaml >wrong/silent.yaml
rm wrong/process.yaml
expect 4 selftest --all --gallery wrong --backend cpu
says out "nothing is known of it"
mkdir empty
expect 3 selftest --all --gallery empty
says err "no studies"
expect 2 selftest --threads 2
expect 2 selftest --all --threads no

# what `expect` refuses, with its place
for wrong in 'feature: x7, value: 0' 'feature: norm3, value: 0' 'feature: x0, value: 0, time: 0.3' \
  'feature: x0, value: 0, point: 1' 'feature: x0, value: 0, dynamics: nobody' 'feature: x0' 'value: 1'; do
  sed "s/^observe:/expect: {$wrong}\nobserve:/" studies/gallery/ornstein-uhlenbeck.yaml >expect.yaml
  expect 3 check expect.yaml
  says err "expect.yaml:"
  says err "expect"
done
report
