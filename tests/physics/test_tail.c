/*
 * Tails: Hill's estimate, its error and its choice of a threshold on samples of exact Pareto, Student and exponential laws, made
 * here; the statistic `tail` on alpha-stable noise (exponent alpha) and on SGD with one sample of a Gaussian regression, whose
 * stationary law has the exponent kappa of E |1 - eta a^2|^kappa = 1 (Kesten, Acta Mathematica 131, 207, 1973): eta = 2/3 gives
 * 1 - 2 eta + 3 eta^2 = 1, kappa = 2. Flags of means that heavy tails spoil.
 */
#include "analysis/hill.h"
#include "judge.h"

/* ---- the estimate alone ---- */

static uint64_t state = 88172645463325252u;

static double uniform(void) { /* Marsaglia's xorshift, in (0, 1) */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static double pareto(double alpha) {
  return pow(uniform(), -1 / alpha);
}

static double student(double degrees) { /* |t|: Bailey's polar form */
  const double u = uniform(), angle = 6.283185307179586 * uniform();
  return fabs(sqrt(degrees * (pow(u, -2 / degrees) - 1)) * cos(angle));
}

static double exponential(double unused) {
  (void)unused;
  return -log(uniform());
}

static int descending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x > y ? -1 : x < y;
}

enum { SAMPLE = 20000, LISTED = 2000, REPEATS = 120 };

typedef struct outcome {
  double covered, exponent, stretch, rejected; /* means over repeats; rejected: distance above 1.094 at k = 1000 */
} outcome;

static outcome repeat(double (*draw)(double), double alpha) {
  static double x[SAMPLE];
  outcome o = {0, 0, 0, 0};
  for (int r = 0; r < REPEATS; r++) {
    for (size_t i = 0; i < SAMPLE; i++) {
      x[i] = draw(alpha);
    }
    qsort(x, SAMPLE, sizeof *x, descending);
    const size_t k = eg_hill_choose(x, LISTED);
    const double exponent = k > 0 ? eg_hill(x, k) : NAN;
    o.covered += fabs(exponent - alpha) <= 1.96 * exponent / sqrt((double)k);
    o.exponent += k > 0 ? exponent : 0;
    o.stretch += (double)k * EG_HILL_PART;
    o.rejected += eg_hill_distance(x, 1000) > 1.094;
  }
  o.covered /= REPEATS;
  o.exponent /= REPEATS;
  o.stretch /= REPEATS;
  o.rejected /= REPEATS;
  return o;
}

static void estimates(void) {
  static const double few[] = {8, 4, 2, 1, 1, 1};
  CHECK(fabs(1 / eg_hill(few, 3) - 2 * log(2.0)) < 1e-15); /* (3 + 2 + 1) ln 2 / 3 */
  CHECK(isnan(eg_hill(few + 3, 2)) && !eg_is_power_law(few + 3, 2));
  const outcome exact = repeat(pareto, 1.5), nearly = repeat(student, 3), none = repeat(exponential, 1);
  printf("coverage of 95 %% intervals: Pareto %.3f, Student %.3f; stretches %.0f, %.0f, exponential law %.0f; rejected %.3f, %.3f\n",
         exact.covered, nearly.covered, exact.stretch, nearly.stretch, none.stretch, exact.rejected, none.rejected);
  CHECK(exact.covered > 0.90 && exact.covered < 0.99 && fabs(exact.exponent - 1.5) < 0.03 && exact.stretch > 1500);
  CHECK(exact.rejected > 0.01 && exact.rejected < 0.11);
  CHECK(nearly.covered > 0.85 && fabs(nearly.exponent - 3) < 0.2);
  CHECK(none.rejected == 1 && none.stretch < 600 && none.exponent > 4); /* the exponential law over a short stretch only */
}

/* ---- the statistic ---- */

static const double *array(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

static void compare_exponent(const eg_labelled *file, const char *what, size_t run, double expected, bool is_control) {
  compare(is_control, what, array(file, "path_tail_exponent")[run], array(file, "path_tail_exponent_stderr")[run], expected,
          (double)((const int64_t *)(const void *)array(file, "path_tail_exponent_values"))[run]);
}

/* The chosen threshold: fewer values than a row is judged with. */
static void compare_chosen(const eg_labelled *file, double expected) {
  const double exponent = array(file, "path_tail_exponent")[0], error = array(file, "path_tail_exponent_stderr")[0];
  printf("SGD: %.3f +- %.3f\n", exponent, error);
  CHECK(fabs(exponent - expected) < 4 * error && error < 0.2);
}

static void stable(void) {
  static const double alphas[] = {0.7, 1, 1.5};
  eg_labelled *const file =
      run_study("seed: 81\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\ntime_step: 1\nsteps: 1\ndynamics:\n"
                "  - {name: levy, tail_index: 0.7, scheme: exact, label: a}\n"
                "  - {name: levy, tail_index: 1, scheme: exact, label: b}\n"
                "  - {name: levy, tail_index: 1.5, scheme: exact, label: c}\nrealisations: 2^20\n"
                "observe: {at: {steps: [1]}, features: [x], paths: {statistic: tail, largest: 10000}}\n");
  for (size_t i = 0; i < 3; i++) {
    compare_exponent(file, "stable", i, alphas[i], false);
    compare_exponent(file, "stable", i, alphas[(i + 1) % 3], true);
    compare_exponent(file, "stable, Gaussian", i, 2, true);
  }
  CHECK(array(file, "path_tail_share")[0] > 0.01); /* one value of a million is a percent and more of the sum */
  eg_labelled_free(file);
}

static void kesten(void) {
  eg_labelled *const file =
      run_study("seed: 82\nmodel: {name: linear-regression-gaussian, dimension: 1, label_noise: 1}\nstart: {point: 0}\n"
                "steps: 64\nlearning_rate: 2/3\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 2^18\n"
                "noise: gaussian64\nobserve: {at: {steps: [64]}, features: [x], paths: {statistic: tail, largest: 10000}}\n");
  const double *const hill = array(file, "path_tail_hill"), *const error = array(file, "path_tail_hill_stderr");
  compare(false, "SGD, 1000 largest", hill[20], error[20], 2, 1000);
  compare(true, "SGD, 1000 largest", hill[20], error[20], 3, 1000);
  compare(true, "SGD, 1000 largest", hill[20], error[20], 1.5, 1000);
  compare_chosen(file, 2);
  eg_labelled_free(file);
}

/* A Gaussian has no exponent: local ones grow towards its end. */
static void gaussian(void) {
  eg_labelled *const file =
      run_study("seed: 83\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\ntime_step: 1\nsteps: 1\n"
                "dynamics: {name: sde, scheme: exact}\nrealisations: 2^19\n"
                "observe: {at: {steps: [1]}, features: [x], paths: {statistic: tail, largest: 10000}}\n");
  const double *const hill = array(file, "path_tail_hill"), *const error = array(file, "path_tail_hill_stderr");
  const int64_t *const k = (const int64_t *)(const void *)array(file, "path_tail_hill_values");
  CHECK(k[20] == 1000 && k[29] == 7943);
  compare(true, "Gaussian, 1000 largest", hill[20], error[20], hill[29], 1000);
  compare(true, "Gaussian, 1000 largest", hill[20], error[20], 3, 1000);
  CHECK(array(file, "path_tail_hill_distance")[29] > 1.094);
  CHECK(((const int64_t *)(const void *)array(file, "path_tail_exponent_values"))[0] < 400 &&
        array(file, "path_tail_share")[0] < 1e-4 && array(file, "path_tail_effective")[0] > 1e5);
  eg_labelled_free(file);
}

/* ---- means that cannot be trusted are flagged, in the file and in the table ---- */

static void flags(double sigma, bool has_flag) {
  char study[600], name[80], output[80], *table = NULL;
  eg_context *const ctx = eg_context_create();
  eg_study *parsed = NULL;
  eg_labelled *file = NULL;
  eg_run_options options;
  (void)snprintf(study, sizeof study,
                 "seed: 84\nmodel: {name: geometric-brownian-motion, mu: 0, sigma: %g}\nstart: {point: 1}\ntime_step: 1\n"
                 "steps: 1\ndynamics: {name: sde, scheme: exact}\nrealisations: 20000\n"
                 "observe: {at: {steps: [1]}, features: [x], paths: {statistic: tail}}\n",
                 sigma);
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(output, sizeof output, "%s/flags.h5", folder);
  eg_run_options_default(&options);
  options.output = output;
  options.backend = "cpu";
  options.force = 1;
  CHECK(eg_study_parse(ctx, name, study, strlen(study), NULL, 0, &parsed) == EG_OK);
  CHECK(eg_run_study(ctx, parsed, &options) == EG_OK && eg_result_read(ctx, output, &file) == EG_OK);
  CHECK(eg_result_table(ctx, output, &table) == EG_OK && table != NULL);
  const eg_attribute *const flag = eg_labelled_attribute(eg_labelled_find(file, "/", "x"), "heavy_tails");
  CHECK((flag != NULL && ((const int64_t *)flag->data)[0] == 1) == has_flag);
  CHECK((strstr(table, "heavy tail: do not trust the error bar") != NULL) == has_flag);
  CHECK((strstr(table, "heavy tail: do not trust the mean's error bar") != NULL) == has_flag);
  CHECK_HAS(table, "Tail 'tail'");
  CHECK((array(file, "path_tail_effective")[0] < 1000) == has_flag);
  free(table);
  eg_labelled_free(file);
  (void)unlink(output);
  eg_study_free(parsed);
  eg_context_free(ctx);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  estimates();
  stable();
  kesten();
  gaussian();
  flags(1.5, true);
  flags(0.25, false);
  (void)judge_rows(4, 10);
  (void)rmdir(folder);
  return check_report();
}
