#!/usr/bin/python3
"""make_sgd_data.py FILE.h5 [ROWS COLUMNS]: inputs X and target y of a least-squares problem, the same every time (256, 8)."""
import sys

import h5py
import numpy

rows, columns = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) == 4 else (256, 8)
rng = numpy.random.default_rng(1)
X = rng.standard_normal((rows, columns))
y = X @ numpy.linspace(-1.0, 1.0, columns) + 0.5 * rng.standard_normal(rows)
with h5py.File(sys.argv[1], "w") as data:
    data["X"] = X
    data["y"] = y
