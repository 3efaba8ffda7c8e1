/*
 * Table P1 of limiting-dynamics-and-anomalous-diffusion.md by simulation: 1000 modes of curvature l^-2 and noise of that variance under
 * SGD with momentum 0.9, each a run of its own of the shipped chain (they are independent), their displacements summed. In standard errors for lags 1,
 * 10, 100 and 1000. Starts are the stationary law of x at rest; 300 steps later the sum is stationary to 1e-4, which a recursion
 * of second moments shows. Controls: SGD without momentum at the same effective rate, normal diffusion from a shorter lag.
 */
#include "judge.h"

enum { MODES = 1000, PER_STUDY = 1000, SETTLED = 300 };

static const double eta = 0.1, beta = 0.9, batch = 32;

static const char model_text[] =
    "#define EG_NAME \"mode\"\n#define EG_EQUATION \"R(x) = rho x^2 / 2, noise sqrt(rho) xi\"\n#define EG_DIM 1\n"
    "#define EG_IS_PROCESS 0\n#define EG_CAPS (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_CHANNELS)\n#define EG_CHANNELS 1\n#define EG_STAGED 0\n"
    "#define EG_PARAMS(P, PV) P(rho, 1.0, 0.0, 1e6, \"curvature, and variance of the noise\")\nEG_PARAMS_STRUCT\n"
    "EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {\n"
    "  (void)st;\n  return (eg_real)(0.5 * p->rho) * x[0] * x[0];\n}\n"
    "EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {\n"
    "  (void)st;\n  g[0] = (eg_real)p->rho * x[0];\n}\n"
    "EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {\n"
    "  (void)st;\n  b[0] = -(1 + correction * (eg_real)p->rho) * (eg_real)p->rho * x[0];\n}\n"
    "EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {\n"
    "  (void)st;\n  (void)x;\n  v[0] = eg_root((eg_real)p->rho) * EG_Z(z, 0);\n}\n";

static double stationary_variance(double rho) {
  return eta * rho / batch * (1 + beta) / (rho * (1 - beta) * (2 * (1 + beta) - eta * rho));
}

/* E (x_(n+k) - x_n)^2 of all modes, n = SETTLED, from x of variance `start` and b = 0. */
static double transient(int k, double start) {
  double sum = 0;
  for (int l = 1; l <= MODES; l++) {
    const double h = 1.0 / l / l, q = h / batch, m[2][2] = {{1 - eta * h, -eta * beta}, {h, beta}}, g[2] = {-eta, 1};
    double C[2][2] = {{start, 0}, {0, 0}}, at[2] = {0}, first = 0;
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
    sum += C[0][0] + first - 2 * at[0];
  }
  return sum;
}

/* Sums over the modes of mean squared displacements at the lags, and of their squared errors. */
static void simulate(int realisations, int seed, int n_lags, const int *lags, double *sum, double *error2) {
  double all = 0;
  for (int l = 1; l <= MODES; l++) {
    all += stationary_variance(1.0 / l / l) / MODES;
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

int main(void) {
  static const int lags[4] = {1, 10, 100, 1000};
  static const double table[4] = {0.002751875131257386, 0.1210833291348694, 0.5232296987628774, 1.702203200380802},
                      d_eff[4] = {2.459865, 4.221774, 27.92516, 91.47106};
  double sum[4] = {0}, error2[4] = {0}, all = 0;
  char path[80], what[80];
  CHECK(mkdtemp(folder) != NULL);
  (void)snprintf(path, sizeof path, "%s/mode.h", folder);
  FILE *const out = fopen(path, "w");
  CHECK(out != NULL && fputs(model_text, out) >= 0 && fclose(out) == 0);
  for (int l = 1; l <= MODES; l++) {
    all += stationary_variance(1.0 / l / l);
  }
  CHECK_NEAR(all, 15.62568796878281, 1e-11); /* the table's sum of V theta */
  simulate(4096, 1000, 2, lags, sum, error2);
  simulate(1536, 9000, 2, lags + 2, sum + 2, error2 + 2);
  for (int i = 0; i < 4; i++) {
    /* a sum of independent squares: its variance is 2 / d_eff of the squared mean, its kurtosis at most 3 + 12 / d_eff */
    const double effective = (i < 2 ? 4096 : 1536) / fmax(1, (2 + 12 / d_eff[i]) / 2), law = transient(lags[i], all / MODES);
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
  (void)judge_rows(4, 4);
  (void)unlink(path);
  (void)snprintf(path, sizeof path, "%s/study.yaml", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
