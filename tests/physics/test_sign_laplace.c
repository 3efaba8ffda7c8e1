/*
 * Section 4.3 of svag-and-sde-validity.md: the drift of sign SGD near a minimum depends on the shape of the noise (Monzio Compagnoni et
 * al., arXiv 2411.15958), and under SVAG's amplification tends to another limit than that of Gaussian noise. Laplace noise made of
 * four normals, z1 z2 + z3 z4, by a model file: slope times sigma sqrt(2 l / (2 l - 1)), l the amplification of the variance, by quadrature to the
 * digits printed, and by the shipped chain at two points that share their noise, in standard errors; Gaussian noise, l = 1 to 16, by detailed
 * balance (simulated in test_chain_physics.c). Controls: Gaussian noise, limits.
 */
#include "judge.h"
#include "oracle_row.h"
#include "quadrature.h"

/* R(x) = x^2 / 2, gradient of a sample x + sigma Laplace / sqrt 2. */
static const char model_text[] =
    "#define EG_NAME \"laplace\"\n#define EG_EQUATION \"R(x) = x^2 / 2, Laplace noise of standard deviation sigma\"\n"
    "#define EG_DIM 1\n#define EG_IS_PROCESS 0\n#define EG_CAPS (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_SAMPLES)\n"
    "#define EG_SAMPLE 4\n#define EG_STAGED 0\n"
    "#define EG_PARAMS(P, PV) P(sigma, 1.0, 0.0, 1e6, \"standard deviation of the noise\")\nEG_PARAMS_STRUCT\n"
    "EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {\n"
    "  (void)p;\n  (void)st;\n  return (eg_real)0.5 * x[0] * x[0];\n}\n"
    "EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {\n"
    "  (void)p;\n  (void)st;\n  g[0] = x[0];\n}\n"
    "EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {\n"
    "  (void)p;\n  (void)st;\n  b[0] = -(1 + correction) * x[0];\n}\n"
    "EG_FN void eg_add_sample_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real w, eg_real *acc) {\n"
    "  const eg_real n = EG_Z(z, 0) * EG_Z(z, 1) + EG_Z(z, 2) * EG_Z(z, 3);\n"
    "  (void)st;\n"
    "  acc[0] = acc[0] + w * (x[0] + (eg_real)(p->sigma * 0.70710678118654752440) * n);\n}\n";

/* Scales of the two Laplace variables whose sum is the noise of unit variance amplified by `amplification`. */
static void scales(double amplification, double *p, double *q) {
  const double s = sqrt(2 * amplification - 1);
  *p = 0.5 * (s + 1) / sqrt(2);
  *q = 0.5 * (s - 1) / sqrt(2);
}

/* Density at 0 of the sum, by quadrature of the convolution; one variable alone without amplification. */
static double density_at_zero(double amplification) {
  double p, q, sum = 0;
  scales(amplification, &p, &q);
  if (amplification == 1) {
    return 1 / (2 * p);
  }
  grid g = make_grid(0, 60 * q, 60, 16);
  for (int i = 0; i < g.n; i++) {
    sum += g.w[i] * 2 * exp(-g.x[i] / p) / (2 * p) * exp(-g.x[i] / q) / (2 * q);
  }
  free_grid(&g);
  return sum;
}

static void slopes(void) {
  static const double table[4] = {1.414214, 1.154701, 1.069045, 1.016001};
  static const int l[4] = {1, 2, 4, 16};
  for (int i = 0; i < 4; i++) {
    char row[40];
    (void)snprintf(row, sizeof row, "amplification %d", l[i]);
    const double slope = 2 * sqrt(l[i]) * density_at_zero(l[i]);
    oracle_row("4.3 Laplace noise", row, "slope sigma", slope, table[i], 5.1e-7);
    oracle_row("4.3 Laplace noise", row, "sqrt(2 l / (2 l - 1))", slope, sqrt(2. * l[i] / (2. * l[i] - 1)), 1e-12);
    oracle_control("4.3 Laplace noise", row, "Gaussian slope", sqrt(2 / acos(-1.0)), table[i], 1e-3);
  }
  oracle_row("4.3 Laplace noise", "Gaussian", "slope sigma", sqrt(2 / acos(-1.0)), .797885, 5.1e-7);
}

/* E sign(m + noise). */
static double mean_sign(double amplification, double m) {
  double p, q;
  scales(amplification, &p, &q);
  return amplification == 1 ? 1 - exp(-m / p) : 1 - (p * p * exp(-m / p) - q * q * exp(-m / q)) / (p * p - q * q);
}

/* Points m and -m: so short steps that they stay; half the way by which they near is the mean of sign(m + noise)
   and sign(m - noise). */
static void chain(void) {
  enum { N = 1 << 17 };
  static const double m = 0.1, rate = 1e-7;
  char text[900];
  (void)snprintf(text, sizeof text,
                 "seed: 91\nmodel: {file: laplace.h, sigma: 1}\nstart: {points: [[%g], [%g]]}\nlearning_rate: %g\nsteps: 1\n"
                 "dynamics:\n  - {name: signsgd, batch_size: 1, l: 1, label: l1}\n  - {name: signsgd, batch_size: 1, l: 2, label: l2}\n"
                 "  - {name: signsgd, batch_size: 1, l: 4, label: l4}\nrealisations: %d\n"
                 "observe: {at: {steps: [1]}, features: [x], keep: {realisations: %d, of: x}}\n",
                 m, -m, rate, N, N);
  eg_labelled *const file = run_study(text);
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path"); /* (run, point, realisation, time) */
  if (v == NULL || eg_variable_size(v) != 6 * N) {
    stop_with("kept paths of another shape");
    return;
  }
  for (int run = 0; run < 3; run++) {
    const int l = 1 << run; /* of the noise's scale: amplification l^2 */
    char what[100];
    double sum = 0, square = 0;
    const double *const x = (const double *)v->data + (size_t)run * 2 * N, *const y = x + N;
    for (int i = 0; i < N; i++) { /* of l^2 moves of rate / l; a multiple of that to rounding */
      const double moved = round((2 * m - (x[i] - y[i])) / (2 * rate / l));
      sum += moved / N;
      square += moved * moved / N;
    }
    const double slope = sum / (l * m), error = sqrt((square - sum * sum) / N) / (l * m), amplification = l * l;
    const double law = l * mean_sign(amplification, m) / m, gaussian = l * erf(m / (l * sqrt(2))) / m;
    (void)snprintf(what, sizeof what, "svag-and-sde 4.3, Laplace noise, amplification %d", l * l);
    printf("%s: %.4f +- %.4f, oracle %.4f (slope at 0 %.6f), Gaussian %.4f\n", what, slope, error, law,
           2 * l * density_at_zero(amplification), gaussian);
    compare(false, what, slope, error, law, sum * N);
    compare(true, what, slope, error, gaussian, sum * N);
    if (l > 1) {
      compare(true, "the slope without amplification", slope, error, mean_sign(1, m) / m, sum * N);
    }
  }
  eg_labelled_free(file);
}

/* Gaussian noise, eta .2, curvature and sigma 1: stationary variance of sign SGD under SVAG(l), whose iterations move by eta / l in noise of
   scale l; detailed balance of the lattice, pi_k Phi(h step k) = pi_(k-1) (1 - Phi(h step (k-1))). */
static double lattice_variance(double eta, double l) {
  const double step = eta / l;
  double weight = 1, sum = 1, square = 0;
  for (int k = 1; k < 100000 && weight > 1e-40; k++) {
    weight *= 0.5 * erfc(step * (k - 1) / l / sqrt(2)) / (0.5 * erfc(-step * k / l / sqrt(2)));
    sum += 2 * weight;
    square += 2 * weight * step * k * step * k;
  }
  return square / sum;
}

static void lattice(void) {
  static const double table[5] = {.13333376737372, .1273045559255, .12582289659858, .12545417035414, .12536209573379}, limit = .12533141373155,
                      scaled[3] = {.0080, .00789, .00786}, one[3] = {.06464824096871656, .1333337673737226, .3645671284518723},
                      rate[3] = {.1, .2, .5}, linear[3] = {.0627, .1253, .3133};
  char row[40];
  for (int i = 0; i < 5; i++) {
    const double l = 1 << i, found = lattice_variance(.2, l);
    (void)snprintf(row, sizeof row, "l %g", l);
    oracle_row("4.3 SVAG of sign SGD", row, "stationary variance", found, table[i], 5.1e-15);
    oracle_control("4.3 SVAG of sign SGD", row, "its limit", limit, table[i], 1e-6);
    if (i < 3) {
      oracle_row("4.3 SVAG of sign SGD", row, "l^2 error", l * l * (found - limit), scaled[i], i == 0 ? 5.1e-5 : 5.1e-6);
      (void)snprintf(row, sizeof row, "eta %g", rate[i]);
      oracle_row("4.3 sign SGD", row, "stationary variance", lattice_variance(rate[i], 1), one[i], 1e-15);
      oracle_row("4.3 sign SGD", row, "linearised, eta sqrt(pi / 2) / 2", rate[i] * sqrt(acos(-1.0) / 2) / 2, linear[i], 5.1e-5);
    }
  }
  oracle_row("4.3 SVAG of sign SGD", "l -> infinity", "stationary variance", .2 * sqrt(acos(-1.0) / 2) / 2, limit, 5.1e-15);
}

int main(void) {
  char path[80];
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  (void)snprintf(path, sizeof path, "%s/laplace.h", folder);
  FILE *const out = fopen(path, "w");
  CHECK(out != NULL && fputs(model_text, out) >= 0 && fclose(out) == 0);
  slopes();
  lattice();
  chain();
  (void)judge_rows(3, 5);
  oracle_count(24, 9);
  (void)unlink(path);
  (void)snprintf(path, sizeof path, "%s/study.yaml", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
