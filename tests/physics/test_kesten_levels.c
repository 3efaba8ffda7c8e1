/*
 * Kesten's exponents of minibatch-noise-strength.md, section 12, that no sample of powers carries (those below 3.6: test_minibatch_tails):
 * the mean time in which SGD on Gaussian inputs leaves |w| < L grows as L^beta. By the law of the chain (minibatch_chain.h) its slope at
 * high levels is the exponent within 3 per cent; the program has that law at two lower levels, shares that are out and slopes between them, in
 * standard errors. Controls: the published exponents of the squared noise alone, 2 S / lam - S, and of the SDE with the exact covariance,
 * S / lam + 1.
 */
#include "physics/judge.h"
#include "physics/minibatch_chain.h"
#include "physics/oracle_row.h"

static const struct {
  double lam;
  int samples;
  double beta, high[2], level[2], part[2]; /* part: of the mean time, when the program is looked at */
} kesten[5] = {{1, 8, 6.202300766037322, {8, 11.3}, {2, 4}, {.5, .5}},
               {0.5, 2, 5.379259653182828, {11.3, 16}, {4, 8}, {.5, .3}},
               {0.8, 8, 9.248178019970506, {5.6, 8}, {1.4, 2}, {.5, .5}},
               {1, 16, 11.41944380306427, {4, 5.6}, {1, 1.4}, {.5, .5}},
               {0.2, 1, 8.302594072332214, {4, 5.6}, {2, 2.8}, {.5, .5}}};

enum { REALISATIONS = 1 << 13 };

/* Mean number of steps; the share that is inside behind n of them. */
static double steps_of_law(size_t i, double level, double part, long *n, double *inside) {
  double *const kernel = gaussian_inputs(kesten[i].lam, level, kesten[i].samples);
  const double steps = mean_steps(TERMS, kernel);
  *n = (long)(part * steps);
  *inside = part > 0 ? survival(TERMS, kernel, *n) : 1;
  free(kernel);
  return steps;
}

static double share_out(size_t i, double level, long n, int seed, double *error) {
  char study[800];
  (void)snprintf(study, sizeof study,
                 "seed: %d\nmodel: {name: linear-regression-gaussian, label_noise: 1}\nstart: {point: 0}\nlearning_rate: %g\nsteps: %ld\n"
                 "dynamics: {name: sgd, batch_size: %d}\nrealisations: %d\nobserve: {at: {linear: 1}, features: [x], monitors: [{name: out, "
                 "feature: norm2, operation: crossing, level: %.17g, direction: up, absorbing: true}]}\n",
                 seed, kesten[i].lam, n, kesten[i].samples, REALISATIONS, level * level);
  eg_labelled *const file = run_study(study);
  const double out = last_of(file, "out", 0);
  *error = last_of(file, "out_stderr", 0);
  eg_labelled_free(file);
  return out;
}

static void one_exponent(size_t i) {
  const double lam = kesten[i].lam, beta = kesten[i].beta, S = kesten[i].samples, wrong[2] = {2 * S / lam - S, S / lam + 1};
  double high[2], slope[2] = {0}, error2 = 0, inside;
  char what[100], row[60];
  long n;
  (void)snprintf(row, sizeof row, "lam %g, S %g", lam, S);
  for (int k = 0; k < 2; k++) {
    high[k] = steps_of_law(i, kesten[i].high[k], 0, &n, &inside);
  }
  const double asymptotic = log(high[1] / high[0]) / log(kesten[i].high[1] / kesten[i].high[0]);
  printf("SGD, %s: slope of the exit time from |w| = %g to %g %.4f\n", row, kesten[i].high[0], kesten[i].high[1], asymptotic);
  oracle_row("minibatch-noise section 12, slope of the exit time", row, "beta", asymptotic, beta, 0.03 * beta);
  for (int k = 0; k < 2; k++) {
    oracle_control("minibatch-noise section 12, slope of the exit time", row, "of the squared noise, of the SDE", wrong[k], asymptotic, 0.05 * beta);
  }
  const double gap = log(kesten[i].level[1] / kesten[i].level[0]);
  for (int k = 0; k < 2; k++) {
    double error;
    const double level = kesten[i].level[k], steps = steps_of_law(i, level, kesten[i].part[k], &n, &inside),
                 out = share_out(i, level, n, 720 + 2 * (int)i + k, &error), sign = k == 0 ? -1 : 1;
    printf("SGD, %s, |w| >= %g: mean steps %.6g; out by step %ld: %.5f +- %.5f, law %.5f\n", row, level, steps, n, out, error, 1 - inside);
    (void)snprintf(what, sizeof what, "SGD, %s, |w| >= %g", row, level);
    compare(false, what, out, error, 1 - inside, REALISATIONS);
    /* ln of the time that an exponential law with this share has */
    slope[0] += sign * log((double)n / -log(1 - out)) / gap;
    slope[1] += sign * log((double)n / -log(inside)) / gap;
    error2 += pow(error / ((1 - out) * -log(1 - out)) / gap, 2);
  }
  printf("SGD, %s: slope %.3f +- %.3f, law %.3f, beta %.4f\n", row, slope[0], sqrt(error2), slope[1], beta);
  (void)snprintf(what, sizeof what, "SGD, %s, slope", row);
  compare(false, what, slope[0], sqrt(error2), slope[1], REALISATIONS);
  compare(true, "slope of the squared noise", slope[0], sqrt(error2), wrong[0], REALISATIONS);
  compare(true, "slope of the SDE", slope[0], sqrt(error2), wrong[1], REALISATIONS);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  for (size_t i = 0; i < sizeof kesten / sizeof kesten[0]; i++) {
    one_exponent(i);
  }
  oracle_count(5, 10);
  (void)judge_rows(15, 10);
  (void)rmdir(folder);
  return check_report();
}
