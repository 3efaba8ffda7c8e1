/*
 * The kernels of milstein, heun and srk2 against tests/scheme_reference.h, trajectory by trajectory on the same increments: to
 * rounding, for models of one and two dimensions, one to five channels that commute or do not, diagonal noise that is affine
 * and that is a root, and noise of all kinds that a scheme takes. The reference of another scheme must be refused.
 */
#include "scheme_reference.h"
#include "trajectories.h"

static double normal(const eg_job *job, uint64_t realisation, uint64_t q) {
  uint32_t w[4];
  const uint64_t n = (uint64_t)eg_kind_per_block(job->kind);
  eg_block(job->launch.key, EG_STREAM_NOISE, realisation, q / n, w);
  return eg_draw(job->kind, w, (int)(q % n));
}

/* Increments of one step: z, then one for each pair k < l at l (l - 1) / 2 + k. */
static void reference_step(const eg_run *run, scheme s, const model *p, uint64_t realisation, uint64_t at, double *x) {
  const int m = p->m, draws = s == SRK2 ? m + m * (m - 1) / 2 : m;
  double z[M] = {0}, V[M][M] = {{0}};
  for (int c = 0; c < m; c++) {
    z[c] = normal(&run->job, realisation, at * (uint64_t)draws + (uint64_t)c);
  }
  for (int l = 1; l < m && s == SRK2; l++) {
    for (int k = 0; k < l; k++) {
      V[k][l] = normal(&run->job, realisation, at * (uint64_t)draws + (uint64_t)(m + l * (l - 1) / 2 + k));
      V[l][k] = -V[k][l];
    }
  }
  step(s, p, run->job.launch.h, z, V, x);
}

/* Largest difference of 100 trajectories to scheme s of the reference. */
static double largest_difference(const eg_run *run, scheme s, const model *p) {
  const eg_job *const job = &run->job;
  setup set = default_setup(job, 100);
  const trajectories t = trajectories_of(&set);
  double worst = 0;
  for (uint32_t l = 0; l < 100; l++) {
    double x[D] = {p->start[0], p->start[1]};
    for (uint64_t at = 0; at < job->record_steps[0]; at++) {
      reference_step(run, s, p, l, at, x);
    }
    for (int k = 0; k < p->d; k++) {
      const double error = fabs(value_at(&t, 0, 0, (size_t)k, l) - x[k]);
      worst = error <= worst ? worst : error; /* NaN stays */
    }
  }
  trajectories_free(t);
  return worst;
}

/* The triangular root of the covariance of rows; with the channels of the rows' own it must not agree. */
static void compare_rows(const char *noise) {
  char text[600];
  model rows = rows_model(4, four_rows), columns = rows;
  columns.n_rooted = 4;
  columns.m = 2;
  rows.start[0] = columns.start[0] = 1;
  rows.start[1] = columns.start[1] = -0.5;
  (void)snprintf(text, sizeof text,
                 "seed: 31\n" FOUR_ROWS "learning_rate: 1\nsteps: 1\nnoise: %s\n"
                 "dynamics: {name: sme1, factor: cholesky, scheme: srk2, substeps: 5}\n"
                 "realisations: 100\nobserve: {at: {steps: [1]}, features: [x]}\n",
                 noise);
  const planned planned_ = plan_text("study.yaml", text);
  const eg_run *const run = &planned_.plan->runs[0];
  const double worst = largest_difference(run, SRK2, &columns), other = largest_difference(run, EULER, &columns);
  const double channels = largest_difference(run, SRK2, &rows);
  printf("%-18s %-12s largest difference %.2g, to euler-maruyama %.2g, to four channels %.2g\n", run->job.stepper, noise, worst,
         other, channels);
  CHECK_NEAR(worst, 0, 1e-12);
  CHECK(other > 1e-4 && channels > 1e-4);
  plan_free(planned_);
}

static void compare(const char *study, const char *dynamics, const char *noise, const model *p) {
  static const scheme schemes[3] = {MILSTEIN, HEUN, SRK2};
  for (int i = 0; i < 3; i++) {
    char text[600];
    const bool is_general = strstr(study, "gaussian") != NULL; /* channels that do not commute */
    const bool is_refused = (schemes[i] == MILSTEIN && is_general) || (schemes[i] == SRK2 && strcmp(noise, "two-point") == 0);
    (void)snprintf(text, sizeof text,
                   "seed: 31\n%slearning_rate: 1\nsteps: 1\nnoise: %s\ndynamics: {%s, scheme: %s, substeps: 5}\n"
                   "realisations: 100\nobserve: {at: {steps: [1]}, features: [x]}\n",
                   study, noise, dynamics, names[schemes[i]]);
    if (is_refused) {
      continue;
    }
    const planned planned_ = plan_text("study.yaml", text);
    const eg_run *const run = &planned_.plan->runs[0];
    const double worst = largest_difference(run, schemes[i], p);
    const double other = largest_difference(run, schemes[(i + 1) % 3], p);
    printf("%-18s %-12s largest difference %.2g, to %s %.2g\n", run->job.stepper, noise, worst,
           names[schemes[(i + 1) % 3]], other);
    CHECK_NEAR(worst, 0, 1e-13);
    CHECK(other > 1e-4);
    plan_free(planned_);
  }
}

int main(void) {
  static const char *const noises[] = {"gaussian", "gaussian64", "table5", "two-point", "three-point"};
  model one = regression(1, 0.5, 0, 0.5, 0, 0.7), five = regression(2, 1, 0.5, 0.5, -0.25, 0.7);
  model four = {.d = 2, .m = 4, .B = {{-1}, {0, -0.5}}, .b = {0.25, 0.125}, .start = {1, -0.5}};
  one.start[0] = 1.5;
  five.start[0] = 1;
  five.start[1] = -0.5;
  /* quadratic: an additive and a multiplicative channel of each component */
  four.s[0][0] = 0.6;
  four.S[3][1][1] = 0.8;
  four.s[3][1] = -0.2;
  for (size_t i = 0; i < sizeof noises / sizeof noises[0]; i++) {
    compare("model: {name: quadratic, curvature: -0.5, noise: 0.5, multiplicative: 0.5}\nstart: {point: 0.5}\n",
            "name: sme1, factor: cholesky", noises[i], &root);
    compare("model: {name: quadratic, curvature: [1, 0.5], noise: [0.6, 0], multiplicative: [0, 0.8], centre: 0.25}\n"
            "start: {point: [1, -0.5]}\n",
            "name: sme1, factor: data", noises[i], &four);
    compare("model: {name: linear-regression-gaussian, input_variance: 0.5, optimum: 0.5, label_noise: 0.7}\n"
            "start: {point: 1.5}\n",
            "name: sme1, factor: data", noises[i], &one);
    compare("model: {name: linear-regression-gaussian, input_variance: [1, 0.5], optimum: [0.5, -0.25], label_noise: 0.7}\n"
            "start: {point: [1, -0.5]}\n",
            "name: sme1, factor: data", noises[i], &five);
  }
  compare_rows("gaussian");
  compare_rows("three-point");
  return check_report();
}
