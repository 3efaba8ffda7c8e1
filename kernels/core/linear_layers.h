/*
 * Products of matrices W_L .. W_1 of a shape that is fixed when a unit is compiled: EG_LAYERS is L, EG_SHAPE_0 .. EG_SHAPE_8 are
 * the widths n_0 .. n_L, and layer l is (n_l, n_(l-1)). The state is W_1 by rows, then W_2, .. The model comes with a shape of its
 * own; src/model/shape.h writes these definitions for another one. With H_l = W_l .. W_1 and a matrix G, (n_L, n_0):
 *   pull     g_l = D_l H_(l-1)^T,  D_L = G,  D_(l-1) = W_l^T D_l           the gradient of <W_L .. W_1, G> in the layers
 *   slope    the derivative of that along V, G moving by G':
 *            H'_l = V_l H_(l-1) + W_l H'_(l-1),  D'_(l-1) = V_l^T D_l + W_l^T D'_l,  g'_l = D'_l H_(l-1)^T + D_l H'_(l-1)^T
 * Saxe, McClelland, Ganguli, arXiv 1312.6120; the second is the operator R of Pearlmutter 1994 (doi 10.1162/neco.1994.6.1.147).
 * Every loop has constant bounds, so that all matrices are registers.
 */
#ifndef EG_CORE_LINEAR_LAYERS_H
#define EG_CORE_LINEAR_LAYERS_H

/* Numbers in the layers up to l, and in the products H_1 .. H_l. */
#define EG_SIZE_0 0
#define EG_SIZE_1 (EG_SIZE_0 + EG_SHAPE_1 * EG_SHAPE_0)
#define EG_SIZE_2 (EG_SIZE_1 + EG_SHAPE_2 * EG_SHAPE_1)
#define EG_SIZE_3 (EG_SIZE_2 + EG_SHAPE_3 * EG_SHAPE_2)
#define EG_SIZE_4 (EG_SIZE_3 + EG_SHAPE_4 * EG_SHAPE_3)
#define EG_SIZE_5 (EG_SIZE_4 + EG_SHAPE_5 * EG_SHAPE_4)
#define EG_SIZE_6 (EG_SIZE_5 + EG_SHAPE_6 * EG_SHAPE_5)
#define EG_SIZE_7 (EG_SIZE_6 + EG_SHAPE_7 * EG_SHAPE_6)
#define EG_SIZE_8 (EG_SIZE_7 + EG_SHAPE_8 * EG_SHAPE_7)
#define EG_DONE_0 0
#define EG_DONE_1 (EG_DONE_0 + EG_SHAPE_1 * EG_SHAPE_0)
#define EG_DONE_2 (EG_DONE_1 + EG_SHAPE_2 * EG_SHAPE_0)
#define EG_DONE_3 (EG_DONE_2 + EG_SHAPE_3 * EG_SHAPE_0)
#define EG_DONE_4 (EG_DONE_3 + EG_SHAPE_4 * EG_SHAPE_0)
#define EG_DONE_5 (EG_DONE_4 + EG_SHAPE_5 * EG_SHAPE_0)
#define EG_DONE_6 (EG_DONE_5 + EG_SHAPE_6 * EG_SHAPE_0)
#define EG_DONE_7 (EG_DONE_6 + EG_SHAPE_7 * EG_SHAPE_0)
#define EG_DONE_8 (EG_DONE_7 + EG_SHAPE_8 * EG_SHAPE_0)

/* X(l, l - 1, l - 2) for l = 2 .. L, and from L down to 2. */
#define EG_UP_1(X)
#define EG_UP_2(X)   EG_UP_1(X) X(2, 1, 0)
#define EG_UP_3(X)   EG_UP_2(X) X(3, 2, 1)
#define EG_UP_4(X)   EG_UP_3(X) X(4, 3, 2)
#define EG_UP_5(X)   EG_UP_4(X) X(5, 4, 3)
#define EG_UP_6(X)   EG_UP_5(X) X(6, 5, 4)
#define EG_UP_7(X)   EG_UP_6(X) X(7, 6, 5)
#define EG_UP_8(X)   EG_UP_7(X) X(8, 7, 6)
#define EG_DOWN_1(X)
#define EG_DOWN_2(X) X(2, 1, 0) EG_DOWN_1(X)
#define EG_DOWN_3(X) X(3, 2, 1) EG_DOWN_2(X)
#define EG_DOWN_4(X) X(4, 3, 2) EG_DOWN_3(X)
#define EG_DOWN_5(X) X(5, 4, 3) EG_DOWN_4(X)
#define EG_DOWN_6(X) X(6, 5, 4) EG_DOWN_5(X)
#define EG_DOWN_7(X) X(7, 6, 5) EG_DOWN_6(X)
#define EG_DOWN_8(X) X(8, 7, 6) EG_DOWN_7(X)

#define EG_OF_TEXT(name, l) name##_##l
#define EG_OF(name, l)      EG_OF_TEXT(name, l)
#define EG_OUTPUTS          EG_OF(EG_SHAPE, EG_LAYERS)        /* n_L */
#define EG_INPUTS           EG_SHAPE_0                        /* n_0 */
#define EG_ENTRIES          (EG_OUTPUTS * EG_INPUTS)          /* of the product */
#define EG_PRODUCTS         EG_OF(EG_DONE, EG_LAYERS)         /* room for H_1 .. H_L, and D_1 .. D_L */
#define EG_TOP              (EG_PRODUCTS - EG_ENTRIES)        /* where H_L and D_L stand in it */
#define EG_WEIGHTS          EG_OF(EG_SIZE, EG_LAYERS)         /* the dimension */
#define EG_EACH_LAYER_UP(X)   EG_OF(EG_UP, EG_LAYERS)(X)
#define EG_EACH_LAYER_DOWN(X) EG_OF(EG_DOWN, EG_LAYERS)(X)

/* C (n, m) = add C + A (n, k) B (k, m) */
EG_FN void eg_layer_multiply(int n, int k, int m, const eg_real *A, const eg_real *B, int add, eg_real *C) {
  EG_UNROLL
  for (int i = 0; i < n; i++) {
    EG_UNROLL
    for (int j = 0; j < m; j++) {
      eg_real sum = add ? eg_mad(A[i * k], B[j], C[i * m + j]) : A[i * k] * B[j];
      EG_UNROLL
      for (int q = 1; q < k; q++) {
        sum = eg_mad(A[i * k + q], B[q * m + j], sum);
      }
      C[i * m + j] = sum;
    }
  }
}

/* C (k, m) = add C + A^T B, A (n, k), B (n, m) */
EG_FN void eg_layer_multiply_down(int n, int k, int m, const eg_real *A, const eg_real *B, int add, eg_real *C) {
  EG_UNROLL
  for (int q = 0; q < k; q++) {
    EG_UNROLL
    for (int j = 0; j < m; j++) {
      eg_real sum = add ? eg_mad(A[q], B[j], C[q * m + j]) : A[q] * B[j];
      EG_UNROLL
      for (int i = 1; i < n; i++) {
        sum = eg_mad(A[i * k + q], B[i * m + j], sum);
      }
      C[q * m + j] = sum;
    }
  }
}

/* C (n, k) += A B^T, A (n, m), B (k, m) */
EG_FN void eg_layer_add_outer(int n, int k, int m, const eg_real *A, const eg_real *B, eg_real *C) {
  EG_UNROLL
  for (int i = 0; i < n; i++) {
    EG_UNROLL
    for (int q = 0; q < k; q++) {
      EG_UNROLL
      for (int j = 0; j < m; j++) {
        C[i * k + q] = eg_mad(A[i * m + j], B[q * m + j], C[i * k + q]);
      }
    }
  }
}

EG_FN void eg_layer_copy(int n, const eg_real *from, eg_real *to) {
  EG_UNROLL
  for (int k = 0; k < n; k++) {
    to[k] = from[k];
  }
}

EG_FN void eg_layer_add(int n, const eg_real *from, eg_real *to) {
  EG_UNROLL
  for (int k = 0; k < n; k++) {
    to[k] = to[k] + from[k];
  }
}

/* H (EG_PRODUCTS): H_1 .. H_L; H_L stands at EG_TOP. */
EG_FN void eg_layers_up(const eg_real *x, eg_real *H) {
  eg_layer_copy(EG_SIZE_1, x, H);
#define EG_X(l, below, below2)                                                                               \
  eg_layer_multiply(EG_SHAPE_##l, EG_SHAPE_##below, EG_INPUTS, x + EG_SIZE_##below, H + EG_DONE_##below2, 0, \
                    H + EG_DONE_##below);
  EG_EACH_LAYER_UP(EG_X)
#undef EG_X
}

/* D (EG_PRODUCTS): D_1 .. D_L, of which D_L = G is given. */
EG_FN void eg_layers_down(const eg_real *x, eg_real *D) {
  (void)x;
  (void)D;
#define EG_X(l, below, below2)                                                                               \
  eg_layer_multiply_down(EG_SHAPE_##l, EG_SHAPE_##below, EG_INPUTS, x + EG_SIZE_##below, D + EG_DONE_##below, 0, \
                         D + EG_DONE_##below2);
  EG_EACH_LAYER_DOWN(EG_X)
#undef EG_X
}

/* g += D_l H_(l-1)^T */
EG_FN void eg_layers_add_outer(const eg_real *D, const eg_real *H, eg_real *g) {
  (void)H;
  eg_layer_add(EG_SIZE_1, D, g);
#define EG_X(l, below, below2)                                                                               \
  eg_layer_add_outer(EG_SHAPE_##l, EG_SHAPE_##below, EG_INPUTS, D + EG_DONE_##below, H + EG_DONE_##below2,   \
                     g + EG_SIZE_##below);
  EG_EACH_LAYER_UP(EG_X)
#undef EG_X
}

/* g (EG_WEIGHTS) += the gradient of <product, G>; H as eg_layers_up left it. */
EG_FN void eg_layers_pull(const eg_real *x, const eg_real *H, const eg_real *G, eg_real *g) {
  eg_real D[EG_PRODUCTS];
  eg_layer_copy(EG_ENTRIES, G, D + EG_TOP);
  eg_layers_down(x, D);
  eg_layers_add_outer(D, H, g);
}

/* H' along V. */
EG_FN void eg_layers_up_slope(const eg_real *x, const eg_real *H, const eg_real *V, eg_real *H1) {
  (void)x;
  (void)H;
  eg_layer_copy(EG_SIZE_1, V, H1);
#define EG_X(l, below, below2)                                                                               \
  eg_layer_multiply(EG_SHAPE_##l, EG_SHAPE_##below, EG_INPUTS, V + EG_SIZE_##below, H + EG_DONE_##below2, 0, \
                    H1 + EG_DONE_##below);                                                                   \
  eg_layer_multiply(EG_SHAPE_##l, EG_SHAPE_##below, EG_INPUTS, x + EG_SIZE_##below, H1 + EG_DONE_##below2, 1, \
                    H1 + EG_DONE_##below);
  EG_EACH_LAYER_UP(EG_X)
#undef EG_X
}

/* y (EG_WEIGHTS) = the derivative of the pull along V; H1 from eg_layers_up_slope, G1 how G moves. */
EG_FN void eg_layers_pull_slope(const eg_real *x, const eg_real *H, const eg_real *V, const eg_real *H1, const eg_real *G,
                                const eg_real *G1, eg_real *y) {
  eg_real D[EG_PRODUCTS], D1[EG_PRODUCTS];
  eg_layer_copy(EG_ENTRIES, G, D + EG_TOP);
  eg_layer_copy(EG_ENTRIES, G1, D1 + EG_TOP);
  eg_layers_down(x, D);
  (void)V;
#define EG_X(l, below, below2)                                                                               \
  eg_layer_multiply_down(EG_SHAPE_##l, EG_SHAPE_##below, EG_INPUTS, V + EG_SIZE_##below, D + EG_DONE_##below, 0, \
                         D1 + EG_DONE_##below2);                                                             \
  eg_layer_multiply_down(EG_SHAPE_##l, EG_SHAPE_##below, EG_INPUTS, x + EG_SIZE_##below, D1 + EG_DONE_##below, 1, \
                         D1 + EG_DONE_##below2);
  EG_EACH_LAYER_DOWN(EG_X)
#undef EG_X
  EG_UNROLL
  for (int k = 0; k < EG_WEIGHTS; k++) {
    y[k] = 0;
  }
  eg_layers_add_outer(D1, H, y);
  (void)H1;
#define EG_X(l, below, below2)                                                                               \
  eg_layer_add_outer(EG_SHAPE_##l, EG_SHAPE_##below, EG_INPUTS, D + EG_DONE_##below, H1 + EG_DONE_##below2,  \
                     y + EG_SIZE_##below);
  EG_EACH_LAYER_UP(EG_X)
#undef EG_X
}

/*
 * What two models share: R = (kappa |E|^2 + constant) / 2 with E = W_L .. W_1 - M, M staged, (n_L, n_0), so that
 * grad R = pull(kappa E) and Hess R V = slope(kappa E, kappa H'_L).
 */
EG_FN void eg_layers_residual(const eg_real *st, const eg_real *H, eg_real *E) {
  EG_UNROLL
  for (int k = 0; k < EG_ENTRIES; k++) {
    E[k] = H[EG_TOP + k] - st[k];
  }
}

EG_FN eg_real eg_layers_loss(const eg_real *st, const eg_real *x, eg_real kappa, eg_real constant) {
  eg_real H[EG_PRODUCTS], E[EG_ENTRIES], sum = 0;
  eg_layers_up(x, H);
  eg_layers_residual(st, H, E);
  EG_UNROLL
  for (int k = 0; k < EG_ENTRIES; k++) {
    sum = eg_mad(E[k], E[k], sum);
  }
  return (eg_real)0.5 * eg_mad(kappa, sum, constant);
}

EG_FN void eg_layers_scale(eg_real kappa, const eg_real *E, eg_real *G) {
  EG_UNROLL
  for (int k = 0; k < EG_ENTRIES; k++) {
    G[k] = kappa * E[k];
  }
}

EG_FN void eg_layers_zero(eg_real *g) {
  EG_UNROLL
  for (int k = 0; k < EG_WEIGHTS; k++) {
    g[k] = 0;
  }
}

EG_FN void eg_layers_gradient(const eg_real *st, const eg_real *x, eg_real kappa, eg_real *g) {
  eg_real H[EG_PRODUCTS], E[EG_ENTRIES];
  eg_layers_up(x, H);
  eg_layers_residual(st, H, E);
  eg_layers_scale(kappa, E, E);
  eg_layers_zero(g);
  eg_layers_pull(x, H, E, g);
}

EG_FN void eg_layers_drift(const eg_real *st, const eg_real *x, eg_real kappa, eg_real correction, eg_real *b) {
  eg_real H[EG_PRODUCTS], H1[EG_PRODUCTS], E[EG_ENTRIES], E1[EG_ENTRIES], Hg[EG_WEIGHTS];
  eg_layers_up(x, H);
  eg_layers_residual(st, H, E);
  eg_layers_scale(kappa, E, E);
  eg_layers_zero(b);
  eg_layers_pull(x, H, E, b);
  eg_layers_up_slope(x, H, b, H1);
  eg_layers_scale(kappa, H1 + EG_TOP, E1);
  eg_layers_pull_slope(x, H, b, H1, E, E1, Hg);
  EG_UNROLL
  for (int k = 0; k < EG_WEIGHTS; k++) {
    b[k] = -eg_mad(correction, Hg[k], b[k]);
  }
}

/* J (EG_ENTRIES, EG_WEIGHTS): the gradient of every entry of the product. */
EG_FN void eg_layers_jacobian(const eg_real *x, const eg_real *H, eg_real *J) {
  EG_UNROLL
  for (int e = 0; e < EG_ENTRIES; e++) {
    eg_real G[EG_ENTRIES];
    EG_UNROLL
    for (int k = 0; k < EG_ENTRIES; k++) {
      G[k] = k == e ? (eg_real)1 : (eg_real)0;
    }
    eg_layers_zero(J + e * EG_WEIGHTS);
    eg_layers_pull(x, H, G, J + e * EG_WEIGHTS);
  }
}

/* Entry (i, j) of a symmetric matrix given by its lower triangle; of a Gaussian one whose diagonal has variance 2. */
EG_FN eg_real eg_layers_symmetric(eg_noise z, int i, int j) {
  const eg_real value = i >= j ? EG_Z(z, i * (i + 1) / 2 + j) : EG_Z(z, j * (j + 1) / 2 + i);
  return i == j ? (eg_real)0x1.6a09e667f3bcdp+0 * value : value;
}

#if !EG_DEVICE
/* M of the layers in `signal`, laid out as the state. */
static inline void eg_layers_stage(const double *signal, double *M) {
  static const int widths[] = {
#define EG_X(l, below, below2) EG_SHAPE_##l,
      EG_SHAPE_0, EG_SHAPE_1, EG_EACH_LAYER_UP(EG_X)
#undef EG_X
  };
  double product[EG_PRODUCTS], next[EG_PRODUCTS];
  for (int k = 0; k < EG_SIZE_1; k++) {
    product[k] = signal[k];
  }
  const double *layer = signal + EG_SIZE_1;
  for (int l = 2; l <= EG_LAYERS; l++) {
    for (int i = 0; i < widths[l]; i++) {
      for (int j = 0; j < EG_INPUTS; j++) {
        double sum = 0;
        for (int q = 0; q < widths[l - 1]; q++) {
          sum += layer[i * widths[l - 1] + q] * product[q * EG_INPUTS + j];
        }
        next[i * EG_INPUTS + j] = sum;
      }
    }
    for (int k = 0; k < widths[l] * EG_INPUTS; k++) {
      product[k] = next[k];
    }
    layer += widths[l] * widths[l - 1];
  }
  for (int k = 0; k < EG_ENTRIES; k++) {
    M[k] = product[k];
  }
}
#endif

#endif
