/*
 * Section 4 of power-law-escape-rate.md (minibatch SGD on linear regression; not in arXiv 2105.09557): the action v(c) that escape times
 * grow by, ln t = (B / eta) v, without statistics. Gaussian inputs: smallest cost of creeping along w^2 and of jumps by single large
 * inputs, by min-plus iteration on a grid, as in the theory. Labels of +-1: the root of p^2 / (1 + 2 p w) = ln(1 + 2 p w) integrated. The
 * slope for large c by its transcendental equation. Controls: the paper's ln c, the parabola.
 */
#include <stdbool.h>

#include "oracle_row.h"
#include "quadrature.h"

enum { N = 2000 };

static double largest, v[N + 1];

static double at_node(int i) { /* denser near 0 */
  const double s = (double)i / N;
  return largest * s * (0.2 + 0.8 * s);
}

/* From w the other side is reached at the cost of sqrt(w^2 + 1) - w a unit of length, further out at sqrt(w^2 + 1) + w. */
static void minimise(void) {
  static double w[N + 1], back[N + 1], out[N + 1];
  for (int i = 0; i <= N; i++) {
    w[i] = at_node(i);
    v[i] = w[i] * w[i];
    back[i] = sqrt(w[i] * w[i] + 1) - w[i];
    out[i] = sqrt(w[i] * w[i] + 1) + w[i];
  }
  bool has_changed = true;
  for (int round = 0; has_changed && round < 100; round++) {
    has_changed = false;
    for (int i = 0; i <= N; i++) {
      double least = v[i];
      for (int j = 0; j <= N; j++) {
        least = fmin(least, v[j] + back[j] * (w[j] + w[i]));
        if (j < i) {
          least = fmin(least, v[j] + out[j] * (w[i] - w[j]));
        }
      }
      has_changed = has_changed || least < v[i] - 1e-14;
      v[i] = least;
    }
  }
  CHECK(!has_changed);
}

static double action(double c) {
  const double w = sqrt(c - 1);
  int i = 0;
  while (i < N - 1 && at_node(i + 1) < w) {
    i++;
  }
  const double part = (w - at_node(i)) / (at_node(i + 1) - at_node(i));
  return (1 - part) * v[i] + part * v[i + 1];
}

static void gaussian_inputs(void) {
  static const double c[8] = {1.5, 2, 3, 4, 6, 10, 20, 100}, table[8] = {.5, 1, 1.3618, 1.5996, 1.939, 2.398, 3.117, 4.491},
                      paper[8] = {.4055, .6931, 1.0986, 1.3863, 1.792, 2.303, 2.996, 4.605};
  largest = 10;
  minimise();
  for (int i = 0; i < 8; i++) {
    char row[30];
    (void)snprintf(row, sizeof row, "c %g", c[i]);
    oracle_row("escape 4, action of SGD", row, "v(c)", action(c[i]), table[i], 1e-3); /* what the theory states of its grid */
    oracle_row("escape 4, action of SGD", row, "ln c of the paper", log(c[i]), paper[i], i < 4 ? 5.1e-5 : 5.1e-4);
    oracle_control("escape 4, action of SGD", row, "ln c", log(c[i]), table[i], 1e-3);
    if (c[i] > 2) {
      oracle_control("escape 4, action of SGD", row, "without jumps, c - 1", c[i] - 1, table[i], 1e-3);
    }
  }
}

/* The root p > 0. */
static double momentum(double w) {
  double low = 1e-12, high = 100;
  for (int i = 0; i < 200; i++) {
    const double p = (low + high) / 2, s = 2 * p * w;
    if (p * p - (1 + s) * log1p(s) < 0) {
      low = p;
    } else {
      high = p;
    }
  }
  return (low + high) / 2;
}

static void signs_as_labels(void) {
  const double w[3] = {.5, sqrt(.5), 1}; /* printed there as .70710678 */
  static const double table[3] = {.316506332911719, .762893606120937, 1.95387175691049};
  oracle_row("escape 4, labels of +-1", "w 0.5", "p*", momentum(.5), 1.53659135528339, 1e-12);
  for (int i = 0; i < 3; i++) {
    grid g = make_grid(0, w[i], 20, 16);
    double sum = 0;
    char row[30];
    for (int k = 0; k < g.n; k++) {
      sum += g.w[k] * momentum(g.x[k]);
    }
    free_grid(&g);
    (void)snprintf(row, sizeof row, "w %g", w[i]);
    oracle_row("escape 4, labels of +-1", row, "v", sum, table[i], 1e-12);
    oracle_control("escape 4, labels of +-1", row, "Gaussian labels, w^2", w[i] * w[i], table[i], 1e-3);
  }
}

static void large_c(void) {
  double low = 3, high = 4;
  for (int i = 0; i < 100; i++) {
    const double y = (low + high) / 2;
    if (y * (log(y) - 1) < 1) {
      low = y;
    } else {
      high = y;
    }
  }
  oracle_row("escape 4, large c", "eta -> 0", "y", low, 3.591121476668622, 1e-12);
  oracle_row("escape 4, large c", "eta -> 0", "beta eta a / (2 B) = y / 4", low / 4, 0.897780369167, 5.1e-13);
  oracle_control("escape 4, large c", "eta -> 0", "the paper's 1", 1, 0.897780369167, 1e-3);
}

int main(void) {
  gaussian_inputs();
  signs_as_labels();
  large_c();
  oracle_count(22, 15);
  return check_report();
}
