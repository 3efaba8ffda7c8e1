#!/usr/bin/python3
"""make_sgd_data.py FILE.h5: inputs X (256, 8) and target y (256) of a least-squares problem, the same every time."""
import sys

import h5py
import numpy

rng = numpy.random.default_rng(1)
X = rng.standard_normal((256, 8))
y = X @ numpy.linspace(-1.0, 1.0, 8) + 0.5 * rng.standard_normal(256)
with h5py.File(sys.argv[1], "w") as data:
    data["X"] = X
    data["y"] = y
