/*
 * Tails and almost-sure stability of minibatch-noise-strength.md, sections 5 and 12. Kesten's exponents E |1
 * - lam a|^beta = 1 and the rates at which E ln |1 - lam a| = 0 by quadrature; and by the stepper: two points
 * on the same samples differ by a product of such factors, so that the power beta of their distance keeps its
 * mean, or its logarithm. Powers beyond about 7 have too heavy tails for a sample (and are not judged):
 * those, and the exponents in 2, 5 and 10 dimensions, are compared by quadrature alone.
 */
#include "physics/judge.h"
#include "physics/quadrature.h"
#include "physics/table_row.h"

static grid unit; /* on (0, 1) */

/* E f(|1 - lam a|), a = chi^2_S / S = s^2; nodes gather where the argument vanishes, at s = 1 / sqrt(lam).
 * power 0: the logarithm. */
static double factor_mean(double power, double lam, double S) {
  const double zero = 1 / sqrt(lam), reach = 12 + 8 / sqrt(S),
               log_norm = log(2) + S / 2 * log(S / 2) - lgamma(S / 2);
  double sum = 0;
  for (int i = 0; i < unit.n; i++) {
    const double near = pow(unit.x[i], 8), stretch = 8 * pow(unit.x[i], 7) * unit.w[i];
    const double distance[2] = {-zero * near, reach * near}, width[2] = {zero, reach};
    for (int side = 0; side < 2; side++) {
      const double s = zero + distance[side];
      const double factor = lam * fabs(distance[side]) * (s + zero); /* |1 - lam s^2| */
      const double density = exp(log_norm + (S - 1) * log(s) - S * s * s / 2);
      sum += stretch * width[side] * density * (power == 0 ? log(factor) : pow(factor, power));
    }
  }
  return sum;
}

/* E ((1 - lam u)^2 + lam^2 u v)^(power / 2), u = s^2 of one normal, v = r^2 of dim - 1. */
static double norm_mean(double power, double lam, int dim) {
  const grid g = make_grid(0, 16, 40, 12);
  const double pi = acos(-1.0), log_norm = log(2) - 0.5 * log(2 * pi) + log(2) - (dim - 1) / 2.0 * log(2) -
                                           lgamma((dim - 1) / 2.0);
  double sum = 0;
  for (int i = 0; i < g.n; i++) {
    for (int j = 0; j < g.n; j++) {
      const double s2 = g.x[i] * g.x[i], r2 = g.x[j] * g.x[j], lost = 1 - lam * s2;
      sum += g.w[i] * g.w[j] * exp(log_norm + (dim - 2) * log(g.x[j]) - (s2 + r2) / 2) *
             pow(lost * lost + lam * lam * s2 * r2, power / 2);
    }
  }
  free_grid((grid *)&g);
  return sum;
}

static const char *name_of(const char *what, double lam, double S) {
  static char text[100];
  (void)snprintf(text, sizeof text, "minibatch-noise %s, lam a=%.6g S=%g", what, lam, S);
  return text;
}

/* ---- by quadrature: a step of Newton's method from the table's number must stay there ---- */

static const struct {
  double lam, S, beta;
} kesten[9] = {{1, 3, 2.780713587197709},   {1, 4, 3.504683614147194},   {1, 8, 6.202300766037322},
               {1, 16, 11.41944380306427},  {0.8, 8, 9.248178019970506}, {0.5, 1, 2.903966228916332},
               {0.5, 2, 5.379259653182828}, {0.2, 1, 8.302594072332214}, {0.1, 1, 17.28458573402712}};

static const double batches[5] = {1, 2, 4, 8, 16},
                    almost_sure[5] = {2.421249521036836, 2.684510350820708, 2.662995668706913,
                                      2.492578917917317, 2.299302381852870};

static void by_quadrature(void) {
  for (int i = 0; i < 9; i++) {
    const double b = kesten[i].beta, lam = kesten[i].lam, S = kesten[i].S, h = 1e-4;
    const double slope = (factor_mean(b + h, lam, S) - factor_mean(b - h, lam, S)) / (2 * h);
    row_is(name_of("section 12, Kesten's exponent", lam, S), b - (factor_mean(b, lam, S) - 1) / slope, b);
    row_is_not(name_of("section 12, 2 S / (lam a) - S", lam, S), factor_mean(2 * S / lam - S, lam, S), 1);
  }
  for (int i = 0; i < 5; i++) {
    const double lam = almost_sure[i], S = batches[i], h = 1e-3;
    const double slope = (factor_mean(0, lam + h, S) - factor_mean(0, lam - h, S)) / (2 * h);
    row_is(name_of("section 5, Lyapunov", lam, S), lam - factor_mean(0, lam, S) / slope, lam);
    row_is_not(name_of("section 5, mean square instead", lam, S), 1 + factor_mean(0, 2 * S / (S + 2), S), 1);
  }
  static const struct {
    int dim;
    double beta;
  } wide[3] = {{2, 16.834138}, {5, 15.452247}, {10, 12.830812}};
  for (int i = 0; i < 3; i++) {
    char name[60];
    const double b = wide[i].beta, h = 1e-3,
                 slope = (norm_mean(b + h, 0.1, wide[i].dim) - norm_mean(b - h, 0.1, wide[i].dim)) / (2 * h);
    (void)snprintf(name, sizeof name, "minibatch-noise section 12, D=%d, S=1, lam=.1", wide[i].dim);
    row_has(name, b - (norm_mean(b, 0.1, wide[i].dim) - 1) / slope, b, 8);
    CHECK_NEAR(norm_mean(1e-300, 0.1, wide[i].dim), 1, 1e-12); /* the density */
  }
  static const struct { /* the table of power-law-escape-rate.md, section 4, in half the exponent */
    int dim;
    double eta, half;
  } escape[3] = {{3, 0.1, 8.190008}, {10, 0.05, 15.730660}, {1, 0.05, 17.621159}};
  for (int i = 0; i < 3; i++) {
    char name[60];
    const int dim = escape[i].dim;
    const double b = 2 * escape[i].half, h = 1e-3, eta = escape[i].eta;
    const double mean = dim == 1 ? factor_mean(b, eta, 1) : norm_mean(b, eta, dim),
                 up = dim == 1 ? factor_mean(b + h, eta, 1) : norm_mean(b + h, eta, dim),
                 down = dim == 1 ? factor_mean(b - h, eta, 1) : norm_mean(b - h, eta, dim);
    (void)snprintf(name, sizeof name, "escape section 4, beta/2, d=%d, eta=%g", dim, eta);
    row_has(name, (b - (mean - 1) / ((up - down) / (2 * h))) / 2, escape[i].half, dim == 1 ? 8 : 7);
    row_is_not(name, 1 / eta + 1 - dim / 2.0, escape[i].half); /* the paper's exponent */
  }
  /* lam -> 0: the largest factor, at a = (1 + 2 c) / lam, against its density: c ln 2 c = c + 1/2; the
   * table's rows tend to it */
  const double c = 1.795560738334311;
  row_is("minibatch-noise section 12, lam -> 0", c - (c * log(2 * c) - c - 0.5) / log(2 * c), c);
  CHECK(fabs(kesten[8].beta * kesten[8].lam - c) < fabs(kesten[7].beta * kesten[7].lam - c));
}

/* ---- by the stepper ---- */

static eg_labelled *distances(double rate, double batch, const char *powers) {
  char text[800];
  (void)snprintf(
      text, sizeof text,
      "seed: 661\nmodel: {name: linear-regression-gaussian, input_variance: 1, optimum: 0.5, label_noise: "
      "1}\n"
      "start: {points: [[0], [1]]}\nlearning_rate: %.17g\nsteps: 1\ndynamics: {name: sgd, batch_size: %g}\n"
      "realisations: 2^22\nobserve:\n  at: {steps: [1]}\n  features: [x]\n"
      "  paths: {statistic: distance, powers: [%s]}\n",
      rate, batch, powers);
  return run_study(text);
}

/* Of the distance between the two points; p: which power of n. */
static void judge_power(const eg_labelled *file, const char *what, size_t p, size_t n, double expected,
                        bool is_control) {
  static const char *const names[4] = {"path_distance", "path_distance_stderr", "path_distance_kurtosis",
                                       "path_distance_count"};
  double value[4] = {0};
  for (size_t i = 0; i < 4; i++) {
    const eg_variable *const v = eg_labelled_find(file, "/", names[i]);
    if (v == NULL) {
      stop_with(names[i]);
      return;
    }
    const bool is_count = strcmp(names[i], "path_distance_count") == 0;
    value[i] = is_count ? (1 << 22) : ((const double *)v->data)[n + p];
  }
  compare(is_control, what, value[0], value[1], expected, value[3] / fmax(1, (value[2] - 1) / 2));
}

static void by_the_stepper(void) {
  for (int i = 0; i < 9; i++) {
    if (kesten[i].beta > 3.6) { /* fewer than 1000 effective samples */
      continue;
    }
    const double b = kesten[i].beta, lam = kesten[i].lam, S = kesten[i].S;
    char powers[60];
    (void)snprintf(powers, sizeof powers, "%.17g, %.17g", b - 0.5, b);
    eg_labelled *const file = distances(lam, S, powers);
    judge_power(file, name_of("section 12, Kesten's exponent", lam, S), 1, 2, 1, false);
    judge_power(file, name_of("section 12, an exponent lower by 1/2", lam, S), 0, 2, 1, true);
    eg_labelled_free(file);
  }
  for (int i = 0; i < 5; i++) {
    const double S = batches[i], mean_square = 2 * S / (S + 2);
    eg_labelled *file = distances(almost_sure[i], S, "0");
    judge_power(file, name_of("section 5, almost-sure threshold", almost_sure[i], S), 0, 1, 0, false);
    eg_labelled_free(file);
    file = distances(mean_square, S, "0, 2");
    judge_power(file, name_of("section 5, mean-square threshold", mean_square, S), 1, 2, 1, false);
    judge_power(file, name_of("section 5, mean-square is not almost-sure", mean_square, S), 0, 2, 0, true);
    eg_labelled_free(file);
  }
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  unit = make_grid(0, 1, 60, 16);
  by_quadrature();
  by_the_stepper();
  free_grid(&unit);
  report_rows(21, 17);
  judge(13, 8);
  (void)rmdir(folder);
  return check_report();
}
