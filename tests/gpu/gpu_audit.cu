/*
 * What only a GPU can answer, in one program that needs nothing else (nvcc compiles its host side too; nothing of it is
 * part of ensgrad). Each part prints a line; exit 1 if one failed, 77 without a GPU.
 *
 *   sqrt     eg_sqrtf of all 2^25 floats of four consecutive exponents (every mantissa, both parities, twice), correctly
 *            rounded and the same as the host's; eg_sqrt of 2^25 doubles against the host's
 *   philox   eg_philox and eg_block against cuRAND's device functions, 2^24 counters
 *   moments  E z^2 .. E z^8 of gaussian and gaussian-fast over all 2^32 radius words and all 2^32 angle words
 *   normals  2^26 of our normals against cuRAND's: moments, two-sample Kolmogorov-Smirnov; table5 must be rejected
 */
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <curand_kernel.h>

#include "core/noise.h"

enum { BLOCKS = 1024, THREADS = 256, SUMS = 8, BINS = 1 << 16 };

static int n_failed;

static void need(cudaError_t error, const char *doing) {
  if (error != cudaSuccess) {
    printf("failed: %s: %s\n", doing, cudaGetErrorString(error));
    exit(1);
  }
}

static void judge(bool is_good, const char *part, const char *text) {
  printf("%-8s %-6s %s\n", part, is_good ? "ok" : "FAILED", text);
  fflush(stdout);
  n_failed += !is_good;
}

/* What kernels give back: integers by atomics, sums of doubles by one place for each thread. */
struct answers {
  unsigned long long *words; /* (4) */
  double *sums;              /* (SUMS, BLOCKS * THREADS) */
  unsigned *bins;            /* (BINS) */
};

static answers device;

static void clear() {
  need(cudaMemset(device.words, 0, 4 * sizeof *device.words), "clearing");
  need(cudaMemset(device.sums, 0, sizeof(double) * SUMS * BLOCKS * THREADS), "clearing");
  need(cudaMemset(device.bins, 0, sizeof(unsigned) * BINS), "clearing");
}

static void finish(const char *doing) {
  need(cudaGetLastError(), doing);
  need(cudaDeviceSynchronize(), doing);
}

static void take_words(unsigned long long words[4]) {
  need(cudaMemcpy(words, device.words, 4 * sizeof *words, cudaMemcpyDeviceToHost), "copying");
}

static void take_sums(double sums[SUMS]) {
  const size_t n = (size_t)BLOCKS * THREADS;
  double *const all = (double *)malloc(sizeof(double) * SUMS * n);
  need(cudaMemcpy(all, device.sums, sizeof(double) * SUMS * n, cudaMemcpyDeviceToHost), "copying");
  for (int k = 0; k < SUMS; k++) {
    sums[k] = 0;
    for (size_t i = 0; i < n; i++) {
      sums[k] += all[k * n + i];
    }
  }
  free(all);
}

__device__ static uint64_t thread_number() {
  return (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ static void give_sums(answers out, const double sums[SUMS]) {
  for (int k = 0; k < SUMS; k++) {
    out.sums[(uint64_t)k * BLOCKS * THREADS + thread_number()] = sums[k];
  }
}

/* ---- sqrt ---- */

enum { SQRT_INPUTS = 1 << 25 };

__host__ __device__ static uint32_t float_input(uint32_t i) {
  return 0x3f000000u + i; /* 0.5 .. 8: four exponents */
}
__host__ __device__ static uint64_t double_input(uint32_t i) {
  /* 0.5 .. 2, spread evenly, low bits in use */
  return 0x3fe0000000000000ull + (uint64_t)i * 0xffffff7ull % 0x0020000000000000ull;
}

/* words: sums (mod 2^64) of the results' bits weighted by place, and floats that are not correctly rounded. */
__global__ static void sqrt_all(answers out) {
  unsigned long long floats = 0, doubles = 0, wrong = 0;
  for (uint64_t i = thread_number(); i < SQRT_INPUTS; i += (uint64_t)gridDim.x * blockDim.x) {
    const float x = __uint_as_float(float_input((uint32_t)i));
    const float root = eg_sqrtf(x);
    /* the double root has more than 2 * 24 + 1 bits, so rounding it once more is innocuous */
    wrong += __float_as_uint(root) != __float_as_uint(__double2float_rn(__dsqrt_rn((double)x)));
    floats += __float_as_uint(root) * (2 * i + 1);
    doubles += eg_bits64(eg_sqrt(eg_double_of_bits(double_input((uint32_t)i)))) * (2 * i + 1);
  }
  atomicAdd(&out.words[0], floats);
  atomicAdd(&out.words[1], doubles);
  atomicAdd(&out.words[2], wrong);
}

static void audit_sqrt() {
  unsigned long long got[4], floats = 0, doubles = 0;
  char text[160];
  clear();
  sqrt_all<<<BLOCKS, THREADS>>>(device);
  finish("sqrt");
  take_words(got);
  for (uint64_t i = 0; i < SQRT_INPUTS; i++) {
    const uint32_t f = float_input((uint32_t)i);
    const uint64_t d = double_input((uint32_t)i);
    float x, root;
    double y, wide;
    uint32_t root_bits;
    uint64_t wide_bits;
    memcpy(&x, &f, sizeof x);
    memcpy(&y, &d, sizeof y);
    root = sqrtf(x);
    wide = sqrt(y);
    memcpy(&root_bits, &root, sizeof root_bits);
    memcpy(&wide_bits, &wide, sizeof wide_bits);
    floats += root_bits * (2 * i + 1);
    doubles += wide_bits * (2 * i + 1);
  }
  snprintf(text, sizeof text, "2^25 floats: %llu not correctly rounded, bits %s the host's; 2^25 doubles: bits %s the host's",
           got[2], got[0] == floats ? "are" : "are NOT", got[1] == doubles ? "are" : "are NOT");
  judge(got[2] == 0 && got[0] == floats && got[1] == doubles, "sqrt", text);
}

/* ---- Philox ---- */

__global__ static void compare_philox(answers out) {
  unsigned long long plain = 0, states = 0;
  for (uint64_t i = thread_number(); i < 1 << 24; i += (uint64_t)gridDim.x * blockDim.x) {
    const uint32_t a = (uint32_t)i * 2654435761u, b = a ^ a >> 15;
    const uint32_t counter[4] = {a, b * 2246822519u, ~a, b + 7};
    const uint32_t key[2] = {b * 3266489917u, a + b};
    uint32_t w[4];
    eg_philox(counter, key, w);
    const uint4 v = curand_Philox4x32_10(make_uint4(counter[0], counter[1], counter[2], counter[3]),
                                         make_uint2(key[0], key[1]));
    plain += w[0] != v.x || w[1] != v.y || w[2] != v.z || w[3] != v.w;
    /* a user's way: sequence = realisation, offset = 4 words a block; our stream 0 */
    curandStatePhilox4_32_10_t state;
    const uint64_t block = i >> 3;
    curand_init((uint64_t)key[1] << 32 | key[0], i, 4 * block, &state);
    const uint4 u = curand4(&state);
    eg_block(key, 0, i, block, w);
    states += w[0] != u.x || w[1] != u.y || w[2] != u.z || w[3] != u.w;
  }
  atomicAdd(&out.words[0], plain);
  atomicAdd(&out.words[1], states);
}

static void audit_philox() {
  unsigned long long got[4];
  char text[160];
  clear();
  compare_philox<<<BLOCKS, THREADS>>>(device);
  finish("philox");
  take_words(got);
  snprintf(text, sizeof text, "2^24 blocks: %llu differ from cuRAND's round function, %llu from curand_init and curand4", got[0],
           got[1]);
  judge(got[0] == 0 && got[1] == 0, "philox", text);
}

/* ---- moments over all words ---- */

template <bool is_fast> __global__ static void all_words(answers out) {
  double sums[SUMS] = {0};
  for (uint64_t i = thread_number(); i < 1ull << 32; i += (uint64_t)gridDim.x * blockDim.x) {
    float r, nothing, c, s;
    if (is_fast) {
      eg_normal2_fast((uint32_t)i, 0, &r, &nothing); /* angle word 0: cos of half a grid step is 1 within its error */
      eg_normal2_fast(0x80000000u, (uint32_t)i, &c, &s);
    } else {
      eg_normal2((uint32_t)i, 0, &r, &nothing);
      eg_normal2(0x80000000u, (uint32_t)i, &c, &s);
    }
    const double r2 = (double)r * r, c2 = (double)c * c, s2 = (double)s * s;
    sums[0] += r2;
    sums[1] += r2 * r2;
    sums[2] += r2 * r2 * r2;
    sums[3] += r2 * r2 * r2 * r2;
    sums[4] += 0.5 * (c2 + s2);
    sums[5] += 0.5 * (c2 * c2 + s2 * s2);
    sums[6] += 0.5 * (c2 * c2 * c2 + s2 * s2 * s2);
    sums[7] += 0.5 * (c2 * c2 * c2 * c2 + s2 * s2 * s2 * s2);
  }
  give_sums(out, sums);
}

/* Radius and angle are independent: E z^2k = E r^2k E c^2k. The angle sums carry the fixed radius of word 0x80000000,
   whose square is -2 ln(1/2 + 2^-33) up to its own rounding; it is measured as E(c^2 + s^2). */
static void audit_moments(bool is_fast) {
  static const double radius[4] = {2, 8, 48, 384}, angle[4] = {0.5, 0.375, 0.3125, 0.2734375}, exact[4] = {1, 3, 15, 105};
  double sums[SUMS], error[4];
  char text[200];
  clear();
  if (is_fast) {
    all_words<true><<<BLOCKS, THREADS>>>(device);
  } else {
    all_words<false><<<BLOCKS, THREADS>>>(device);
  }
  finish("moments");
  take_sums(sums);
  const double unit = 2 * sums[4] / 0x1p32; /* radius^2 of the angle's pass */
  double scale = 1;
  bool is_good = true;
  for (int k = 0; k < 4; k++) {
    scale *= unit;
    error[k] = sums[k] / 0x1p32 * (sums[4 + k] / 0x1p32 / scale) / exact[k] - 1;
    is_good = is_good && fabs(error[k]) < (is_fast ? 1e-4 : 1e-6) && fabs(sums[k] / 0x1p32 / radius[k] - 1) < 1e-4 &&
              fabs(sums[4 + k] / 0x1p32 / scale / angle[k] - 1) < 1e-4;
  }
  snprintf(text, sizeof text, "%s, all 2^32 words: relative error of E z^2 %.2e, z^4 %.2e, z^6 %.2e, z^8 %.2e",
           is_fast ? "gaussian-fast" : "gaussian", error[0], error[1], error[2], error[3]);
  judge(is_good, "moments", text);
}

/* ---- normals against cuRAND's ---- */

enum { OURS = 0, FAST = 1, CURAND = 2, TABLE5 = 3 };
enum { LOG2_NORMALS = 26 };

template <int which> __global__ static void normals(answers out) {
  const uint64_t t = thread_number(), n_each = (1ull << LOG2_NORMALS) / (4ull * BLOCKS * THREADS);
  const uint32_t key[2] = {20261121u, 7u};
  double sums[SUMS] = {0};
  curandStatePhilox4_32_10_t state;
  curand_init(99, t, 0, &state);
  for (uint64_t i = 0; i < n_each; i++) {
    float z[4];
    uint32_t w[4];
    eg_block(key, EG_STREAM_NOISE, t, i, w);
    if (which == CURAND) {
      const float4 v = curand_normal4(&state);
      z[0] = v.x, z[1] = v.y, z[2] = v.z, z[3] = v.w;
    } else if (which == TABLE5) {
      for (int j = 0; j < 4; j++) {
        z[j] = eg_table5_value(w[j] & 31u);
      }
    } else {
      for (int j = 0; j < 4; j += 2) {
        if (which == FAST) {
          eg_normal2_fast(w[j], w[j + 1], &z[j], &z[j + 1]);
        } else {
          eg_normal2(w[j], w[j + 1], &z[j], &z[j + 1]);
        }
      }
    }
    for (int j = 0; j < 4; j++) {
      double power = 1;
      for (int k = 0; k < SUMS; k++) {
        power *= z[j];
        sums[k] += power;
      }
      const float place = (z[j] + 8.0f) * (BINS / 16.0f);
      atomicAdd(&out.bins[place < 0 ? 0 : place >= BINS ? BINS - 1 : (int)place], 1u);
    }
  }
  give_sums(out, sums);
}

struct sample {
  double largest_z; /* of moments 1 .. 8 against the normal law */
  unsigned *bins;
};

static sample draw(int which) {
  /* E z^k and Var z^k = E z^2k - (E z^k)^2 */
  static const double mean[SUMS] = {0, 1, 0, 3, 0, 15, 0, 105};
  static const double second[SUMS] = {1, 3, 15, 105, 945, 10395, 135135, 2027025};
  const double n = (double)(1u << LOG2_NORMALS);
  double sums[SUMS];
  sample s = {0, (unsigned *)malloc(sizeof(unsigned) * BINS)};
  clear();
  switch (which) {
  case OURS: normals<OURS><<<BLOCKS, THREADS>>>(device); break;
  case FAST: normals<FAST><<<BLOCKS, THREADS>>>(device); break;
  case CURAND: normals<CURAND><<<BLOCKS, THREADS>>>(device); break;
  default: normals<TABLE5><<<BLOCKS, THREADS>>>(device);
  }
  finish("normals");
  take_sums(sums);
  for (int k = 0; k < SUMS; k++) {
    const double z = (sums[k] / n - mean[k]) / sqrt((second[k] - mean[k] * mean[k]) / n);
    s.largest_z = fabs(z) > s.largest_z ? fabs(z) : s.largest_z;
  }
  need(cudaMemcpy(s.bins, device.bins, sizeof(unsigned) * BINS, cudaMemcpyDeviceToHost), "copying");
  return s;
}

/* sqrt(n / 2) times the largest distance of the two distribution functions. */
static double distance(const sample &a, const sample &b) {
  const double n = (double)(1u << LOG2_NORMALS);
  double sum = 0, largest = 0;
  for (int i = 0; i < BINS; i++) {
    sum += (double)a.bins[i] - (double)b.bins[i];
    largest = fabs(sum) > largest ? fabs(sum) : largest;
  }
  return sqrt(n / 2) * largest / n;
}

static void audit_normals() {
  const double z_limit = 5.45;  /* 16 values, family-wise 1e-6 */
  const double ks_limit = 2.69; /* sqrt(-ln(1e-6 / 2) / 2) */
  const sample theirs = draw(CURAND);
  static const struct {
    int which;
    const char *name;
    bool is_normal;
  } rows[] = {{OURS, "gaussian", true}, {FAST, "gaussian-fast", true}, {TABLE5, "table5", false}};
  for (const auto &row : rows) {
    char text[200];
    const sample ours = draw(row.which);
    const double d = distance(ours, theirs);
    const bool looks_normal = ours.largest_z < z_limit && d < ks_limit;
    snprintf(text, sizeof text, "2^26 of %s: largest |z| of moments 1..8 %.2f (cuRAND %.2f, limit %.2f), KS %.2f of %.2f%s",
             row.name, ours.largest_z, theirs.largest_z, z_limit, d, ks_limit, row.is_normal ? "" : " (must be rejected)");
    judge(looks_normal == row.is_normal, "normals", text);
    free(ours.bins);
  }
  free(theirs.bins);
}

int main() {
  int n = 0;
  cudaDeviceProp properties;
  const cudaError_t error = cudaGetDeviceCount(&n);
  if (error != cudaSuccess || n == 0) {
    printf("skipped: no GPU (%s)\n", cudaGetErrorString(error));
    return 77;
  }
  need(cudaGetDeviceProperties(&properties, 0), "asking for the device");
  need(cudaMalloc(&device.words, 4 * sizeof *device.words), "reserving");
  need(cudaMalloc(&device.sums, sizeof(double) * SUMS * BLOCKS * THREADS), "reserving");
  need(cudaMalloc(&device.bins, sizeof(unsigned) * BINS), "reserving");
  printf("device   %s, %d SM\n", properties.name, properties.multiProcessorCount);
  audit_sqrt();
  audit_philox();
  audit_moments(false);
  audit_moments(true);
  audit_normals();
  printf("%d failed\n", n_failed);
  return n_failed == 0 ? 0 : 1;
}
