#!/usr/bin/env python3
"""ou_numba.py TRAJECTORIES STEPS: dx = -x dt + dW by Euler-Maruyama, one compiled loop, moments every 500 steps.

The form a numba user writes: np.random.standard_normal in a jitted function, trajectory after trajectory, one thread.
Compiled code is kept in the environment's folder, so that the first start-up run pays for the compiler.
"""
import os
import sys

os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(sys.prefix, "numba-cache"))

import numba
import numpy


@numba.njit(cache=True)
def advance(trajectories, steps, h, mean, square):
    scale = h**0.5
    for _ in range(trajectories):
        x = 1.0
        for step in range(1, steps + 1):
            x = x * (1.0 - h) + scale * numpy.random.standard_normal()
            if step % 500 == 0:
                mean[step // 500 - 1] += x
                square[step // 500 - 1] += x * x


trajectories, steps = int(sys.argv[1]), int(sys.argv[2])
mean, square = numpy.zeros(max(1, steps // 500)), numpy.zeros(max(1, steps // 500))
advance(trajectories, steps, 1.0 / 512, mean, square)
for i in range(steps // 500):
    print(500 * (i + 1), mean[i] / trajectories, square[i] / trajectories)
