/*
 * A CUDA runtime that plays a small device on the host, for the plug-in's own code: memory is malloc, streams
 * are done at once, kernels are the twins of thread_twin.c and reduce_twin.h. Time is made up so that
 * launches are cut anywhere, and memory is short so that records come in parts.
 */
#include <cuda_runtime_api.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/noise.h"
#include "fatbins.h"
#include "reduce_twin.h"
#include "thread_twin.h"

enum { MULTIPROCESSORS = 1, FREE_BYTES = 3 << 20, MOST_KERNELS = 64 };

typedef struct fake_unit {
  const char *model;
  int dim;
  const twin_stepper *steppers;
  const uint32_t *sizes;
} fake_unit;

#define UNITS(X)                                                                                             \
  X(ornstein_uhlenbeck, "ornstein-uhlenbeck", 1)                                                             \
  X(double_well, "double-well", 1)                                                                           \
  X(quadratic_4, "quadratic", 4)                                                                             \
  X(linear_regression_4, "linear-regression", 4)
#define DECLARE(name, model, dim)                                                                            \
  extern const twin_stepper twin_##name[];                                                                   \
  extern const uint32_t twin_##name##_sizes[8];
UNITS(DECLARE)
#define ROW(name, model, dim) {model, dim, twin_##name, twin_##name##_sizes},
static const fake_unit units[] = {UNITS(ROW)};
static const fake_unit statistics = {"statistics", 0, NULL, NULL};

const void *eg_fatbin_of_unit(const char *model, int dim) {
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(units[i].model, model) == 0 && units[i].dim == dim) {
      return &units[i];
    }
  }
  return NULL;
}

const void *eg_fatbin_of_statistics(void) {
  return &statistics;
}

/* ---- kernels ---- */

static const char moments_kernel, comoments_kernel, count_kernel;

cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code, enum cudaJitOption *a, void **b,
                                unsigned c, enum cudaLibraryOption *d, void **e, unsigned f) {
  (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
  *library = (cudaLibrary_t)(uintptr_t)code;
  return cudaSuccess;
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
  (void)library;
  return cudaSuccess;
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library, const char *name) {
  static const char *const kinds[] = {"gaussian", "", "", "table5", "", "", "two_point", ""};
  const fake_unit *const unit = (const fake_unit *)(const void *)library;
  if (unit == &statistics) {
    const int is_moments = strcmp(name, "eg_reduce_moments") == 0;
    const int is_count = strcmp(name, "eg_count_histograms") == 0;
    *kernel = (cudaKernel_t)(uintptr_t)(is_moments ? &moments_kernel : is_count ? &count_kernel : &comoments_kernel);
    return cudaSuccess;
  }
  for (const twin_stepper *s = unit->steppers; s->name != NULL; s++) {
    char plain[128], with_kind[128];
    const int has_kinds =
        s[0].kind != EG_KIND_GAUSSIAN || (s[1].name != NULL && strcmp(s[1].name, s->name) == 0);
    (void)snprintf(plain, sizeof plain, "eg_advance_%s", s->name);
    (void)snprintf(with_kind, sizeof with_kind, "eg_advance_%s_%s", s->name, kinds[s->kind]);
    if (strcmp(name, has_kinds ? with_kind : plain) == 0) {
      *kernel = (cudaKernel_t)(uintptr_t)s;
      return cudaSuccess;
    }
  }
  return cudaErrorSymbolNotFound;
}

cudaError_t cudaLibraryGetGlobal(void **address, size_t *bytes, cudaLibrary_t library, const char *name) {
  const fake_unit *const unit = (const fake_unit *)(const void *)library;
  if (strcmp(name, "eg_unit_sizes") != 0) {
    return cudaErrorSymbolNotFound;
  }
  *address = (void *)(uintptr_t)unit->sizes;
  *bytes = 8 * sizeof(uint32_t);
  return cudaSuccess;
}

static void reduce(const void *kernel, dim3 grid, const eg_tile_reduce *r) {
  for (uint64_t row = 0; row < grid.x; row++) {
    for (uint32_t y = 0; y < grid.y; y++) {
      if (kernel == &moments_kernel) {
        reduce_feature(r, row, y);
        continue;
      }
      uint32_t f = 1;
      while (f * (f + 1) / 2 <= y) {
        f++;
      }
      reduce_pair(r, row, f, y - f * (f - 1) / 2, y);
    }
  }
}

cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **args, size_t shared,
                             cudaStream_t stream) {
  (void)shared, (void)stream;
  if (grid.x == 0 || grid.y == 0 || block.x == 0 || block.x > 1024) {
    return cudaErrorInvalidConfiguration;
  }
  if (kernel == &moments_kernel || kernel == &comoments_kernel) {
    reduce(kernel, grid, (const eg_tile_reduce *)args[0]);
    return cudaSuccess;
  }
  if (kernel == &count_kernel) {
    for (uint64_t row = 0; row < grid.x; row++) {
      for (uint32_t y = 0; y < grid.y; y++) {
        count_histogram((const eg_count *)args[0], row, y);
      }
    }
    return cudaSuccess;
  }
  ((const twin_stepper *)kernel)
      ->launch(args[0], (const eg_launch *)args[1], (const double *)args[2], (uint64_t)grid.x * block.x);
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *kernel, int threads,
                                                          size_t shared) {
  (void)kernel, (void)threads, (void)shared;
  *blocks = 6;
  return cudaSuccess;
}

/* ---- memory: filled with rubbish, so that nothing relies on zeros ---- */

static cudaError_t reserve(void **p, size_t bytes) {
  *p = malloc(bytes);
  if (*p == NULL) {
    return cudaErrorMemoryAllocation;
  }
  memset(*p, 0xa5, bytes);
  return cudaSuccess;
}

cudaError_t cudaMalloc(void **p, size_t bytes) {
  return bytes > FREE_BYTES ? cudaErrorMemoryAllocation : reserve(p, bytes);
}
cudaError_t cudaMallocHost(void **p, size_t bytes) {
  return reserve(p, bytes);
}
cudaError_t cudaFree(void *p) {
  free(p);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void *p) {
  free(p);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
  (void)kind;
  memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream) {
  (void)stream;
  return cudaMemcpy(to, from, bytes, kind);
}
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              enum cudaMemcpyKind kind, cudaStream_t stream) {
  (void)kind, (void)stream;
  for (size_t row = 0; row < height; row++) {
    memcpy((char *)to + row * to_pitch, (const char *)from + row * from_pitch, width);
  }
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream) {
  (void)stream;
  memset(p, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *available, size_t *total) {
  *available = *total = FREE_BYTES;
  return cudaSuccess;
}

/* ---- device, streams, time ---- */

cudaError_t cudaGetDeviceCount(int *n) {
  *n = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int index) {
  return index == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int index) {
  (void)index;
  memset(p, 0, sizeof *p);
  (void)snprintf(p->name, sizeof p->name, "a device played on the host");
  p->major = 9;
  p->multiProcessorCount = MULTIPROCESSORS;
  p->maxThreadsPerMultiProcessor = 2048;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int *version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
  (void)flags;
  *stream = NULL;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  (void)stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  (void)stream;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t *event) {
  *event = NULL;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  (void)event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  (void)event, (void)stream;
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t before, cudaEvent_t after) {
  static int turn;
  (void)before, (void)after;
  *milliseconds = turn++ % 2 == 0 ? 2000.0f : 90.0f; /* the number of steps goes down and up */
  return cudaSuccess;
}
cudaError_t cudaGetLastError(void) {
  return cudaSuccess;
}
const char *cudaGetErrorString(cudaError_t error) {
  (void)error;
  return "an error of the played device";
}
const char *cudaGetErrorName(cudaError_t error) {
  (void)error;
  return "?";
}
