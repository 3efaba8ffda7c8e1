/*
 * Section 2.1 of svag-and-sde-validity.md: balance laws of a scale-invariant loss with weight decay, on a model of two components whose
 * gradient is always across x (Li, Malladi, Arora, arXiv 2102.12470). Noise of constant
 * size |g| |x| = c and two-point signs: |x|^2 and the angle of a step are numbers without statistics, of the chain and, extrapolated in
 * the step, of the SDE. With a loss that turns x: R decay (2 - eta decay / l) = eta (N + G / l) of SVAG(l), R decay 2 = eta N of the SDE (its scheme is SVAG with
 * l = eta / h in this), R = E |x|^2, G the squared gradient, N the trace of the noise, in standard errors. Controls: the law of another l, of the SDE for the chain.
 */
#include "judge.h"
#include "oracle_row.h"

/* R(x) = slope (1 - cos phi) + decay r^2 / 2, gradient noise c / r across x. */
static const char model_text[] =
    "#define EG_NAME \"scale-invariant\"\n"
    "#define EG_EQUATION \"R(x) = slope (1 - x0 / |x|) + decay |x|^2 / 2, gradient noise c xi x_perp / |x|^2\"\n"
    "#define EG_DIM 2\n#define EG_IS_PROCESS 0\n#define EG_CAPS (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_CHANNELS)\n"
    "#define EG_CHANNELS 1\n#define EG_STAGED 0\n"
    "#define EG_PARAMS(P, PV) P(slope, 0.0, 0.0, 1e6, \"size of the scale-invariant loss\") \\\n"
    "  P(c, 1.0, 0.0, 1e6, \"noise times distance\") P(decay, 0.0, 0.0, 1e6, \"weight decay\")\n"
    "EG_PARAMS_STRUCT\n"
    "EG_FN eg_real square(const eg_real *x) { return x[0] * x[0] + x[1] * x[1]; }\n"
    "EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {\n"
    "  (void)st;\n"
    "  const eg_real q = square(x);\n"
    "  return (eg_real)p->slope * (1 - x[0] / eg_root(q)) + (eg_real)(0.5 * p->decay) * q;\n"
    "}\n"
    "EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {\n"
    "  const eg_real q = square(x), a = (eg_real)p->slope * x[1] / (q * eg_root(q));\n"
    "  (void)st;\n"
    "  g[0] = (eg_real)p->decay * x[0] - a * x[1];\n"
    "  g[1] = (eg_real)p->decay * x[1] + a * x[0];\n"
    "}\n"
    "EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {\n"
    "  eg_real g[2];\n"
    "  eg_gradient(p, st, x, g);\n"
    "  const eg_real q = square(x), along = 3 * (x[0] * g[0] + x[1] * g[1]) / q, a = (eg_real)p->slope / (q * eg_root(q));\n"
    "  const eg_real h0 = a * (-2 * x[1] * g[1] + along * x[1] * x[1]) + (eg_real)p->decay * g[0];\n"
    "  const eg_real h1 = a * (g[0] * x[1] + x[0] * g[1] - along * x[0] * x[1]) + (eg_real)p->decay * g[1];\n"
    "  b[0] = -(g[0] + correction * h0);\n"
    "  b[1] = -(g[1] + correction * h1);\n"
    "}\n"
    "EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {\n"
    "  const eg_real a = (eg_real)p->c / square(x) * EG_Z(z, 0);\n"
    "  (void)st;\n"
    "  v[0] = -a * x[1];\n"
    "  v[1] = a * x[0];\n"
    "}\n";

static const double eta = 0.4, decay = 0.01;

enum { PATHS = 64 };

/* Trajectories of a study with two-point noise: x of run, path and time. */
typedef struct paths {
  eg_labelled *file;
  const double *x; /* (run, path, time, component) */
  size_t n_times;
} paths;

static paths move(double r, const char *times, size_t n_times, const char *dynamics, size_t n_runs) {
  char text[1500];
  paths p = {NULL, NULL, n_times};
  (void)snprintf(text, sizeof text,
                 "seed: 21\nmodel: {file: scale_invariant.h, c: 1, decay: 0.01}\nstart: {point: [%.17g, 0]}\nlearning_rate: 0.4\n"
                 "steps: %s\nnoise: two-point\ndynamics:\n%srealisations: %d\n"
                 "observe: {at: {steps: [%s]}, features: [x], keep: {realisations: %d, of: x}}\n",
                 r, strrchr(times, ' ') == NULL ? times : strrchr(times, ' ') + 1, dynamics, PATHS, times, PATHS);
  p.file = run_study(text);
  const eg_variable *const v = eg_labelled_find(p.file, "/", "x_path");
  if (v == NULL || eg_variable_size(v) != n_runs * PATHS * n_times * 2) {
    stop_with("kept paths of another shape");
    return p;
  }
  p.x = v->data;
  return p;
}

/* |x|^2, the same for all paths; angle: from the first component, of the first path. */
static double distance2(const paths *p, size_t run, size_t time, double *angle) {
  double q = 0;
  for (size_t i = 0; i < PATHS; i++) {
    const double *const x = p->x + ((run * PATHS + i) * p->n_times + time) * 2, own = x[0] * x[0] + x[1] * x[1];
    if (i == 0) {
      q = own;
      if (angle != NULL) {
        *angle = acos(x[0] / sqrt(q));
      }
    }
    CHECK_NEAR(own, q, 1e-12 * q);
  }
  return q;
}

static void chain(void) {
  static const double table[4] = {1.152016, 1.981025551545, 4.034466360892668, 4.476614810358452},
                      digit[4] = {1e-12, 5.1e-13, 1e-12, 1e-12};
  static const char *const row_names[4] = {"k 1", "k 10", "k 100", "k 3000: c sqrt(eta / (decay (2 - eta decay)))"};
  const double settled = table[3];
  double angle, wrong;
  paths p = move(1, "1, 10, 100, 3000", 4, "  - {name: sgd, batch_size: 1}\n  - {name: svag, l: 4, batch_size: 1}\n", 2);
  for (size_t i = 0; i < 4; i++) {
    oracle_row("2.1 constant noise", row_names[i], "|x|^2", distance2(&p, 0, i, NULL), table[i], digit[i]);
    oracle_control("2.1 constant noise", row_names[i], "|x|^2 of svag 4", distance2(&p, 1, i, NULL), table[i], 1e-6);
  }
  eg_labelled_free(p.file);
  p = move(sqrt(settled), "1", 1, "  - {name: sgd, batch_size: 1}\n  - {name: sgd, batch_size: 2, label: two}\n", 2);
  oracle_row("2.1 constant noise", "k 1 from there", "|x|^2", distance2(&p, 0, 0, &angle), settled, 1e-12);
  oracle_row("2.1 constant noise", "k 1 from there", "angle", angle, 0.0894725602044947, 1e-12);
  oracle_row("2.1 constant noise", "k 1 from there", "angle = arccos(1 - eta decay)", angle, acos(1 - eta * decay), 1e-12);
  (void)distance2(&p, 1, 0, &wrong);
  oracle_control("2.1 constant noise", "k 1 from there", "angle of a batch of 2", wrong, 0.0894725602044947, 1e-6);
  eg_labelled_free(p.file);
}

/* Euler's scheme with two-point noise extrapolated in its step: |x|^2 has no statistics in either. */
static void equation(void) {
  enum { LEVELS = 7 };
  static const double table[3] = {1.951734615577, 4.020443527535, 4.47213595499958}, times[3] = {4, 40, 800};
  char dynamics[900] = "  - {name: sgd, batch_size: 1}\n";
  for (int i = 0; i < LEVELS; i++) {
    const size_t at = strlen(dynamics);
    (void)snprintf(dynamics + at, sizeof dynamics - at, "  - {name: sme1, scheme: euler-maruyama, substeps: %d, label: e%d}\n", 8 << i, i);
  }
  paths p = move(1, "10, 100", 2, dynamics, LEVELS + 1);
  for (size_t t = 0; t < 3; t++) {
    const double limit = eta / (2 * decay), closed = sqrt(limit + (1 - limit) * exp(-4 * decay * times[t]));
    char row[40];
    (void)snprintf(row, sizeof row, "SDE, t %g", times[t]);
    oracle_row("2.1 constant noise", row, "|x|^2, closed form", closed, table[t], 1e-12);
    if (t == 2) {
      break;
    }
    double e[LEVELS];
    for (size_t i = 0; i < LEVELS; i++) {
      e[i] = distance2(&p, i + 1, t, NULL);
    }
    oracle_control("2.1 constant noise", row, "|x|^2 of 512 steps", e[LEVELS - 1], table[t], 1e-6);
    for (size_t order = 1; order < LEVELS; order++) {
      for (size_t i = 0; i + order < LEVELS; i++) {
        e[i] = ((1 << order) * e[i + 1] - e[i]) / ((1 << order) - 1);
      }
    }
    oracle_row("2.1 constant noise", row, "|x|^2", e[0], table[t], 2e-12);
    oracle_control("2.1 constant noise", row, "|x|^2 of the chain", distance2(&p, 0, t, NULL), table[t], 1e-6);
  }
  eg_labelled_free(p.file);
}

/* ---- a loss that turns x ---- */

static void balance(void) {
  enum { N = 1 << 12, LAWS = 5 };
  static const double slope = 1.5, lambda = 0.05;
  static const struct {
    const char *what;
    double first, other; /* h / eta of the identity, and of a wrong one */
  } laws[LAWS] = {{"svag-and-sde 2.1, balance, l 1", 1, 0},
                  {"svag-and-sde 2.1, balance, l 2", 0.5, 1},
                  {"svag-and-sde 2.1, balance, l 4", 0.25, 1},
                  {"svag-and-sde 2.1, balance, l 16", 0.0625, 0.5},
                  {"svag-and-sde 2.1, balance, SDE in steps of eta / 128", 1. / 128, 0.5}};
  char text[900];
  (void)snprintf(text, sizeof text,
                 "seed: 31\nmodel: {file: scale_invariant.h, slope: %g, decay: %g}\nstart: {point: [1.4, 0.3]}\nlearning_rate: 0.4\n"
                 "steps: 150\ndynamics:\n  - {name: sgd, batch_size: 1}\n  - {name: svag, l: 2, batch_size: 1, label: l2}\n"
                 "  - {name: svag, l: 4, batch_size: 1, label: l4}\n  - {name: svag, l: 16, batch_size: 1, label: l16}\n"
                 "  - {name: sme1, scheme: euler-maruyama, substeps: 128}\nrealisations: %d\n"
                 "observe: {at: {steps: [150]}, features: [x], keep: {realisations: %d, of: x}}\n",
                 slope, lambda, N, N);
  eg_labelled *const file = run_study(text);
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
  if (v == NULL || eg_variable_size(v) != 2 * LAWS * N) {
    stop_with("kept paths of another shape");
    return;
  }
  for (int i = 0; i < LAWS; i++) {
    double sum[2] = {0}, squares[2] = {0}, R = 0, G = 0, trace = 0;
    for (int k = 0; k < N; k++) {
      const double *const x = (const double *)v->data + 2 * (i * N + k);
      const double q = x[0] * x[0] + x[1] * x[1], g2 = slope * slope * x[1] * x[1] / (q * q), noise = 1 / q;
      R += q / N;
      G += g2 / N;
      trace += noise / N;
      for (int wrong = 0; wrong < 2; wrong++) {
        const double part = wrong ? laws[i].other : laws[i].first;
        const double rest = lambda * q * (2 - eta * part * lambda) - eta * (noise + part * g2);
        sum[wrong] += rest / N;
        squares[wrong] += rest * rest / N;
      }
    }
    printf("%s: R %.4f, G %.4f, N %.4f, ratio %.4f\n", laws[i].what, R, G, trace,
           lambda * R * (2 - eta * laws[i].first * lambda) / (eta * (trace + laws[i].first * G)));
    for (int wrong = 0; wrong < 2; wrong++) {
      compare(wrong == 1, laws[i].what, sum[wrong], sqrt((squares[wrong] - sum[wrong] * sum[wrong]) / N), 0, N);
    }
  }
  eg_labelled_free(file);
}

int main(void) {
  char path[80];
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  (void)snprintf(path, sizeof path, "%s/scale_invariant.h", folder);
  FILE *const out = fopen(path, "w");
  CHECK(out != NULL && fputs(model_text, out) >= 0 && fclose(out) == 0);
  chain();
  equation();
  balance();
  (void)judge_rows(5, 5);
  oracle_count(12, 9);
  (void)unlink(path);
  (void)snprintf(path, sizeof path, "%s/study.yaml", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
