/*
 * What must not change the bits of a CPU trajectory: padding of the dimension, how a fold over a batch is
 * kept, the number of records in a launch, a restart, the other points of the same realisation, the place of
 * a lane in a tile. And what a tile says about trajectories that became non-finite, against a scalar copy of
 * the same steps.
 */
#include <unistd.h>

#include "core/rows.h"
#include "stats/moments.h"
#include "sums_by_definition.h"
#include "trajectories.h"
#include "write_rows.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

/* ---- linear regression on three columns ---- */

enum { ROWS = 37, COLUMNS = 3 };

static void write_data(void) {
  double inputs[ROWS * COLUMNS], target[ROWS];
  char path[64];
  for (int j = 0; j < ROWS; j++) {
    for (int k = 0; k < COLUMNS; k++) {
      inputs[j * COLUMNS + k] = (double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9;
    }
    target[j] = (double)(j * 11 % 23) / 8.0 - 1.3;
  }
  (void)snprintf(path, sizeof path, "%s/three.h5", folder);
  MUST(write_rows(path, ROWS, COLUMNS, inputs, target), "data file");
}

static planned plan_regression(const char *start, const char *more) {
  char name[64], text[2000];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(
      text, sizeof text,
      "seed: 5\nmodel: {name: linear-regression, data: three.h5, ridge: 0.05}\nstart: %s\n"
      "learning_rate: 1/16\nsteps: 41\ndynamics:\n"
      "  - {name: sgd, batch_size: 1, label: sgd1}\n  - {name: sgd, batch_size: 3, label: sgd3}\n"
      "  - {name: sgd, batch_size: 4, label: sgd4}\n  - {name: sgd, batch_size: 70, label: sgd70}\n"
      "  - {name: sme1, batch_size: 2, factor: pair, scheme: euler-maruyama, label: pair1}\n"
      "  - {name: sme2, batch_size: 2, factor: pair, substeps: 2, label: pair2}\n"
      "  - {name: sme1, factor: data, scheme: euler-maruyama, label: data1}\n"
      "  - {name: sme2, factor: data, substeps: 2, label: data2}\n"
      "  - {name: sme2, factor: cholesky, label: cholesky}\n"
      "  - {name: sme2, factor: symmetric-root, label: root}\n  - gradient-flow\n"
      "realisations: 1000\n"
      "observe: {at: {steps: [0, 1, 2, 17, 18, 40, 41]}, features: [x, norm2, loss, gradient_norm2, "
      "displacement2]}\n%s",
      start, more);
  return plan_text(name, text);
}

static bool
is_random_normal(const eg_job *job) { /* forms whose number of increments is the padded dimension */
  return strstr(job->stepper, "cholesky") != NULL || strstr(job->stepper, "symroot") != NULL;
}

/* The same problem laid out for a larger unit: what src/plan does for its own. */
static void widen(const eg_job *job, int dim, double **staged, size_t *n_staged, double **rows,
                  size_t *n_values, double **start, uint32_t n_points) {
  const size_t d = (size_t)job->dim, D = (size_t)dim;
  const eg_unit *const unit = unit_of(job, dim);
  MUST(unit->dim == dim, "unit of that dimension");
  double *const s = calloc((size_t)unit->n_staged, sizeof *s);
  for (size_t i = 0; i < d; i++) {
    for (size_t k = 0; k < d; k++) {
      s[i * D + k] = job->staged[i * d + k];
      s[D * D + D + 2 + i * D + k] = job->staged[d * d + d + 2 + i * d + k];
    }
    s[D * D + i] = job->staged[d * d + i];
    s[2 * D * D + D + 2 + i] = job->staged[2 * d * d + d + 2 + i];
  }
  s[D * D + D] = job->staged[d * d + d];         /* constant of the loss */
  s[D * D + D + 1] = job->staged[d * d + d + 1]; /* ridge */
  *staged = s;
  *n_staged = (size_t)unit->n_staged;
  *n_values = (size_t)eg_rows_size(ROWS, dim + 1);
  *rows = calloc(*n_values, sizeof **rows);
  for (size_t j = 0; j < ROWS; j++) {
    for (int k = 0; k < COLUMNS; k++) {
      (*rows)[eg_rows_at(ROWS, dim + 1, j, k)] = job->rows[eg_rows_at(ROWS, job->dim + 1, j, k)];
    }
    (*rows)[eg_rows_at(ROWS, dim + 1, j, dim)] = job->rows[eg_rows_at(ROWS, job->dim + 1, j, job->dim)];
  }
  *start = calloc((size_t)n_points * D, sizeof **start);
  for (size_t p = 0; p < n_points; p++) {
    memcpy(*start + p * D, job->start + p * d, d * sizeof(double));
  }
}

static void padding_keeps_the_bits(void) {
  static const int dims[4] = {6, 8, 12, 16};
  const planned p = plan_regression("{points: [[0.5, -1, 0.25], [1, 1, -1]]}", "");
  CHECK(p.plan->padded_dim == 4);
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_job *const job = &p.plan->runs[i].job;
    if (is_random_normal(job)) {
      continue;
    }
    setup s = default_setup(job, 100);
    const trajectories reference = trajectories_of(&s);
    for (int k = 0; k < 4; k++) {
      double *staged, *rows, *start;
      setup wide = s;
      wide.unit = unit_of(job, dims[k]);
      widen(job, dims[k], &staged, &wide.n_staged, &rows, &wide.n_row_values, &start, s.n_points);
      wide.staged = staged;
      wide.rows = rows;
      wide.start = start;
      const trajectories padded = trajectories_of(&wide);
      for (size_t point = 0; point < 2; point++) {
        const size_t wrong = count_different(&reference, point, &padded, point, 0, 100);
        if (wrong > 0) {
          fprintf(stderr, "%s in dimension %d, point %zu: %zu values differ\n", p.plan->runs[i].description,
                  dims[k], point, wrong);
        }
        CHECK(wrong == 0);
      }
      trajectories_free(padded);
      free(staged);
      free(rows);
      free(start);
    }
    trajectories_free(reference);
  }
  plan_free(p);
}

/* Records in a launch, a restart at any step, the tile size, the place in the tile. */
static void launches_keep_the_bits(planned p, uint64_t cut) {
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_job *const job = &p.plan->runs[i].job;
    setup s = default_setup(job, 192);
    s.first = 0x300000000ull + 128;
    const trajectories whole = trajectories_of(&s);
    for (size_t chunk = 1; chunk <= 3; chunk++) {
      s.chunk = chunk;
      s.cut = chunk == 3 ? cut * (uint64_t)p.plan->runs[i].substeps + 1 : cut;
      const trajectories parts = trajectories_of(&s);
      for (size_t point = 0; point < whole.n_points; point++) {
        CHECK(count_different(&whole, point, &parts, point, 0, 192) == 0);
      }
      trajectories_free(parts);
    }
    setup last = default_setup(job, 64);
    last.first = s.first + 128;
    const trajectories block = trajectories_of(&last);
    for (size_t point = 0; point < whole.n_points; point++) {
      CHECK(count_different(&block, point, &whole, point, 128, 64) == 0);
    }
    trajectories_free(block);
    trajectories_free(whole);
  }
}

/* One point of an m-point run is what it is alone, and equal points stay equal. */
static void points_keep_the_bits(planned p, size_t n_points, size_t equal_a, size_t equal_b) {
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_job *const job = &p.plan->runs[i].job;
    setup s = default_setup(job, 100);
    const trajectories all = trajectories_of(&s);
    for (size_t point = 0; point < n_points; point++) {
      s.n_points = 1;
      s.start = job->start + point * (size_t)job->dim;
      const trajectories one = trajectories_of(&s);
      const size_t wrong = count_different(&one, 0, &all, point, 0, 100);
      if (wrong > 0) {
        fprintf(stderr, "%s, point %zu: %zu values differ\n", p.plan->runs[i].description, point, wrong);
      }
      CHECK(wrong == 0);
      trajectories_free(one);
    }
    size_t wrong = 0;
    for (size_t r = 0; r < all.n_records; r++) {
      for (size_t f = 0; f < all.n_features; f++) {
        for (size_t l = 0; l < 100; l++) {
          const double a = value_at(&all, r, equal_a, f, l), b = value_at(&all, r, equal_b, f, l);
          wrong += memcmp(&a, &b, sizeof a) != 0;
        }
      }
    }
    CHECK(wrong == 0);
    trajectories_free(all);
  }
}

/* ---- the backend's own chunks and its reduction ---- */

static double tree(double *v, uint32_t n) {
  for (uint32_t s = n / 2; s > 0; s /= 2) {
    for (uint32_t l = 0; l < s; l++) {
      v[l] = v[l] + v[l + s];
    }
  }
  return v[0];
}

/* Node of one row by the definition in stats/moments.h. */
static void node_by_definition(const double *v, uint32_t n_features, uint32_t ld, uint32_t n_lanes,
                               bool with_covariance, double *node) {
  static double t[4096];
  for (uint32_t f = 0; f < n_features; f++) {
    const double n = sums_by_definition(v + (size_t)f * ld, n_lanes, node + 1 + 4 * f);
    node[0] = f == 0 ? n : node[0];
  }
  double *pair = node + 1 + 4 * n_features;
  for (uint32_t f = 1; with_covariance && f < n_features; f++) {
    for (uint32_t g = 0; g < f; g++) {
      for (uint32_t l = 0; l < ld; l++) {
        const double a = v[(size_t)f * ld + l], b = v[(size_t)g * ld + l];
        t[l] = l < n_lanes && a == a ? (a - node[1 + 4 * f]) * (b - node[1 + 4 * g]) : 0;
      }
      *pair++ = tree(t, ld);
    }
  }
}

static eg_tile_result backend_tile(const eg_job *job, uint64_t tile) {
  eg_context *const ctx = eg_context_create();
  eg_device *device = NULL;
  uint64_t at_once = 0;
  static const volatile int stop = 0;
  eg_tile_result result = {.node = calloc(job->node_values, sizeof(double))};
  MUST(eg_backend_cpu.open(ctx, 0, &device) == EG_OK &&
           eg_backend_cpu.prepare(ctx, device, job, &at_once) == EG_OK &&
           eg_backend_cpu.advance(ctx, device, tile, 1, &stop, &result) == EG_OK,
       eg_context_message(ctx));
  eg_backend_cpu.close(device);
  eg_context_free(ctx);
  return result;
}

static size_t compare_nodes(const eg_job *job, const trajectories *t, uint32_t n_lanes, const double *node) {
  const uint32_t values = eg_node_values(job->launch.n_features, job->with_covariance);
  double *const want = calloc(values, sizeof *want);
  size_t wrong = 0;
  for (size_t row = 0; row < t->n_records * t->n_points; row++) {
    node_by_definition(t->values + row * t->n_features * t->ld, job->launch.n_features, job->launch.ld,
                       n_lanes, job->with_covariance, want);
    wrong += memcmp(want, node + row * values, values * sizeof *want) != 0;
  }
  free(want);
  return wrong;
}

/* 200 records of 2 features in tiles of 4096: the backend needs several launches. With covariance of all of a tile, else of one block
   after the other. */
static void tiles_are_reduced_as_defined(const char *statistics) {
  char text[400];
  (void)snprintf(text, sizeof text,
                 "seed: 9\nmodel: ornstein-uhlenbeck\nstart: {points: [[1], [2]]}\ntime_step: 1/8\nsteps: 200\ndynamics: sde\n"
                 "realisations: 300000\nobserve: {at: {steps: {linear: 200}}, features: [x, norm2], statistics: [%s]}\n",
                 statistics);
  const planned p = plan_text("study.yaml", text);
  const eg_job *const job = &p.plan->runs[0].job;
  CHECK(job->tile == 4096 && job->n_tiles == 74);
  const uint64_t tiles[2] = {1, 73};
  for (int i = 0; i < 2; i++) {
    const uint64_t left = job->n_realisations - tiles[i] * job->tile;
    setup s = default_setup(job, (uint32_t)(left < job->tile ? left : job->tile));
    s.ld = job->tile;
    s.first = tiles[i] * job->tile;
    const trajectories t = trajectories_of(&s);
    eg_tile_result result = backend_tile(job, tiles[i]);
    CHECK(compare_nodes(job, &t, s.n_lanes, result.node) == 0);
    CHECK(result.n_bad == 0 && result.bad == NULL);
    free(result.node);
    trajectories_free(t);
  }
  plan_free(p);
}

/* ---- trajectories that become non-finite ---- */

typedef struct fate {
  uint64_t first_bad;   /* EG_NEVER: none */
  double values[64][3]; /* x, norm2, loss at the records */
} fate;

/* SGD in the double well, the operations of the kernel one by one. */
static fate fate_of(const eg_job *job, uint64_t realisation, double x) {
  const eg_launch *const a = &job->launch;
  const double a_well = job->params[0], b_well = job->params[1], sigma = job->params[2];
  fate f;
  f.first_bad = EG_NEVER;
  uint64_t step = 0, first_nonfinite = EG_NEVER;
  for (size_t r = 0; r < job->n_records; r++) {
    for (; step < job->record_steps[r]; step++) {
      uint32_t w[4];
      eg_block(a->key, EG_STREAM_NOISE, realisation, step / 4, w);
      const double z = eg_draw(EG_KIND_GAUSSIAN, w, (int)(step % 4));
      const double g = x * fma(b_well, x * x, -a_well);
      x = x - fma(a->learning_rate, g, a->noise_scale * (sigma * z));
      if (first_nonfinite == EG_NEVER && !isfinite(x)) {
        first_nonfinite = step + 1;
      }
    }
    const double x2 = x * x, loss = x2 * fma(0.25 * b_well, x2, -0.5 * a_well);
    if (f.first_bad == EG_NEVER && !(isfinite(x) && isfinite(x2) && isfinite(loss))) {
      f.first_bad = first_nonfinite != EG_NEVER ? first_nonfinite : step;
    }
    f.values[r][0] = f.first_bad == EG_NEVER ? x : NAN;
    f.values[r][1] = f.first_bad == EG_NEVER ? x2 : NAN;
    f.values[r][2] = f.first_bad == EG_NEVER ? loss : NAN;
  }
  return f;
}

static void divergence_is_exact(void) {
  const planned p =
      plan_text("study.yaml",
                "seed: 4\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[5.74], [0.5], [1e154]]}\n"
                "learning_rate: 1/16\nsteps: 60\ndynamics: {name: sgd, batch_size: 1}\n"
                "realisations: 700\nobserve: {at: {steps: [0, 1, 3, 6, 7, 8, 12, 13, 14, 20, 60]}, features: "
                "[x, norm2, loss]}\n");
  const eg_job *const job = &p.plan->runs[0].job;
  CHECK(job->tile == 64 && job->n_tiles == 11);
  size_t n_bad = 0, wrong = 0, distinct = 0, wrong_list = 0;
  uint64_t seen[64] = {0};
  for (uint64_t tile = 0; tile < job->n_tiles; tile++) {
    const uint64_t left = job->n_realisations - tile * job->tile;
    setup s = default_setup(job, (uint32_t)(left < 64 ? left : 64));
    s.first = tile * 64;
    const trajectories t = trajectories_of(&s);
    s.chunk = 2;
    const trajectories parts = trajectories_of(&s);
    eg_tile_result result = backend_tile(job, tile);
    size_t listed = 0;
    for (uint32_t l = 0; l < s.n_lanes; l++) {
      for (size_t point = 0; point < 3; point++) {
        const fate f = fate_of(job, s.first + l, job->start[point]);
        wrong += t.first_bad[point * t.ld + l] != f.first_bad;
        wrong += parts.first_bad[point * t.ld + l] != f.first_bad;
        for (size_t r = 0; r < job->n_records; r++) {
          for (size_t k = 0; k < 3; k++) {
            const double got = value_at(&t, r, point, k, l), want = f.values[r][k];
            wrong += got != got || want != want ? !(got != got && want != want) : memcmp(&got, &want, 8) != 0;
          }
        }
        if (f.first_bad != EG_NEVER) {
          n_bad++;
          distinct += f.first_bad < 64 && seen[f.first_bad]++ == 0;
          wrong_list += listed >= result.n_bad || result.bad[listed].realisation != s.first + l ||
                        result.bad[listed].point != point || result.bad[listed].step != f.first_bad;
          listed++;
        }
      }
    }
    for (size_t point = 0; point < 3; point++) {
      CHECK(count_different(&t, point, &parts, point, 0, s.n_lanes) == 0);
    }
    CHECK(listed == result.n_bad);
    CHECK(compare_nodes(job, &t, s.n_lanes, result.node) == 0);
    free(result.node);
    free(result.bad);
    trajectories_free(t);
    trajectories_free(parts);
  }
  printf("%zu of 2100 trajectories became non-finite at %zu different steps\n", n_bad, distinct);
  CHECK(wrong == 0);
  CHECK(wrong_list == 0);
  CHECK(n_bad > 750 && n_bad < 1390 && distinct >= 4);
  plan_free(p);
}

int main(void) {
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  write_data();
  padding_keeps_the_bits();
  planned p = plan_regression("{points: [[0.5, -1, 0.25], [1, 1, -1]]}", "");
  launches_keep_the_bits(p, 9);
  plan_free(p);
  p = plan_regression("{points: [[0.5, -1, 0.25], [1, 1, -1], [0.5, -1, 0.25]]}", "");
  points_keep_the_bits(p, 3, 0, 2);
  plan_free(p);
  p = plan_regression("{normal: {mean: 1, std: 0.5}}", "noise: table5\n");
  launches_keep_the_bits(p, 30);
  plan_free(p);
  p = plan_regression("{point: 1}", "state: float\nnoise: three-point\n");
  launches_keep_the_bits(p, 30);
  plan_free(p);
  tiles_are_reduced_as_defined("moments");
  tiles_are_reduced_as_defined("moments, covariance");
  divergence_is_exact();
  char path[64];
  (void)snprintf(path, sizeof path, "%s/three.h5", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
