/* The kernel of a job: from the fatbins where it was compiled ahead, else compiled now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "core/form.h"
#include "core/noise.h"
#include "core/particles.h"
#include "core/permutation.h"
#include "device.h"
#include "fatbins.h"

/* eg_unit_sizes of unit_cuda.cu and unit_team_cuda.cu */
enum {
  SIZE_PARAMS = 0,
  SIZE_LAUNCH = 1,
  SIZE_STAGED = 2,
  SIZE_REAL = 3,
  SIZE_DIM = 4,
  SIZE_SCRATCH = 6, /* vectors of working memory: of a warp in team form, of a population */
  SIZE_THREADS = 7,
  N_SIZES = 8
};

/* Whether `unit` has the kernel; a stepper without increments has one for all kinds. */
static int find_kernel(eg_cuda_device *d, const eg_cuda_job *job) {
  char name[128];
  (void)snprintf(name, sizeof name, "eg_advance_%s", job->stepper);
  if (cudaLibraryGetKernel(&d->kernel, d->unit, name) == cudaSuccess) {
    return 1;
  }
  (void)cudaGetLastError(); /* not found is an answer */
  (void)snprintf(name, sizeof name, "eg_advance_%s_%s", job->stepper, eg_cuda_kind_name(job->kind));
  if (cudaLibraryGetKernel(&d->kernel, d->unit, name) == cudaSuccess) {
    return 1;
  }
  (void)cudaGetLastError();
  return 0;
}

static eg_cuda_status load_ahead(eg_cuda_device *d, const eg_cuda_job *job, int *is_found,
                                 eg_cuda_message message) {
  const int can_be = job->model_file == NULL && job->shape == NULL && !job->is_float && !eg_cuda_is_special(job);
  const int dim = job->form == EG_FORM_TEAM ? EG_FATBIN_TEAM : job->dim;
  const void *const code = can_be ? eg_fatbin_of_unit(job->model, dim) : NULL;
  *is_found = 0;
  if (code == NULL) {
    return EG_CUDA_OK;
  }
  EG_CUDA_TRY(cudaLibraryLoadData(&d->unit, code, NULL, NULL, 0, NULL, NULL, 0),
              "loading the kernels of the model");
  *is_found = find_kernel(d, job);
  if (!*is_found) {
    (void)cudaLibraryUnload(d->unit);
    d->unit = NULL;
  }
  return EG_CUDA_OK;
}

/* Why this job needs a compiler. */
static eg_cuda_status refuse(const eg_cuda_job *job, const char *reason, eg_cuda_message message) {
  if (job->model_file != NULL) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "model file %s must be compiled for the GPU, and %s",
                       job->model_file, reason);
  }
  if (job->is_float) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "float state is not compiled ahead for the GPU, and %s", reason);
  }
  if (eg_cuda_is_watched(job)) {
    return eg_cuda_say(message, EG_CUDA_REFUSED,
                       "kernels that look after every step (monitors) are not compiled ahead for the GPU, and %s", reason);
  }
  if (eg_cuda_is_coarse(job)) {
    return eg_cuda_say(message, EG_CUDA_REFUSED,
                       "kernels that sum the increments of a finer member of their group are not compiled ahead for the GPU, and %s", reason);
  }
  if (eg_cuda_is_special(job)) {
    return eg_cuda_say(message, EG_CUDA_REFUSED,
                       "rows with noise or without replacement, stable increments and feature noise_trace are not compiled ahead for the GPU, and %s", reason);
  }
  return eg_cuda_say(message, EG_CUDA_REFUSED,
                     "'%s' of model '%s' in dimension %d with noise %s is not compiled ahead for the GPU (of most models "
                     "gaussian, table5 and two-point are), and %s",
                     job->stepper, job->model, job->dim, eg_cuda_kind_name(job->kind), reason);
}

static eg_cuda_status load_compiled(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  char text[896] = "";
  const void *code = NULL;
  size_t size = 0;
  const eg_cuda_message reason = {text, sizeof text};
  const eg_cuda_status status = eg_cuda_compile(job, d->capability, &code, &size, reason);
  if (status == EG_CUDA_REFUSED) {
    return refuse(job, text, message);
  }
  if (status != EG_CUDA_OK) {
    return eg_cuda_say(message, status, "%s", text);
  }
  EG_CUDA_TRY(cudaLibraryLoadData(&d->unit, code, NULL, NULL, 0, NULL, NULL, 0),
              "loading the kernels of the model");
  if (!find_kernel(d, job)) {
    return eg_cuda_say(message, EG_CUDA_FAILED, "the compiled unit of '%s' has no kernel '%s'", job->model,
                       job->stepper);
  }
  return EG_CUDA_OK;
}

static eg_cuda_status read_sizes(eg_cuda_device *d, const eg_cuda_job *job, uint32_t sizes[N_SIZES],
                                 eg_cuda_message message) {
  void *address = NULL;
  size_t bytes = 0;
  const size_t real = job->is_float ? sizeof(float) : sizeof(double);
  EG_CUDA_TRY(cudaLibraryGetGlobal(&address, &bytes, d->unit, "eg_unit_sizes"), "reading the unit's sizes");
  if (bytes != N_SIZES * sizeof(uint32_t)) {
    return eg_cuda_say(message, EG_CUDA_FAILED, "the device code of '%s' is of another version", job->model);
  }
  EG_CUDA_TRY(cudaMemcpy(sizes, address, bytes, cudaMemcpyDeviceToHost), "reading the unit's sizes");
  const int is_team = job->form == EG_FORM_TEAM; /* its numbers are staged in memory, its dimension is a bound */
  if (sizes[SIZE_LAUNCH] != sizeof(eg_launch) || sizes[SIZE_REAL] != real ||
      (is_team ? sizes[SIZE_DIM] < (uint32_t)job->dim : sizes[SIZE_DIM] != (uint32_t)job->dim) ||
      job->n_params * sizeof(double) > sizes[SIZE_PARAMS] || (!is_team && job->n_staged * real > sizes[SIZE_STAGED])) {
    return eg_cuda_say(message, EG_CUDA_FAILED,
                       "the device code of '%s' and the program disagree about sizes", job->model);
  }
  return EG_CUDA_OK;
}

/* The arguments that go by value with every launch. */
static eg_cuda_status make_arguments(eg_cuda_device *d, const eg_cuda_job *job, const uint32_t sizes[N_SIZES],
                                     eg_cuda_message message) {
  const size_t n_staged = job->form == EG_FORM_TEAM ? 0 : job->n_staged;
  d->params = calloc(1, sizes[SIZE_PARAMS]);
  d->staged = calloc(1, sizes[SIZE_STAGED] + 1);
  if (d->params == NULL || d->staged == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  if (job->n_params > 0) {
    memcpy(d->params, job->params, job->n_params * sizeof(double));
  }
  for (size_t i = 0; i < n_staged; i++) {
    if (job->is_float) {
      ((float *)d->staged)[i] = (float)job->staged[i];
    } else {
      ((double *)d->staged)[i] = job->staged[i];
    }
  }
  return EG_CUDA_OK;
}

/* What carries a trajectory, and the memory that it works in. */
static void set_form(eg_cuda_device *d, const eg_cuda_job *job, const uint32_t sizes[N_SIZES]) {
  d->block_threads = sizes[SIZE_THREADS];
  d->trajectory_threads = 1;
  d->scratch_bytes = eg_cuda_scratch_bytes(job, sizes[SIZE_SCRATCH]);
  if (job->launch.n_particles > 0) {
    d->trajectory_threads = d->block_threads;
  } else if (job->form == EG_FORM_TEAM) {
    d->trajectory_threads = EG_TEAM_LANES;
  }
}

eg_cuda_status eg_cuda_load_kernel(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  uint32_t sizes[N_SIZES];
  int is_found = 0;
  EG_CUDA_PASS(load_ahead(d, job, &is_found, message));
  if (!is_found) {
    EG_CUDA_PASS(load_compiled(d, job, message));
  }
  EG_CUDA_PASS(read_sizes(d, job, sizes, message));
  set_form(d, job, sizes);
  return make_arguments(d, job, sizes, message);
}
