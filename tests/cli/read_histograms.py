#!/usr/bin/python3
"""Histograms recounted from paths, and paths against replays.

usage: read_histograms.py RESULT.h5            every realisation is kept: counts from the paths, by numpy's search
       read_histograms.py RESULT.h5 PROGRAM    kept paths = what `PROGRAM replay` prints, bit by bit
       read_histograms.py RESULT.h5 --failure N    run, realisation, point and step of failure N
       read_histograms.py DATA.h5 --change COPY.h5 a copy with one value changed in its last bit
"""
import csv
import io
import shutil
import subprocess
import sys

import h5py
import numpy as np


def time_axis(file):
    names = [d[0].name.rsplit("/", 1)[-1] for d in file["x_count"].dims]
    return "time" if "time" in names else "record"


def with_all_axes(variable, axes):
    """Values over `axes` in that order; a missing axis of length 1 is added."""
    names = [d[0].name.rsplit("/", 1)[-1] for d in variable.dims]
    values = variable[()]
    for axis in axes:
        if axis not in names:
            values = np.expand_dims(values, 0)
            names.insert(0, axis)
    return np.transpose(values, [names.index(a) for a in axes])


def recount(path):
    compared = 0
    with h5py.File(path, "r") as file:
        time = time_axis(file)
        for name in [n[:-10] for n in file if n.endswith("_histogram")]:
            feature = "x" if name[0] == "x" else name
            axes = ["run", "point", "realisation", time, "component"]
            paths = with_all_axes(file[f"{feature}_path"], axes)
            if name != feature:
                paths = paths[..., [int(name[1:])]]
            counts = with_all_axes(file[f"{name}_histogram"], ["run", "point", time, "component", f"{name}_bin"])
            below = with_all_axes(file[f"{name}_histogram_below"], ["run", "point", time, "component"])
            above = with_all_axes(file[f"{name}_histogram_above"], ["run", "point", time, "component"])
            low = with_all_axes(file[f"{name}_bin_low"], ["run", "component", f"{name}_bin"])
            high = with_all_axes(file[f"{name}_bin_high"], ["run", "component", f"{name}_bin"])
            finite = with_all_axes(file[f"{feature}_count"], ["run", "point", time, "component"])
            runs, points, _, times, components = paths.shape
            for r, p, t, c in np.ndindex(runs, points, times, components):
                of = min(r, low.shape[0] - 1), min(c, low.shape[1] - 1)
                edges = np.append(low[of], high[of][-1])
                assert np.array_equal(low[of][1:], high[of][:-1])
                v = paths[r, p, :, t, c]
                place = np.searchsorted(edges, v[~np.isnan(v)], side="right")
                want = np.bincount(place, minlength=len(edges) + 1)
                got = [below[r, p, t, c], *counts[r, p, t, c], above[r, p, t, c]]
                assert np.array_equal(want, got), (name, r, p, t, c, want, got)
                assert want.sum() == finite[r, p, t, min(c, finite.shape[3] - 1)]
                compared += 1
    assert compared > 0
    print(f"{compared} histograms recounted")


def replay(path, program):
    compared = 0
    with h5py.File(path, "r") as file:
        names = [n[:-5] for n in file if n.endswith("_path")]
        time = time_axis(file)
        paths = {n: with_all_axes(file[f"{n}_path"], ["run", "point", "realisation", time, "component"])
                 for n in names}
        runs, points, kept, times, _ = next(iter(paths.values())).shape
        for r, p, k in np.ndindex(runs, points, kept):
            if (7 * r + 5 * p + k) % max(1, runs * points * kept // 40) != 0:
                continue  # about 40 of them
            text = subprocess.run([program, "replay", path, "--run", str(r), "--point", str(p), "--realisation", str(k),
                                   "--csv", "-"], check=True, capture_output=True, text=True).stdout
            rows = list(csv.DictReader(io.StringIO(text)))
            for t in range(times):
                for name in names:
                    for c in range(paths[name].shape[4]):
                        value = paths[name][r, p, k, t, c]
                        if np.isnan(value):
                            assert t >= len(rows) or rows[t][f"x{c}" if name == "x" else name] == "", (r, p, k, t)
                        else:
                            assert float(rows[t][f"x{c}" if name == "x" else name]) == value, (r, p, k, t, name)
                        compared += 1
    assert compared > 100
    print(f"{compared} values replayed")


def failure(path, n):
    with h5py.File(path, "r") as file:
        print(*(file["failures"][name][n] for name in ("failed_run", "realisation", "failed_point", "step")))


def change(path, copy):
    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as file:
        file["X"][3, 2] = np.nextafter(file["X"][3, 2], 10.0)


if len(sys.argv) == 2:
    recount(sys.argv[1])
elif sys.argv[2] == "--failure":
    failure(sys.argv[1], int(sys.argv[3]))
elif sys.argv[2] == "--change":
    change(sys.argv[1], sys.argv[3])
else:
    replay(sys.argv[1], sys.argv[2])
