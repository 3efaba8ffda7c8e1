"""A result with several schedules against results with one each.

NAME ALL MAIN LOG DENSE FEW: equal bits of all that ALL shares with each, as the script that calls says.
--same A B: equal bits of all variables of the root dataset.
--replayed FILE CSV RUN REALISATION POINT: kept values = those of the replay, bit by bit.
"""
import csv
import sys

import h5py
import numpy as np


def variables(path):
    with h5py.File(path) as f:
        found = {}
        for name, v in f.items():
            if isinstance(v, h5py.Dataset):
                dims = [d.keys()[0] if len(d) else name for d in v.dims]
                found[name] = (dims, v[()])
    return found


def equal(a, b):
    if a.dtype == object:
        return a.shape == b.shape and list(a.flat) == list(b.flat)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def compare(title, paths):
    every, main, log, dense, few = [variables(p) for p in paths]
    compared = 0

    def take(other, names):
        nonlocal compared
        for name in names:
            dims, values = every[name]
            if not equal(values, other[name][1]):
                sys.exit(f"{title}: {name} differs")
            # its time is a dimension of its own, with the times of the other study's
            for mine, yours in zip(dims, other[name][0]):
                if yours in ("time", "record"):
                    if not equal(every[mine][1], other["time"][1]):
                        sys.exit(f"{title}: times of {name} differ")
                elif mine != yours:
                    sys.exit(f"{title}: {name} has the dimension {mine}, not {yours}")
            compared += values.size

    take(main, [n for n in main if n not in ("component",)])
    take(log, [n for n in log if n.startswith("path_msd") or n.endswith("_path")])
    # a trajectory whose squared norm overflows ends where that is looked at, which DENSE never does
    inside = [n for n in dense if n.startswith(("path_time", "x0_")) and not ("lost" in title and n.endswith("_above"))]
    take(dense, inside)
    take(few, [n for n in few if n.startswith(("path_product", "displacement2_histogram", "displacement2_bin"))])
    for name in ("path_msd", "path_msd_covariance", "path_time_averaged_msd", "path_product", "x_path", "displacement2_path",
                 "x0_histogram", "displacement2_histogram", "x_variance", "covariance"):
        if name not in every or not np.any(np.nan_to_num(every[name][1]) != 0):
            sys.exit(f"{title}: {name} is missing or empty")
    if "displacement2" in every or "displacement2_stderr" in every:
        sys.exit(f"{title}: moments of a feature that is not observed")
    lengths = {len(every[n][1]) for n in every if n.startswith("time") and every[n][1].ndim == 1}
    if not {6, 24, 3} <= lengths:
        sys.exit(f"{title}: time axes have {sorted(lengths)} entries")
    print(f"{title}: {compared} numbers are equal")


def replayed(path, table, run, realisation, point):
    kept = variables(path)
    with open(table) as f:
        lines = list(csv.DictReader(f))
    rows = {float(r["time"]): r for r in lines[:-1]}  # the last one may be where it was lost
    n = 0
    for name, column in (("x_path", "x0"), ("gradient_norm2_path", "gradient_norm2")):
        dims, values = kept[name]
        times = kept[dims[3]][1]
        for t, v in zip(times, np.ravel(values[run, point, realisation])):
            text = rows[float(t)][column] if float(t) in rows else ""
            if not (np.isnan(v) if text == "" else float(text) == v):
                sys.exit(f"{name} at {t}: {v!r} is kept, '{text}' replayed")
            n += text != ""
    if n == 0:
        sys.exit("nothing was compared")


if sys.argv[1] == "--same":
    a, b = variables(sys.argv[2]), variables(sys.argv[3])
    different = [n for n in a if n not in b or not equal(a[n][1], b[n][1])]
    if different or a.keys() != b.keys():
        sys.exit(f"different: {different}")
elif sys.argv[1] == "--replayed":
    replayed(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:7]))
else:
    compare(sys.argv[1], sys.argv[2:7])
