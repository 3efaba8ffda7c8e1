/*
 * ou_curand TRAJECTORIES STEPS: dx = -x dt + dW by Euler-Maruyama with cuRAND's device generators, as a user would write
 * it: one thread a trajectory, float, state of the generator in registers. One line a generator: name, ns per
 * trajectory-step (median of 5). Built twice, the second time with --use_fast_math.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <curand_kernel.h>

#if defined(FAST)
#define FLAGS "fast math"
#else
#define FLAGS "default flags"
#endif

__device__ static float step(float x, float h, float s, float z) {
  return x + fmaf(-h, x, s * z);
}

__global__ static void philox(float *x, unsigned steps, float h, float s) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  curandStatePhilox4_32_10_t state;
  curand_init(1, i, 0, &state);
  float v = 1;
  for (unsigned k = 0; k < steps; k += 4) {
    const float4 z = curand_normal4(&state);
    v = step(step(step(step(v, h, s, z.x), h, s, z.y), h, s, z.z), h, s, z.w);
  }
  x[i] = v;
}

__global__ static void xorwow(float *x, unsigned steps, float h, float s) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  curandStateXORWOW_t state;
  curand_init(i, 0, 0, &state); /* a seed each: sequences of one seed take long to reach */
  float v = 1;
  for (unsigned k = 0; k < steps; k += 2) {
    const float2 z = curand_normal2(&state);
    v = step(step(v, h, s, z.x), h, s, z.y);
  }
  x[i] = v;
}

static void check(cudaError_t error) {
  if (error != cudaSuccess) {
    printf("failed: %s\n", cudaGetErrorString(error));
    exit(error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver ? 77 : 1);
  }
}

static void measure(const char *name, void (*kernel)(float *, unsigned, float, float), float *x, unsigned n, unsigned steps) {
  cudaEvent_t before, after;
  float times[5];
  check(cudaEventCreate(&before));
  check(cudaEventCreate(&after));
  for (int r = -1; r < 5; r++) { /* the first one warms up */
    check(cudaEventRecord(before));
    kernel<<<n / 256, 256>>>(x, steps, 1.0f / 512, 0.04419417382f);
    check(cudaGetLastError());
    check(cudaEventRecord(after));
    check(cudaEventSynchronize(after));
    check(cudaEventElapsedTime(&times[r < 0 ? 0 : r], before, after));
  }
  std::sort(times, times + 5);
  printf("cuRAND device %s, float, %s %.6f\n", name, FLAGS, 1e6 * times[2] / ((double)n * steps));
}

int main(int argc, char **argv) {
  const unsigned n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1u << 24, steps = argc > 2 ? strtoul(argv[2], NULL, 10) : 4000;
  float *x = NULL;
  check(cudaMalloc(&x, n * sizeof *x));
  measure("Philox4x32-10", philox, x, n, steps);
  measure("XORWOW", xorwow, x, n, steps);
  return 0;
}
