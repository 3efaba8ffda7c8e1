#!/usr/bin/env python3
"""gpu_peers.py SECONDS: dx = -x dt + dW by Euler-Maruyama in float on the GPU, in CuPy, JAX and PyTorch as their users write it.

One line a case: name, ns per trajectory-step. Cases whose package is missing, or that do not fit into the time, say so on
standard error. The time is of the second call: what a package compiles at its first call is not counted.
"""
import sys
import time

limit = time.monotonic() + float(sys.argv[1]) if len(sys.argv) > 1 else float("inf")
h, s = 1.0 / 512, (1.0 / 512) ** 0.5
sizes = {"2^24 trajectories": 1 << 24, "2^14 trajectories": 1 << 14}


def report(name, run, n, steps, finish):
    """run(steps) twice; the second one counts."""
    run(steps)
    finish()
    start = time.perf_counter()
    run(steps)
    finish()
    print(f"{name} {(time.perf_counter() - start) * 1e9 / (n * steps):.6f}", flush=True)


def with_cupy():
    import cupy

    source = r"""
    #include <curand_kernel.h>
    extern "C" __global__ void ou(float *x, unsigned steps, float h, float s) {
      const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
      curandStatePhilox4_32_10_t state;
      curand_init(1, i, 0, &state);
      float v = x[i];
      for (unsigned k = 0; k < steps; k += 4) {
        const float4 z = curand_normal4(&state);
        v += -h * v + s * z.x;
        v += -h * v + s * z.y;
        v += -h * v + s * z.z;
        v += -h * v + s * z.w;
      }
      x[i] = v;
    }"""
    for label, n in sizes.items():
        x = cupy.ones(n, dtype=cupy.float32)
        kernel = cupy.RawKernel(source, "ou")

        def raw(steps):
            kernel((n // 256,), (256,), (x, cupy.uint32(steps), cupy.float32(h), cupy.float32(s)))

        def arrays(steps):
            for _ in range(steps):
                z = cupy.random.standard_normal(n, dtype=cupy.float32)
                x[:] = x + (s * z - h * x)

        report(f"CuPy RawKernel, curand_normal4, {label}", raw, n, 4000, cupy.cuda.Device().synchronize)
        report(f"CuPy arrays, {label}", arrays, n, 64, cupy.cuda.Device().synchronize)


def with_jax():
    import jax

    if jax.default_backend() != "gpu":
        raise ImportError("no GPU in JAX")
    for label, n in sizes.items():

        def body(carry, _):
            x, key = carry
            key, part = jax.random.split(key)
            return (x + (s * jax.random.normal(part, x.shape, dtype=x.dtype) - h * x), key), None

        advance = jax.jit(lambda x, key, steps: jax.lax.scan(body, (x, key), None, length=steps)[0], static_argnums=2)
        state = [jax.numpy.ones(n, dtype=jax.numpy.float32), jax.random.PRNGKey(1)]

        def run(steps):
            state[0], state[1] = advance(state[0], state[1], steps)

        report(f"JAX scan, threefry, {label}", run, n, 256, lambda: state[0].block_until_ready())


def with_torch():
    import torch

    if not torch.cuda.is_available():
        raise ImportError("no GPU in torch")
    for label, n in sizes.items():
        x = torch.ones(n, device="cuda")
        z = torch.empty_like(x)

        def eager(steps):
            for _ in range(steps):
                z.normal_()
                x.mul_(1.0 - h).add_(z, alpha=s)

        report(f"torch eager, {label}", eager, n, 128, torch.cuda.synchronize)
        graph = torch.cuda.CUDAGraph()
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            eager(2)
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            eager(16)

        def replay(steps):
            for _ in range(steps // 16):
                graph.replay()

        report(f"torch CUDA graph, {label}", replay, n, 256, torch.cuda.synchronize)


for package, function in (("cupy", with_cupy), ("jax", with_jax), ("torch", with_torch)):
    if time.monotonic() > limit:
        print(f"{package}: no time left", file=sys.stderr)
        continue
    try:
        function()
    except Exception as error:  # a peer that is missing or fails must not hide the others
        print(f"{package}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", file=sys.stderr)
