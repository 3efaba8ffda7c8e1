#!/usr/bin/env python3
"""Plot the weak errors of a result file: plot_weak_error.py RESULT.h5 OUTPUT.png (needs xarray, h5netcdf, matplotlib)."""
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray


def main(path, output):
    ds = xarray.open_dataset(path, group="analysis", engine="h5netcdf")
    features = [str(f) for f in ds["weak_error_feature"].values]
    colours = ["#4269d0", "#ff725c", "#3ca951", "#a463f2", "#6cc5b0"]
    shown = [f for f in ("norm2", "x") if f in features] or features
    figure, axes = plt.subplots(1, len(shown), figsize=(4.6 * len(shown), 3.8), squeeze=False)
    for axis, feature in zip(axes[0], shown):
        for colour, curve in zip(colours, ds["weak_error_curve"].values):
            cell = ds.sel(weak_error_curve=curve, weak_error_feature=feature).isel(time=-1)
            rate = cell["weak_error_learning_rate"].values
            error = np.abs(cell["weak_error"].values)
            verdict = int(cell["weak_error_verdict"])
            label = f"{curve}: order {verdict}" if verdict > 0 else str(curve)
            axis.errorbar(rate, error, yerr=cell["weak_error_stderr"].values, fmt="o", ms=4.5, color=colour, label=label)
            axis.plot(rate, np.abs(cell["weak_error_exact"].values), "-", lw=1, color=colour)
        axis.set(xscale="log", yscale="log", xlabel="learning rate", title=feature)
        axis.set_xscale("log", base=2)
        axis.grid(alpha=0.25)
        axis.legend(frameon=False, fontsize=9)
    axes[0][0].set_ylabel("|E f(model) - E f(SGD)|")
    figure.suptitle("points: simulated, with standard error; lines: exact", fontsize=10)
    figure.tight_layout()
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
