/* The CUDA backend as seen from the program: finds and opens the plug-in, checks its version, and puts its
   table of plain C functions behind eg_backend. */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/backend.h"
#include "backend/cuda_plugin/bytes.h"
#include "backend/plugin_check.h"
#include "base/place.h"
#include "base/text.h"
#include "core/unit_table.h"
#include "model/shape.h"

_Static_assert(sizeof(eg_bad_trajectory) == sizeof(eg_cuda_bad), "lists are handed on as they are");
_Static_assert(offsetof(eg_bad_trajectory, point) == offsetof(eg_cuda_bad, point),
               "lists are handed on as they are");

enum { MESSAGE_BYTES = 1024 };

/* A job as the plug-in takes it, with what it points at. */
typedef struct border_job {
  eg_cuda_job job;
  eg_cuda_section *sections;
} border_job;

struct eg_device {
  eg_cuda_device *device;
  border_job *jobs;            /* (n_jobs): a job alone, or the members of a group */
  const eg_cuda_job **members; /* these, where they are a group */
  size_t n_jobs;
  uint64_t beats;
};

/* The plug-in stays loaded for the life of the process: its kernels and the CUDA runtime cannot be unloaded
 * safely. */
static pthread_mutex_t plugin_lock = PTHREAD_MUTEX_INITIALIZER;
static const eg_cuda_plugin *plugin;

static eg_status report(eg_context *ctx, eg_cuda_status status, const char *message) {
  switch (status) {
  case EG_CUDA_OK:
    return EG_OK;
  case EG_CUDA_STOPPED:
    return EG_STOPPED;
  case EG_CUDA_MEMORY:
    return eg_fail(ctx, EG_ERR_MEMORY, "%s", message);
  default:
    return eg_fail(ctx, EG_ERR_DEVICE, "%s", message);
  }
}

/* ---- the backend's functions ---- */

static eg_status count_devices(eg_context *ctx, int *n) {
  char text[MESSAGE_BYTES] = "";
  const eg_cuda_message message = {text, sizeof text};
  return report(ctx, plugin->count(n, message), text);
}

static void free_jobs(eg_device *d) {
  for (size_t i = 0; i < d->n_jobs; i++) {
    free(d->jobs[i].sections);
  }
  free(d->jobs);
  free(d->members);
  d->jobs = NULL;
  d->members = NULL;
  d->n_jobs = 0;
}

static void close_device(eg_device *d) {
  if (d != NULL) {
    plugin->close(d->device);
    free_jobs(d);
    free(d);
  }
}

static eg_status open_device(eg_context *ctx, int index, eg_device **device) {
  char text[MESSAGE_BYTES] = "";
  const eg_cuda_message message = {text, sizeof text};
  eg_device *d = NULL;
  EG_TRY(eg_allocate(ctx, 1, sizeof *d, &d));
  const eg_status status = report(ctx, plugin->open(index, &d->device, message), text);
  if (status != EG_OK) {
    free(d);
    return status;
  }
  *device = d;
  return EG_OK;
}

static const char *describe(const eg_device *device) {
  return plugin->describe(device->device);
}

typedef struct layers {
  int first, last, numbers;
} layers;

static void add_layer(void *to, const char *name, int value) {
  layers *const l = (layers *)to;
  if (strcmp(name, "EG_LAYERS") != 0) {
    l->numbers += l->first > 0 ? l->last * value : 0;
    l->first = l->first > 0 ? l->first : value;
    l->last = value;
  }
}

/* Beyond these some kernels of the models of layers keep matrices on the stack (sm_90). */
static bool has_gpu_shape(const char *shape) {
  layers l = {0, 0, 0};
  eg_shape_each(shape, add_layer, &l);
  return l.numbers <= 12 && l.first * l.last <= 8;
}

/* The sections of a job as the plug-in takes them. */
static eg_status make_sections(eg_context *ctx, const eg_job *job, eg_cuda_section **sections) {
  EG_TRY(eg_allocate(ctx, eg_job_sections(job), sizeof **sections, sections));
  for (size_t i = 0; i < eg_job_sections(job); i++) {
    const eg_count_section s = eg_job_section(job, i);
    (*sections)[i] = (eg_cuda_section){s.places, s.n_records, s.first, s.n, s.row_counts, s.first_count, s.pairs, s.n_pairs};
  }
  return EG_OK;
}

static eg_cuda_job job_of(const eg_job *job, const eg_cuda_section *sections, uint64_t *beats) {
  return (eg_cuda_job){.model = job->model,
                       .model_file = job->model_file,
                       .stepper = job->stepper,
                       .shape = job->shape,
                       .form = job->form,
                       .dim = job->dim,
                       .is_float = job->is_float,
                       .kind = job->kind,
                       .with_covariance = job->with_covariance,
                       .params = job->params,
                       .n_params = job->n_params,
                       .launch = job->launch,
                       .record_steps = eg_job_steps(job),
                       .n_records = eg_job_observations(job),
                       .features = job->features,
                       .n_features = job->n_features,
                       .start = job->start,
                       .staged = job->staged,
                       .n_staged = job->n_staged,
                       .rows = job->rows,
                       .n_row_values = job->n_row_values,
                       .n_realisations = job->n_realisations,
                       .n_tiles = job->n_tiles,
                       .tile = job->tile,
                       .state_values = job->state_values,
                       .node_values = job->node_values,
                       .step_work = job->step_work,
                       .histograms = job->histograms,
                       .n_histograms = job->n_histograms,
                       .edges = job->edges,
                       .n_edges = job->n_edges,
                       .n_counts = job->n_counts,
                       .sections = sections,
                       .n_sections = eg_job_sections(job),
                       .columns = job->schedules == NULL ? NULL : job->schedules->columns,
                       .moment_places = eg_job_moment_places(job),
                       .kept_places = eg_job_kept_places(job),
                       .n_moment_columns = eg_job_moment_columns(job),
                       .n_kept_records = eg_job_kept_records(job),
                       .paths = job->paths,
                       .n_paths = job->n_paths,
                       .path_node = job->n_records * job->record_values,
                       .tracked_columns = job->tracked_columns,
                       .tracked_places = eg_job_tracked_places(job),
                       .n_tracked = job->n_tracked,
                       .n_tracked_records = eg_job_tracked_records(job),
                       .fed = job->fed,
                       .n_fed = job->n_fed,
                       .streams = job->streams,
                       .n_streams = job->n_streams,
                       .kept_columns = job->kept_columns,
                       .n_kept_columns = job->n_kept_columns,
                       .kept_first = job->kept_first,
                       .n_kept = job->n_kept,
                       .beats = beats,
                       .n_members = 1};
}

static size_t n_members(const eg_job *job) {
  return job->group == NULL ? 1 : job->group->n_members;
}
static const eg_job *member_of(const eg_job *job, size_t i) {
  return job->group == NULL ? job : job->group->members[i];
}

/* What no kernel of the GPU does. */
static eg_status check_job(eg_context *ctx, const eg_job *job) {
  if (job->launch.is_joint) { /* EG_JOINT of kernels/steppers/list.h */
    return eg_fail(ctx, EG_ERR_DEVICE, "factor joint-cholesky moves all points of a realisation in one step, which is done on the CPU only");
  }
  if (strcmp(job->stepper, "srk2_cholesky") == 0 && job->dim > 2) { /* hundreds of bytes on the stack */
    return eg_fail(ctx, EG_ERR_DEVICE, "srk2 with factor cholesky is on the CPU only above dimension 2 (here %d): the GPU's registers do not "
                                       "hold its matrices", job->dim);
  }
  if (job->launch.noise_ratio > 1 && job->launch.fold_count > 1 && job->dim > 12) { /* stack on sm_100 */
    return eg_fail(ctx, EG_ERR_DEVICE, "coarse members of groups whose noise has an increment for each of %u data rows are on the CPU only above "
                                       "dimension 12 (here %d): the GPU's registers do not hold their sums", job->launch.fold_count, job->dim);
  }
  if (job->form == EG_FORM_LANE && job->model_file == NULL && strcmp(job->model, "softmax-regression") == 0) {
    return eg_fail(ctx, EG_ERR_DEVICE, "model 'softmax-regression' in lane form passes over staged rows, on the CPU only; `form: team` is on both");
  }
  if (job->shape != NULL && !has_gpu_shape(job->shape)) {
    return eg_fail(ctx, EG_ERR_DEVICE, "shape %s of '%s' is on the CPU only: the GPU takes layers of at most 12 numbers whose product "
                                       "has at most 8 entries", job->shape, job->model);
  }
  if (job->launch.hurst != 0) {
    return eg_fail(ctx, EG_ERR_DEVICE, "model '%s' makes the fractional noise of whole paths, which is done on the CPU only",
                   job->model);
  }
  return EG_OK;
}

/* The jobs of a group, or the one alone, as the plug-in takes them. */
static eg_status make_jobs(eg_context *ctx, eg_device *d, const eg_job *job) {
  const size_t n = n_members(job);
  free_jobs(d);
  EG_TRY(eg_allocate(ctx, n, sizeof *d->jobs, &d->jobs));
  d->n_jobs = n;
  EG_TRY(eg_allocate(ctx, n, sizeof *d->members, &d->members));
  for (size_t i = 0; i < n; i++) {
    const eg_job *const own = member_of(job, i);
    EG_TRY(check_job(ctx, own));
    EG_TRY(make_sections(ctx, own, &d->jobs[i].sections));
    d->jobs[i].job = job_of(own, d->jobs[i].sections, &d->beats);
    d->members[i] = &d->jobs[i].job;
  }
  if (job->group != NULL) {
    d->jobs[0].job.members = d->members;
    d->jobs[0].job.n_members = n;
    d->jobs[0].job.bases = job->group->bases;
  }
  return EG_OK;
}

static eg_status prepare(eg_context *ctx, eg_device *d, const eg_job *job, uint64_t *tiles_at_once) {
  char text[MESSAGE_BYTES] = "";
  const eg_cuda_message message = {text, sizeof text};
  EG_TRY(make_jobs(ctx, d, job));
  return report(ctx, plugin->prepare(d->device, &d->jobs[0].job, tiles_at_once, message), text);
}

static eg_status advance(eg_context *ctx, eg_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                         eg_tile_result *results) {
  char text[MESSAGE_BYTES] = "";
  const eg_cuda_message message = {text, sizeof text};
  eg_cuda_result *parts = NULL;
  EG_TRY(eg_allocate(ctx, n, sizeof *parts, &parts));
  for (uint64_t i = 0; i < n; i++) {
    parts[i].node = results[i].node;
    parts[i].counts = results[i].counts;
    parts[i].paths = results[i].paths;
  }
  const eg_status status = report(ctx, plugin->advance(d->device, first, n, stop, parts, message), text);
  for (uint64_t i = 0; status == EG_OK && i < n; i++) {
    results[i].bad = (eg_bad_trajectory *)(void *)parts[i].bad; /* the same layout: asserted above */
    results[i].n_bad = parts[i].n_bad;
  }
  free(parts);
  return status;
}

static uint64_t beats_of(const eg_device *d) {
  return __atomic_load_n(&d->beats, __ATOMIC_RELAXED);
}

static const eg_backend backend_cuda = {"cuda", count_devices, open_device, close_device, describe, prepare, advance, NULL, beats_of,
                                        false};

/* ---- memory, without the plug-in ---- */

eg_cuda_need eg_backend_cuda_need(const eg_job *job) {
  double fixed = 0, record = 0, inputs = 0;
  uint64_t filling = 1;
  for (size_t i = 0; i < n_members(job); i++) {
    const eg_job *const own = member_of(job, i);
    const eg_cuda_job j = job_of(own, NULL, NULL);
    /* the unit says how many averages a population has: in every shipped model at most one for each component */
    const size_t vectors = own->form == EG_FORM_TEAM ? EG_TEAM_VECTORS : (size_t)own->dim;
    const eg_tile_bytes b = eg_cuda_tile_bytes(&j, eg_cuda_scratch_bytes(&j, vectors));
    const uint64_t threads = own->form == EG_FORM_TEAM ? EG_TEAM_LANES : own->launch.n_particles > 0 ? EG_PARTICLE_BLOCK : 1;
    const uint64_t threads_of_tile = eg_cuda_tile_trajectories(&j) * threads;
    filling = (EG_CUDA_USUAL_THREADS + threads_of_tile - 1) / threads_of_tile; /* the same of all */
    fixed += (double)eg_cuda_fixed_bytes(&b);
    record += (double)EG_CUDA_SLOTS * (double)b.record;
    inputs += (double)eg_cuda_input_bytes(&j, 1) + (double)own->n_counts * sizeof(uint64_t) + (double)own->n_edges * sizeof(double);
  }
  fixed += (double)EG_CUDA_BATCHES * (double)(n_members(job) - 1) * (double)job->node_values * sizeof(double); /* differences */
  eg_cuda_need need;
  need.tiles = filling < job->n_tiles ? filling : job->n_tiles;
  const double tiles = (double)need.tiles, records = tiles * record * (double)eg_job_observations(job);
  need.least = inputs + fixed + record;
  need.filled = inputs + tiles * fixed + fmax(tiles * record, fmin(records, (double)EG_CUDA_RECORD_BYTES));
  return need;
}

/* ---- finding the plug-in ---- */

static bool is_file(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

/* One place. *handle stays NULL if there is no file; a file that does not load is a failure, with the
 * loader's words. */
static eg_status try_file(eg_context *ctx, const char *path, eg_text *searched, void **handle) {
  eg_text_append(searched, "\n  %s", path);
  if (!is_file(path)) {
    return EG_OK;
  }
  *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (*handle == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "the CUDA plug-in cannot be loaded: %s", dlerror());
  }
  return EG_OK;
}

/* A place that nobody named, seen from the program's folder: what others could have put there is passed over. */
static eg_status try_found(eg_context *ctx, const char *folder, const char *path, eg_text *searched, void **handle) {
  struct stat file, own;
  if (stat(path, &file) == 0) {
    const char *const objection = stat(folder, &own) != 0 ? "cannot be judged" : eg_plugin_objection(&file, &own);
    if (objection != NULL) {
      eg_text_append(searched, "\n  %s (not opened: it %s)", path, objection);
      return EG_OK;
    }
  }
  return try_file(ctx, path, searched, handle);
}

static eg_status search(eg_context *ctx, eg_text *searched, void **handle) {
  /* installed, seen from bin/ or lib/; beside the program (the build folder); above it (the build folder's tests) */
  static const char *const places[] = {"../lib/ensgrad/", "", "../"};
  char folder[3072], path[4096];
  const char *const asked = getenv("ENSGRAD_PLUGIN_PATH");
  if (asked != NULL && *asked != 0) { /* a file, or the folder of one; nothing else is tried then */
    if (is_file(asked)) {
      return try_file(ctx, asked, searched, handle);
    }
    (void)snprintf(path, sizeof path, "%s/%s", asked, EG_CUDA_PLUGIN_FILE);
    return try_file(ctx, path, searched, handle);
  }
  if (eg_place_folder(folder, sizeof folder)) {
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
      (void)snprintf(path, sizeof path, "%s/%s%s", folder, places[i], EG_CUDA_PLUGIN_FILE);
      EG_TRY(try_found(ctx, folder, path, searched, handle));
      if (*handle != NULL) {
        return EG_OK;
      }
    }
  }
  eg_text_append(searched, "\n  the system's library folders");
  *handle = dlopen(EG_CUDA_PLUGIN_FILE, RTLD_NOW | RTLD_LOCAL);
  return EG_OK;
}

static eg_status load(eg_context *ctx, const eg_cuda_plugin **table) {
  eg_text searched = {0};
  void *handle = NULL;
  eg_status status = search(ctx, &searched, &handle);
  if (status == EG_OK && handle == NULL) {
    status = eg_fail(ctx, EG_ERR_DEVICE, "there is no CUDA plug-in (" EG_CUDA_PLUGIN_FILE "); searched:%s",
                     eg_text_string(&searched));
  }
  eg_text_free(&searched);
  EG_TRY(status);
  const eg_cuda_plugin *const found = (const eg_cuda_plugin *)dlsym(handle, EG_CUDA_PLUGIN_SYMBOL);
  status = eg_plugin_check_table(ctx, found);
  if (status != EG_OK) {
    (void)dlclose(handle); /* never called, so nothing of it runs */
    return status;
  }
  *table = found;
  return EG_OK;
}

eg_status eg_backend_cuda(eg_context *ctx, const eg_backend **backend) {
  int n_devices = 0;
  (void)pthread_mutex_lock(&plugin_lock); /* a static mutex locked once by this thread cannot fail */
  eg_status status = plugin == NULL ? load(ctx, &plugin) : EG_OK;
  (void)pthread_mutex_unlock(&plugin_lock);
  EG_TRY(status);
  EG_TRY(count_devices(ctx, &n_devices)); /* refuses where there is none */
  *backend = &backend_cuda;
  return EG_OK;
}
