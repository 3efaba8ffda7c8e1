/*
 * Softmax regression. With two classes W_k1 - W_k0 moves as logistic regression with twice the learning rate and half the ridge, so that on the same
 * draws every path of SGD (plain, heavy ball) and of the modified equations and flows is that of the other model, to rounding. With
 * three classes means after three steps of SGD against all 64 sequences of four rows; those of two steps, and of other labels, must
 * be rejected. In team form the same with two classes, and five classes on nine inputs (45 dimensions) against all sequences.
 */
#include "physics/judge.h"

enum { KEPT = 256 };

static double path_value(const eg_labelled *file, size_t run, size_t realisation, size_t k) {
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path"); /* (run, realisation, time, component) */
  if (v == NULL || v->rank != 4) {
    stop_with("x_path");
    return 0;
  }
  return ((const double *)v->data)[(run * v->shape[1] + realisation) * v->shape[2] * v->shape[3] + k];
}

#define TWO_CLASSES                                                                                          \
  "rows: [[1, 0.5, 0], [-0.5, 2, 1], [0.25, -1, 1], [2, 1, 0], [-1, -1, 1]], standardize: false, ridge: "
#define DYNAMICS                                                                                             \
  "steps: 12\ndynamics:\n  - {name: sgd, batch_size: 2}\n  - {name: sgd, batch_size: 1, momentum: 0.5}\n"    \
  "  - {name: smf2, factor: data, substeps: 2}\n  - {name: sme1, factor: pair, scheme: euler-maruyama}\n"    \
  "realisations: 256\nobserve: {at: {steps: [12]}, features: [x], keep: {realisations: 256}}\n"

#define TEAM                                                                                                 \
  "steps: 12\nform: team\ndynamics:\n  - {name: sgd, batch_size: 2}\n  - {name: smf2, factor: data, substeps: 2}\n" \
  "  - {name: sme1, factor: pair, scheme: euler-maruyama}\n"                                                 \
  "realisations: 256\nobserve: {at: {steps: [12]}, features: [x], keep: {realisations: 256}}\n"

static void two_classes(const char *dynamics, size_t n_runs) {
  char text[3][1200];
  (void)snprintf(text[0], sizeof text[0], "seed: 170\nmodel: {name: softmax-regression, classes: 2, " TWO_CLASSES "0.125}\n"
                                          "start: {points: [[0.25, 1, -0.5, 0.75]]}\nlearning_rate: 1/4\n%s", dynamics);
  for (int i = 1; i < 3; i++) {
    (void)snprintf(text[i], sizeof text[i], "seed: 170\nmodel: {name: logistic-regression, " TWO_CLASSES "0.0625}\n"
                                            "start: {points: [[0.75, 1.25]]}\nlearning_rate: 1/%d\n%s", 2 * i, dynamics);
  }
  eg_labelled *const softmax = run_study(text[0]), *const logistic = run_study(text[1]), *const other = run_study(text[2]);
  for (size_t run = 0; run < n_runs; run++) {
    double largest = 0, control = 0;
    for (size_t i = 0; i < KEPT; i++) {
      for (size_t k = 0; k < 2; k++) {
        const double w = path_value(softmax, run, i, 2 * k + 1) - path_value(softmax, run, i, 2 * k);
        largest = fmax(largest, fabs(w - path_value(logistic, run, i, k)));
        control = fmax(control, fabs(w - path_value(other, run, i, k)));
      }
    }
    if (!(largest < 1e-12)) {
      fprintf(stderr, "run %zu: paths differ by %.3g\n", run, largest);
    }
    CHECK(largest < 1e-12);
    CHECK(control > 1e-2);
  }
  eg_labelled_free(softmax);
  eg_labelled_free(logistic);
  eg_labelled_free(other);
}

/* ---- three classes ---- */

enum { ROWS_OF_3 = 4, D = 2, K = 3 };
static const double inputs[ROWS_OF_3][D] = {{1, 0.5}, {-0.5, 1}, {0.25, -1}, {1.5, 1}};
static const int labels[ROWS_OF_3] = {0, 1, 2, 1}, shifted[ROWS_OF_3] = {1, 2, 0, 2};

static double row_loss(const double *x, const int *label, int j, double *probability) {
  double sum = 0, s[K];
  for (int c = 0; c < K; c++) {
    s[c] = 0;
    for (int k = 0; k < D; k++) {
      s[c] += inputs[j][k] * x[k * K + c];
    }
    sum += exp(s[c]);
  }
  for (int c = 0; c < K; c++) {
    probability[c] = exp(s[c]) / sum;
  }
  return log(sum) - s[label[j]];
}

/* Means of x and of the loss after n steps of SGD with batches of one. */
static void enumerate(const int *label, int n, double rate, double *mean, double *loss) {
  int sequences = 1;
  for (int i = 0; i < n; i++) {
    sequences *= ROWS_OF_3;
  }
  memset(mean, 0, D * K * sizeof *mean);
  *loss = 0;
  for (int code = 0; code < sequences; code++) {
    double x[D * K] = {0.5, -0.25, 0, 0, 0.75, -0.5}, p[K];
    for (int i = 0, rest = code; i < n; i++, rest /= ROWS_OF_3) {
      const int j = rest % ROWS_OF_3;
      (void)row_loss(x, label, j, p);
      for (int k = 0; k < D; k++) {
        for (int c = 0; c < K; c++) {
          x[k * K + c] -= rate * (p[c] - (c == label[j])) * inputs[j][k];
        }
      }
    }
    for (int k = 0; k < D * K; k++) {
      mean[k] += x[k] / sequences;
    }
    for (int j = 0; j < ROWS_OF_3; j++) {
      *loss += row_loss(x, label, j, p) / ROWS_OF_3 / sequences;
    }
  }
}

static void three_classes(void) {
  eg_labelled *const file = run_study(
      "seed: 171\nmodel: {name: softmax-regression, rows: [[1, 0.5, 0], [-0.5, 1, 1], [0.25, -1, 2], [1.5, 1, 1]], standardize: false}\n"
      "start: {points: [[0.5, -0.25, 0, 0, 0.75, -0.5]]}\nlearning_rate: 1/2\nsteps: 3\ndynamics: {name: sgd, batch_size: 1}\n"
      "realisations: 2^18\nobserve: {at: {steps: [3]}, features: [x, loss]}\n");
  double mean[D * K], loss, wrong[D * K], wrong_loss;
  enumerate(labels, 3, 0.5, mean, &loss);
  printf("three classes: loss %.12g, x", loss);
  for (size_t k = 0; k < D * K; k++) {
    printf(" %.12g", mean[k]);
    expect(file, "three classes", "sgd", "x", k, mean[k]);
  }
  printf("\n");
  expect(file, "three classes", "sgd", "loss", 0, loss);
  enumerate(labels, 2, 0.5, wrong, &wrong_loss);
  reject(file, "two steps", "sgd", "loss", 0, wrong_loss);
  reject(file, "two steps", "sgd", "x", 1, wrong[1]);
  enumerate(shifted, 3, 0.5, wrong, &wrong_loss);
  reject(file, "other labels", "sgd", "x", 0, wrong[0]);
  eg_labelled_free(file);
}

/* ---- five classes on nine inputs: the team form ---- */

enum { WIDE = 9, MANY = 5 };

static double wide_input(int j, int k) {
  return (double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9;
}

/* Mean of x after n steps, components first and last, and of the loss; shift: of the labels. */
static void enumerate_wide(int n, int shift, double rate, double mean[2], double *loss) {
  int sequences = 1;
  for (int i = 0; i < n; i++) {
    sequences *= MANY;
  }
  mean[0] = mean[1] = *loss = 0;
  for (int code = 0; code < sequences; code++) {
    double W[WIDE][MANY] = {{0}}, p[MANY];
    for (int i = 0, rest = code; i <= n + MANY - 1; i++, rest /= MANY) {
      const int j = i < n ? rest % MANY : i - n, label = (j + shift) % MANY; /* behind the steps: the loss, row by row */
      double sum = 0;
      for (int c = 0; c < MANY; c++) {
        p[c] = 0;
        for (int k = 0; k < WIDE; k++) {
          p[c] += wide_input(j, k) * W[k][c];
        }
        p[c] = exp(p[c]);
        sum += p[c];
      }
      *loss += i < n ? 0 : (log(sum) - log(p[label])) / MANY / sequences;
      for (int k = 0; i < n && k < WIDE; k++) {
        for (int c = 0; c < MANY; c++) {
          W[k][c] -= rate * (p[c] / sum - (c == label)) * wide_input(j, k);
        }
      }
    }
    mean[0] += W[0][0] / sequences;
    mean[1] += W[WIDE - 1][MANY - 1] / sequences;
  }
}

static void many_classes(void) {
  char text[2400];
  int n = snprintf(text, sizeof text, "seed: 172\nmodel: {name: softmax-regression, classes: 5, standardize: false, rows: [");
  for (int j = 0; j < MANY; j++) {
    n += snprintf(text + n, sizeof text - (size_t)n, "%s[", j > 0 ? ", " : "");
    for (int k = 0; k < WIDE; k++) {
      n += snprintf(text + n, sizeof text - (size_t)n, "%.17g, ", wide_input(j, k));
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "%d]", j);
  }
  (void)snprintf(text + n, sizeof text - (size_t)n,
                 "]}\nstart: {point: 0}\nlearning_rate: 1/4\nsteps: 4\ndynamics:\n  - {name: sgd, batch_size: 1}\n"
                 "  - {name: sgd, batch_size: 5, label: other}\nrealisations: 2^16\n"
                 "observe: {at: {steps: [4]}, features: [x, loss]}\n");
  eg_labelled *const file = run_study(text);
  double mean[2], loss, wrong[2], wrong_loss;
  enumerate_wide(4, 0, 0.25, mean, &loss);
  expect(file, "five classes", "sgd", "x", 0, mean[0]);
  expect(file, "five classes", "sgd", "x", WIDE * MANY - 1, mean[1]);
  expect(file, "five classes", "sgd", "loss", 0, loss);
  reject(file, "five classes, batch of 5", "other", "loss", 0, loss);
  enumerate_wide(4, 1, 0.25, wrong, &wrong_loss);
  reject(file, "five classes, other labels", "sgd", "x", 0, wrong[0]);
  eg_labelled_free(file);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  two_classes(DYNAMICS, 4);
  two_classes(TEAM, 3);
  three_classes();
  many_classes();
  (void)judge_rows(10, 5);
  (void)rmdir(folder);
  return check_report();
}
