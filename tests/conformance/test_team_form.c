/*
 * The team form. It draws the same numbers as the lane form, so where a study fits both, every trajectory and every mean
 * agree to rounding; another seed does not (negative control). Every stepper in dimensions that fill their 32 lanes badly
 * (17, 31, 33, 100, 1000) and in the largest one, 4096, against plain long double loops over the data, SGD also bit for bit
 * with its sums spelt out.
 * And what must not change a bit: records in a launch, a restart, the place of a trajectory, the other points.
 */
#include <unistd.h>

#include "core/noise.h"
#include "ensgrad/ensgrad.h"
#include "io/result_file.h"
#include "trajectories.h"
#include "write_rows.h"

enum { MAX_DIM = 4096, ROWS = 23 };
typedef long double real;

static char folder[] = "/tmp/ensgrad-test-XXXXXX";
static double inputs[ROWS * MAX_DIM], target[ROWS];
static const real ridge = 0.125L; /* short, as are the data: the long double values are those of the program */

/* Short numbers, of size 1 / sqrt(d) as if standardised and scaled; labels 0 and 1. */
static void write_data(int d) {
  char path[64];
  double scale = 1;
  while (scale * scale * d > 4) {
    scale /= 2;
  }
  for (int j = 0; j < ROWS; j++) {
    for (int k = 0; k < d; k++) {
      inputs[j * d + k] = scale * ((double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9375);
    }
    target[j] = (double)(j * 11 % 23 % 2);
  }
  (void)snprintf(path, sizeof path, "%s/data.h5", folder);
  MUST(write_rows(path, ROWS, (size_t)d, inputs, target), "data file");
}

static planned plan_form(const char *model, const char *form, const char *start, const char *dynamics,
                         const char *more) {
  char name[64], text[4000];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(text, sizeof text,
                 "seed: 11\nmodel: {name: %s, data: data.h5, standardize: false, ridge: 0.125}\nform: %s\nstart: %s\n"
                 "learning_rate: 1/8\ndynamics:\n%srealisations: 1000\n%s",
                 model, form, start, dynamics, more);
  return plan_text(name, text);
}

static const char all_dynamics[] = "  - {name: sgd, batch_size: 1, label: sgd1}\n"
                                   "  - {name: sgd, batch_size: 4, label: sgd4}\n"
                                   "  - {name: sgd, batch_size: 32, label: sgd32}\n"
                                   "  - {name: sgd, batch_size: 33, label: sgd33}\n"
                                   "  - {name: sgd, batch_size: 150, label: sgd150}\n"
                                   "  - gradient-flow\n"
                                   "  - {name: sme1, batch_size: 2, factor: pair, scheme: euler-maruyama, label: e1}\n"
                                   "  - {name: sme2, batch_size: 2, factor: pair, scheme: euler-maruyama, label: e2}\n"
                                   "  - {name: sme2, batch_size: 2, factor: pair, substeps: 3, label: s2}\n"
                                   "  - {name: sme2, factor: data, scheme: euler-maruyama, substeps: 2, label: d2}\n"
                                   "  - {name: sme1, factor: data, label: s1}\n";
static const char chains[] = "  - {name: sgd, batch_size: 3, momentum: 0.75, label: heavy}\n"
                             "  - {name: sgd, batch_size: 40, momentum: 0.5, nesterov: true, weight_decay: 0.125, clip: 0.5, label: nesterov}\n"
                             "  - {name: svag, l: 2, batch_size: 2, momentum: 0.5}\n"
                             "  - {name: adam, batch_size: 2, epsilon: 0.125}\n"
                             "  - {name: adamw, batch_size: 40, epsilon: 0.125, weight_decay: 0.25}\n"
                             "  - {name: rmsprop, batch_size: 1, epsilon: 0.125}\n"
                             "  - {name: sgd, batch_size: 2, momentum: 0.5, gradient_noise: gaussian-exact, label: gauss}\n";
static const char heavy[] = "  - {name: sgd, batch_size: 3, momentum: 0.75, label: heavy}\n"
                            "  - {name: signsgd, batch_size: 2, momentum: 0.75, label: signum}\n";
static const char heavy_records[] = "steps: 18\nobserve: {at: {steps: [1, 2, 18]}, features: [norm2]}\n";
static const char velocity_records[] = "steps: 30\nobserve: {at: {steps: [0, 1, 2, 29, 30]}, features: [x, velocity, norm2]}\n";
static const char all_records[] = "steps: 30\nobserve: {at: {steps: [0, 1, 2, 3, 29, 30]}, features: [x, norm2, loss, "
                                  "gradient_norm2, displacement2]}\n";

/* Largest difference of two sets of trajectories, relative to the largest value of the feature. */
static double largest_difference(const trajectories *a, const trajectories *b, uint32_t n_lanes) {
  double worst = 0;
  for (size_t f = 0; f < a->n_features; f++) {
    double size = 0, difference = 0;
    for (size_t r = 0; r < a->n_records; r++) {
      for (size_t point = 0; point < a->n_points; point++) {
        for (uint32_t l = 0; l < n_lanes; l++) {
          const double u = value_at(a, r, point, f, l), v = value_at(b, r, point, f, l);
          size = fmax(size, fabs(u));
          difference = fabs(u - v) <= difference ? difference : fabs(u - v); /* NaN stays */
        }
      }
    }
    const double relative = difference / size;
    worst = relative <= worst ? worst : relative;
  }
  return worst;
}

/* ---- lane form = team form ---- */

static void forms_agree_on(const char *dynamics, const char *model, const char *start, const char *more, double tolerance) {
  const planned lane = plan_form(model, "lane", start, dynamics, more);
  const planned team = plan_form(model, "team", start, dynamics, more);
  CHECK(lane.plan->form == EG_FORM_LANE && team.plan->form == EG_FORM_TEAM && team.plan->padded_dim == 32);
  for (size_t i = 0; i < lane.plan->n_runs; i++) {
    setup a = default_setup(&lane.plan->runs[i].job, 70), b = default_setup(&team.plan->runs[i].job, 70);
    a.first = b.first = 0x100000000ull - 64; /* over the border of the low counter word */
    const trajectories u = trajectories_of(&a), v = trajectories_of(&b);
    const double worst = largest_difference(&u, &v, 70);
    printf("%-20s dim %-2d %-14s lane and team differ by %.2g\n", model, lane.plan->dim,
           lane.plan->runs[i].dynamics->label, worst);
    CHECK_NEAR(worst, 0, tolerance);
    trajectories_free(v);
    if (!lane.plan->runs[i].is_deterministic) { /* negative control: other realisations */
      b.first += 64;
      const trajectories w = trajectories_of(&b);
      CHECK(largest_difference(&u, &w, 70) > 1e-3);
      trajectories_free(w);
    }
    trajectories_free(u);
  }
  plan_free(lane);
  plan_free(team);
}

static void forms_agree(const char *model, const char *start, const char *more, double tolerance) {
  forms_agree_on(all_dynamics, model, start, more, tolerance);
}

/* Means of a whole run, as the program writes them. */
static size_t means(const char *model, const char *form, int seed, double *out, size_t room) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_labelled *file = NULL;
  char name[80], output[80], text[2000];
  eg_run_options options;
  size_t n = 0;
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(output, sizeof output, "%s/result.h5", folder);
  (void)snprintf(text, sizeof text,
                 "seed: %d\nmodel: {name: %s, data: data.h5, standardize: false, ridge: 0.125}\nform: %s\n"
                 "start: {points: [[1], [-1]]}\nlearning_rate: 1/8\nsteps: 20\ndynamics:\n  - {name: sgd, batch_size: 2}\n"
                 "  - {name: sme2, batch_size: 2}\n"
                 "  - {name: sgd, batch_size: 2, momentum: 0.5, label: heavy}\nrealisations: 1000\nobserve: {at: {steps: [1, 20]}, features: [x, loss]}\n",
                 seed, model, form);
  eg_run_options_default(&options);
  options.output = output;
  options.backend = "cpu";
  options.force = 1;
  MUST(eg_study_parse(ctx, name, text, strlen(text), NULL, 0, &study) == EG_OK &&
           eg_run_study(ctx, study, &options) == EG_OK && eg_result_read(ctx, output, &file) == EG_OK,
       eg_context_message(ctx));
  static const char *const variables[] = {"x", "loss", "x_variance"};
  for (int i = 0; i < 3; i++) {
    const eg_variable *const v = eg_labelled_find(file, "/", variables[i]);
    MUST(v != NULL && n + eg_variable_size(v) <= room, variables[i]);
    memcpy(out + n, v->data, eg_variable_size(v) * sizeof(double));
    n += eg_variable_size(v);
  }
  (void)unlink(output);
  eg_labelled_free(file);
  eg_study_free(study);
  eg_context_free(ctx);
  return n;
}

static void means_agree(const char *model) {
  double lane[400], team[400], other[400], worst = 0, control = 0;
  const size_t n = means(model, "lane", 5, lane, 400);
  CHECK(means(model, "team", 5, team, 400) == n && means(model, "team", 6, other, 400) == n);
  for (size_t i = 0; i < n; i++) {
    worst = fmax(worst, fabs(lane[i] - team[i]));
    control = fmax(control, fabs(lane[i] - other[i]));
  }
  printf("%-20s means of lane and team differ by %.2g, of another seed by %.2g\n", model, worst, control);
  CHECK(worst <= 1e-12);
  CHECK(control > 1e-4);
}

/* ---- plain loops in long double ---- */

typedef struct problem {
  int d;
  bool is_logistic;
} problem;

static real softplus(real s) {
  return s > 0 ? s + log1pl(expl(-s)) : log1pl(expl(s));
}

static real dot(int d, const double *a, const real *x) {
  real sum = 0;
  for (int k = 0; k < d; k++) {
    sum += (real)a[k] * x[k];
  }
  return sum;
}

/* Derivative of the loss of row j in a.x, and its second one. */
static void slopes(problem q, int j, const real *x, real *first, real *second) {
  const real s = dot(q.d, inputs + j * q.d, x);
  *first = q.is_logistic ? 1 / (1 + expl(-s)) - (real)target[j] : s - (real)target[j];
  *second = q.is_logistic ? 1 / (2 + expl(s) + expl(-s)) : 1;
}

static void row_gradient(problem q, int j, const real *x, real *g) {
  real first, second;
  slopes(q, j, x, &first, &second);
  for (int k = 0; k < q.d; k++) {
    g[k] = first * (real)inputs[j * q.d + k] + ridge * x[k];
  }
}

static void gradient(problem q, const real *x, real *g) {
  for (int k = 0; k < q.d; k++) {
    g[k] = ridge * x[k];
  }
  for (int j = 0; j < ROWS; j++) {
    real first, second;
    slopes(q, j, x, &first, &second);
    for (int k = 0; k < q.d; k++) {
      g[k] += first * (real)inputs[j * q.d + k] / ROWS;
    }
  }
}

static void drift(problem q, real correction, const real *x, real *b) { /* -(I + c Hess R) grad R */
  real g[MAX_DIM];
  gradient(q, x, g);
  for (int k = 0; k < q.d; k++) {
    b[k] = -(1 + correction * ridge) * g[k];
  }
  for (int j = 0; j < ROWS && correction != 0; j++) {
    real first, second;
    slopes(q, j, x, &first, &second);
    const real along = correction * second * dot(q.d, inputs + j * q.d, g) / ROWS;
    for (int k = 0; k < q.d; k++) {
      b[k] -= along * (real)inputs[j * q.d + k];
    }
  }
}

/* Linear: exact, by 16 Runge-Kutta steps. Logistic: one of them by definition. */
static void flow(problem q, real correction, real h, real *x) {
  static real k1[MAX_DIM], k2[MAX_DIM], k3[MAX_DIM], k4[MAX_DIM], y[MAX_DIM];
  const int n = q.is_logistic ? 1 : 16;
  const real s = h / n;
  for (int i = 0; i < n; i++) {
    drift(q, correction, x, k1);
    for (int k = 0; k < q.d; k++) {
      y[k] = x[k] + s / 2 * k1[k];
    }
    drift(q, correction, y, k2);
    for (int k = 0; k < q.d; k++) {
      y[k] = x[k] + s / 2 * k2[k];
    }
    drift(q, correction, y, k3);
    for (int k = 0; k < q.d; k++) {
      y[k] = x[k] + s * k3[k];
    }
    drift(q, correction, y, k4);
    for (int k = 0; k < q.d; k++) {
      x[k] += s / 6 * (k1[k] + 2 * k2[k] + 2 * k3[k] + k4[k]);
    }
  }
}

static int row_index(const eg_job *job, uint64_t realisation, uint64_t draw) {
  uint32_t w[4];
  eg_block(job->launch.key, EG_STREAM_ROWS, realisation, draw / 4, w);
  return eg_index_is_rejected(w[draw % 4], ROWS) ? eg_index_search(job->launch.key, realisation, draw, ROWS)
                                                 : eg_index_of_word(w[draw % 4], ROWS);
}

static double normal(const eg_job *job, uint64_t realisation, uint64_t draw) {
  uint32_t w[4];
  const uint64_t n = (uint64_t)eg_kind_per_block(job->kind);
  eg_block(job->launch.key, EG_STREAM_NOISE, realisation, draw / n, w);
  return eg_draw(job->kind, w, (int)(draw % n));
}

static void noise(problem q, const eg_run *run, uint64_t realisation, uint64_t step, const real *x, real *v) {
  static real g[MAX_DIM], other[MAX_DIM];
  const real h = (real)run->learning_rate / (real)run->substeps;
  const real scale = sqrtl(h * (real)run->learning_rate / (real)run->batch_size);
  if (run->factor == EG_FACTOR_PAIR) {
    row_gradient(q, row_index(&run->job, realisation, 2 * step), x, g);
    row_gradient(q, row_index(&run->job, realisation, 2 * step + 1), x, other);
    for (int k = 0; k < q.d; k++) {
      v[k] = scale / sqrtl(2) * (g[k] - other[k]);
    }
    return;
  }
  gradient(q, x, other);
  memset(v, 0, (size_t)q.d * sizeof *v);
  for (int j = 0; j < ROWS; j++) {
    row_gradient(q, j, x, g);
    const real xi = normal(&run->job, realisation, step * ROWS + (uint64_t)j);
    for (int k = 0; k < q.d; k++) {
      v[k] += scale * sqrtl(1.0L / ROWS) * xi * (other[k] - g[k]);
    }
  }
}

static void reference_step(problem q, const eg_run *run, uint64_t realisation, uint64_t step, real *x) {
  static real v[MAX_DIM], b[MAX_DIM], g[MAX_DIM];
  const real eta = (real)run->learning_rate, h = eta / (real)run->substeps;
  const real correction = run->dynamics->id == EG_SME2 ? eta / 2 : 0;
  if (run->dynamics->id == EG_SGD) {
    const uint64_t batch = (uint64_t)run->batch_size;
    memset(v, 0, (size_t)q.d * sizeof *v);
    for (uint64_t i = 0; i < batch; i++) {
      row_gradient(q, row_index(&run->job, realisation, step * batch + i), x, g);
      for (int k = 0; k < q.d; k++) {
        v[k] += g[k];
      }
    }
    for (int k = 0; k < q.d; k++) {
      x[k] -= eta / (real)batch * v[k];
    }
  } else if (run->dynamics->id == EG_GRADIENT_FLOW) {
    flow(q, 0, h / 2, x);
    flow(q, 0, h / 2, x);
  } else if (run->scheme == EG_EULER_MARUYAMA) {
    drift(q, correction, x, b);
    noise(q, run, realisation, step, x, v);
    for (int k = 0; k < q.d; k++) {
      x[k] += h * b[k] + v[k];
    }
  } else {
    flow(q, correction, h / 2, x);
    noise(q, run, realisation, step, x, v);
    for (int k = 0; k < q.d; k++) {
      x[k] += v[k];
    }
    flow(q, correction, h / 2, x);
  }
}

/* Value of feature column f in the reference state. */
static real reference_feature(problem q, eg_feature_code code, const real *x, const double *start) {
  real g[MAX_DIM], sum = 0;
  switch (code.id) {
  case EG_FEATURE_X:
    return x[code.component];
  case EG_FEATURE_LOSS:
    for (int j = 0; j < ROWS; j++) {
      const real s = dot(q.d, inputs + j * q.d, x), r = s - (real)target[j];
      sum += (q.is_logistic ? softplus(s) - (real)target[j] * s : r * r / 2) / ROWS;
    }
    for (int k = 0; k < q.d; k++) {
      sum += ridge / 2 * x[k] * x[k];
    }
    return sum;
  case EG_FEATURE_GRADIENT_NORM2:
    gradient(q, x, g);
    for (int k = 0; k < q.d; k++) {
      sum += g[k] * g[k];
    }
    return sum;
  default:
    for (int k = 0; k < q.d; k++) {
      const real d = x[k] - (code.id == EG_FEATURE_DISPLACEMENT2 ? (real)start[k] : 0);
      sum += d * d;
    }
    return sum;
  }
}

static void equals_reference(const char *model, int d, const char *kind, const char *dynamics) {
  char more[200];
  write_data(d);
  (void)snprintf(more, sizeof more, "steps: 7\nnoise: %s\nobserve: {at: {steps: [1, 7]}, features: [x, norm2, loss, "
                                    "gradient_norm2, displacement2]}\n", kind);
  const planned p = plan_form(model, "auto", "{points: [[0.5], [-1.25]]}", dynamics, more);
  const problem q = {d, strcmp(model, "logistic-regression") == 0};
  CHECK(p.plan->form == EG_FORM_TEAM && p.plan->dim == d);
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_run *const run = &p.plan->runs[i];
    setup s = default_setup(&run->job, 3);
    s.first = 62; /* two groups */
    const trajectories t = trajectories_of(&s);
    double worst = 0;
    for (uint32_t l = 0; l < 3; l++) {
      for (size_t point = 0; point < 2; point++) {
        const double *const start = run->job.start + point * (size_t)run->job.dim;
        static real x[MAX_DIM];
        uint64_t step = 0;
        for (int k = 0; k < d; k++) {
          x[k] = start[k];
        }
        for (size_t r = 0; r < run->job.n_records; r++) {
          for (; step < run->job.record_steps[r]; step++) {
            reference_step(q, run, s.first + l, step, x);
          }
          for (size_t f = 0; f < run->job.n_features; f++) {
            const real want = reference_feature(q, run->job.features[f], x, start);
            const double error = (double)(fabsl((real)value_at(&t, r, point, f, l) - want) / (1 + fabsl(want)));
            worst = error <= worst ? worst : error;
          }
        }
      }
    }
    printf("%-20s dim %-4d %-14s %-10s differs from long double by %.2g\n", model, d, run->dynamics->label, kind, worst);
    CHECK_NEAR(worst, 0, 1e-12);
    trajectories_free(t);
  }
  plan_free(p);
}

/* ---- bit for bit: SGD with the 32 partial sums written out ---- */

static double sum_in_team_order(const double *a, const double *b, int d) {
  double part[32] = {0};
  for (int k = 0; k < d; k++) {
    part[k % 32] = fma(a[k], b[k], part[k % 32]);
  }
  for (int s = 16; s > 0; s /= 2) {
    for (int l = 0; l < s; l++) {
      part[l] += part[l + s];
    }
  }
  return part[0];
}

static void equal_bits_sgd(int d) {
  write_data(d);
  const planned p = plan_form("linear-regression", "auto", "{point: 1}",
                              "  - {name: sgd, batch_size: 1, label: a}\n  - {name: sgd, batch_size: 5, label: b}\n"
                              "  - {name: sgd, batch_size: 40, label: c}\n",
                              "steps: 25\nobserve: {at: {steps: [25]}, features: [x, norm2]}\n");
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_job *const job = &p.plan->runs[i].job;
    setup s = default_setup(job, 4);
    const trajectories t = trajectories_of(&s);
    const uint64_t batch = job->launch.fold_count;
    size_t wrong = 0;
    for (uint32_t l = 0; l < 4; l++) {
      double x[MAX_DIM], acc[MAX_DIM];
      for (int k = 0; k < d; k++) {
        x[k] = 1;
      }
      for (uint64_t step = 0; step < 25; step++) {
        for (int k = 0; k < d; k++) {
          acc[k] = (double)batch * (0.125 * x[k]);
        }
        for (uint64_t b = 0; b < batch; b++) {
          const int j = row_index(job, l, step * batch + b);
          const double residual = -target[j] + sum_in_team_order(inputs + j * d, x, d);
          for (int k = 0; k < d; k++) {
            acc[k] = fma(residual, inputs[j * d + k], acc[k]);
          }
        }
        for (int k = 0; k < d; k++) {
          x[k] = fma(-(0.125 / (double)batch), acc[k], x[k]);
        }
      }
      for (int k = 0; k < d; k++) {
        wrong += value_at(&t, 0, 0, (size_t)k, l) != x[k];
      }
      wrong += value_at(&t, 0, 0, (size_t)d, l) != sum_in_team_order(x, x, d);
    }
    CHECK(wrong == 0);
    trajectories_free(t);
  }
  plan_free(p);
}

/* ---- what must not change a bit ---- */

static void launches_keep_the_bits(const char *model, int d, const char *dynamics, const char *records) {
  write_data(d);
  const planned p = plan_form(model, "auto", "{points: [[0.5], [-1.25], [1]]}", dynamics, records);
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    setup s = default_setup(&p.plan->runs[i].job, 70);
    const trajectories whole = trajectories_of(&s);
    setup pieces = s;
    pieces.chunk = 1;
    pieces.cut = 17; /* and a launch that records nothing */
    const trajectories a = trajectories_of(&pieces);
    setup moved = s;
    moved.first = 37;
    moved.n_lanes = 33;
    const trajectories b = trajectories_of(&moved);
    setup alone = s;
    alone.n_points = 1;
    alone.start = p.plan->runs[i].job.start + (size_t)p.plan->padded_dim;
    const trajectories c = trajectories_of(&alone);
    for (size_t point = 0; point < 3; point++) {
      CHECK(count_different(&whole, point, &a, point, 0, 70) == 0);
      CHECK(count_different(&b, point, &whole, point, 37, 33) == 0);
    }
    CHECK(count_different(&c, 0, &whole, 1, 0, 70) == 0);
    CHECK(count_different(&c, 0, &whole, 0, 0, 70) > 0); /* negative control */
    trajectories_free(whole);
    trajectories_free(a);
    trajectories_free(b);
    trajectories_free(c);
  }
  plan_free(p);
}

/* ---- trajectories that become non-finite: first step exactly, against plain doubles; the others go on ---- */

static void bad_trajectories(void) {
  char name[64], text[800];
  const double starts[] = {1, 1e150, 1e307};
  const int d = 33;
  write_data(d);
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(text, sizeof text,
                 "seed: 4\nmodel: {name: linear-regression, data: data.h5, standardize: false}\nstart: {points: [[1], "
                 "[1e150], [1e307]]}\nlearning_rate: 4\nsteps: 3000\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 1000\n"
                 "observe: {at: {steps: [1500, 3000]}, features: [norm2, x]}\n");
  const planned p = plan_text(name, text);
  const eg_job *const job = &p.plan->runs[0].job;
  setup s = default_setup(job, 70);
  const trajectories t = trajectories_of(&s);
  s.chunk = 1;
  s.cut = 700; /* launches without records look, too */
  const trajectories pieces = trajectories_of(&s);
  size_t n_bad = 0, n_early = 0, wrong = 0;
  for (size_t point = 0; point < 3; point++) {
    for (uint32_t l = 0; l < 70; l++) {
      double x[64];
      uint64_t first = EG_NEVER;
      for (int k = 0; k < d; k++) {
        x[k] = starts[point];
      }
      for (uint64_t step = 0; step < 3000 && first == EG_NEVER; step++) {
        const int j = row_index(job, l, step);
        const double residual = -target[j] + sum_in_team_order(inputs + j * d, x, d);
        bool is_good = true;
        for (int k = 0; k < d; k++) {
          x[k] = fma(-4.0, fma(residual, inputs[j * d + k], 0.0 * x[k]), x[k]);
          is_good = is_good && isfinite(x[k]);
        }
        if (!is_good) {
          first = step + 1;
        } else if ((step + 1) % 1500 == 0 && !isfinite(sum_in_team_order(x, x, d))) {
          first = step + 1; /* the state is finite, its norm is not */
        }
      }
      n_bad += first != EG_NEVER;
      n_early += first <= s.cut;
      wrong += t.first_bad[point * t.ld + l] != first;
      wrong += pieces.first_bad[point * t.ld + l] != first;
      for (size_t r = 0; r < 2; r++) {
        const double value = value_at(&t, r, point, 0, l);
        wrong += (value == value) != (first > job->record_steps[r]);
      }
    }
  }
  printf("%zu of 210 trajectories became non-finite, %zu before the first launch ended\n", n_bad, n_early);
  CHECK(n_bad > 20 && n_early > 20 && n_early < n_bad);
  CHECK(wrong == 0);
  for (size_t point = 0; point < 3; point++) {
    CHECK(count_different(&t, point, &pieces, point, 0, 70) == 0);
  }
  trajectories_free(pieces);
  trajectories_free(t);
  plan_free(p);
}

/* ---- what a plan refuses ---- */

static void refused(const char *more, const char *message) {
  char name[64], text[1000];
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(text, sizeof text,
                 "seed: 1\nmodel: {name: linear-regression, data: data.h5, standardize: false}\nlearning_rate: 1/8\nsteps: 20\n"
                 "realisations: 64000\n%s", more);
  MUST(eg_study_parse(ctx, name, text, strlen(text), NULL, 0, &study) == EG_OK, eg_context_message(ctx));
  CHECK(eg_plan_create(ctx, study, &plan) == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), message);
  eg_study_free(study);
  eg_context_free(ctx);
}

static void refusals(void) {
  write_data(1025);
  refused("dynamics: {name: sgd, batch_size: 1}\nobserve: {at: {linear: 10}, features: x, statistics: covariance}\n",
          /* 2000 tiles: 48 blocks of 31, which end as five trees each, and 16 of 32 */
          "the accumulators need 10.1 GiB (1 runs x 10 times x 1 points x (528901 values x 64 blocks or more + 0 counts)); at "
          "most 1 GiB is allowed. The largest statistic is covariance with 10 GiB");
  refused("dynamics: {name: sgd, batch_size: 1}\nobserve: {at: {linear: 1}, features: norm2, monitors: [{name: far, feature: norm2, "
          "operation: crossing, level: 9, absorbing: true}]}\n",
          "monitor 'far': crossings absorb in the lane form only, and this study is in form team");
  refused("dynamics: {name: sgd, batch_size: 1, momentum: 0.5, gradient_noise: {law: constant, covariance: 1}}\nobserve: {at: {linear: 1}, features: norm2}\n",
          "gradient_noise gaussian-decoupled and constant have the lane form only; allowed: minibatch, gaussian-exact");
  refused("dynamics: gradient-flow\nobserve: {at: {linear: 1}, features: norm2}\n",
          "the exact flow of linear-regression is available up to dimension 1024, the study has 1025; allowed: sgd, and "
          "sme1 and sme2 with scheme euler-maruyama");
}

int main(void) {
  char path[64];
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  write_data(12);
  forms_agree("linear-regression", "{points: [[0.5], [-1.25]]}", all_records, 1e-12);
  forms_agree("linear-regression", "{normal: {mean: 0.5, std: 2}}", all_records, 1e-12);
  forms_agree_on(chains, "linear-regression", "{points: [[0.5], [-1.25]]}", all_records, 1e-12);
  forms_agree_on(heavy, "linear-regression", "{points: [[0.5], [-1.25]]}", velocity_records, 1e-12);
  means_agree("linear-regression");
  write_data(3);
  forms_agree("linear-regression", "{points: [[0.5, 1, -1]]}", all_records, 1e-12);
  forms_agree("linear-regression", "{points: [[0.5, 1, -1]]}",
              "state: float\nsteps: 10\nobserve: {at: {steps: [10]}, features: [x, norm2]}\n", 1e-5);
  write_data(7);
  forms_agree("logistic-regression", "{points: [[0.5], [-1.25]]}", all_records, 1e-12);
  forms_agree("logistic-regression", "{normal: {mean: 0, std: 2}}",
              "noise: gaussian64\nsteps: 10\nobserve: {at: {steps: [10]}, features: [x, norm2]}\n", 1e-12);
  forms_agree_on(chains, "logistic-regression", "{points: [[0.5], [-1.25]]}", all_records, 1e-12);
  means_agree("logistic-regression");
  write_data(3);
  forms_agree("softmax-regression, classes: 4", "{points: [[0.5], [-1.25]]}", all_records, 1e-12);
  forms_agree("softmax-regression, classes: 2", "{normal: {mean: 0, std: 2}}",
              "noise: gaussian64\nsteps: 10\nobserve: {at: {steps: [10]}, features: [x, norm2]}\n", 1e-12);
  static const int dims[] = {17, 31, 33, 100};
  for (int i = 0; i < 4; i++) {
    equals_reference("linear-regression", dims[i], i % 2 == 0 ? "gaussian" : "two-point", all_dynamics);
    equals_reference("logistic-regression", dims[i], i % 2 == 0 ? "table5" : "gaussian64", all_dynamics);
  }
  static const char no_flow[] = "  - {name: sgd, batch_size: 3}\n"
                                "  - {name: sme2, batch_size: 2, scheme: euler-maruyama, substeps: 2}\n"
                                "  - {name: sme1, factor: data, scheme: euler-maruyama}\n";
  equals_reference("linear-regression", 1000, "gaussian", no_flow);
  equals_reference("logistic-regression", 1000, "gaussian", no_flow);
  equals_reference("linear-regression", 4096, "gaussian", no_flow); /* H has 128 MiB */
  equals_reference("logistic-regression", 4096, "gaussian", all_dynamics);
  equal_bits_sgd(17);
  equal_bits_sgd(33);
  equal_bits_sgd(1000);
  equal_bits_sgd(4096);
  launches_keep_the_bits("linear-regression", 33, all_dynamics, all_records);
  launches_keep_the_bits("logistic-regression", 33, all_dynamics, all_records);
  launches_keep_the_bits("linear-regression", 33, chains, all_records);
  launches_keep_the_bits("logistic-regression", 4096, heavy, heavy_records);
  launches_keep_the_bits("softmax-regression, classes: 3", 33, chains, all_records);
  launches_keep_the_bits("softmax-regression, classes: 3", 33, all_dynamics, all_records);
  static const char few_records[] = "steps: 18\nobserve: {at: {steps: [1, 2, 18]}, features: [norm2, loss, gradient_norm2]}\n";
  launches_keep_the_bits("logistic-regression", 4096, no_flow, few_records);
  bad_trajectories();
  refusals();
  (void)snprintf(path, sizeof path, "%s/data.h5", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
