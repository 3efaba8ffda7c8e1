/*
 * Table M8 of the theory of stochastic modified flows: two-layer networks of bilinear neurons, A = B = 2, T = 1.
 * SGD with two-point labels: E f and Var f of the table, which the enumeration written here repeats to 1e-11, at widths up to
 * 100000; modified flows of both orders: moments by quadrature of the two-dimensional equation (1e-8). f itself is no
 * feature: E loss = (1 - 2 E f + Var f + (E f)^2 + 1/4) / 2. Negative controls: the columns of the other equations.
 */
#include "judge.h"

static const struct {
  int steps;
  double mean_sgd, mean_1, mean_2, variance_sgd, variance_1, variance_2;
} table[] = {
    {8, 0.927941894040, 0.89739144, 0.92010138, 0.050189894901, 0.04258675, 0.03691129},
    {16, 0.917396232682, 0.90197028, 0.91524729, 0.023275876421, 0.02150380, 0.02003075},
    {20, 0.915249379475, 0.90289073, 0.91385021, 0.018356543879, 0.01723706, 0.01628910},
};

static double loss_of(double mean, double variance) {
  return (1 - 2 * mean + variance + mean * mean + 0.25) / 2;
}

/* E f, Var f and E (A P^2 + B Q^2) / 2 over all 2^n sequences of labels 1 +- 1/2. */
static void enumerate(int n, double *mean, double *variance, double *norm2) {
  double sum = 0, squares = 0;
  *norm2 = 0;
  for (long code = 0; code < 1L << n; code++) {
    double P = 1, Q = 1;
    for (int i = 0; i < n; i++) {
      const double r = (code >> i & 1 ? 1.5 : 0.5) - (P * P - Q * Q) / 2;
      P *= 1 + r / n;
      Q *= 1 - r / n;
    }
    const double f = (P * P - Q * Q) / 2;
    sum += f;
    squares += f * f;
    *norm2 += (P * P + Q * Q) / (double)(1L << n);
  }
  *mean = sum / (double)(1L << n);
  *variance = squares / (double)(1L << n) - *mean * *mean;
}

static eg_labelled *run_case(int steps, int particles, const char *noise, const char *dynamics, const char *realisations) {
  char text[600];
  (void)snprintf(text, sizeof text,
                 "seed: %d\nmodel: {name: mean-field-bilinear, particles: %d}\nstart: {point: [1.4142135623730951, 0]}\n"
                 "learning_rate: 1/%d\nhorizon: 1\nnoise: %s\ndynamics: %s\nrealisations: %s\n"
                 "observe: {at: [1], features: [norm2, loss]}\n",
                 400 + steps, particles, steps, noise, dynamics, realisations);
  return run_study(text);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const int n = table[i].steps;
    double mean, variance, norm2;
    char what[32];
    enumerate(n, &mean, &variance, &norm2);
    CHECK(fabs(mean - table[i].mean_sgd) < 1e-11 && fabs(variance - table[i].variance_sgd) < 1e-11);
    const double sgd = loss_of(mean, variance), first = loss_of(table[i].mean_1, table[i].variance_1);
    const double second = loss_of(table[i].mean_2, table[i].variance_2);
    eg_labelled *file = run_case(n, 1, "two-point", "{name: sgd, batch_size: 1}", "2^17");
    (void)snprintf(what, sizeof what, "eta 1/%d", n);
    expect(file, what, "sgd", "loss", 0, sgd);
    expect(file, what, "sgd", "norm2", 0, norm2);
    reject(file, what, "sgd", "loss", 0, second);
    eg_labelled_free(file);
    file = run_case(n, 1, "gaussian", "[{name: smf1, batch_size: 1, substeps: 8}, {name: smf2, batch_size: 1, substeps: 8}]",
                    "2^15");
    expect(file, what, "smf1", "loss", 0, first);
    expect(file, what, "smf2", "loss", 0, second);
    reject(file, what, "smf1", "loss", 0, second);
    reject(file, what, "smf2", "loss", 0, first);
    eg_labelled_free(file);
  }
  double mean, variance, norm2;
  enumerate(4, &mean, &variance, &norm2);
  eg_labelled *const file = run_case(4, 100000, "two-point", "{name: sgd, batch_size: 1}", "2304");
  expect(file, "1e5 neurons", "sgd", "loss", 0, loss_of(mean, variance));
  expect(file, "1e5 neurons", "sgd", "norm2", 0, norm2);
  reject(file, "1e5 neurons", "sgd", "norm2", 0, norm2 * 1.2);
  eg_labelled_free(file);
  judge(14, 10);
  (void)rmdir(folder);
  return check_report();
}
