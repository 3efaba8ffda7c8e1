/*
 * Sums over the components of a vector and products with a matrix, in both forms (core/form.h). A model includes this
 * behind its EG_PARAMS_STRUCT.
 *
 * Team form: component k belongs to partial sum k mod 32, in order of k; the partial sums are added by the tree
 * v[l] += v[l + s], s = 16, 8, .., 1. A butterfly of shuffles adds the same pairs, so all backends give the same bits.
 */
#ifndef EG_CORE_VECTOR_H
#define EG_CORE_VECTOR_H

#if defined(EG_TEAM)

#if EG_DEVICE
#define EG_DEFINE_SUM(name, type, A, B, term)                                                                \
  EG_FN type name(const eg_params *p, A a, B b) {                                                            \
    type sum = 0;                                                                                            \
    _Pragma("unroll 2") for (int k = EG_LANE; k < EG_DIM; k += EG_TEAM_LANES) {                                             \
      sum = term;                                                                                            \
    }                                                                                                        \
    EG_UNROLL                                                                                                \
    for (int s = EG_TEAM_LANES / 2; s > 0; s /= 2) {                                                         \
      sum = sum + __shfl_xor_sync(0xffffffffu, sum, s);                                                      \
    }                                                                                                        \
    return sum;                                                                                              \
  }
#elif defined(EG_THREAD_FORM) /* the GPU's lanes one after the other */
#define EG_DEFINE_SUM(name, type, A, B, term)                                                                \
  EG_FN type name(const eg_params *p, A a, B b) {                                                            \
    type own[EG_TEAM_LANES], other[EG_TEAM_LANES];                                                           \
    for (int l = 0; l < EG_TEAM_LANES; l++) {                                                                \
      type sum = 0;                                                                                          \
      for (int k = l; k < EG_DIM; k += EG_TEAM_LANES) {                                                      \
        sum = term;                                                                                          \
      }                                                                                                      \
      own[l] = sum;                                                                                          \
    }                                                                                                        \
    for (int s = EG_TEAM_LANES / 2; s > 0; s /= 2) {                                                         \
      memcpy(other, own, sizeof own);                                                                        \
      for (int l = 0; l < EG_TEAM_LANES; l++) {                                                              \
        own[l] = other[l] + other[l ^ s];                                                                    \
      }                                                                                                      \
    }                                                                                                        \
    return own[EG_LANE];                                                                                \
  }
#else
#define EG_DEFINE_SUM(name, type, A, B, term)                                                                \
  EG_FN type name(const eg_params *p, A a, B b) {                                                            \
    type part[EG_TEAM_LANES];                                                                                \
    _Pragma("omp simd") for (int l = 0; l < EG_TEAM_LANES; l++) { part[l] = 0; }                             \
    for (int first = 0; first < EG_DIM; first += EG_TEAM_LANES) {                                            \
      _Pragma("omp simd") for (int l = 0; l < EG_TEAM_LANES; l++) {                                          \
        const int k = first + l;                                                                             \
        type sum = part[l];                                                                                  \
        sum = term;                                                                                          \
        part[l] = sum;                                                                                       \
      }                                                                                                      \
    }                                                                                                        \
    _Pragma("omp simd") for (int l = 0; l < 16; l++) { part[l] = part[l] + part[l + 16]; }                   \
    _Pragma("omp simd") for (int l = 0; l < 8; l++) { part[l] = part[l] + part[l + 8]; }                     \
    _Pragma("omp simd") for (int l = 0; l < 4; l++) { part[l] = part[l] + part[l + 4]; }                     \
    return (part[0] + part[2]) + (part[1] + part[3]);                                                        \
  }
#endif

#else
#define EG_DEFINE_SUM(name, type, A, B, term)                                                                \
  EG_FN type name(const eg_params *p, A a, B b) {                                                            \
    type sum = 0;                                                                                            \
    (void)p;                                                                                                 \
    EG_UNROLL                                                                                                \
    for (int k = 0; k < EG_DIM; k++) {                                                                       \
      sum = term;                                                                                            \
    }                                                                                                        \
    return sum;                                                                                              \
  }
#endif

/* sum_k a_k b_k in the type of the state; |a|^2 and |a - b|^2 in double. Padded components are exact zeros. */
EG_DEFINE_SUM(eg_dot, eg_real, const eg_real *, const eg_real *, eg_mad(a[k], b[k], sum))
EG_DEFINE_SUM(eg_distance2, double, const eg_real *, const eg_real *,
              eg_fma((double)a[k] - (double)b[k], (double)a[k] - (double)b[k], sum))
EG_DEFINE_SUM(eg_squares, double, const eg_real *, const eg_real *, eg_fma((double)a[k], (double)b[k], sum))

/* start + sum_k row_k x_k; in lane form added in this order. */
EG_FN eg_real eg_dot_row(const eg_params *p, eg_real start, eg_row row, const eg_real *x) {
#if defined(EG_TEAM)
  return start + eg_dot(p, row.base, x);
#else
  eg_real sum = start;
  (void)p;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum = eg_mad(EG_INPUT(row, k), x[k], sum);
  }
  return sum;
#endif
}

/* y = sign offset + A x, y none of the others, every component added in the order of x. Lane form: A by rows; team form:
   by columns, so that lanes read side by side. */
EG_FN void eg_matrix_vector(const eg_params *p, const eg_real *matrix, const eg_real *x, const eg_real *offset,
                            eg_real sign, eg_real *y) {
#if defined(EG_TEAM)
  EG_MEET();
  EG_EACH(i) { y[i] = sign * offset[i]; }
  for (int k = 0; k < EG_DIM; k += 4) { /* four columns for each load of y */
    const eg_real *const column = matrix + (int64_t)k * EG_DIM;
    const eg_real x0 = x[k], x1 = x[k + 1], x2 = x[k + 2], x3 = x[k + 3];
    const int n = EG_DIM;
    EG_EACH(i) {
      const eg_real sum = eg_mad(column[n + i], x1, eg_mad(column[i], x0, y[i]));
      y[i] = eg_mad(column[3 * n + i], x3, eg_mad(column[2 * n + i], x2, sum));
    }
  }
  EG_MEET();
#else
  (void)p;
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    eg_real sum = sign * offset[i];
    EG_UNROLL
    for (int k = 0; k < EG_DIM; k++) {
      sum = eg_mad(matrix[i * EG_DIM + k], x[k], sum);
    }
    y[i] = sum;
  }
#endif
}

#endif
