/* Setting up a job: find its kernel, choose how many tiles a launch takes, make every buffer once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/noise.h"
#include "device.h"
#include "fatbins.h"

enum {
  SIZE_PARAMS = 0,
  SIZE_LAUNCH = 1,
  SIZE_STAGED = 2,
  SIZE_REAL = 3,
  SIZE_DIM = 4,
  SIZE_THREADS = 7,
  N_SIZES = 8
};

/* Enough lanes for every thread slot of the device, in whole waves of blocks; records of one launch stay
 * below this. */
enum { RECORD_MEGABYTES = 2048, FIRST_STEPS = 256 };

void eg_cuda_release_job(eg_cuda_device *d) {
  void **const buffers[] = {&d->dev_record_steps, &d->dev_features, &d->dev_start,     &d->dev_rows,
                            &d->dev_state,        &d->dev_records,  &d->dev_first_bad, &d->dev_nodes,
                            &d->dev_histograms,   &d->dev_edges,    &d->dev_counts};
  for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
    (void)cudaFree(*buffers[i]); /* accepts NULL; an error here is an older one, already reported */
    *buffers[i] = NULL;
  }
  (void)cudaFreeHost(d->host_nodes);
  (void)cudaFreeHost(d->host_first_bad);
  (void)cudaFreeHost(d->host_counts);
  (void)cudaFreeHost(d->host_kept);
  free(d->params);
  free(d->staged);
  if (d->unit != NULL) {
    (void)cudaLibraryUnload(d->unit);
  }
  d->host_nodes = d->params = d->staged = NULL;
  d->host_first_bad = NULL;
  d->host_counts = NULL;
  d->host_kept = NULL;
  d->unit = NULL;
  d->job = NULL;
}

/* ---- the kernel ---- */

static const char *kind_name(int kind) {
  static const char *const names[EG_N_KINDS] = {"gaussian", "gaussian_fast", "gaussian64", "table5",
                                                "table8",   "table10",       "two_point",  "three_point"};
  return kind >= 0 && kind < EG_N_KINDS ? names[kind] : "?";
}

static int is_compiled_ahead(int kind) {
  return kind == EG_KIND_GAUSSIAN || kind == EG_KIND_TABLE5 || kind == EG_KIND_TWO_POINT;
}

static eg_cuda_status refuse(const eg_cuda_job *job, eg_cuda_message message) {
  if (job->model_file != NULL) {
    return eg_cuda_say(
        message, EG_CUDA_REFUSED,
        "the model file %s is not compiled for the GPU: this version compiles nothing at run time; "
        "use the CPU",
        job->model_file);
  }
  if (job->launch.n_monitors > 0 || job->launch.is_watched) {
    return eg_cuda_say(message, EG_CUDA_REFUSED,
                       "kernels that look after every step (monitors) are not compiled ahead for the GPU: they would double "
                       "the plug-in, and this version compiles nothing at run time; use the CPU");
  }
  if (job->is_float) {
    return eg_cuda_say(
        message, EG_CUDA_REFUSED,
        "float state is not compiled ahead for the GPU, and this version compiles nothing at run time; "
        "use double state or the CPU");
  }
  return eg_cuda_say(
      message, EG_CUDA_REFUSED,
      "noise %s is not compiled ahead for the GPU, and this version compiles nothing at run time; use "
      "gaussian, table5 or two-point, or the CPU",
      kind_name(job->kind));
}

static eg_cuda_status check_sizes(eg_cuda_device *d, const eg_cuda_job *job, uint32_t sizes[N_SIZES],
                                  eg_cuda_message message) {
  void *address = NULL;
  size_t bytes = 0;
  EG_CUDA_TRY(cudaLibraryGetGlobal(&address, &bytes, d->unit, "eg_unit_sizes"), "reading the unit's sizes");
  if (bytes != N_SIZES * sizeof(uint32_t)) {
    return eg_cuda_say(message, EG_CUDA_FAILED, "the device code of '%s' is of another version", job->model);
  }
  EG_CUDA_TRY(cudaMemcpy(sizes, address, bytes, cudaMemcpyDeviceToHost), "reading the unit's sizes");
  const size_t params = job->n_params * sizeof(double), staged = job->n_staged * sizeof(double);
  if (sizes[SIZE_LAUNCH] != sizeof(eg_launch) || sizes[SIZE_REAL] != sizeof(double) ||
      sizes[SIZE_DIM] != (uint32_t)job->dim || params > sizes[SIZE_PARAMS] || staged > sizes[SIZE_STAGED]) {
    return eg_cuda_say(message, EG_CUDA_FAILED,
                       "the device code of '%s' and the program disagree about sizes", job->model);
  }
  return EG_CUDA_OK;
}

static eg_cuda_status load_kernel(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  char name[128];
  uint32_t sizes[N_SIZES];
  const void *const code = eg_fatbin_of_unit(job->model, job->dim);
  if (code == NULL) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "model '%s' in dimension %d is not compiled for the GPU",
                       job->model, job->dim);
  }
  EG_CUDA_TRY(cudaLibraryLoadData(&d->unit, code, NULL, NULL, 0, NULL, NULL, 0),
              "loading the kernels of the model");
  /* a stepper without increments has one kernel for all kinds */
  (void)snprintf(name, sizeof name, "eg_advance_%s", job->stepper);
  cudaError_t found = cudaLibraryGetKernel(&d->kernel, d->unit, name);
  if (found != cudaSuccess) {
    (void)cudaGetLastError();
    if (!is_compiled_ahead(job->kind)) {
      return refuse(job, message);
    }
    (void)snprintf(name, sizeof name, "eg_advance_%s_%s", job->stepper, kind_name(job->kind));
    EG_CUDA_TRY(cudaLibraryGetKernel(&d->kernel, d->unit, name), name);
  }
  const eg_cuda_status status = check_sizes(d, job, sizes, message);
  if (status != EG_CUDA_OK) {
    return status;
  }
  d->block_threads = sizes[SIZE_THREADS];
  d->params = (double *)calloc(1, sizes[SIZE_PARAMS]);
  d->staged = (double *)calloc(1, sizes[SIZE_STAGED]);
  if (d->params == NULL || d->staged == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  if (job->n_params > 0) {
    memcpy(d->params, job->params, job->n_params * sizeof(double));
  }
  if (job->n_staged > 0) {
    memcpy(d->staged, job->staged, job->n_staged * sizeof(double));
  }
  return EG_CUDA_OK;
}

/* ---- sizes ---- */

/* Tiles that fill the device: whole waves of resident blocks, at least one lane for every thread slot. */
static uint64_t choose_tiles(const eg_cuda_device *d, const eg_cuda_job *job) {
  const uint64_t threads_of_tile = (uint64_t)job->tile * job->launch.n_points;
  const uint64_t slots = (uint64_t)d->n_multiprocessors * (uint64_t)d->threads_each;
  uint64_t wanted = (slots + threads_of_tile - 1) / threads_of_tile;
  int blocks = 0;
  const cudaError_t error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, (const void *)d->kernel,
                                                                          (int)d->block_threads, 0);
  if (error == cudaSuccess && blocks > 0) {
    const uint64_t wave = (uint64_t)blocks * (uint64_t)d->n_multiprocessors * d->block_threads;
    const uint64_t waves = (slots + wave - 1) / wave;
    const uint64_t whole = waves * wave / threads_of_tile;
    wanted = whole * threads_of_tile >= slots / 2 ? whole : wanted;
  } else {
    (void)cudaGetLastError(); /* only a choice of size: go on without */
  }
  const uint64_t most = 0x7fffffffu / job->tile; /* n_lanes is 32 bits */
  wanted = wanted < job->n_tiles ? wanted : job->n_tiles;
  wanted = wanted < most ? wanted : most;
  return wanted < 1 ? 1 : wanted;
}

static eg_cuda_status upload(const void *data, size_t bytes, void **out, eg_cuda_message message) {
  EG_CUDA_TRY(cudaMalloc(out, bytes > 0 ? bytes : 8), "reserving GPU memory for inputs");
  if (bytes > 0) {
    EG_CUDA_TRY(cudaMemcpy(*out, data, bytes, cudaMemcpyHostToDevice), "copying inputs to the GPU");
  }
  return EG_CUDA_OK;
}

/* Bytes of one tile, and of one of its records. */
typedef struct tile_bytes {
  size_t state, first_bad, nodes, record;
} tile_bytes;

static tile_bytes bytes_of_tile(const eg_cuda_job *job) {
  tile_bytes b;
  const size_t lanes = (size_t)job->launch.n_points * job->tile;
  b.state = lanes * (size_t)job->dim * sizeof(double);
  b.first_bad = lanes * sizeof(uint64_t);
  b.nodes = job->node_values * sizeof(double);
  b.record = lanes * job->n_features * sizeof(double);
  return b;
}

static eg_cuda_status choose_sizes(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  size_t available = 0, total = 0;
  EG_CUDA_TRY(cudaMemGetInfo(&available, &total), "asking for free GPU memory");
  const tile_bytes b = bytes_of_tile(job);
  const size_t budget = available / 2;
  uint64_t tiles = choose_tiles(d, job);
  while (tiles > 1 && tiles * (b.state + b.first_bad + b.nodes + b.record) > budget) {
    tiles /= 2;
  }
  const size_t fixed = tiles * (b.state + b.first_bad + b.nodes);
  if (fixed + tiles * b.record > available) {
    return eg_cuda_say(
        message, EG_CUDA_FAILED,
        "one tile needs %zu MB of GPU memory and %zu MB are free: observe less, or use the CPU",
        (fixed + b.record) >> 20, available >> 20);
  }
  size_t record_budget = budget > fixed ? budget - fixed : 0;
  const size_t most_bytes = (size_t)RECORD_MEGABYTES << 20;
  record_budget = record_budget < most_bytes ? record_budget : most_bytes;
  const size_t most = record_budget / (tiles * (b.record > 0 ? b.record : 1));
  d->tiles = tiles;
  d->records_at_once = most < 1 ? 1 : most < job->n_records ? most : job->n_records;
  return EG_CUDA_OK;
}

static eg_cuda_status make_buffers(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  const tile_bytes b = bytes_of_tile(job);
  const size_t start =
      job->launch.start_kind == EG_START_FIXED ? (size_t)job->launch.n_points * (size_t)job->dim : 0;
  eg_cuda_status status =
      upload(job->record_steps, job->n_records * sizeof(uint64_t), &d->dev_record_steps, message);
  if (status == EG_CUDA_OK) {
    status = upload(job->features, job->n_features * sizeof(eg_feature_code), &d->dev_features, message);
  }
  if (status == EG_CUDA_OK) {
    status = upload(job->start, start * sizeof(double), &d->dev_start, message);
  }
  if (status == EG_CUDA_OK) {
    status = upload(job->rows, job->n_row_values * sizeof(double), &d->dev_rows, message);
  }
  if (status != EG_CUDA_OK) {
    return status;
  }
  EG_CUDA_TRY(cudaMalloc(&d->dev_state, d->tiles * b.state), "reserving GPU memory for states");
  EG_CUDA_TRY(cudaMalloc(&d->dev_first_bad, d->tiles * b.first_bad), "reserving GPU memory for states");
  EG_CUDA_TRY(cudaMalloc(&d->dev_nodes, d->tiles * b.nodes), "reserving GPU memory for statistics");
  EG_CUDA_TRY(cudaMalloc(&d->dev_records, d->tiles * d->records_at_once * b.record),
              "reserving GPU memory for records");
  EG_CUDA_TRY(cudaMallocHost((void **)&d->host_nodes, d->tiles * b.nodes), "reserving page-locked memory");
  EG_CUDA_TRY(cudaMallocHost((void **)&d->host_first_bad, d->tiles * b.first_bad),
              "reserving page-locked memory");
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_prepare(eg_cuda_device *d, const eg_cuda_job *job, uint64_t *tiles_at_once,
                               eg_cuda_message message) {
  EG_CUDA_TRY(cudaSetDevice(d->index), "choosing the GPU");
  eg_cuda_release_job(d);
  if (job->model_file != NULL || job->is_float || job->launch.n_monitors > 0 || job->launch.is_watched) {
    return refuse(job, message);
  }
  const uint32_t tile = job->tile;
  if (tile < 64 || tile > EG_TREE_MOST_LANES || (tile & (tile - 1)) != 0) {
    return eg_cuda_say(message, EG_CUDA_REFUSED,
                       "tiles of %u realisations: the GPU takes powers of 2 from 64 to %d", tile,
                       EG_TREE_MOST_LANES);
  }
  if (job->n_records == 0 || job->n_features == 0) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "a job without records");
  }
  eg_cuda_status status = load_kernel(d, job, message);
  if (status == EG_CUDA_OK) {
    status = eg_cuda_make_counts(d, job, message); /* first: sizes are chosen from what is left */
  }
  if (status == EG_CUDA_OK) {
    status = choose_sizes(d, job, message);
  }
  if (status == EG_CUDA_OK) {
    status = make_buffers(d, job, message);
  }
  if (status != EG_CUDA_OK) {
    eg_cuda_release_job(d);
    return status;
  }
  d->job = job;
  d->steps_at_once = FIRST_STEPS;
  *tiles_at_once = d->tiles;
  return EG_CUDA_OK;
}
