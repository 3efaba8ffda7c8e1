/*
 * Softmax (multinomial logistic) regression on N data rows (a_j, y_j) with K classes, y_j = 0 .. K - 1. The state has K values for
 * every input, x = (W_00, W_01, .., W_0(K-1), W_10, ..), so its dimension is K times the number of inputs. With the margins
 * s_c = sum_k W_kc a_k and p_c = exp(s_c) / sum_b exp(s_b)
 *   l(W, a, y) = log sum_c exp(s_c) - s_y,   grad l = a (p - e_y)^T,   Hess l V = a (p * (t - p.t))^T, t_c = sum_k V_kc a_k,
 *   R(W) = 1/N sum_j l(W, a_j, y_j) + ridge |W|^2 / 2.
 * There is no intercept: give the data a column of ones if it is wanted. Two classes: W_k1 - W_k0 moves as logistic regression with
 * twice the learning rate. In lane form loss, gradient and drift are passes over the rows, one trajectory after the other.
 */
#define EG_NAME       "softmax-regression"
#define EG_EQUATION   "R(W) = 1/N sum_j (log sum_c exp(a_j.W_c) - a_j.W_(y_j)) + ridge |W|^2 / 2, y = 0 .. classes - 1"
#define EG_SOURCE     "Cox 1966; Bishop 2006, section 4.3.4"
#define EG_IS_PROCESS 0
#define EG_HAS_LABELS 1
#define EG_HAS_CLASSES 1
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_ROWS)
#define EG_PARAMS(P, PV) P(classes, 3.0, 2.0, 16.0, "number of classes, whole; the dimension is that times the number of inputs")
EG_PARAMS_STRUCT

#include "core/vector.h"

/* st[0] = ridge, st[1] = rows, st[2] = inputs, st[3] = classes; behind them room for the root of a gradient_noise, then the rows
   (inputs, label), each behind the other: what passes over all rows read. */
#define EG_STAGED       4
#define EG_MOST_CLASSES 16
#define EG_SOFTMAX_ROWS (EG_STAGED + EG_DIM * (EG_DIM + 1) / 2)

#if !defined(EG_TEAM) /* whose passes are core/class_loss.h */
#if EG_DEVICE
#define EG_SOFTMAX_FN EG_FN
#else
#define EG_SOFTMAX_FN static __attribute__((noinline, unused)) /* not vector code: once is enough */
#endif

/* Margins become probabilities; returns log sum_c exp(s_c). */
EG_SOFTMAX_FN double eg_softmax(int classes, double *s) {
  double largest = s[0], sum = 0;
  for (int c = 1; c < classes; c++) {
    largest = s[c] > largest ? s[c] : largest;
  }
  for (int c = 0; c < classes; c++) {
    s[c] = eg_exp(s[c] - largest);
    sum += s[c];
  }
  for (int c = 0; c < classes; c++) {
    s[c] = s[c] / sum;
  }
  return largest + eg_log(sum);
}

EG_SOFTMAX_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  const int n_rows = (int)st[1], inputs = (int)st[2], classes = (int)st[3];
  double sum = 0, squares = 0;
  (void)p;
  for (int j = 0; j < n_rows; j++) {
    const eg_real *const a = st + EG_SOFTMAX_ROWS + j * (inputs + 1);
    double s[EG_MOST_CLASSES];
    for (int c = 0; c < classes; c++) {
      s[c] = 0;
      for (int k = 0; k < inputs; k++) {
        s[c] += (double)a[k] * (double)x[k * classes + c];
      }
    }
    const double own = s[(int)a[inputs]];
    sum += eg_softmax(classes, s) - own;
  }
  for (int k = 0; k < inputs * classes; k++) {
    squares += (double)x[k] * (double)x[k];
  }
  return (eg_real)(sum / n_rows + 0.5 * (double)st[0] * squares);
}

/* out = grad R(x), or Hess R(x) v where v is given. */
EG_SOFTMAX_FN void eg_softmax_pass(const eg_real *st, const eg_real *x, const eg_real *v, eg_real *out) {
  const int n_rows = (int)st[1], inputs = (int)st[2], classes = (int)st[3];
  double sum[EG_DIM];
  for (int k = 0; k < EG_DIM; k++) {
    sum[k] = 0;
  }
  for (int j = 0; j < n_rows; j++) {
    const eg_real *const a = st + EG_SOFTMAX_ROWS + j * (inputs + 1);
    double s[EG_MOST_CLASSES], t[EG_MOST_CLASSES], mean = 0;
    for (int c = 0; c < classes; c++) {
      s[c] = t[c] = 0;
      for (int k = 0; k < inputs; k++) {
        s[c] += (double)a[k] * (double)x[k * classes + c];
        t[c] += v != 0 ? (double)a[k] * (double)v[k * classes + c] : 0.0;
      }
    }
    (void)eg_softmax(classes, s);
    for (int c = 0; c < classes; c++) {
      mean += s[c] * t[c];
    }
    for (int c = 0; c < classes; c++) {
      const double weight = v != 0 ? s[c] * (t[c] - mean) : s[c] - (c == (int)a[inputs] ? 1.0 : 0.0);
      for (int k = 0; k < inputs; k++) {
        sum[k * classes + c] += weight * (double)a[k];
      }
    }
  }
  for (int k = 0; k < EG_DIM; k++) {
    out[k] = (eg_real)(sum[k] / n_rows + (double)st[0] * (double)(v != 0 ? v[k] : x[k]));
  }
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)p;
  eg_softmax_pass(st, x, 0, g);
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_real Hg[EG_DIM];
  (void)p;
  eg_softmax_pass(st, x, 0, b);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    Hg[k] = 0;
  }
  if (correction != 0) {
    eg_softmax_pass(st, x, b, Hg);
  }
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    b[k] = -eg_mad(correction, Hg[k], b[k]);
  }
}

EG_SOFTMAX_FN void eg_add_row_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_row row, eg_real weight,
                                       eg_real *acc) {
  const int inputs = (int)st[2], classes = (int)st[3];
  double s[EG_MOST_CLASSES];
  (void)p;
  for (int c = 0; c < classes; c++) {
    s[c] = 0;
    for (int k = 0; k < inputs; k++) {
      s[c] += (double)EG_INPUT(row, k) * (double)x[k * classes + c];
    }
  }
  (void)eg_softmax(classes, s);
  for (int c = 0; c < classes; c++) {
    const double slope = s[c] - (c == (int)EG_TARGET(row) ? 1.0 : 0.0);
    for (int k = 0; k < inputs; k++) {
      acc[k * classes + c] = eg_mad(weight * (eg_real)slope, EG_INPUT(row, k), acc[k * classes + c]);
    }
  }
}

#endif

EG_FN void eg_regulariser_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)p;
  EG_EACH(k) { g[k] = st[0] * x[k]; }
}
