#!/usr/bin/python3
"""ou_numpy.py TRAJECTORIES STEPS: dx = -x dt + dW by Euler-Maruyama in place, PCG64, moments every 500 steps.

Trajectories go through in chunks of 4096, which keeps both arrays in the second-level cache: the fastest form tried.
"""
import sys

import numpy

trajectories, steps = int(sys.argv[1]), int(sys.argv[2])
chunk, h = 4096, 1.0 / 512
rng = numpy.random.default_rng(1)
z = numpy.empty(chunk)
sums = {}
for first in range(0, trajectories, chunk):
    x = numpy.ones(chunk)
    for step in range(1, steps + 1):
        rng.standard_normal(out=z)
        z *= h**0.5
        x *= 1.0 - h
        x += z
        if step % 500 == 0:
            mean, square = sums.get(step, (0.0, 0.0))
            sums[step] = (mean + x.sum(), square + x @ x)
for step, (mean, square) in sums.items():
    print(step, mean / trajectories, square / trajectories)
