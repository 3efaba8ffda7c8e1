#!/bin/sh
# Results that a stranger changed and sealed again: variables in turn are missing, of another type, short, empty, or those of one
# element of their first dimension. What is printed of them may be wrong; no program may crash or hang, and a refusal has a message.
. tests/cli/harness.inc
/usr/bin/python3 -c 'import h5py, numpy' 2>/dev/null || { echo "python3-h5py is missing"; exit 77; }

cat >all.yaml <<END
seed: 6
model: {name: quadratic, curvature: [1, 0.5], noise: 0.5}
start: {points: [[1, 0], [0, 1]]}
horizon: 8
sweep: {learning_rate: [1/4, 1/8, 1/16]}
dynamics: [{name: sgd, batch_size: 1}, {name: sme1, substeps: 2}]
realisations: 128
groups: {label: pair, members: [sgd], antithetic: true}
observe:
  at: {linear: 8}
  features: [x, norm2]
  statistics: [moments, covariance, msd]
  histograms: {feature: x, bins: 8, low: -0.2, high: 1}
  keep: {realisations: 2}
  monitors: {name: out, feature: x0, operation: crossing, level: 0.25}
  paths:
    - {statistic: moments, powers: [1, 2], name: far}
    - {statistic: msd}
    - {statistic: tail, feature: norm2, largest: 100}
    - {statistic: distance, powers: [0, 2]}
    - {statistic: time-average, feature: norm2, from: 0.5}
analyse:
  - quantiles: {of: x, probabilities: [0.001, 0.5]}
  - weak-error: {reference: exact}
  - diffusion: {of: msd}
  - escape: {of: out}
  - stationary: {from: 1}
  - flow: {of: distance}
END
expect 0 run all.yaml -q --backend cpu
check [ -s all.h5 ]

cat >change.py <<'END'
import shutil, struct, subprocess, sys, h5py, numpy
program, P = sys.argv[1], 0xC96C5795D7870F42
table = []
for b in range(256):
    for _ in range(8):
        b = (b >> 1) ^ P if b & 1 else b >> 1
    table.append(b)
table = numpy.array(table, "u8")
def after(state, columns):  # states after a column of bytes each
    for c in columns:
        state = (state >> numpy.uint64(8)) ^ table[((state ^ c) & numpy.uint64(255)).astype("i8")]
    return state
def crc(data, rows=1024):  # many rows beside each other, joined since the sum is linear
    width = len(data) // rows
    m = numpy.frombuffer(data[:rows * width], "u1").reshape(rows, width).astype("u8")
    state = numpy.zeros(rows, "u8")
    state[0] = ~numpy.uint64(0)
    state = after(state, m.T)
    parts = numpy.arange(256, dtype="u8") << (8 * numpy.arange(8, dtype="u8"))[:, None]
    shift = after(parts.reshape(-1), numpy.zeros((width, 1), "u8")).reshape(8, 256).tolist()
    s = int(state[0])
    for r in state[1:].tolist():
        for k in range(8):
            r ^= shift[k][(s >> 8 * k) & 255]
        s = r
    for x in data[rows * width:]:
        s = (s >> 8) ^ int(table[(s ^ x) & 255])
    return s ^ ((1 << 64) - 1)
image = open("all.h5", "rb").read()[:-64]
def sealed(change):
    open("bad.h5", "wb").write(image)
    with h5py.File("bad.h5", "r+") as file:
        change(file)
    seal_it()
def seal_it():
    new = open("bad.h5", "rb").read()
    seal = bytearray(64)
    seal[:24] = b"ENSGRADT" + struct.pack("<IIQ", 1, 0, len(new))
    seal[24:32] = struct.pack("<Q", crc(new))
    seal[56:] = struct.pack("<Q", crc(bytes(seal[:56])))
    open("bad.h5", "ab").write(bytes(seal))
names = []
with h5py.File("all.h5") as file:
    file.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) and not name.startswith("provenance") else None)
def missing(file, name):
    file.move(name, name + "_away")
def replaced(make, axes_from=0):
    def change(file, name):
        old = file[name]
        axes = [[scale.name for scale in d.values()] for d in old.dims]
        data, attributes = old[()], {k: v for k, v in old.attrs.items() if k in ("cell_methods", "units", "of")}
        del file[name]
        new = file.create_dataset(name, data=make(numpy.asarray(data)))
        for d, scales in zip(new.dims, axes[axes_from:]):
            for scale in scales:
                d.attach_scale(file[scale])
        for k, v in attributes.items():
            new.attrs[k] = v
    return change
number = lambda a: a if a.dtype.kind in "fiu" else numpy.zeros(a.shape)
ways = {"missing": missing,
        "short": replaced(lambda a: numpy.resize(number(a), (1,) * max(a.ndim, 1))),
        "another type": replaced(lambda a: numpy.nan_to_num(number(a)).astype("i4")),
        "empty": replaced(lambda a: numpy.zeros((3,) * max(a.ndim - 1, 0) + (0,))),
        "of one element": replaced(lambda a: number(a)[0] if a.ndim > 1 and len(a) else number(a), 1)}
# what tables and CSV are made of, each changed in one way; of the rest a quarter
printed = [name for name in names if not name.startswith(("accumulators", "failures"))]
commands = (["info"], ["export", "--csv"])
tried = refused = 0
bad = []
for i, name in enumerate(names):
    for k, way in enumerate(ways):
        if (i + k) % 5 or name not in printed and i % 4:
            continue
        sealed(lambda file: ways[way](file, name))
        command = commands[(i + k) % 2]
        try:
            done = subprocess.run([program] + command + ["bad.h5"], capture_output=True, timeout=20)
            code, text = done.returncode, done.stderr.decode(errors="replace")
        except subprocess.TimeoutExpired:
            code, text = "hangs", ""
        tried += 1
        refused += code == 7
        if code not in (0, 7) or (code == 7 and not text) or "anitizer" in text or "in HDF5" in text:
            bad.append((name, way, command[0], code, text[-300:]))
print(len(names), "variables,", tried, "files,", refused, "refused,", len(bad), "bad")
for b in bad[:10]:
    print(b)
# An object of size 0 in a heap of texts: HDF5 1.10 goes round for ever (10 s of CPU time here); a newer one refuses it.
heap = image.index(b"GCOL") + 16
open("bad.h5", "wb").write(image[:heap] + bytes(16) + image[heap + 16:])
seal_it()
done = subprocess.run([program, "info", "bad.h5"], capture_output=True)
print(done.returncode, done.stderr.decode())
if done.returncode != 7 or b"bad.h5" not in done.stderr:
    sys.exit(1)
# A node that counts -1e305 trajectories, or a part of one.
for count in (-1e305, 0.5, 1e9, float("nan")):
    def recount(file):
        file["accumulators/node_values"][0] = count
    sealed(recount)
    done = subprocess.run([program, "merge", "-o", "made.h5", "--allow-gaps", "--force", "bad.h5"], capture_output=True)
    if done.returncode != 7 or b"trajectories" not in done.stderr:
        bad.append(("node_values", count, "merge", done.returncode, done.stderr[-300:]))
        print(bad[-1])
sys.exit(1 if bad or tried < 150 or refused < 1 else 0)
END
check /usr/bin/python3 change.py "$program"
report
