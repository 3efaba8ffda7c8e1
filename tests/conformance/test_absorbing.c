/*
 * Absorbing crossings against their plain definition: every trajectory is stepped on to the end, one launch a step, and
 * where a crossing has happened its state, monitors and record are put back to what they were then. The kernels gather what
 * still moves, skip what does not, and cut launches anywhere; bits must be those. Several steppers, noise kinds, points,
 * rows, momentum, points that move together, float state, trajectories that become non-finite.
 */
#include <unistd.h>

#include "trajectories.h"
#include "write_rows.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

enum { STEPS = 300, LANES = 330 };
static uint64_t first_realisation; /* every number has a low and a high word */

/* One launch after the other of a run, with buffers as trajectories_of has them. */
typedef struct walk {
  eg_launch a;
  eg_thread thread;
  eg_advance_fn advance;
  const eg_job *job;
  size_t row, state_rows, monitor_rows, value_bytes; /* of one point: columns; values of the state and of monitors */
  void *staged, *rows, *state;
  double *monitors, *record;
  uint64_t *first_bad, at;
} walk;

static walk begin_walk(const eg_job *job) {
  setup s = default_setup(job, LANES);
  int extra = 0;
  for (int32_t i = 0; i < s.unit->n_steppers; i++) {
    extra = strcmp(s.unit->steppers[i].name, job->stepper) == 0 ? s.unit->steppers[i].extra : extra;
  }
  walk w = {.a = job->launch, .advance = advance_function(&s), .job = job};
  w.a.features = job->features;
  w.a.start = job->start;
  w.a.realisation_first = first_realisation;
  w.a.n_lanes = LANES;
  w.a.ld = s.ld;
  w.a.absorbing = 0; /* all move on */
  w.thread = (eg_thread){cpu_kernels()->fill, pages(EG_NOISE_BYTES), pages(EG_ROWS_BYTES),
                         pages(EG_INDEX_BLOCKS * 4 * EG_LANES * sizeof(int32_t)), pages(s.unit->block_bytes(&w.a)),
                         permutation_of(&job->launch), NULL, NULL, NULL};
  w.row = job->n_features;
  w.state_rows = (size_t)(s.unit->dim + extra);
  w.monitor_rows = 2 * (size_t)w.a.n_monitors;
  w.value_bytes = job->is_float ? sizeof(float) : sizeof(double);
  w.a.staged = w.staged = as_state(job->staged, job->n_staged, job->is_float);
  w.a.rows = w.rows = as_state(job->rows, job->n_row_values, job->is_float);
  w.a.state = w.state = pages(w.a.n_points * w.state_rows * w.a.ld * sizeof(double));
  w.a.monitor_state = w.monitors = pages(w.a.n_points * w.monitor_rows * w.a.ld * sizeof(double));
  w.a.first_bad = w.first_bad = pages(w.a.n_points * w.a.ld * sizeof(uint64_t));
  w.a.records = w.record = pages(w.a.n_points * w.row * w.a.ld * sizeof(double));
  w.a.n_records = 1;
  return w;
}

static void end_walk(walk *w) {
  free(w->thread.noise);
  free(w->thread.rows);
  free(w->thread.index);
  free(w->thread.block);
  permutation_free(w->thread.permutation);
  free(w->staged);
  free(w->rows);
  free(w->state);
  free(w->monitors);
  free(w->first_bad);
  free(w->record);
}

static void step_walk(walk *w, uint64_t step) {
  w->at = w->a.step_last = step;
  w->a.record_steps = &w->at;
  w->advance(w->job->params, &w->a, &w->thread);
  w->a.step_first = step;
  w->a.is_restart = 1;
}

/* Values of one lane in n rows of an array with ld columns. */
static void copy_lane(void *to, const void *from, size_t first, size_t n, size_t ld, size_t lane, size_t bytes) {
  for (size_t row = first; row < first + n; row++) {
    memcpy((char *)to + (row * ld + lane) * bytes, (const char *)from + (row * ld + lane) * bytes, bytes);
  }
}

static void copy_trajectory(walk *to, const walk *from, size_t point, size_t lane) {
  const size_t ld = to->a.ld;
  copy_lane(to->state, from->state, point * to->state_rows, to->state_rows, ld, lane, to->value_bytes);
  copy_lane(to->monitors, from->monitors, point * to->monitor_rows, to->monitor_rows, ld, lane, sizeof(double));
  copy_lane(to->record, from->record, point * to->row, to->row, ld, lane, sizeof(double));
  to->first_bad[point * ld + lane] = from->first_bad[point * ld + lane];
}

static bool has_crossed(const walk *w, uint32_t absorbing, size_t point, size_t lane) {
  bool has = false;
  for (uint32_t i = 0; i < w->a.n_monitors; i++) {
    has = has || ((absorbing >> i & 1) != 0 && w->monitors[(point * w->monitor_rows + 2 * i) * w->a.ld + lane] >= 0);
  }
  return has;
}

/* Different values of a launch with absorbing crossings; *stopped: trajectories that had stopped by the end, of *all. */
static size_t count_wrong(const eg_job *job, size_t chunk, uint64_t cut, size_t *stopped, size_t *masked) {
  setup s = default_setup(job, LANES);
  s.first = first_realisation;
  s.chunk = chunk;
  s.cut = cut;
  const trajectories t = trajectories_of(&s);
  walk w = begin_walk(job), kept = begin_walk(job); /* kept: of each trajectory what it was when it stopped */
  bool *const is_stopped = calloc(t.n_points * t.ld, sizeof *is_stopped);
  MUST(is_stopped != NULL, "no memory");
  size_t wrong = 0, r = 0;
  for (uint64_t step = 0; step <= STEPS; step++) {
    step_walk(&w, step);
    for (size_t point = 0; point < t.n_points; point++) {
      for (size_t l = 0; l < LANES; l++) {
        bool *const is = &is_stopped[point * t.ld + l];
        if (*is) {
          const uint64_t bad = kept.first_bad[point * t.ld + l]; /* a record can mask it later: as the launch does */
          copy_trajectory(&w, &kept, point, l);
          w.first_bad[point * t.ld + l] = bad;
        } else if (has_crossed(&w, job->launch.absorbing, point, l)) {
          *is = true;
          copy_trajectory(&kept, &w, point, l);
        }
      }
    }
    if (r == t.n_records || job->record_steps[r] != step) {
      continue;
    }
    for (size_t point = 0; point < t.n_points; point++) {
      for (size_t f = 0; f < t.n_features; f++) {
        for (size_t l = 0; l < LANES; l++) {
          const double got = value_at(&t, r, point, f, l), want = w.record[(point * w.row + f) * t.ld + l];
          wrong += want != want ? got == got : memcmp(&got, &want, sizeof got) != 0;
          *masked += want != want;
        }
      }
    }
    r++;
  }
  MUST(r == t.n_records, "records of other steps");
  for (size_t point = 0; point < t.n_points; point++) {
    for (size_t l = 0; l < LANES; l++) {
      wrong += t.first_bad[point * t.ld + l] != w.first_bad[point * t.ld + l];
      *stopped += is_stopped[point * t.ld + l];
    }
  }
  free(is_stopped);
  end_walk(&w);
  end_walk(&kept);
  trajectories_free(t);
  return wrong;
}

/* Does it matter? Values that differ if nothing absorbs. */
static size_t count_changed(const eg_job *job) {
  eg_job plain = *job;
  plain.launch.absorbing = 0;
  setup s = default_setup(job, LANES), p = default_setup(&plain, LANES);
  const trajectories a = trajectories_of(&s), b = trajectories_of(&p);
  const size_t n = count_different(&a, 0, &b, 0, 0, LANES);
  trajectories_free(a);
  trajectories_free(b);
  return n;
}

/* A study without `observe`; monitors: a list. */
static void check(const char *study, const char *monitors, bool diverges) {
  char text[3000], name[80];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(text, sizeof text,
                 "%s\nsteps: %d\nrealisations: 1000\nobserve: {at: {steps: [0, 1, 7, 40, 41, 139, 300]}, features: %s, monitors: %s}\n",
                 study, STEPS, diverges ? "x" : "[x, norm2, displacement2]", monitors); /* norm2 overflows before x */
  const planned p = plan_text(name, text);
  for (size_t run = 0; run < p.plan->n_runs; run++) {
    const eg_job *const job = &p.plan->runs[run].job;
    const struct {
      size_t chunk;
      uint64_t cut;
    } shapes[] = {{100, 0}, {1, 23}, {2, 7}};
    size_t stopped = 0, masked = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
      const size_t wrong = count_wrong(job, shapes[i].chunk, shapes[i].cut, &stopped, &masked);
      if (wrong > 0) {
        fprintf(stderr, "%s, launches of %zu records, cut at %llu: %zu wrong\n", p.plan->runs[run].description,
                shapes[i].chunk, (unsigned long long)shapes[i].cut, wrong);
      }
      CHECK(wrong == 0);
    }
    const double share = (double)stopped / (3.0 * LANES * job->launch.n_points);
    printf("%s %s: %.0f %% stop, %zu masked values\n", job->model, p.plan->runs[run].description, 100 * share, masked);
    CHECK(share > 0.3);
    CHECK(diverges == (masked > 0));
    CHECK(count_changed(job) > LANES);
  }
  plan_free(p);
}

#define DOORS                                                                                                \
  "[{name: up, feature: x0, operation: crossing, level: 1.1, direction: up, absorbing: true, exit: door},"   \
  " {name: down, feature: x0, operation: crossing, level: -0.9, direction: down, absorbing: true, exit: door},"         \
  " {name: area, feature: norm2, operation: sum, from: 1}, {name: zero, feature: x0, operation: crossing, level: 0.1}]"
#define FAR                                                                                                  \
  "[{name: far, feature: displacement2, operation: crossing, level: 1.5, direction: up, absorbing: true},"  \
  " {name: mean, feature: norm2, operation: mean}, {name: peak, feature: x0, operation: maximum}]"
#define OU "seed: 3\nmodel: ornstein-uhlenbeck\ntime_step: 1/64\ndynamics: {name: sde, scheme: euler-maruyama, substeps: 1}\n"

static void processes_stop(void) {
  check(OU "start: {points: [[0.25], [-0.5], [1.2]]}\n", DOORS, false);
  check(OU "start: {normal: {mean: 0, std: 0.25}}\nnoise: table5\n", FAR, false);
  check(OU "start: {point: 0}\nnoise: two-point\n", DOORS, false);
  check(OU "start: {point: 0}\nnoise: table10\nstate: float\n", DOORS, false);
  check(OU "start: {point: 0}\nnoise: gaussian64\n", FAR, false);
}

static void wells_stop(void) {
  const char *const well = "seed: 4\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.2], [-0.3]]}\nlearning_rate: 1/16\n"
                           "diverged_limit: 1\ndynamics: [{name: sgd, batch_size: 1}, {name: sme2, batch_size: 1, scheme: strang, substeps: 1},"
                           " {name: sgd, label: heavy, batch_size: 2, momentum: 0.5}]\n";
  check(well, DOORS, false);
  check("seed: 4\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[5.74], [0.5], [5.7]]}\nlearning_rate: 1/16\n"
        "diverged_limit: 1\ndynamics: {name: sgd, batch_size: 1}\n",
        "[{name: low, feature: norm2, operation: crossing, level: 0.5, direction: down, absorbing: true},"
        " {name: sum, feature: x0, operation: sum}]",
        true);
  check("seed: 4\nmodel: {name: double-well}\nstart: {point: 0.2}\nlearning_rate: 1/16\n"
        "dynamics: {name: levy, batch_size: 1, tail_index: 1.5, scheme: euler-maruyama}\n",
        DOORS, false);
}

/* Rows with and without replacement, in shuffled and in gathered blocks; points that move together. */
static void rows_stop(void) {
  double inputs[2 * 12], target[12];
  char path[80], study[1200];
  for (int i = 0; i < 24; i++) {
    inputs[i] = (double)(i * 7 % 11) / 4.0 - 1.0;
    target[i % 12] = (double)(i * 5 % 13) / 2.0 - 3;
  }
  (void)snprintf(path, sizeof path, "%s/two.h5", folder);
  MUST(write_rows(path, 12, 2, inputs, target), "data file");
  static const char *const dynamics[] = {
      "[{name: sgd, batch_size: 1}, {name: sgd, label: three, batch_size: 3}, {name: sgd, label: shuffled, batch_size: 2, sampling: shuffle},"
      " {name: sgd, label: heavy, batch_size: 2, momentum: 0.5}, {name: sme1, factor: pair, scheme: euler-maruyama},"
      " {name: sme1, label: data, factor: data, scheme: strang, substeps: 1}]",
      "{name: smf1, factor: joint-cholesky, scheme: euler-maruyama}"};
  for (size_t i = 0; i < 2; i++) {
    (void)snprintf(study, sizeof study,
                   "seed: 1\nmodel: {name: linear-regression, data: two.h5, standardize: false}\nstart: {points: [[0.25, 1], [0.5, -0.5]]}\n"
                   "learning_rate: 1/16\ndiverged_limit: 1\ndynamics: %s\n",
                   dynamics[i]);
    check(study,
          "[{name: far, feature: displacement2, operation: crossing, level: 0.75, direction: up, absorbing: true},"
          " {name: cost, feature: loss, operation: sum}, {name: peak, feature: x1, operation: maximum}]",
          false);
  }
}

int main(void) {
  MUST(mkdtemp(folder) != NULL, "no folder");
  for (uint64_t high = 0; high < 2; high++) {
    first_realisation = (high << 32) + 128;
    processes_stop();
    wells_stop();
    rows_stop();
  }
  char path[80];
  (void)snprintf(path, sizeof path, "%s/two.h5", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
