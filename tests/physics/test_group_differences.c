/*
 * Paired differences of groups against closed forms written here (linear recursions of the joint law of a coarse and a
 * fine Euler scheme on one Brownian path) and against the affine oracle. Seeds are fixed; the limit of |z| is the Student
 * quantile for a family-wise error of 1e-6. Negative controls (the variance of independent noise, a coarse increment
 * that is not the sum, a neighbouring step ratio) must be rejected.
 */
#include "judge.h"
#include "write_rows.h"

/* Value of difference `d` at the last time, last component. */
static double of_difference(const eg_labelled *file, const char *name, size_t d) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL || strcmp(v->dims[0], "difference") != 0 || d >= v->shape[0] || (v->type != EG_TYPE_F64 && v->type != EG_TYPE_I64)) {
    stop_with(name);
    return 0;
  }
  const size_t each = eg_variable_size(v) / v->shape[0];
  const size_t at = (d + 1) * each - 1;
  return v->type == EG_TYPE_F64 ? ((const double *)v->data)[at] : (double)((const int64_t *)v->data)[at];
}

/* quantity: "" or "_variance" of the difference of x. */
static void compare_difference(bool is_control, const char *what, const eg_labelled *file, const char *quantity, size_t d,
                               double expected) {
  char name[64], error[64];
  (void)snprintf(name, sizeof name, "x_difference%s", quantity);
  (void)snprintf(error, sizeof error, "x_difference%s_stderr", quantity);
  const double effective = of_difference(file, "x_difference_count", d) / 16; /* room for a kurtosis of 33 */
  compare(is_control, what, of_difference(file, name, d), of_difference(file, error, d), expected, effective);
}

/* Moments of (coarse, fine) at the end. */
typedef struct joint {
  double mean_c, mean_f, cc, ff, cf; /* second moments about the means */
} joint;

static double difference_variance(joint m) {
  return m.cc + m.ff - 2 * m.cf;
}

static void expect_joint(const eg_labelled *file, const char *what, size_t d, joint m) {
  char text[80];
  (void)snprintf(text, sizeof text, "%s mean", what);
  compare_difference(false, text, file, "", d, m.mean_c - m.mean_f);
  (void)snprintf(text, sizeof text, "%s variance", what);
  compare_difference(false, text, file, "_variance", d, difference_variance(m));
  (void)snprintf(text, sizeof text, "%s independent", what);
  compare_difference(true, text, file, "_variance", d, m.cc + m.ff);
}

/* ---- Ornstein-Uhlenbeck, Euler: both are linear in the same normals, so the joint law is Gaussian ---- */

static const double K = 1.25, C = -0.5, S = 0.75, X0 = 2;

/* `steps` coarse steps of length h against r fine ones each; is_sum false: the coarse noise is the first fine normal of
   the step alone, which a generator without summing would give. */
static joint euler_ou(double h, int steps, int r, bool is_sum) {
  joint m = {X0 - C, X0 - C, 0, 0, 0};
  const double g = h / r, a = 1 - K * h, b = 1 - K * g;
  for (int n = 0; n < steps; n++) {
    double ff = 0, cf = 0, power = 1; /* noise of one step; power = b^(r-1-j) from the last j down */
    for (int j = r - 1; j >= 0; j--) {
      ff += S * S * g * power * power;
      cf += is_sum ? S * S * g * power : (j == 0 ? S * S * sqrt(g * h) * power : 0);
      power *= b;
    }
    m.cc = a * a * m.cc + S * S * h;
    m.ff = pow(b, 2 * r) * m.ff + ff;
    m.cf = a * pow(b, r) * m.cf + cf;
    m.mean_c *= a;
    m.mean_f *= pow(b, r);
  }
  return m;
}

static void ornstein_uhlenbeck(const char *noise) {
  char text[700], what[60];
  (void)snprintf(text, sizeof text,
                 "seed: 201\nmodel: {name: ornstein-uhlenbeck, rate: 1.25, mean: -0.5, sigma: 0.75}\n"
                 "start: {point: 2}\nsweep: {time_step: [1/4, 1/16]}\nhorizon: 1\nnoise: %s\ndynamics:\n"
                 "  - {name: sde, label: coarse}\n  - {name: sde, label: fine, substeps: 3}\n"
                 "groups: [{label: pair, members: [coarse, fine]}]\n"
                 "realisations: 2^17\nobserve: {at: [1], features: [x]}\n",
                 noise);
  eg_labelled *const file = run_study(text);
  for (size_t d = 0; d < 2; d++) {
    const double h = d == 0 ? 1.0 / 4 : 1.0 / 16;
    const int steps = d == 0 ? 4 : 16;
    (void)snprintf(what, sizeof what, "OU %s h=%g", noise, h);
    expect_joint(file, what, d, euler_ou(h, steps, 3, true));
    (void)snprintf(what, sizeof what, "OU %s h=%g not summed", noise, h);
    compare_difference(true, what, file, "_variance", d, difference_variance(euler_ou(h, steps, 3, false)));
    (void)snprintf(what, sizeof what, "OU %s h=%g other ratio", noise, h);
    compare_difference(true, what, file, "_variance", d, difference_variance(euler_ou(h, steps, 4, true)));
  }
  eg_labelled_free(file);
}

/* The halving of the step along a sweep: neighbours differ by r = 2, whatever the finest is. */
static void across_steps(void) {
  eg_labelled *const file = run_study(
      "seed: 202\nmodel: {name: ornstein-uhlenbeck, rate: 1.25, mean: -0.5, sigma: 0.75}\nstart: {point: 2}\n"
      "sweep: {time_step: [1/4, 1/8, 1/16]}\nhorizon: 1\ndynamics: [{name: sde, label: euler}]\n"
      "groups: [{label: levels, members: euler, across: time_step}]\n"
      "realisations: 2^17\nobserve: {at: [1], features: [x]}\n");
  CHECK(eg_labelled_find(file, "/", "x_difference")->shape[0] == 2);
  expect_joint(file, "OU levels 1/4 - 1/8", 0, euler_ou(1.0 / 4, 4, 2, true));
  expect_joint(file, "OU levels 1/8 - 1/16", 1, euler_ou(1.0 / 8, 8, 2, true));
  eg_labelled_free(file);
}

/* ---- geometric Brownian motion, Euler: products of independent factors ---- */

static joint euler_growth(double mu, double s, double h, int steps, int r) {
  const double g = h / r, fine = 1 + mu * g;
  const double both = (1 + mu * h) * pow(fine, r) + s * s * h * pow(fine, r - 1); /* E of the two factors of a step */
  joint m = {pow(1 + mu * h, steps), pow(fine, steps * r), 0, 0, 0};
  m.cc = pow((1 + mu * h) * (1 + mu * h) + s * s * h, steps) - m.mean_c * m.mean_c;
  m.ff = pow(fine * fine + s * s * g, steps * r) - m.mean_f * m.mean_f;
  m.cf = pow(both, steps) - m.mean_c * m.mean_f;
  return m;
}

static void growth(void) {
  eg_labelled *const file = run_study(
      "seed: 203\nmodel: {name: geometric-brownian-motion, mu: 0.4, sigma: 0.25}\nstart: {point: 1}\n"
      "time_step: 1/8\nhorizon: 1\ndynamics:\n  - {name: sde, label: coarse}\n"
      "  - {name: sde, label: fine, substeps: 4}\ngroups: [{label: pair, members: [coarse, fine]}]\n"
      "realisations: 2^18\nobserve: {at: [1], features: [x]}\n");
  expect_joint(file, "GBM", 0, euler_growth(0.4, 0.25, 1.0 / 8, 8, 4));
  eg_labelled_free(file);
}

/* ---- the affine oracle: means of differences that independent runs could not see ---- */

/* Every judged z of a variable joins the list; the paired error must be at least `gain` times as sharp in variance. */
static void against_oracle(const char *what, const eg_labelled *file, const char *feature, size_t least_judged,
                           double gain) {
  char name[64];
  (void)snprintf(name, sizeof name, "%s_difference_z", feature);
  const eg_variable *const z = eg_labelled_find(file, "/", name);
  (void)snprintf(name, sizeof name, "%s_difference_judged", feature);
  const eg_variable *const judged = eg_labelled_find(file, "/", name);
  (void)snprintf(name, sizeof name, "%s_difference_variance_ratio", feature);
  const eg_variable *const ratio = eg_labelled_find(file, "/", name);
  if (z == NULL || judged == NULL || ratio == NULL) {
    stop_with(what);
    return;
  }
  size_t n = 0;
  double least = INFINITY;
  for (size_t i = 0; i < eg_variable_size(z); i++) {
    if (((const uint8_t *)judged->data)[i] != 0) {
      compare(false, what, ((const double *)z->data)[i], 1, 0, 1000);
      least = fmin(least, ((const double *)ratio->data)[i]);
      n++;
    }
  }
  CHECK(n >= least_judged);
  CHECK(least > gain);
  printf("%s %s: unpaired over paired variance at least %.3g\n", what, feature, least);
}

static void chain_against_equation(void) {
  eg_labelled *const file = run_study(
      "seed: 204\nmodel: {name: quadratic, curvature: [1, 0.5], noise: 0.3, multiplicative: 0.2}\n"
      "start: {point: [1, -0.5]}\nsweep: {learning_rate: [1/4, 1/8]}\nhorizon: 1\ndynamics:\n"
      "  - {name: sme2, batch_size: 2, factor: data, substeps: 2}\n  - {name: sgd, batch_size: 2}\n"
      "groups: [{label: pair, members: [sme2, sgd]}]\n"
      "realisations: 2^16\nobserve: {at: {linear: 2}, features: [x, norm2]}\n");
  against_oracle("sme2 - sgd", file, "x", 8, 20);
  against_oracle("sme2 - sgd", file, "norm2", 4, 20);
  eg_labelled_free(file);
}

/* Data-indexed noise: a fold over the rows, one increment each, summed over the fine steps like any other. */
static void data_noise(void) {
  static const double inputs[5][2] = {{1, 0.5}, {-0.5, 1}, {0.25, -1}, {1.5, 0.5}, {-1, -0.75}};
  static const double target[5] = {1, -0.5, 0.75, 0.25, -1};
  char path[64];
  (void)snprintf(path, sizeof path, "%s/five.h5", folder);
  if (!write_rows(path, 5, 2, &inputs[0][0], target)) {
    stop_with("data file");
  }
  eg_labelled *const file = run_study(
      "seed: 205\nmodel: {name: linear-regression, data: five.h5, standardize: false}\nstart: {point: 0.5}\n"
      "learning_rate: 1/8\nhorizon: 1\ndynamics:\n"
      "  - {name: sme1, factor: data, scheme: euler-maruyama, label: coarse}\n"
      "  - {name: sme1, factor: data, scheme: euler-maruyama, substeps: 3, label: fine}\n"
      "  - {name: sme1, factor: pair, label: order1}\n  - {name: sme2, factor: pair, label: order2}\n"
      "groups:\n  - {label: data, members: [coarse, fine]}\n  - {label: pair, members: [order1, order2]}\n"
      "realisations: 2^15\nobserve: {at: {linear: 2}, features: [x, norm2]}\n");
  (void)unlink(path);
  against_oracle("regression", file, "x", 8, 20);
  against_oracle("regression", file, "norm2", 4, 20);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  ornstein_uhlenbeck("gaussian");
  ornstein_uhlenbeck("gaussian64");
  across_steps();
  growth();
  chain_against_equation();
  data_noise();
  CHECK(judge_rows(36, 14) < 2.0);
  (void)rmdir(folder);
  return check_report();
}
