/*
 * Monitors against a scalar reference: every path is recorded at every integrator step by a run without monitors, and
 * from that history sums, means, extrema and crossings are found by loops over it, one trajectory at a time. All
 * operations, several points, trajectories that become non-finite, float state, any cut into launches, the backend's own
 * launches; in the team form and the population form too. Then states that are not finite between observations: shipped
 * models cannot lose them, and a user's model that can is found out.
 */
#include <unistd.h>

#include "core/noise.h"
#include "trajectories.h"
#include "write_rows.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

enum { STEPS = 48, LANES = 150 };

/* ---- the reference ---- */

/* f at one step of one trajectory. Where the history holds x alone, in one dimension, f is made of it: as a column of its
   own it would mask trajectories in which it overflows before x does. */
static double history_at(const trajectories *t, const eg_plan *plan, const eg_monitor *m, size_t point, size_t lane,
                         size_t step) {
  static const char *const names[] = {"x", "norm2", "loss", "gradient_norm2", "displacement2"};
  const eg_feature *const f = eg_plan_feature(plan, names[m->feature.id]);
  if (f != NULL) {
    return value_at(t, step, point, f->first + (size_t)m->feature.component, lane);
  }
  MUST(plan->dim == 1 && (m->feature.id == EG_FEATURE_NORM2 || m->feature.id == EG_FEATURE_DISPLACEMENT2), "no history");
  const double d = value_at(t, step, point, 0, lane) -
                   (m->feature.id == EG_FEATURE_NORM2 ? 0.0 : value_at(t, 0, point, 0, lane));
  return d * d;
}

static double reference(const trajectories *t, const eg_plan *plan, const eg_monitor *m, int id, double h, size_t point,
                        size_t lane, size_t now) {
  double best = history_at(t, plan, m, point, lane, 0), sum = 0;
  size_t n = 0, crossed = 0;
  for (size_t k = 1; k <= now; k++) {
    const double f = history_at(t, plan, m, point, lane, k), before = history_at(t, plan, m, point, lane, k - 1);
    if (k > m->first && k <= m->last) {
      sum += f;
      n++;
    }
    if (m->operation == EG_MONITOR_MAXIMUM ? f > best : f < best) {
      best = f;
    }
    const int up = before < m->level && f >= m->level, down = before > m->level && f <= m->level;
    const int is_hit = m->direction == EG_DIRECTION_UP ? up : m->direction == EG_DIRECTION_DOWN ? down : up || down;
    if (is_hit && crossed == 0) {
      crossed = k;
    }
  }
  switch (m->operation) {
  case EG_MONITOR_SUM:
    return sum;
  case EG_MONITOR_MEAN:
    return n == 0 ? 0 : sum / (double)n;
  case EG_MONITOR_CROSSING:
    return id == EG_FEATURE_MONITOR ? crossed > 0 : (double)(crossed > 0 ? crossed : now) * h;
  default:
    return best;
  }
}

/* Text of an observation at all steps up to `last`. */
static const char *all_steps(size_t last) {
  static char text[8 * (STEPS + 1)];
  size_t at = 0;
  for (size_t k = 0; k <= last; k++) {
    at += (size_t)snprintf(text + at, sizeof text - at, "%s%zu", k == 0 ? "[" : ", ", k);
  }
  (void)snprintf(text + at, sizeof text - at, "]");
  return text;
}

static planned plan_study(const char *format, const char *steps, const char *observe) {
  char text[4000], name[80];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(text, sizeof text, format, steps, observe);
  return plan_text(name, text);
}

/* How many values of a monitored run differ from the reference: bits of values, masks, first bad steps. */
static size_t count_wrong(const planned *watched, const planned *plain, size_t run, size_t chunk, uint64_t cut,
                          size_t *n_masked, size_t *n_events) {
  const eg_job *const job = &watched->plan->runs[run].job;
  setup s = default_setup(job, LANES), p = default_setup(&plain->plan->runs[run].job, LANES);
  s.chunk = chunk;
  s.cut = cut;
  s.first = p.first = 128;
  const trajectories t = trajectories_of(&s), all = trajectories_of(&p);
  const size_t dim = (size_t)plain->plan->dim;
  size_t wrong = 0;
  for (size_t point = 0; point < t.n_points; point++) {
    for (size_t l = 0; l < LANES; l++) {
      uint64_t bad = all.first_bad[point * all.ld + l];
      for (size_t r = 0; r < t.n_records; r++) {
        double want[2 * EG_MOST_MONITORS + 2] = {0};
        int is_finite = 1;
        for (size_t f = dim; f < t.n_features; f++) { /* behind x */
          const eg_monitor *const m = &job->launch.monitors[job->features[f].component];
          want[f - dim] = reference(&all, plain->plan, m, job->features[f].id, job->launch.h, point, l, job->record_steps[r]);
          is_finite = is_finite && isfinite(want[f - dim]);
          *n_events += m->operation == EG_MONITOR_CROSSING && job->features[f].id == EG_FEATURE_MONITOR && want[f - dim] == 1;
        }
        bad = bad == EG_NEVER && !is_finite ? job->record_steps[r] : bad; /* as any column that is not finite */
        for (size_t f = dim; f < t.n_features; f++) {
          const double got = value_at(&t, r, point, f, l);
          wrong += bad <= job->record_steps[r] ? got == got : memcmp(&got, &want[f - dim], sizeof got) != 0;
          *n_masked += bad <= job->record_steps[r];
        }
      }
      wrong += t.first_bad[point * t.ld + l] != bad;
    }
  }
  trajectories_free(t);
  trajectories_free(all);
  return wrong;
}

/* format: a study with %s for `steps: .. or at` of the observation and %s for the rest of `observe`. The reference needs
   every integrator step, so its own format may have a smaller step instead of substeps. */
static void check_study(const char *what, const char *format, const char *plain_format, const char *steps,
                        const char *monitors, bool diverges) {
  char observe[1500];
  (void)snprintf(observe, sizeof observe, "features: [x], monitors: %s", monitors);
  const planned watched = plan_study(format, steps, observe);
  const int has_loss = eg_plan_unit(watched.plan)->caps & 1;
  const planned plain = plan_study(plain_format, all_steps(STEPS),
                                   diverges   ? "features: x"
                                   : has_loss ? "features: [x, norm2, loss, gradient_norm2, displacement2]"
                                              : "features: [x, norm2, displacement2]");
  size_t n_masked = 0, n_events = 0;
  for (size_t run = 0; run < watched.plan->n_runs; run++) {
    const struct {
      size_t chunk;
      uint64_t cut;
    } shapes[] = {{100, 0}, {1, 0}, {2, 7}, {100, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
      const size_t wrong = count_wrong(&watched, &plain, run, shapes[i].chunk, shapes[i].cut, &n_masked, &n_events);
      if (wrong > 0) {
        fprintf(stderr, "%s, %s, launches of %zu records, cut at %llu: %zu wrong\n", what,
                watched.plan->runs[run].description, shapes[i].chunk, (unsigned long long)shapes[i].cut, wrong);
      }
      CHECK(wrong == 0);
    }
  }
  printf("%s: %zu masked values, %zu crossings\n", what, n_masked, n_events);
  CHECK(diverges ? n_masked > 100 : n_masked == 0);
  CHECK(strstr(monitors, "crossing") == NULL || n_events > 100);
  /* the comparison can fail: a window that ends one step early is seen */
  eg_monitor *const m = &watched.plan->runs[0].job.launch.monitors[0];
  if (m->operation == EG_MONITOR_MEAN) {
    m->last--;
    const planned fresh = plan_study(format, steps, observe);
    setup s = default_setup(&watched.plan->runs[0].job, LANES), k = default_setup(&fresh.plan->runs[0].job, LANES);
    const trajectories a = trajectories_of(&s), b = trajectories_of(&k);
    CHECK(count_different(&a, 0, &b, 0, 0, LANES) > 0);
    trajectories_free(a);
    trajectories_free(b);
    plan_free(fresh);
  }
  plan_free(watched);
  plan_free(plain);
}

#define MEAN_SUM_EXTREMA                                                                                     \
  "[{name: a, feature: norm2, operation: mean, from: 1/2, to: 5/2}, {name: b, feature: x0, operation: sum, from: 1}," \
  " {name: c, feature: x0, operation: minimum}, {name: d, feature: displacement2, operation: maximum}]"
#define CROSSINGS                                                                                            \
  "[{name: a, feature: x0, operation: crossing, level: 0.25, direction: up},"                                \
  " {name: b, feature: x0, operation: crossing, level: 0.25, direction: down},"                              \
  " {name: c, feature: norm2, operation: crossing, level: 0.75}, {name: d, feature: x0, operation: mean}]"
#define OU                                                                                                   \
  "seed: 3\nmodel: ornstein-uhlenbeck\nstart: {points: [[0.25], [1], [-0.5]]}\nnoise: common\nrealisations: 1000\n"
#define QUADRATIC                                                                                            \
  "seed: 4\nmodel: {name: quadratic, curvature: [1, 2], noise: 1}\nstart: {points: [[0.25, 1], [0.5, -0.5]]}\n"         \
  "learning_rate: 1/8\nsteps: 48\ndynamics: [{name: sgd, batch_size: 2}, {name: sme2, batch_size: 2}]\n"               \
  "realisations: 1000\n"

static void monitors_are_what_they_say(void) {
  /* 24 time steps of two integrator steps against 48 of half the length: h and the noise are the same */
  const char *const two = OU "time_step: 1/8\nsteps: 24\ndynamics: {name: sde, scheme: euler-maruyama, substeps: 2}\n"
                             "observe: {at: {steps: %s}, %s}\n";
  const char *const one = OU "time_step: 1/16\nsteps: 48\ndynamics: {name: sde, scheme: euler-maruyama}\n"
                             "observe: {at: {steps: %s}, %s}\n";
  check_study("ornstein-uhlenbeck", two, one, "[0, 3, 4, 11, 20, 24]", MEAN_SUM_EXTREMA, false);
  check_study("ornstein-uhlenbeck, crossings", two, one, "[0, 1, 5, 24]", CROSSINGS, false);
  const char *const quadratic = QUADRATIC "observe: {at: {steps: %s}, %s}\n";
  check_study("quadratic", quadratic, quadratic, "[1, 2, 17, 48]", MEAN_SUM_EXTREMA, false);
  check_study("quadratic, loss", quadratic, quadratic, "[5, 48]",
              "[{name: a, feature: loss, operation: mean, to: 4}, {name: b, feature: gradient_norm2, operation: maximum},"
              " {name: c, feature: x1, operation: crossing, level: 0.5}, {name: d, feature: loss, operation: minimum}]",
              false);
  const char *const narrow = QUADRATIC "state: float\nobserve: {at: {steps: %s}, %s}\n";
  check_study("quadratic, float", narrow, narrow, "[0, 9, 48]", CROSSINGS, false);
  check_study("quadratic, float", narrow, narrow, "[0, 9, 48]", MEAN_SUM_EXTREMA, false);
  const char *const well = "seed: 4\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[5.74], [0.5], [5.7]]}\n"
                           "learning_rate: 1/16\nsteps: 48\ndynamics: {name: sgd, batch_size: 1}\n"
                           "realisations: 700\nobserve: {at: {steps: %s}, %s}\n";
  check_study("double well, diverging", well, well, "[0, 3, 13, 14, 20, 48]", MEAN_SUM_EXTREMA, true);
  check_study("double well, diverging", well, well, "[0, 12, 48]", CROSSINGS, true);
}

/* The team form, in dimensions that fill its lanes badly, with the loss as a pass over the rows. */
static void monitors_of_teams(void) {
  enum { DIM = 37, ROWS = 9 };
  static double inputs[ROWS * DIM], target[ROWS];
  char path[80];
  for (int i = 0; i < ROWS * DIM; i++) {
    inputs[i] = ((double)(i * 7 % 11) / 4.0 - 1.0) / 4.0;
    target[i % ROWS] = (double)(i * 5 % 13 > 6);
  }
  (void)snprintf(path, sizeof path, "%s/rows.h5", folder);
  MUST(write_rows(path, ROWS, DIM, inputs, target), "data file");
#define TEAM(model, rate, more)                                                                              \
  "seed: 6\nmodel: {name: " model ", data: rows.h5, standardize: false}\nform: team\n"                         \
  "start: {points: [[0.25], [-0.5]]}\nlearning_rate: " rate "\nsteps: 48\nrealisations: 1000\ndynamics:\n"     \
  "  - {name: sgd, batch_size: 2}\n  - {name: sme2, factor: data, scheme: euler-maruyama}\n" more              \
  "observe: {at: {steps: %s}, %s}\n"
  const char *const linear = TEAM("linear-regression", "1/8", ""), *const narrow = TEAM("linear-regression", "1/8", "state: float\n"),
             *const logistic = TEAM("logistic-regression", "1/8", ""), *const wild = TEAM("linear-regression", "1e10", "");
  check_study("team", linear, linear, "[0, 2, 17, 48]", MEAN_SUM_EXTREMA, false);
  check_study("team, float", narrow, narrow, "[0, 9, 48]", CROSSINGS, false);
  check_study("team, loss", logistic, logistic, "[5, 48]",
              "[{name: a, feature: loss, operation: mean, to: 4}, {name: b, feature: gradient_norm2, operation: maximum},"
              " {name: c, feature: displacement2, operation: crossing, level: 0.01}, {name: d, feature: loss, operation: minimum}]",
              false);
  check_study("team, diverging", wild, wild, "[0, 3, 13, 14, 20, 48]", "[{name: a, feature: x0, operation: mean, to: 3e10}]", true);
  (void)unlink(path);
}

/* Averages over the particles of a population, of one and of several blocks. */
static void monitors_of_populations(void) {
  char path[80];
  const double inputs[9] = {1, -1, 0.5, -0.25, 2, -1.5, 0.75, 0.125, -0.5}, target[9] = {1, 0, 1, 2, 0, 1, -1, 0, 1};
  (void)snprintf(path, sizeof path, "%s/nine.h5", folder);
  MUST(write_rows(path, 9, 1, inputs, target), "data file");
#define POPULATION(particles)                                                                                \
  "seed: 4\nmodel: {name: mean-field-linear, data: nine.h5, standardize: false, particles: " particles "}\n"    \
  "start: {normal: {mean: 1, std: 0.5}}\nlearning_rate: 1/16\nsteps: 48\nrealisations: 150\ndynamics:\n"        \
  "  - {name: sgd, batch_size: 2}\n  - {name: smf2, factor: pair}\n"                                           \
  "observe: {at: {steps: %s}, %s}\n"
  const char *const few = POPULATION("5"), *const many = POPULATION("300");
  check_study("population", few, few, "[0, 2, 17, 48]", MEAN_SUM_EXTREMA, false);
  check_study("population", many, many, "[0, 9, 48]", CROSSINGS, false);
  (void)unlink(path);
}

/* ---- states that are not finite ---- */

/* Every run of a study keeps a bad state bad. */
static size_t check_sticking(planned p) {
  for (size_t r = 0; r < p.plan->n_runs; r++) {
    const eg_job *const job = &p.plan->runs[r].job;
    bool stay_bad = false;
    const eg_status status = eg_plan_try_bad_states(p.ctx, job, unit_of(job, job->dim), p.plan->dim, &stay_bad);
    if (status != EG_OK || !stay_bad) {
      fprintf(stderr, "%s, %s: a bad state is lost\n", job->model, job->stepper);
    }
    CHECK(status == EG_OK && stay_bad);
  }
  const size_t n = p.plan->n_runs;
  plan_free(p);
  return n;
}

static void shipped_models_stay_bad(void) {
  static const char *const files[] = {"process", "process_law", "growth", "double_well", "quadratic", "regression"};
  size_t n = 0;
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    for (int is_float = 0; is_float < 2; is_float++) {
      char path[100];
      const char *const overrides[1] = {"state=float"};
      planned p = {eg_context_create(), NULL, NULL};
      (void)snprintf(path, sizeof path, "tests/golden/studies/%s.yaml", files[i]);
      MUST(eg_study_load(p.ctx, path, overrides, is_float, &p.study) == EG_OK &&
               eg_plan_create(p.ctx, p.study, &p.plan) == EG_OK,
           eg_context_message(p.ctx));
      n += check_sticking(p);
    }
  }
  double inputs[3 * 9], target[9];
  char path[80];
  for (int i = 0; i < 27; i++) {
    inputs[i] = (double)(i * 7 % 11) / 4.0 - 1.0;
    target[i % 9] = (double)(i * 5 % 13) / 8.0;
  }
  (void)snprintf(path, sizeof path, "%s/three.h5", folder);
  MUST(write_rows(path, 9, 3, inputs, target), "data file");
  n += check_sticking(plan_study(
      "seed: 1\nmodel: {name: linear-regression, data: three.h5}\nlearning_rate: 1/16\nsteps: 48\ndynamics:\n"
      "  - {name: sgd, batch_size: 3}\n"
      "  - {name: sme1, factor: pair, scheme: euler-maruyama}\n  - {name: sme2, factor: pair, scheme: strang}\n"
      "  - {name: sme1, factor: data, scheme: euler-maruyama}\n  - {name: sme2, factor: data, scheme: strang}\n"
      "  - {name: sme1, factor: cholesky, scheme: euler-maruyama}\n  - {name: sme2, factor: cholesky, scheme: strang}\n"
      "  - {name: sme1, factor: symmetric-root, scheme: euler-maruyama}\n"
      "  - {name: sme2, factor: symmetric-root, scheme: strang}\n"
      "realisations: 10\nobserve: {at: {steps: %s}, %s}\n",
      "[48]", "features: x"));
  (void)unlink(path);
  printf("%zu steppers keep bad states\n", n);
  CHECK(n > 50);
}

/* The first step whose draw makes the state infinite. */
static uint64_t first_infinite(const eg_job *job, uint64_t realisation) {
  for (uint64_t q = 0; q < STEPS; q++) {
    uint32_t w[4];
    eg_block(job->launch.key, EG_STREAM_NOISE, realisation, q / 4, w);
    if (fabs(eg_draw(EG_KIND_GAUSSIAN, w, (int)(q % 4))) > 2.5) {
      return q + 1;
    }
  }
  return EG_NEVER;
}

static size_t count_wrong_fates(const eg_job *job, const eg_unit *unit, size_t chunk, size_t *n_bad) {
  setup s = {job, unit, job->staged, job->rows, job->start, job->n_staged, job->n_row_values, 1, LANES, 192, 0, chunk, 0};
  const trajectories t = trajectories_of(&s);
  size_t wrong = 0;
  for (size_t l = 0; l < LANES; l++) {
    const uint64_t want = first_infinite(job, l);
    wrong += t.first_bad[l] != want;
    *n_bad += want != EG_NEVER;
    for (size_t r = 0; r < t.n_records; r++) {
      const double x = value_at(&t, r, 0, 0, l);
      wrong += (x != x) != (want <= job->record_steps[r]);
    }
  }
  trajectories_free(t);
  return wrong;
}

static void hidden_divergence_is_found(void) {
  char name[100], text[800];
  FILE *const model = fopen("tests/conformance/clamped_model.h", "r");
  MUST(model != NULL, "run from the root of the source");
  (void)fclose(model);
  char *const root = realpath(".", NULL);
  (void)snprintf(text, sizeof text,
                 "seed: 8\nmodel: {file: %s/tests/conformance/clamped_model.h}\ntime_step: 1\nsteps: 48\n"
                 "dynamics: {name: sde, scheme: exact}\nrealisations: 200\n"
                 "observe: {at: {steps: [5, 20, 48]}, features: x}\n",
                 root);
  free(root);
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  const planned p = plan_text(name, text);
  eg_job job = p.plan->runs[0].job;
  const eg_unit *const unit = eg_plan_unit(p.plan);
  size_t n_bad = 0;
  CHECK(job.launch.is_watched == 1);
  CHECK(count_wrong_fates(&job, unit, 3, &n_bad) == 0);
  CHECK(count_wrong_fates(&job, unit, 1, &n_bad) == 0);
  CHECK(n_bad > 100);
  job.launch.is_watched = 0; /* and without the look after every step most are missed */
  CHECK(count_wrong_fates(&job, unit, 3, &n_bad) > 50);
  plan_free(p);
}

/* A launch that ends behind its last record is looked at there: the next one need not, and could not, find it. */
static void end_of_a_launch_is_looked_at(void) {
  const planned p = plan_study("seed: 4\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[5.74], [0.5], [5.7]]}\n"
                               "learning_rate: 1/16\nsteps: 48\ndynamics: {name: sgd, batch_size: 1}\n"
                               "realisations: 700\nobserve: {at: {steps: %s}, %s}\n",
                               "[2, 48]", "features: [x]");
  setup s = default_setup(&p.plan->runs[0].job, LANES);
  const trajectories whole = trajectories_of(&s);
  s.chunk = 1;
  size_t n_bad = 0;
  for (s.cut = 8; s.cut <= 24; s.cut += 8) {
    const trajectories parts = trajectories_of(&s);
    for (size_t point = 0; point < 3; point++) {
      CHECK(count_different(&whole, point, &parts, point, 0, LANES) == 0);
      for (size_t l = 0; l < LANES; l++) {
        n_bad += whole.first_bad[point * whole.ld + l] <= s.cut;
      }
    }
    trajectories_free(parts);
  }
  CHECK(n_bad > 50);
  trajectories_free(whole);
  plan_free(p);
}

/* ---- what a study may say ---- */

static void check_refused(const char *monitors, const char *fragment) {
  char text[1500];
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  (void)snprintf(text, sizeof text,
                 "seed: 1\nmodel: ornstein-uhlenbeck\ntime_step: 1/8\nhorizon: 4\ndynamics: sde\nrealisations: 10\n"
                 "observe: {at: [4], features: [x], monitors: %s}\n",
                 monitors);
  eg_status status = eg_study_parse(ctx, "study.yaml", text, strlen(text), NULL, 0, &study);
  status = status == EG_OK ? eg_plan_create(ctx, study, &plan) : status;
  CHECK(status == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), fragment);
  CHECK_HAS(eg_context_message(ctx), "study.yaml:7:");
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

static void mistakes_are_explained(void) {
  check_refused("[{name: a, operation: sum}]", "missing required key 'observe.monitors.feature'");
  check_refused("[{name: a, feature: y, operation: sum}]", "is not known; allowed: norm2, loss");
  check_refused("[{name: a, feature: x, operation: sum}]", "or a component: x0, x1, ..");
  check_refused("[{name: a, feature: x1, operation: sum}]", "looks at x1, but the dimension is 1");
  check_refused("[{name: a, feature: loss, operation: sum}]", "it has no 'loss'");
  check_refused("[{name: a, feature: x0, operation: median}]", "allowed: sum, mean, minimum, maximum, crossing");
  check_refused("[{name: a, feature: x0, operation: crossing}]", "it needs 'level'");
  check_refused("[{name: a, feature: x0, operation: mean, level: 1}]", "'observe.monitors.level' is a key of crossing only");
  check_refused("[{name: a, feature: x0, operation: maximum, from: 1}]", "is a key of sum and mean only");
  check_refused("[{name: a, feature: x0, operation: mean, from: 2, to: 1}]", "is empty");
  check_refused("[{name: a, feature: x0, operation: mean, from: 4}]", "does not end within the run");
  check_refused("[{name: a, feature: x0, operation: mean, to: 5}]", "does not end within the run");
  check_refused("[{name: a, feature: x0, operation: mean, to: 0.3}]", "is not a whole number of steps");
  check_refused("[{name: step, feature: x0, operation: sum}]", "is taken by another variable");
  check_refused("[{name: a_stderr, feature: x0, operation: sum}]", "must not end in '_stderr'");
  check_refused("[{name: 1a, feature: x0, operation: sum}]", "must be a letter");
  check_refused("[{name: a, feature: x0, operation: sum}, {name: a, feature: x0, operation: mean}]", "two monitors");
  check_refused("[{name: a, feature: x0, operation: sum, window: 3}]", "unknown key 'observe.monitors.window'");
  check_refused("[{}, {}, {}, {}, {}]", "has 5 entries; at most 4");
}

int main(void) {
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  monitors_are_what_they_say();
  monitors_of_teams();
  monitors_of_populations();
  shipped_models_stay_bad();
  hidden_divergence_is_found();
  end_of_a_launch_is_looked_at();
  mistakes_are_explained();
  (void)rmdir(folder);
  return check_report();
}
