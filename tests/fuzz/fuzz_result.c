/*
 * libFuzzer on what reads accumulators: a result whose arrays and attributes were changed (sealed all the same, as a
 * stranger can) is restored, merged with the rest of its study, and made a result of again. Input: which study, then
 * changes of 13 bytes: variable, kind of change, place (4 bytes), value (7 bytes). HDF5 itself is left out: what it hands
 * over is what is changed here.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ensgrad/ensgrad.h"
#include "io/result_file.h"
#include "run/campaign.h"
#include "run/tile_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Two studies: a group; automatic grids, kept paths and a part of a tile. */
#define HEAD                                                                                                          \
  "seed: 3\nmodel: {name: ornstein-uhlenbeck}\nstart: {points: [[0.5], [2]]}\ntime_step: 1/8\nsteps: 16\n"           \
  "realisations: 300\ndynamics:\n  - {name: sde, scheme: euler-maruyama}\n  - {name: sde, scheme: exact, label: law}\n"  \
  "observe:\n  at: {steps: [2, 16]}\n  features: [x, norm2]\n"
static const char *const texts[] = {
    HEAD "groups:\n  - {label: pair, members: [sde, law]}\n",
    HEAD "  statistics: [moments, covariance]\n  histograms: {feature: x, bins: 4}\n  keep: {realisations: 70}\n"
         "  monitors: {name: peak, feature: norm2, operation: maximum}\n"};
enum { N_SCENES = sizeof texts / sizeof texts[0] };

typedef struct scene {
  eg_study *study;
  eg_plan *plan;
  eg_labelled *changed, *good; /* shard 0/2 and, with a part of a tile of the other, 1/2 */
} scene;

static scene scenes[N_SCENES];

static void must(eg_context *ctx, eg_status status) {
  if (status != EG_OK && status != EG_STOPPED) {
    fprintf(stderr, "%s\n", eg_context_message(ctx));
    abort();
  }
}

static void make_shard(eg_context *ctx, const scene *s, uint64_t shard, const char *path, eg_labelled **file) {
  eg_run_options options;
  eg_run_options_default(&options);
  options.output = path;
  options.backend = "cpu";
  options.threads = 1;
  options.force = 1;
  options.shard = shard;
  options.n_shards = 2;
  must(ctx, eg_run_study(ctx, s->study, &options));
  must(ctx, eg_result_read(ctx, path, file));
  (void)unlink(path);
}

/* The file again with the last tile of run 0 left at its beginning. */
static void add_part(eg_context *ctx, const scene *s, eg_labelled **file) {
  const eg_job *const job = &s->plan->runs[0].job;
  const size_t lanes = (size_t)job->launch.n_points * job->launch.ld;
  eg_campaign *campaign = NULL;
  eg_tile_part *copy = NULL;
  eg_tile_part part = {.step = 1};
  must(ctx, eg_allocate(ctx, job->state_values, sizeof(double), &part.state));
  must(ctx, eg_allocate(ctx, 2 * lanes * job->launch.n_monitors, sizeof(double), &part.monitors));
  must(ctx, eg_allocate(ctx, lanes, sizeof(uint64_t), &part.first_bad));
  must(ctx, eg_allocate(ctx, job->node_values, sizeof(double), &part.node));
  must(ctx, eg_allocate(ctx, job->n_counts, sizeof(uint64_t), &part.counts));
  must(ctx, eg_allocate(ctx, eg_job_path_values(job), sizeof(double), &part.paths));
  must(ctx, eg_campaign_create(ctx, s->plan, &campaign));
  must(ctx, eg_campaign_restore(ctx, campaign, *file, "part.h5"));
  must(ctx, eg_part_copy(ctx, s->plan, 0, 0, &part, &copy));
  must(ctx, eg_campaign_keep(ctx, campaign, 0, job->n_tiles - 1, copy));
  eg_labelled_free(*file);
  must(ctx, eg_labelled_create(ctx, file));
  must(ctx, eg_campaign_store(ctx, campaign, *file));
  eg_campaign_free(campaign);
  free(part.state);
  free(part.monitors);
  free(part.first_bad);
  free(part.node);
  free(part.counts);
  free(part.paths);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  char path[64];
  eg_context *const ctx = eg_context_create();
  (void)snprintf(path, sizeof path, "/tmp/ensgrad-fuzz-%ld.h5", (long)getpid());
  for (size_t i = 0; i < N_SCENES; i++) {
    scene *const s = &scenes[i];
    must(ctx, eg_study_parse(ctx, "fuzz.yaml", texts[i], strlen(texts[i]), NULL, 0, &s->study));
    must(ctx, eg_plan_create(ctx, s->study, &s->plan));
    make_shard(ctx, s, 0, path, &s->changed);
    make_shard(ctx, s, 1, path, &s->good);
  }
  add_part(ctx, &scenes[1], &scenes[1].changed);
  eg_context_free(ctx);
  return 0;
}

static uint64_t number(const uint8_t *bytes, size_t n) {
  uint64_t value = 0;
  memcpy(&value, bytes, n);
  return value;
}

static size_t bytes_of(eg_type type) {
  return type == EG_TYPE_U8 ? 1 : (type == EG_TYPE_I32 ? 4 : 8);
}

/* A variable of /accumulators or /failures. */
static eg_variable *choose(eg_labelled *file, unsigned which) {
  size_t n = 0;
  for (int pass = 0; pass < 2; pass++) {
    size_t k = n == 0 ? 0 : which % n;
    for (size_t i = 0; i < file->n_variables; i++) {
      eg_variable *const v = &file->variables[i];
      if (strcmp(v->group, "/accumulators") != 0 && strcmp(v->group, "/failures") != 0) {
        continue;
      }
      if (pass == 1 && k-- == 0) {
        return v;
      }
      n += pass == 0;
    }
  }
  abort();
}

/* Another length: fewer values, or more with copies of what is there. */
static void resize(eg_variable *v, uint64_t length) {
  const size_t n = (size_t)(length % 200), bytes = bytes_of(v->type), before = eg_variable_size(v);
  if (v->type == EG_TYPE_TEXT || v->rank != 1) {
    return;
  }
  char *const data = calloc(n + 1, bytes);
  for (size_t i = 0; i < n && before > 0; i++) {
    memcpy(data + i * bytes, (char *)v->data + i % before * bytes, bytes);
  }
  free(v->data);
  v->data = data;
  v->shape[0] = n;
}

static void change(eg_labelled *file, const uint8_t *c) {
  eg_variable *const v = choose(file, c[0]);
  const uint64_t place = number(c + 2, 4), value = number(c + 6, 7);
  const size_t n = eg_variable_size(v), bytes = bytes_of(v->type);
  switch (c[1] % 6) {
  case 0: /* a value */
  case 1: /* a small one */
    if (v->type != EG_TYPE_TEXT && n > 0) {
      const uint64_t new = c[1] % 6 == 0 ? value : value % 300;
      memcpy((char *)v->data + place % n * bytes, &new, bytes);
    }
    break;
  case 2:
    resize(v, value);
    break;
  case 3: /* another type of the same size */
    if (v->type != EG_TYPE_TEXT && bytes == 8) {
      v->type = v->type == EG_TYPE_F64 ? EG_TYPE_I64 : (v->type == EG_TYPE_I64 ? EG_TYPE_U64 : EG_TYPE_F64);
    }
    break;
  case 4: /* another name: the variable is missing */
    if (v->name[0] != '\0') {
      v->name[place % strlen(v->name)] ^= 1;
    }
    break;
  default: /* two values trade places */
    if (v->type != EG_TYPE_TEXT && n > 0) {
      char *const a = (char *)v->data + place % n * bytes, *const b = (char *)v->data + value % n * bytes;
      for (size_t i = 0; i < bytes; i++) {
        const char t = a[i];
        a[i] = b[i];
        b[i] = t;
      }
    }
  }
}

static eg_labelled *copy_file(eg_context *ctx, const eg_labelled *from) {
  eg_labelled *to = NULL;
  must(ctx, eg_labelled_create(ctx, &to));
  for (size_t i = 0; i < from->n_variables; i++) {
    const eg_variable *const v = &from->variables[i];
    if (strcmp(v->group, "/accumulators") == 0 || strcmp(v->group, "/failures") == 0) {
      must(ctx, eg_labelled_add(ctx, to, v->group, v->name, v->type, v->rank, (const char *const *)v->dims, v->shape,
                                v->data, NULL));
    }
  }
  return to;
}

/* Restored, it must be a campaign that can be merged and made a result of. */
static void use(eg_context *ctx, const scene *s, const eg_labelled *file) {
  eg_campaign *changed = NULL, *other = NULL;
  eg_labelled *result = NULL;
  must(ctx, eg_campaign_create(ctx, s->plan, &changed));
  must(ctx, eg_campaign_create(ctx, s->plan, &other));
  eg_status status = eg_campaign_restore(ctx, changed, file, "changed.h5");
  if (status != EG_OK && (status != EG_ERR_DAMAGED || eg_context_message(ctx)[0] == '\0')) {
    abort();
  }
  if (status == EG_OK) {
    must(ctx, eg_campaign_restore(ctx, other, s->good, "good.h5"));
    status = eg_campaign_merge(ctx, other, changed);
    if (status != EG_OK && status != EG_ERR_OVERLAP && status != EG_ERR_DAMAGED) {
      abort();
    }
    if (status == EG_OK) {
      (void)eg_campaign_is_finished(other);
      must(ctx, eg_campaign_result(ctx, other, &result));
    }
  }
  eg_labelled_free(result);
  eg_campaign_free(changed);
  eg_campaign_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  eg_context *const ctx = eg_context_create();
  const scene *const s = &scenes[size > 0 ? data[0] % N_SCENES : 0];
  eg_labelled *const file = copy_file(ctx, s->changed);
  for (size_t at = 1; at + 13 <= size; at += 13) {
    change(file, data + at);
  }
  use(ctx, s, file);
  eg_labelled_free(file);
  eg_context_free(ctx);
  return 0;
}
