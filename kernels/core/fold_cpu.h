/* Segments of steps that fold many elements: rows of data, or nodes, with an increment each. Part of core/lane_cpu.h. */
#ifndef EG_CORE_FOLD_CPU_H
#define EG_CORE_FOLD_CPU_H

/* The elements of a fold. ROWS: fresh random rows; DATA: all rows in order, one increment each; NODES: fresh random rows,
   one increment each. */
enum { EG_FOLD_ROWS = 0, EG_FOLD_DATA = 1, EG_FOLD_NODES = 2 };

/* The increments of draw q on, `need` of them, where `width` make a row. */
EG_FN const eg_noise_real *noise_from(const eg_launch *a, eg_thread *t, eg_ahead *ahead, uint64_t realisation,
                                      uint64_t q, uint64_t need, uint64_t width) {
  if (q < ahead->first || q + need > ahead->last) {
    hold_noise(a, t, ahead, realisation, q, need, a->step_last * a->fold_count * width);
  }
  return (const eg_noise_real *)t->noise + (q - ahead->first) * EG_LANES;
}

/* Row j of the data, the same for all lanes. */
static const eg_real *spread_row(const eg_launch *a, eg_real *wide, uint64_t j) {
  eg_real row[EG_DIM + 1];
  for (int k = 0; k <= EG_DIM; k++) {
    row[k] = ((const eg_real *)a->rows)[eg_rows_at(a->n_rows, EG_DIM + 1, j, k)];
  }
  for (int k = 0; k <= EG_DIM; k++) {
    LANES { wide[k * EG_LANES + l] = row[k]; }
  }
  return wide;
}

/* Noise for n staged rows from draw q on: on the inputs, then the target. */
static void add_row_noise(const eg_launch *a, eg_thread *t, eg_ahead *ahead, uint64_t realisation, uint64_t q,
                          uint64_t n, eg_real *staged) {
  const uint64_t width = eg_row_draws(a);
  const eg_real on_input = (eg_real)a->input_noise, on_target = (eg_real)a->label_noise;
  for (uint64_t i = 0; i < n; i++, staged += EG_ROW_VALUES) {
    const eg_noise_real *const z = noise_from(a, t, ahead, realisation, (q + i) * width, width, width);
    const eg_noise_real *const last = z + (width - 1) * EG_LANES;
    eg_real *const target = staged + EG_DIM * EG_LANES;
    for (uint32_t k = 0; width > 1 && k < a->dim; k++) {
      eg_real *const column = staged + (size_t)k * EG_LANES;
      const eg_noise_real *const own = z + (size_t)k * EG_LANES;
      LANES { column[l] = eg_mad(on_input, (eg_real)own[l], column[l]); }
    }
    LANES { target[l] = eg_mad(on_target, (eg_real)last[l], target[l]); }
  }
}

/* hold_rows for folds: with the noise of the rows, once for all points and however often a row is read. */
static __attribute__((noinline)) void hold_fold_rows(const eg_launch *a, eg_thread *t, eg_ahead *ahead, uint64_t realisation, uint64_t q,
                                                     uint64_t need) {
  hold_rows(a, t, ahead, realisation, q, need, a->step_last * a->fold_count);
  if (eg_has_row_noise(a)) {
    add_row_noise(a, t, ahead, realisation, ahead->row_first, ahead->row_last - ahead->row_first, (eg_real *)t->rows);
  }
}

EG_FN void fold_end_of_form(eg_end_fn end, int extra, int n_acc, int rule_form, const eg_params *p, const eg_uniforms *uniforms,
                            eg_real *x, const eg_real *acc) {
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.rule_form = rule_form; /* their values, but known when compiled: a branch within the loop makes it scalar */
  own_uniforms.is_free = 0;
  const eg_uniforms *const u = &own_uniforms;
  LANES { lane_end(end, extra, n_acc, p, u, x + l, acc + l); }
}

/* The end of a fold in all lanes. */
EG_FN void fold_end(eg_end_fn end, int extra, int n_acc, const eg_params *p, const eg_uniforms *u, eg_real *x,
                    const eg_real *acc) {
  if (extra == 0 || u->rule_form == EG_RULE_CLIPPED) {
    fold_end_of_form(end, extra, n_acc, EG_RULE_CLIPPED, p, u, x, acc);
  } else if (u->rule_form == EG_RULE_FREE) {
    fold_end_of_form(end, extra, n_acc, EG_RULE_FREE, p, u, x, acc);
  } else {
    fold_end_of_form(end, extra, n_acc, EG_RULE_BARE, p, u, x, acc);
  }
}

/* A fold over fold_count elements a step with the accumulator in memory: any count. */
EG_FN void fold_any(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int source, int n_acc, int extra,
                    const eg_params *p, const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t,
                    eg_block_state block, uint64_t realisation, uint64_t step) {
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.is_free = 0; /* its value, but known when compiled */
  const eg_uniforms *const u = &own_uniforms;
  const uint64_t stride = a->fold_count;
  eg_ahead *const ahead = block.ahead;
  if (extra > 0) {
    eg_uniforms_at(&own_uniforms, a, step);
  }
  const uint64_t count = source == EG_FOLD_DATA ? stride : u->count;
  for (uint32_t point = 0; point < a->n_points; point++) {
    eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
    LANES { lane_begin(begin, n_acc, p, u, x + l, block.acc + l); }
    for (uint64_t i = 0; i < count; i++) {
      const uint64_t q = step * stride + i;
      const eg_real *row;
      if (source == EG_FOLD_DATA) {
        row = spread_row(a, (eg_real *)t->rows, i);
      } else {
        if (q < ahead->row_first || q >= ahead->row_last) {
          hold_fold_rows(a, t, ahead, realisation, q, 1);
        }
        row = (const eg_real *)t->rows + (q - ahead->row_first) * EG_ROW_VALUES;
      }
      if (source != EG_FOLD_ROWS) {
        const eg_noise_real *const noise = noise_from(a, t, ahead, realisation, q, 1, 1);
        LANES { lane_add(add, n_acc, p, u, x + l, row + l, (eg_real)noise[l], block.acc + l); }
      } else {
        const eg_real weight = i < u->half ? u->weight_first : u->weight_second;
        LANES { lane_add(add, n_acc, p, u, x + l, row + l, weight, block.acc + l); }
      }
    }
    fold_end(end, extra, n_acc, p, u, x, block.acc);
  }
}

/* Is the batch of one sample, which the rule adds to its memory as it is? With SVAG that is two rows, each with its weight. */
static __attribute__((unused)) int is_of_one(const eg_chain *c) {
  return c->half == 1 && c->inverse_batch == 1.0 && c->new_weight == 1.0 && (c->weight_second != 0.0 || c->weight_first == 1.0);
}

/* Does no coefficient of the chain change with the step? */
static int is_steady(const eg_chain *c) {
  return !eg_is_scheduled(&c->schedule) && !eg_is_scheduled(&c->batch) && c->log_beta1 == 0.0 && c->log_beta2 == 0.0;
}

/* The same for a constant count that fits the rows buffer. is_one: is_of_one. */
EG_FN void fold_few(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int extra, int count, int rule_form, int is_free, int is_one,
                    const eg_params *params, const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t,
                    eg_block_state block, uint64_t realisation, uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies, as in segment_plain */
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.batch_size = (eg_real)count; /* their values, but known when compiled: a product with 1 vanishes */
  own_uniforms.rule_form = rule_form;
  own_uniforms.is_free = is_free;
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  eg_ahead *const ahead = block.ahead;
  const int must_look = extra > 0 && !is_steady(&a->chain); /* at the coefficients of every step */
  if (extra > 0) {
    eg_uniforms_at(&own_uniforms, a, from);
  }
  for (uint64_t step = from; step < to;) {
    const uint64_t q = step * (uint64_t)count;
    if (q < ahead->row_first || q + (uint64_t)count > ahead->row_last) {
      hold_fold_rows(a, t, ahead, realisation, q, (uint64_t)count);
    }
    const uint64_t held = (ahead->row_last - q) / (uint64_t)count;
    const uint64_t n = held < to - step ? held : to - step;
    const eg_real *staged = (const eg_real *)t->rows + (q - ahead->row_first) * EG_ROW_VALUES;
    for (uint64_t i = 0; i < n; i++) {
      if (must_look) {
        eg_uniforms_at(&own_uniforms, a, step + i);
      }
      if (is_one) { /* again known when compiled */
        own_uniforms.inverse_batch = own_uniforms.new_weight = 1;
        own_uniforms.weight_first = count == 1 ? (eg_real)1 : own_uniforms.weight_first;
        own_uniforms.half = 1;
      }
      for (uint32_t point = 0; point < a->n_points; point++) {
        eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
        LANES { lane_fold(begin, add, end, extra, count, p, u, x + l, staged + l); }
      }
      staged += (size_t)count * EG_ROW_VALUES;
    }
    step += n;
  }
}

/* The same, with a loop for each form of a chain's rule, and one without a regulariser for plain steps and the shortest form. */
EG_FN void fold_few_by_form(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int extra, int count, const eg_params *p,
                            const eg_launch *a, const eg_uniforms *u, eg_thread *t, eg_block_state block,
                            uint64_t realisation, uint64_t from, uint64_t to) {
#if EG_HAS_SLOPES
  const int is_free = eg_regulariser_slope(p, u->staged) == 0;
  if (is_free && extra > 0 && u->rule_form == EG_RULE_BARE && is_of_one(&a->chain)) {
    fold_few(begin, add, end, extra, count, EG_RULE_BARE, 1, 1, p, a, u, t, block, realisation, from, to);
    return;
  }
  if (is_free && (extra == 0 || u->rule_form == EG_RULE_BARE)) {
    fold_few(begin, add, end, extra, count, extra == 0 ? EG_RULE_CLIPPED : EG_RULE_BARE, 1, 0, p, a, u, t, block, realisation, from, to);
    return;
  }
#endif
  if (extra == 0 || u->rule_form == EG_RULE_CLIPPED) {
    fold_few(begin, add, end, extra, count, EG_RULE_CLIPPED, 0, 0, p, a, u, t, block, realisation, from, to);
  } else if (u->rule_form == EG_RULE_FREE) {
    fold_few(begin, add, end, extra, count, EG_RULE_FREE, 0, 0, p, a, u, t, block, realisation, from, to);
  } else {
    fold_few(begin, add, end, extra, count, EG_RULE_BARE, 0, 0, p, a, u, t, block, realisation, from, to);
  }
}

EG_FN void segment_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int source, int n_acc, int extra,
                        const eg_params *p, const eg_launch *a, const eg_uniforms *u, eg_thread *t, eg_block_state block,
                        uint64_t realisation, uint64_t from, uint64_t to) {
  const int is_plain = source == EG_FOLD_ROWS && (extra == 0 || !eg_is_scheduled(&a->chain.batch));
  if (is_plain && a->fold_count == 1) {
    fold_few_by_form(begin, add, end, extra, 1, p, a, u, t, block, realisation, from, to);
    return;
  }
  const int is_short = is_plain && (extra == 0 || u->rule_form == EG_RULE_BARE);
#if EG_HAS_SLOPES
  if (is_short && extra > 0 && a->fold_count == 2 && EG_ROWS_HELD >= 2 && is_of_one(&a->chain) && eg_regulariser_slope(p, u->staged) == 0) {
    fold_few(begin, add, end, extra, 2, EG_RULE_BARE, 1, 1, p, a, u, t, block, realisation, from, to);
    return;
  }
#endif
  if (is_short && a->fold_count == 2 && EG_ROWS_HELD >= 2) { /* SVAG of single rows, too */
    fold_few(begin, add, end, extra, 2, extra == 0 ? EG_RULE_CLIPPED : EG_RULE_BARE, 0, 0, p, a, u, t, block, realisation, from, to);
    return;
  }
  if (is_short && a->fold_count == 4 && EG_ROWS_HELD >= 4) {
    fold_few(begin, add, end, extra, 4, extra == 0 ? EG_RULE_CLIPPED : EG_RULE_BARE, 0, 0, p, a, u, t, block, realisation, from, to);
    return;
  }
  for (uint64_t step = from; step < to; step++) {
    fold_any(begin, add, end, source, n_acc, extra, p, a, u, t, block, realisation, step);
  }
}

#endif
