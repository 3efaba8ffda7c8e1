/*
 * Tables P1, P2 and P3 of limiting-dynamics-and-anomalous-diffusion.md by simulation: 1000 modes of curvature l^-p and noise of that variance
 * under SGD with momentum 0.9, each a run of its own of the shipped chain (they are independent), their displacements summed. In standard
 * errors, P1 (p = 2) for lags 1, 10, 100, 1000 and 10000, P2 (with weight decay) and P3 (p = 1.5) for 100 and 1000; with --full all three
 * for 10000 and 100000. Starts are the stationary law of x at rest; 300 steps later the sum is stationary to 1e-4, which a recursion
 * of second moments shows. Controls: SGD without momentum at the same effective rate, normal diffusion from a shorter lag.
 */
#include "judge.h"

enum { MODES = 1000, PER_STUDY = 1000, SETTLED = 300 };

static const double eta = 0.1, beta = 0.9, batch = 32;

static const char model_text[] =
    "#define EG_NAME \"mode\"\n#define EG_EQUATION \"R(x) = rho x^2 / 2, noise sqrt(rho) xi\"\n#define EG_DIM 1\n"
    "#define EG_IS_PROCESS 0\n#define EG_CAPS (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_CHANNELS)\n#define EG_CHANNELS 1\n#define EG_STAGED 0\n"
    "#define EG_PARAMS(P, PV) P(rho, 1.0, 0.0, 1e6, \"curvature, and variance of the noise\") P(decay, 0.0, 0.0, 1.0, \"of the chain\") "
    "P(scale, 0.0, 0.0, 1e6, \"of the noise\")\nEG_PARAMS_STRUCT\n"
    "EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {\n"
    "  (void)st;\n  return (eg_real)(0.5 * p->rho) * x[0] * x[0];\n}\n"
    "EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {\n"
    "  (void)st;\n  g[0] = (eg_real)p->rho * x[0];\n}\n"
    "EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {\n"
    "  (void)st;\n  b[0] = -(1 + correction * (eg_real)p->rho) * (eg_real)p->rho * x[0];\n}\n"
    "EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {\n"
    "  (void)st;\n  (void)x;\n  v[0] = eg_root((eg_real)(p->scale > 0 ? p->scale * (p->rho + p->decay) * (3.8 - 0.1 * (p->rho + p->decay)) : p->rho))"
    " * EG_Z(z, 0);\n}\n"; /* scale: x in units of its stationary deviation */

static double stationary_variance(double rho, double decay) {
  const double h = rho + decay;
  return eta * rho / batch * (1 + beta) / (h * (1 - beta) * (2 * (1 + beta) - eta * h));
}

/* E (x_(n+k) - x_n)^2 of all modes, n = SETTLED, from x of variance `start` (0: that of the mode at rest) and b = 0; modes: the number of
   equal independent ones with the same spread. */
static double transient(int k, double power, double decay, double start, double *modes) {
  double sum = 0, squares = 0;
  for (int l = 1; l <= MODES; l++) {
    const double rho = pow(l, -power), h = rho + decay, q = rho / batch, m[2][2] = {{1 - eta * h, -eta * beta}, {h, beta}}, g[2] = {-eta, 1};
    double C[2][2] = {{start > 0 ? start : stationary_variance(rho, decay), 0}, {0, 0}}, at[2] = {0}, first = 0;
    for (int n = 0; n < SETTLED + k; n++) {
      double D[2][2];
      if (n == SETTLED) { /* from here on: covariance of x, b with the x of now */
        at[0] = first = C[0][0];
        at[1] = C[1][0];
      }
      for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
          D[i][j] = q * g[i] * g[j];
          for (int a = 0; a < 2; a++) {
            for (int b = 0; b < 2; b++) {
              D[i][j] += m[i][a] * C[a][b] * m[j][b];
            }
          }
        }
      }
      memcpy(C, D, sizeof C);
      if (n >= SETTLED) {
        const double x = m[0][0] * at[0] + m[0][1] * at[1], b = m[1][0] * at[0] + m[1][1] * at[1];
        at[0] = x;
        at[1] = b;
      }
    }
    const double moved = C[0][0] + first - 2 * at[0];
    sum += moved;
    squares += moved * moved;
  }
  *modes = sum * sum / squares;
  return sum;
}

/* Sums over the modes of mean squared displacements at the lags, and of their squared errors. */
static void simulate(int realisations, int seed, int n_lags, const int *lags, double *sum, double *error2) {
  double all = 0;
  for (int l = 1; l <= MODES; l++) {
    all += stationary_variance(1.0 / l / l, 0) / MODES;
  }
  for (int first = 1; first <= MODES; first += PER_STUDY) {
    static char text[40000];
    int n = snprintf(text, sizeof text, "seed: %d\nmodel: {file: mode.h}\nstart: {normal: {mean: 0, std: %.17g}}\nlearning_rate: 0.1\n"
                     "steps: %d\nsweep: {model.rho: [", seed + first, sqrt(all), SETTLED + lags[n_lags - 1]);
    for (int l = first; l < first + PER_STUDY; l++) {
      n += snprintf(text + n, sizeof text - (size_t)n, "%s%.17g", l == first ? "" : ", ", 1.0 / l / l);
    }
    n += snprintf(text + n, sizeof text - (size_t)n,
                  "]}\ndynamics: {name: sgd, momentum: 0.9, batch_size: 32}\nrealisations: %d\nobserve:\n  at: {steps: [%d]}\n  features: [x]\n"
                  "  paths: {statistic: msd, name: settled, origin: %d, at: {steps: [%d", realisations, SETTLED + lags[n_lags - 1], SETTLED, SETTLED);
    for (int i = 0; i < n_lags; i++) {
      n += snprintf(text + n, sizeof text - (size_t)n, ", %d", SETTLED + lags[i]);
    }
    (void)snprintf(text + n, sizeof text - (size_t)n, "]}}\n");
    eg_labelled *const file = run_study(text);
    for (size_t run = 0; run < PER_STUDY; run++) {
      for (size_t i = 0; i < (size_t)n_lags; i++) {
        const double error = value_of(file, "path_settled_stderr", run, 0, true, i);
        sum[i] += value_of(file, "path_settled", run, 0, true, i);
        error2[i] += error * error;
      }
    }
    eg_labelled_free(file);
  }
}

/* The same from the stationary law of every mode, in its units, which the sum takes off again. */
static void other_table(const char *name, double power, double decay, int realisations, int seed, int n_lags, const int *lags, const double *table,
                        double other_power, double other_decay) {
  static char text[60000];
  const int last = SETTLED + lags[n_lags - 1];
  int n = snprintf(text, sizeof text,
                   "seed: %d\nmodel: {file: mode.h, decay: %.17g, scale: %.17g}\nstart: {normal: {mean: 0, std: 1}}\nlearning_rate: 0.1\nsteps: %d\n"
                   "sweep: {model.rho: [", seed, decay, batch * (1 - beta) / (eta * (1 + beta)), last);
  for (int l = 1; l <= MODES; l++) {
    n += snprintf(text + n, sizeof text - (size_t)n, "%s%.17g", l == 1 ? "" : ", ", pow(l, -power));
  }
  n += snprintf(text + n, sizeof text - (size_t)n,
                "]}\ndynamics: {name: sgd, momentum: 0.9, batch_size: 32, weight_decay: %.17g}\nrealisations: %d\nobserve:\n  at: {steps: [%d]}\n"
                "  features: [x]\n  paths: {statistic: msd, name: settled, origin: %d, at: {steps: [%d", decay, realisations, last, SETTLED, SETTLED);
  for (int i = 0; i < n_lags; i++) {
    n += snprintf(text + n, sizeof text - (size_t)n, ", %d", SETTLED + lags[i]);
  }
  (void)snprintf(text + n, sizeof text - (size_t)n, "]}}\n");
  eg_labelled *const file = run_study(text);
  for (size_t i = 0; i < (size_t)n_lags; i++) {
    double sum = 0, error2 = 0, modes, ignored;
    char what[80];
    for (size_t run = 0; run < MODES; run++) {
      const double V = stationary_variance(pow((double)run + 1, -power), decay), error = V * value_of(file, "path_settled_stderr", run, 0, true, i);
      sum += V * value_of(file, "path_settled", run, 0, true, i);
      error2 += error * error;
    }
    const double law = transient(lags[i], power, decay, 0, &modes), other = transient(lags[i], other_power, other_decay, 0, &ignored);
    const double effective = realisations / fmax(1, (2 + 12 / modes) / 2);
    CHECK_NEAR(law, table[i], (lags[i] > 1000 ? 2e-3 : 1e-3) * table[i]); /* slow modes keep what the start at rest lacks */
    (void)snprintf(what, sizeof what, "limiting-dynamics %s, MSD SGD, k=%d", name, lags[i]);
    printf("%s: %.6f +- %.2g, table %.6f, from this start %.6f, another spectrum %.6f\n", what, sum, sqrt(error2), table[i], law, other);
    compare(false, what, sum, sqrt(error2), law, effective);
    if (fabs(other - law) > 12 * sqrt(error2)) {
      compare(true, "another spectrum", sum, sqrt(error2), other, effective);
    }
  }
  eg_labelled_free(file);
}

/* Minutes of steps: the slow suite. */
static void long_lags(void) {
  static const int lags[2] = {10000, 100000};
  other_table("P1", 2, 0, 1100, 15000, 2, lags, (const double[]){5.211823238167810, 14.42875673313547}, 2, 1e-4);
  other_table("P2", 2, 1e-4, 1100, 16000, 2, lags, (const double[]){3.925668223494184, 4.583155479157026}, 1.9, 1e-4);
  other_table("P3", 1.5, 0, 1100, 17000, 2, lags, (const double[]){19.82084517981550, 31.05816054620782}, 1.6, 0);
}

int main(int argc, char **argv) {
  const bool is_full = argc > 1 && strcmp(argv[1], "--full") == 0;
  static const int lags[4] = {1, 10, 100, 1000};
  static const double table[4] = {0.002751875131257386, 0.1210833291348694, 0.5232296987628774, 1.702203200380802},
                      d_eff[4] = {2.459865, 4.221774, 27.92516, 91.47106};
  double sum[4] = {0}, error2[4] = {0}, all = 0;
  char path[80], what[80];
  CHECK(mkdtemp(folder) != NULL);
  CHECK(unsetenv("ENSGRAD_KERNEL_OPT") == 0); /* long runs of model files: what tests save in compiling them is lost twice over */
  (void)snprintf(path, sizeof path, "%s/mode.h", folder);
  FILE *const out = fopen(path, "w");
  CHECK(out != NULL && fputs(model_text, out) >= 0 && fclose(out) == 0);
  for (int l = 1; l <= MODES; l++) {
    all += stationary_variance(1.0 / l / l, 0);
  }
  CHECK_NEAR(all, 15.62568796878281, 1e-11); /* the table's sum of V theta */
  simulate(4096, 1000, 2, lags, sum, error2);
  simulate(1536, 9000, 2, lags + 2, sum + 2, error2 + 2);
  for (int i = 0; i < 4; i++) {
    double modes;
    /* a sum of independent squares: its variance is 2 / d_eff of the squared mean, its kurtosis at most 3 + 12 / d_eff */
    const double effective = (i < 2 ? 4096 : 1536) / fmax(1, (2 + 12 / d_eff[i]) / 2), law = transient(lags[i], 2, 0, all / MODES, &modes);
    CHECK_NEAR(modes, d_eff[i], 2e-3 * d_eff[i]);
    CHECK_NEAR(law, table[i], 1e-3 * table[i]);
    (void)snprintf(what, sizeof what, "limiting-dynamics P1, MSD SGD, k=%d", lags[i]);
    printf("%s: %.6f +- %.2g, table %.6f, from this start %.6f\n", what, sum[i], sqrt(error2[i]), table[i], law);
    compare(false, what, sum[i], sqrt(error2[i]), table[i], effective);
    if (i > 0) {
      compare(true, "normal diffusion", sum[i], sqrt(error2[i]), 10 * table[i - 1], effective);
    } else { /* rate 1, no momentum: E |delta|^2 = rate^2 q 2 / (2 - rate rho) */
      double plain = 0;
      for (int l = 1; l <= MODES; l++) {
        plain += 2.0 / l / l / batch / (2 - 1.0 / l / l);
      }
      compare(true, "without momentum", sum[0], sqrt(error2[0]), plain, effective);
    }
  }
  other_table("P1", 2, 0, 1100, 12000, 1, (const int[]){10000}, (const double[]){5.211823238167810}, 2, 1e-4);
  other_table("P2", 2, 1e-4, 1300, 13000, 2, (const int[]){100, 1000}, (const double[]){0.5217669342169919, 1.648128354593169}, 1.9, 1e-4);
  other_table("P3", 1.5, 0, 1300, 14000, 2, (const int[]){100, 1000}, (const double[]){1.532541914291240, 6.373051175806647}, 1.6, 0);
  if (is_full) {
    long_lags();
  }
  (void)judge_rows(is_full ? 15 : 9, is_full ? 13 : 9);
  (void)unlink(path);
  (void)snprintf(path, sizeof path, "%s/study.yaml", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
