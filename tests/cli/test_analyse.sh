#!/bin/sh
# `ensgrad analyse`: the analyses of a stored result again, other analyses, and what is refused.
. tests/cli/harness.inc
/usr/bin/python3 -c 'import h5py, numpy' 2>/dev/null || { echo "python3-h5py is missing"; exit 77; }

# equal_files A B: all variables and their attributes have equal values (provenance aside).
cat >equal.py <<'END'
import sys, h5py, numpy
a, b = (h5py.File(name) for name in sys.argv[1:3])
def values(file):
    found = {}
    def visit(name, node):
        if isinstance(node, h5py.Dataset) and not name.startswith("provenance"):
            text = {k: v for k, v in node.attrs.items() if k in ("units", "long_name", "bits", "cell_methods")}
            found[name] = (node[()].tobytes() if node.dtype != object else str(node[()]), str(text))
    file.visititems(visit)
    return found
x, y = values(a), values(b)
skip = sys.argv[3] if len(sys.argv) > 3 else None
different = [k for k in set(x) | set(y) if x.get(k) != y.get(k) and not (skip and k.startswith(skip))]
print(len(x), "variables; different:", different)
sys.exit(1 if different or len(x) < 20 else 0)
END

cat >weak.yaml <<END
seed: 5
model: {name: quadratic, curvature: [1, 0.5]}
start: {point: 1}
horizon: 2
sweep: {learning_rate: [1/2, 1/4, 1/8]}
dynamics:
  - {name: sgd, batch_size: 1}
  - {name: sme1}
realisations: 9000
observe: {at: {linear: 2}, features: [x, norm2]}
analyse: {weak-error: {reference: exact}}
END
expect 0 run weak.yaml -q --backend cpu
expect 0 info weak.h5
mv out table
cp weak.h5 first.h5

# In place and beside: everything as it was.
expect 0 analyse weak.h5
same out table
check /usr/bin/python3 equal.py first.h5 weak.h5
expect 0 verify weak.h5
expect 0 analyse weak.h5 -o beside.h5
check /usr/bin/python3 equal.py first.h5 beside.h5
expect 5 analyse weak.h5 -o beside.h5
says err "is there already"
expect 0 analyse weak.h5 -o beside.h5 --force

# Another analysis changes /analysis and nothing else; the run is still that of the study.
expect 0 analyse weak.h5 -o other.h5 --set 'analyse={weak-error: {reference: sgd, features: norm2}}'
check /usr/bin/python3 equal.py first.h5 other.h5 analysis
if /usr/bin/python3 equal.py first.h5 other.h5 >/dev/null; then fail "another analysis, equal numbers"; fi
expect 0 run weak.yaml -q --backend cpu -o other.h5
expect 0 analyse other.h5
sed 's/other\.h5/weak.h5/' out >renamed
same renamed table
check /usr/bin/python3 equal.py first.h5 other.h5

# An analysis that the run did not ask for.
expect 0 analyse weak.h5 -o other.h5 --force --set 'analyse={stationary: {from: 1}}'
expect 0 info other.h5
check grep -q '^Stationary: ' out
expect 3 analyse weak.h5 -o other.h5 --force --set 'analyse={stationary: {from: 3}}'
says err "lies behind the last observation"

# Quantiles in the table: each cell is the file's number at the run's last time, or lag, and its error; words where there is none.
# Runs have other numbers of records, and a first probability that lies outside the grid.
cat >quantiles.yaml <<END
seed: 6
model: {name: quadratic, curvature: [1, 0.5]}
start: {points: [[1, 0], [0, 1]]}
horizon: 2
sweep: {learning_rate: [1/4, 1/64]}
dynamics: {name: sgd, batch_size: 1}
realisations: 9000
groups: {label: pair, members: [sgd], antithetic: true}
observe:
  at: {steps: {log: 12}}
  features: [x, norm2]
  histograms: {feature: x, bins: 200, low: -0.2, high: 1}
  paths: {statistic: moments, powers: [1, 2], histogram: true, name: far}
analyse:
  - quantiles: {of: x, probabilities: [0.001, 0.5, 0.999999]}
  - quantiles: {of: far, probabilities: [0.25]}
END
expect 0 run quantiles.yaml -q --backend cpu
cp out table
cp out quantiles_table
cat >cells.py <<'END'
import h5py, numpy
file, text, n = h5py.File("quantiles.h5"), open("table").read(), 0
last = lambda steps: [numpy.flatnonzero(row >= 0)[-1] for row in steps]
ends = {"quantile": last(file["step"][()]), "quantile_2": last(file["path_far_lag_steps"][()])}
assert len(set(ends["quantile"])) > 1 and len(set(ends["quantile_2"])) > 1
for name, heading in (("quantile", "Quantiles of 'x' at the last time"), ("quantile_2", "Quantiles of 'far' at the last lag")):
    v, error = (file["analysis/" + name + s][()] for s in ("", "_stderr"))
    lines = iter(text[text.index(heading):].split("\n")[2:])
    for run, end in enumerate(ends[name]):
        for values, errors in zip(v[run, :, end].reshape(-1, v.shape[-1]), error[run, :, end].reshape(-1, v.shape[-1])):
            line = next(lines)
            for value, e in zip(values, errors):
                cell = "not in the grid" if numpy.isnan(value) else "%.6g(%s)" % (value, "no error" if numpy.isnan(e) else "%.2g" % e)
                assert cell in line, (line, cell)
                n += 1
assert n > 30 and "nan" not in text
# differences and antithetic pairs: the last time of each run
d = file["norm2_antithetic"][()]
for i in range(d.shape[0]):
    for point in range(d.shape[1]):
        value = d[i, point][~numpy.isnan(d[i, point])][-1]
        assert "%.10g" % value in text[text.index("Antithetic pairs"):], value
END
check /usr/bin/python3 cells.py
says table 'not in the grid'

# Differences on common noise, and currents of (x, v): each cell is the file's number at the last time. Planes are listed once.
cat >currents.yaml <<END
seed: 73
model: {name: quadratic, curvature: [1, 0.5], noise: 1}
start: {points: [[0.5, -0.5], [1, 0]]}
learning_rate: 0.1
steps: 200
noise: common
sweep: {batch_size: [4, 8]}
dynamics:
  - {name: sgd, momentum: 0.5, label: chain}
  - {name: langevin, momentum: 0.5, scheme: exact, start_velocity: zero, label: equation}
realisations: 9000
observe: {at: {linear: 2}, features: [x, norm2, velocity], statistics: [moments, covariance]}
analyse: {stationary: {}}
END
expect 0 run currents.yaml -q --backend cpu
cp out table
cat >cells.py <<'END'
import h5py
file, text = h5py.File("currents.h5"), open("table").read()
names = [v.decode() if isinstance(v, bytes) else str(v) for v in file["description"][()]]
block = lambda heading: text[text.index(heading):].split("\n\n")[0].split("\n")[2:]
lines, n = block("Common noise at the last time"), 0
for feature in ("x", "norm2", "velocity"):
    v, error, gain = (file["analysis/common_" + feature + s][()] for s in ("", "_stderr", "_gain"))
    v, error, gain = (a.reshape(4, 2, a.shape[2], -1)[:, :, -1] for a in (v, error, gain))
    for run, first in ((1, 0), (3, 2)):
        for point in range(2):
            for k in range(v.shape[-1]):
                what = "%s%s point %d" % (feature, "[%d]" % k if v.shape[-1] > 1 else "", point)
                line = next(l for l in lines if l.startswith(names[run] + " - " + names[first] + " ") and what in l)
                cells = ("%.10g" % v[run, point, k], "%.2g" % error[run, point, k], "%.4g" % gain[run, point, k])
                assert line[line.index(what) + len(what):].split()[0] == cells[0] and all(c in line.split() for c in cells), (line, cells)
                n += 1
assert n == len(lines) == 20, (n, len(lines))
lines, n = block("Currents per unit time"), 0
for kind, planes in (("position_current", ["x0, x1"]), ("phase_current", ["x0, v0", "x0, v1", "x1, v0", "x1, v1"]), ("circulation", ["circulation"])):
    v, error, expected = (file["analysis/stationary_" + kind + s][()].reshape(4, 2, -1) for s in ("", "_stderr", "_expected"))
    for run in range(4):
        for point in range(2):
            for plane in planes:
                i = 0 if plane == "circulation" else 2 * int(plane[1]) + int(plane[-1])
                line = next(l for l in lines if l.startswith(names[run].ljust(28) + " %-5d %-12s " % (point, plane)))
                cells = tuple(form % a[run, point, i] for form, a in (("%.6g", v), ("%.2g", error), ("%.6g", expected)))
                assert tuple(line[47:].split()[j] for j in (0, 1, 3)) == cells and "NOT" not in line, (line, cells)
                n += 1
assert n == len(lines) == 48, (n, len(lines))
END
check /usr/bin/python3 cells.py
# a transient has another current than the law it goes to
expect 0 run currents.yaml -q --backend cpu -o early.h5 --set steps=4
says out 'NOT the expected one'
# without common noise and currents there is no word of them
if grep -q 'Common noise\|Currents' quantiles_table; then fail "tables of what the study has not"; fi

# A partial result has analyses too.
expect 75 run weak.yaml -q --backend cpu -o part.h5 --set realisations=2^28 --max-time 0.4 --threads 1
cp part.h5 part_again.h5
expect 0 analyse part_again.h5
check /usr/bin/python3 equal.py part.h5 part_again.h5

# What is refused leaves the file as it was.
cp weak.h5 kept.h5
expect 2 analyse weak.h5 --set realisations=3
says err "what was simulated cannot be changed"
expect 2 analyse weak.h5 --set analyser=3
expect 3 analyse weak.h5 --set 'analyse={weak-error: {reference: exat}}'
says err "did you mean 'exact'"
expect 2 analyse
expect 5 analyse absent.h5
same weak.h5 kept.h5
printf 'x' | dd of=weak.h5 bs=1 seek=3000 conv=notrunc 2>/dev/null
expect 7 analyse weak.h5
report
