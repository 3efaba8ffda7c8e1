# ensgrad check: text, JSON, marks and exit codes. What it predicts exactly is tested in conformance/test_cost.c.
. tests/cli/harness.inc
write_study tiny.yaml 1000 16

expect 0 check tiny.yaml
is_empty err
says out "a tiny study"
says out "1 run, 1000 realisations each, 2 observation times, 2 feature columns"
says out "ns/step"
says out "accumulators"
says out "most of it: moments"
says out "result file"
says out "cpu: about"
says out " a worker) of "
says out "cuda: "
says out "cuda memory: at least "
says out " with 16 tiles in flight"
says out "noise table5: about"
says out "up to order 7 only"
check [ ! -e tiny.h5 ]
expect 0 check tiny.yaml --threads 3
says out "on 3 threads"
expect 0 check tiny.yaml --set noise=two-point
says out "noise table5: no run"

# JSON: one line, with what the text says.
expect 0 check tiny.yaml --json --threads 3
is_empty err
check [ "$(wc -l <out)" -eq 1 ]
cat >read.py <<'END'
import json, sys
c = json.load(open("out"))
assert c["message_type"] == "check" and c["title"] == "a tiny study" and c["dimension"] == 1
(run,) = c["runs"]
assert run["stepper"] == "euler_diagonal" and run["steps"] == 16 and run["stability_limit"] is None
assert run["tile"] * run["tiles"] >= 1000 > run["tile"] * (run["tiles"] - 1)
assert run["cpu_ns_per_step"] > 0 and run["cpu_seconds"] > 0 and run["is_scaled"] is False
# 16 tiles fill 16 blocks with a node each: 2 times, 2 columns, 1 + 4 x 2 doubles
assert run["node_bytes"] == 2 * 9 * 8 and c["accumulator_bytes"] == 16 * 2 * 9 * 8
assert c["largest_statistic"] == "moments" and c["largest_statistic_bytes"] == 16 * 2 * 8 * 8
assert c["accumulator_limit_bytes"] == 2**30 and c["file_bytes"] > c["accumulator_bytes"]
cpu, cuda = c["backends"]
assert cpu["backend"] == "cpu" and cpu["is_usable"] and cpu["workers"] == 3
assert cpu["seconds"] >= cpu["stepping_seconds"] > 0 and cpu["memory_bytes"] > cpu["worker_bytes"] > 0
assert cuda["backend"] == "cuda" and (cuda["seconds"] > 0 if cuda["is_usable"] else cuda["reason"])
# one tile of 64 slots: two batches of state, first bad steps and node, and two slots of one record of two columns
m = c["cuda_memory"]
one = 2 * (64 * 8 + 64 * 8 + run["node_bytes"]) + 2 * 64 * 2 * 8
assert m["tiles"] == 16 and one <= m["least_bytes"] < one + 200 and 16 * one < m["filled_bytes"] < 17 * one + 16 * 2 * 64 * 2 * 8
assert c["table_noise"]["noise"] == "table5" and c["table_noise"]["is_usable"] and c["table_noise"]["seconds"] > 0
END
check /usr/bin/python3 read.py
expect 0 check tiny.yaml --json --set noise=table5
check /usr/bin/python3 -c 'import json; t = json.load(open("out"))["table_noise"]; assert not t["is_usable"] and t["reason"]'

# A quantile from bins so wide that no number of realisations makes its error what is asked for; narrower ones.
cat >coarse.yaml <<'END'
seed: 62
model: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}
start: {normal: {mean: 0, std: 0.70710678118654752}}
steps: 1
time_step: 1
dynamics: {name: sde, scheme: exact}
realisations: 2^16
observe: {at: {linear: 1}, features: [norm2], histograms: {feature: norm2, bins: 32, low: 0, high: 8}}
analyse: {quantiles: {probabilities: [0.5]}}
until: {variable: quantile, stderr: 0.01}
END
expect 0 check coarse.yaml
says out "until: never; interpolation within the bins of the quantile is off by"
expect 0 check coarse.yaml --json
check /usr/bin/python3 -c 'import json; (r,) = json.load(open("out"))["runs"]; assert r["until_floor"] > 1 and r["until_realisations"] == 2**16, r'
expect 0 run coarse.yaml -q --backend cpu
says out "no number of realisations reaches it: the bins that the quantile is from are too wide"
expect 0 check coarse.yaml --set observe.histograms.bins=512
says out "until: about"
expect 0 run coarse.yaml -q --backend cpu -o fine.h5 --set observe.histograms.bins=512
says out "sde: 4096 realisations, error"

# Runs beyond mean-square stability are marked, and only they.
cp "$root/data/diabetes.h5" .
cat >rows.yaml <<'END'
title: 'a "quoted" title'
seed: 1
model: {name: linear-regression, data: diabetes.h5}
start: {point: 0}
steps: 4
sweep: {learning_rate: [1/64, 4]}
dynamics: [{name: sgd, batch_size: 4}]
realisations: 100
observe: {at: {linear: 1}, features: [loss]}
END
expect 0 check rows.yaml
check [ "$(grep -c 'stable below' out)" -eq 2 ]
check [ "$(grep -c 'UNSTABLE$' out)" -eq 1 ]
says out "1 of 2 runs are beyond mean-square stability"
says err "is beyond mean-square stability"
# Trajectories that a crossing stops do not grow.
steep='model={name: quadratic, curvature: 1, noise: 1}'
expect 0 check rows.yaml --set "$steep"
check [ "$(grep -c 'UNSTABLE$' out)" -eq 1 ]
expect 0 check rows.yaml --set "$steep" --set 'observe.monitors={name: far, feature: norm2, operation: crossing, level: 100, absorbing: true}'
check [ "$(grep -c 'UNSTABLE' out)" -eq 0 ]
says out "absorbing crossings: the time below is that of trajectories that all go on to the end"
expect 0 check rows.yaml --json
check /usr/bin/python3 -c '
import json
c = json.load(open("out"))
assert c["title"] == "a \"quoted\" title"
assert [r["is_beyond_stability"] for r in c["runs"]] == [False, True]
assert c["runs"][0]["stability_limit"] == c["runs"][1]["stability_limit"] > 1 / 64'

# Accumulators beyond 1 GiB are refused, with what takes most of them.
expect 3 check tiny.yaml --set realisations=1e9 --set steps=1000000 --set "time_step=1/1000000" \
  --set "observe.at={steps: {linear: 1000000}}"
says err "GiB"
says err "largest statistic is moments"
says err "observe fewer times or features"
says err " of the 1000000 times would fit"

# So is what the memory at hand does not hold, before anything is measured, stepped or written; less of it fits.
# shellcheck disable=SC3045 # dash and bash have it
if (ulimit -v 900000 && exec "$program" --version) >/dev/null 2>&1; then # a sanitizer takes far more
  with_little() {
    program_with_little=$program
    program=./little
    printf '#!/bin/sh\nulimit -v 900000\nexec "%s" "$@"\n' "$program_with_little" >little
    chmod +x little
    expect "$@"
    program=$program_with_little
  }
  for command in check "run -o large.h5"; do
    set -- --set steps=20000 --set time_step=1/20000 --set observe.features=x --set realisations=64 \
      --set 'observe.histograms={feature: x, bins: 4096}'
    # shellcheck disable=SC2086
    with_little 3 $command tiny.yaml "$@" --set 'observe.at={linear: 5000}' --threads 8
    says err "MiB are left of the limit of its address space (ulimit -v)"
    says err "--threads "
    check [ ! -e large.h5 ]
    # shellcheck disable=SC2086
    with_little 3 $command tiny.yaml "$@" --set 'observe.at={linear: 10000}' --threads 8
    says err " of the 10000 times would fit, with --threads 1"
    check [ ! -e large.h5 ]
    # shellcheck disable=SC2086
    with_little 0 $command tiny.yaml "$@" --set 'observe.at={linear: 500}' --threads 2
  done
else
  echo "ulimit -v does not work here, or the program needs more: not tried"
fi

# Wrong use and wrong studies.
expect 2 check tiny.yaml --threads none
expect 2 check tiny.yaml --backend cpu
expect 3 check tiny.yaml --set realisations=-1
is_empty out
expect 3 check tiny.yaml --set realisations=-1 --json
says out '"exit_code": 3'
expect 3 check absent.yaml
report
