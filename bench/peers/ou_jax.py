#!/usr/bin/env python3
"""ou_jax.py TRAJECTORIES STEPS: dx = -x dt + dW by Euler-Maruyama, lax.scan over steps, one key split a step (float32).

The form a JAX user writes: jit of a scan with jax.random.normal over all trajectories, on one CPU thread; moments every
500 steps by an outer scan. JAX's default precision is float.
"""
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax
import jax.numpy as jnp

trajectories, steps = int(sys.argv[1]), int(sys.argv[2])
h = 1.0 / 512


def step(carry, _):
    x, key = carry
    key, sub = jax.random.split(key)
    return (x * (1.0 - h) + h**0.5 * jax.random.normal(sub, x.shape), key), None


def segment(carry, _):
    carry, _ = jax.lax.scan(step, carry, None, length=min(500, steps))
    return carry, (carry[0].mean(), (carry[0] ** 2).mean())


@jax.jit
def run(x, key):
    return jax.lax.scan(segment, (x, key), None, length=max(1, steps // 500))[1]


mean, square = run(jnp.ones(trajectories), jax.random.PRNGKey(1))
for i in range(len(mean)):
    print(min(500, steps) * (i + 1), float(mean[i]), float(square[i]))
