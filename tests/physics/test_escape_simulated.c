/*
 * The Monte Carlo table of power-law-escape-rate.md, section 4, made again: the chance that SGD with one sample a step has left w^2 < 1/2
 * (c = 1.5) by a given step, eta = 1/10 to 1/25, Gaussian inputs and inputs with x^2 in {0, 2}; all first passages in 5 and 10 dimensions.
 * In one dimension the oracle is the chain's own law: of the two inputs by its integral equation with a Gaussian
 * kernel (half of all samples move nothing), of Gaussian inputs in even Chebyshev polynomials of w, an expectation of each being an
 * integral over the input of one over the label. Their mean times must be those of the table within its 3 per cent, at c = 2 the exact
 * one that the theory has. Controls: the other law of the inputs, Gaussian noise of the decoupled law, one dimension less.
 */
#include "physics/judge.h"
#include "physics/minibatch_chain.h"

/* ---- the table ---- */

static void print_row(const char *name, double value, double table, double share) {
  printf("%s: %.8g, table %.6g\n", name, value, table);
  CHECK(fabs(value - table) <= share * table);
}

#define GAUSSIAN "{name: linear-regression-gaussian, label_noise: 1}"
#define TWO      "{name: linear-regression, rows: [[1.4142135623730951, 0], [0, 0]], standardize: false}"

/* Chance to be out at step n: the simulation beside the law, the other law and that of decoupled noise. */
static void judge_out(const char *what, bool is_two, double eta, long n, int realisations, int seed, double inside, const double *wrong) {
  char study[900];
  (void)snprintf(study, sizeof study,
                 "seed: %d\nmodel: %s\nstart: {point: 0}\nlearning_rate: %.17g\nsteps: %ld\ndynamics: {name: sgd, batch_size: 1%s}\n"
                 "realisations: %d\nobserve: {at: {linear: 1}, features: [x], monitors: [{name: out, feature: norm2, operation: crossing, "
                 "level: 0.5, direction: up, absorbing: true}]}\n",
                 seed, is_two ? TWO : GAUSSIAN, eta, n, is_two ? ", label_noise: 1" : "", realisations);
  eg_labelled *const file = run_study(study);
  const double out = last_of(file, "out", 0), error = last_of(file, "out_stderr", 0);
  printf("%s, out by step %ld: %.5f +- %.5f, law %.5f\n", what, n, out, error, 1 - inside);
  compare(false, what, out, error, 1 - inside, realisations);
  for (int i = 0; i < 2; i++) {
    if (wrong[i] > 0) {
      compare(true, what, out, error, 1 - wrong[i], realisations);
    }
  }
  eg_labelled_free(file);
}

static void one_dimension(void) {
  static const struct {
    double eta, gaussian, two, decoupled;
    const char *name;
  } table[] = {{.1, 76.8, 111.0, 57.3171, "1/10"},
               {1. / 15, 750, 1074, 361.8023, "1/15"},
               {.05, 8374, 11333, 2381.4674, "1/20"},
               {.04, 9.14e4, 0, 16171.827, "1/25"}};
  const double edge = sqrt(0.5);
  double *const wide = gaussian_inputs(.1, 1, 1);
  print_row("escape, section 4, eta 1/10, c 2, true SGD: exact mean time", .1 * mean_steps(TERMS, wide), 3221, 5e-3);
  print_row("escape, section 6, S 1, eta 1/10, c 2: exact mean time", .1 * mean_steps(TERMS, wide), 3221, 2e-4); /* "3221" */
  free(wide);
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const double eta = table[i].eta;
    char what[120];
    int n = 0;
    double *const gaussian = gaussian_inputs(eta, edge, 1), *const two = two_inputs(eta, edge, &n);
    const double of_gaussian = eta * mean_steps(TERMS, gaussian), of_two = eta * mean_steps(n, two);
    const long steps = (long)((i < 3 ? 0.5 : 0.25) * of_gaussian / eta);
    const double inside[2] = {survival(TERMS, gaussian, steps), survival(n, two, steps)};
    const double decoupled = exp(-(double)steps * eta / table[i].decoupled); /* once its own start is forgotten */
    (void)snprintf(what, sizeof what, "escape, section 4, eta %s, true SGD, Gaussian x: mean time", table[i].name);
    print_row(what, of_gaussian, table[i].gaussian, .09); /* three standard errors of the table */
    (void)snprintf(what, sizeof what, "escape 4, eta %s, SGD, Gaussian x", table[i].name);
    judge_out(what, false, eta, steps, i == 0 ? 262144 : i == 1 ? 65536 : 4096, 191 + (int)i, inside[0], (const double[2]){inside[1], i == 0 ? 0 : decoupled});
    if (table[i].two > 0) {
      (void)snprintf(what, sizeof what, "escape, section 4, eta %s, true SGD, x^2 in {0, 2}: mean time", table[i].name);
      print_row(what, of_two, table[i].two, .09);
      (void)snprintf(what, sizeof what, "escape 4, eta %s, SGD, x^2 in {0, 2}", table[i].name);
      judge_out(what, true, eta, steps, i == 0 ? 262144 : i == 1 ? 65536 : 4096, 195 + (int)i, inside[1], (const double[2]){inside[0], i == 0 ? 0 : decoupled});
    }
    free(gaussian);
    free(two);
  }
}

/* ---- more dimensions: first passages of |w|^2 = c - 1, the table's error of 4 per cent beside that of the run ---- */

static void dimensions(void) {
  static const struct {
    const char *ones;
    int d, steps, n;
    double c[4], time[4], other[4]; /* other: of the other dimension */
  } table[] = {{"[1, 1, 1, 1, 1]", 5, 1000000, 3, {2, 3, 4}, {16.2, 553, 6770}, {1.84, 7.29, 34.1}},
               {"[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", 10, 2000, 1, {2}, {1.84}, {16.2}},
               {"[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", 10, 300000, 4, {3, 4, 6, 8}, {7.29, 34.1, 345, 2085}, {553, 6770, 0, 0}}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    char study[1500], name[40], what[100];
    int at = snprintf(study, sizeof study,
                      "seed: %zu\nmodel: {name: linear-regression-gaussian, input_variance: %s, label_noise: 1}\nstart: {point: 0}\n"
                      "learning_rate: 0.1\nsteps: %d\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 2^13\nobserve:\n  at: {linear: 1}\n"
                      "  features: [x]\n  monitors:\n", 200 + i, table[i].ones, table[i].steps);
    for (int k = 0; k < table[i].n; k++) {
      at += snprintf(study + at, sizeof study - (size_t)at, "    - {name: c%g, feature: norm2, operation: crossing, level: %g, direction: up%s}\n",
                     table[i].c[k], table[i].c[k] - 1, k == table[i].n - 1 ? ", absorbing: true" : "");
    }
    eg_labelled *const file = run_study(study);
    for (int k = 0; k < table[i].n; k++) {
      double v[4];
      static const char *const suffix[4] = {"", "_stderr", "_kurtosis", "_count"};
      for (int j = 0; j < 4; j++) {
        (void)snprintf(name, sizeof name, "c%g_time%s", table[i].c[k], suffix[j]);
        v[j] = last_of(file, name, 0);
      }
      const double effective = v[3] / fmax(1, (v[2] - 1) / 2);
      (void)snprintf(what, sizeof what, "escape 4, eta 1/10, SGD, d = %d, c = %g", table[i].d, table[i].c[k]);
      printf("%s: %.5g +- %.2g, table %.5g\n", what, v[0], v[1], table[i].time[k]);
      compare(false, what, v[0], hypot(v[1], .04 * table[i].time[k]), table[i].time[k], effective);
      if (table[i].other[k] > 0) {
        compare(true, "another dimension", v[0], hypot(v[1], .04 * table[i].other[k]), table[i].other[k], effective);
      }
    }
    eg_labelled_free(file);
  }
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  one_dimension();
  dimensions();
  (void)judge_rows(15, 18);
  (void)rmdir(folder);
  return check_report();
}
