/*
 * Softmax regression in team form: what core/loss.h makes of margins, made of K margins a row. The state has a value for every input
 * k and class c at k K + c; a row has its inputs first, then zeros. Numbers of the classes lie in scratch vectors; class c belongs to lane c
 * (K <= EG_TEAM_LANES), sums over inputs and over classes are made in their order by whoever needs them, so that all forms
 * have the same bits.
 * u->staged: ridge, rows, inputs, classes, as kernels/models/softmax_regression.h has them.
 */
#ifndef EG_CORE_CLASS_LOSS_H
#define EG_CORE_CLASS_LOSS_H

#define EG_CLASSES(st) ((int)(st)[3])
#define EG_INPUTS(st)  ((int)(st)[2])
#if EG_DEVICE
#define EG_EACH_CLASS(c, st) for (int c = EG_LANE; c < EG_CLASSES(st); c += EG_TEAM_LANES)
#define EG_PASS_FN static __device__ __noinline__
#else
#define EG_EACH_CLASS(c, st) for (int c = 0; c < EG_CLASSES(st); c++)
#define EG_PASS_FN static __attribute__((noinline, unused))

/* On the CPU a number of classes up to ten is known when compiled: the loop over them, inside of that over inputs, is then a few
   instructions, and sums stay in registers. OF is a function of that number and what follows. */
#define EG_BY_CLASSES(classes, OF, MANY, ...)                                                                \
  switch (classes) {                                                                                         \
  case 2: OF(2, __VA_ARGS__); break;                                                                         \
  case 3: OF(3, __VA_ARGS__); break;                                                                         \
  case 4: OF(4, __VA_ARGS__); break;                                                                         \
  case 5: OF(5, __VA_ARGS__); break;                                                                         \
  case 6: OF(6, __VA_ARGS__); break;                                                                         \
  case 7: OF(7, __VA_ARGS__); break;                                                                         \
  case 8: OF(8, __VA_ARGS__); break;                                                                         \
  case 9: OF(9, __VA_ARGS__); break;                                                                         \
  case 10: OF(10, __VA_ARGS__); break;                                                                       \
  default: MANY(classes, __VA_ARGS__); break;                                                                \
  }

/* Sums of the first and of the last 2, 4 or 8 classes, which overlap: what they share is the same twice. */
EG_FN void eg_margins_of(const int classes, const eg_real *st, const eg_real *x, eg_row row, eg_real *s) {
  const int inputs = EG_INPUTS(st), width = classes >= 8 ? 8 : classes >= 4 ? 4 : 2, second = classes - width;
  eg_real first_sum[8], last_sum[8];
  for (int c = 0; c < width; c++) {
    first_sum[c] = last_sum[c] = 0;
  }
  EG_ROLLED
  for (int k = 0; k < inputs; k++) {
    const eg_real a = EG_INPUT(row, k), *const first = x + k * classes, *const last = first + second;
    _Pragma("omp simd") for (int c = 0; c < width; c++) { first_sum[c] = eg_mad(a, first[c], first_sum[c]); }
    _Pragma("omp simd") for (int c = 0; c < width; c++) { last_sum[c] = eg_mad(a, last[c], last_sum[c]); }
  }
  for (int c = 0; c < width; c++) {
    s[second + c] = last_sum[c];
  }
  for (int c = 0; c < width; c++) {
    s[c] = first_sum[c];
  }
}

EG_FN void eg_many_margins(const int classes, const eg_real *st, const eg_real *x, eg_row row, eg_real *s) {
  for (int c = 0; c < classes; c++) {
    s[c] = 0;
  }
  for (int k = 0; k < EG_INPUTS(st); k++) {
    const eg_real a = EG_INPUT(row, k), *const of_input = x + k * classes;
    _Pragma("omp simd") for (int c = 0; c < classes; c++) { s[c] = eg_mad(a, of_input[c], s[c]); }
  }
}

EG_FN void eg_add_of(const int classes, const eg_real *st, eg_row row, const eg_real *g, eg_real *acc) {
  const int inputs = EG_INPUTS(st);
  eg_real own[EG_TEAM_LANES];
  for (int c = 0; c < classes; c++) {
    own[c] = g[c];
  }
  for (int k = 0; k < inputs; k++) {
    const eg_real a = EG_INPUT(row, k);
    eg_real *const of_input = acc + k * classes;
    _Pragma("omp simd") for (int c = 0; c < classes; c++) { of_input[c] = eg_mad(a, own[c], of_input[c]); }
  }
}

EG_FN void eg_exponentials_of(const int classes, double most, eg_real *s) {
  _Pragma("omp simd") for (int c = 0; c < classes; c++) { s[c] = (eg_real)eg_exp((double)s[c] - most); }
}

EG_PASS_FN void eg_host_margins(const eg_real *st, const eg_real *x, eg_row row, eg_real *s) {
  EG_BY_CLASSES(EG_CLASSES(st), eg_margins_of, eg_many_margins, st, x, row, s)
}
EG_PASS_FN void eg_host_add(const eg_real *st, eg_row row, const eg_real *g, eg_real *acc) {
  EG_BY_CLASSES(EG_CLASSES(st), eg_add_of, eg_add_of, st, row, g, acc)
}
EG_PASS_FN void eg_host_exponentials(const eg_real *st, double most, eg_real *s) {
  EG_BY_CLASSES(EG_CLASSES(st), eg_exponentials_of, eg_exponentials_of, most, s)
}
#endif

/* s_c = sum_k a_k x_kc, seen by all lanes. */
EG_FN void eg_class_margins(const eg_real *st, const eg_real *x, eg_row row, eg_real *s) {
  EG_MEET();
#if EG_DEVICE
  const int inputs = EG_INPUTS(st), classes = EG_CLASSES(st);
  EG_EACH_CLASS(c, st) {
    eg_real sum = 0;
    EG_ROLLED
    for (int k = 0; k < inputs; k++) {
      sum = eg_mad(EG_INPUT(row, k), x[k * classes + c], sum);
    }
    s[c] = sum;
  }
#else
  eg_host_margins(st, x, row, s);
#endif
  EG_MEET();
}

/* The margins s become exp(s_c - largest); their sum is returned. */
EG_FN double eg_class_weights(const eg_real *st, eg_real *s, double *largest) {
  const int classes = EG_CLASSES(st);
  double most = (double)s[0], sum = 0;
  EG_ROLLED
  for (int c = 1; c < classes; c++) {
    most = (double)s[c] > most ? (double)s[c] : most;
  }
  EG_MEET();
#if EG_DEVICE
  EG_EACH_CLASS(c, st) { s[c] = (eg_real)eg_exp((double)s[c] - most); }
#else
  eg_host_exponentials(st, most, s);
#endif
  EG_MEET();
  EG_ROLLED
  for (int c = 0; c < classes; c++) {
    sum = sum + (double)s[c];
  }
  *largest = most;
  return sum;
}

/* acc_kc += a_k g_c */
EG_FN void eg_class_add(const eg_params *p, const eg_real *st, eg_row row, const eg_real *g, eg_real *acc) {
  (void)p;
  EG_MEET();
#if EG_DEVICE
  const int classes = EG_CLASSES(st);
  EG_EACH(i) {
    const int k = (int)((uint32_t)i / (uint32_t)classes);
    acc[i] = eg_mad(EG_INPUT(row, k), g[i - k * classes], acc[i]);
  }
#else
  eg_host_add(st, row, g, acc);
#endif
  EG_MEET();
}

/* acc += weight grad l(x, row), without the regulariser */
EG_FN void eg_add_row_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_row row, eg_real weight,
                               eg_real *acc) {
  EG_VECTOR(s, EG_SLOT_CLASSES);
  const int label = (int)EG_TARGET(row);
  double largest;
  eg_class_margins(st, x, row, s);
  const double sum = eg_class_weights(st, s, &largest);
  EG_MEET();
  EG_EACH_CLASS(c, st) { s[c] = weight * (eg_real)((double)s[c] / sum - (c == label ? 1.0 : 0.0)); }
  eg_class_add(p, st, row, s, acc);
}

#define EG_EACH_ROW(j, row)                                                                                  \
  EG_ROLLED                                                                                                  \
  for (uint32_t j = 0; j < u->n_rows; j++) {                                                                 \
    const eg_row row = eg_team_row(u->rows, u->n_rows, EG_DIM, j);

EG_PASS_FN double eg_full_loss(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  EG_VECTOR(s, EG_SLOT_CLASSES);
  double total = 0;
  EG_EACH_ROW(j, row)
    double largest;
    eg_class_margins(u->staged, x, row, s);
    const double own = (double)s[(int)EG_TARGET(row)];
    const double sum = eg_class_weights(u->staged, s, &largest);
    total = total + (eg_log(sum) + (largest - own));
  }
  return 0.5 * (double)u->staged[0] * eg_squares(p, x, x) + total / (double)u->n_rows;
}

EG_PASS_FN void eg_full_gradient(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_real *g) {
  const eg_real weight = (eg_real)(1.0 / (double)u->n_rows);
  eg_regulariser_gradient(p, u->staged, x, g);
  EG_EACH_ROW(j, row)
    eg_add_row_gradient(p, u->staged, x, row, weight, g);
  }
}

/* Hv = Hess R(x) v: of a row a (p_c (t_c - p.t)), t_c = sum_k a_k v_kc */
EG_PASS_FN void eg_full_hessian(const eg_params *p, const eg_uniforms *u, const eg_real *x, const eg_real *v, eg_real *Hv) {
  const double weight = 1.0 / (double)u->n_rows;
  EG_VECTOR(s, EG_SLOT_CLASSES);
  EG_VECTOR(t, EG_SLOT_CLASSES_ALONG);
  eg_regulariser_gradient(p, u->staged, v, Hv);
  EG_EACH_ROW(j, row)
    double largest, mean = 0;
    eg_class_margins(u->staged, x, row, s);
    eg_class_margins(u->staged, v, row, t);
    const double sum = eg_class_weights(u->staged, s, &largest);
    EG_ROLLED
    for (int c = 0; c < EG_CLASSES(u->staged); c++) {
      mean = mean + (double)s[c] / sum * (double)t[c];
    }
    EG_MEET();
    EG_EACH_CLASS(c, u->staged) { s[c] = (eg_real)(weight * ((double)s[c] / sum * ((double)t[c] - mean))); }
    eg_class_add(p, u->staged, row, s, Hv);
  }
}

#endif
