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

/* Row j of the data, the same for all lanes: `lanes` of them. */
EG_FN void spread_row(const eg_launch *a, uint64_t j, int lanes, eg_real *wide) {
  for (int k = 0; k <= EG_DIM; k++) {
    const eg_real value = ((const eg_real *)a->rows)[eg_rows_at(a->n_rows, EG_DIM + 1, j, k)];
    for (int l = 0; l < lanes; l++) {
      wide[k * lanes + l] = value;
    }
  }
}

/* Increments of the noise on rows of draws q .. q + count - 1. */
EG_FN const eg_noise_real *row_noise_from(const eg_launch *a, eg_thread *t, eg_ahead *ahead, uint64_t realisation, uint64_t q,
                                          uint64_t count) {
  const uint64_t width = eg_row_draws(a);
  return noise_from(a, t, ahead, realisation, q * width, count * width, width);
}

EG_FN void fold_end_of_form(eg_end_fn end, int extra, int n_acc, int rule_form, const eg_params *p, const eg_uniforms *uniforms,
                            eg_real *x, const eg_real *acc) {
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.rule_form = rule_form; /* their values, but known when compiled: a branch within the loop makes it scalar */
  own_uniforms.is_free = own_uniforms.is_memoryless = 0;
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

/* Adds up elements q .. q + n - 1 in all lanes of a point. index: of the first, NULL for EG_FOLD_DATA; noise: on rows where is_noisy,
   else the elements' own, NULL for EG_FOLD_ROWS. */
EG_FN void fold_rows(eg_add_fn add, int source, int n_acc, int is_noisy, const eg_params *p, const eg_launch *a, const eg_uniforms *u,
                     const eg_real *x, const int32_t *index, const eg_noise_real *noise, uint64_t i, eg_real *acc) {
  eg_real staged[EG_GROUP_ROW];
  if (source == EG_FOLD_DATA) {
    spread_row(a, i, EG_GROUP, staged);
  }
  const eg_real weight = i < u->half ? u->weight_first : u->weight_second;
  for (int first = 0; first < EG_LANES; first += EG_GROUP) {
    eg_real z[EG_GROUP];
    if (source != EG_FOLD_DATA) {
      stage_group(a, index + first, 1, staged);
    }
    if (is_noisy) {
      add_row_noise(a, noise + first, 1, staged);
    }
    if (source != EG_FOLD_ROWS) {
      widen_group(noise + first, z);
    }
    GROUP_LANES { lane_add(add, n_acc, p, u, x + first + l, staged + l, source == EG_FOLD_ROWS ? weight : z[l], acc + first + l); }
  }
}

/* A fold over fold_count elements a step with the accumulator in memory: any count. */
EG_FN void fold_any(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int source, int n_acc, int extra,
                    const eg_params *p, const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t,
                    eg_block_state block, uint64_t realisation, uint64_t step) {
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.is_free = own_uniforms.is_memoryless = 0; /* their values, but known when compiled */
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
      const int32_t *index = NULL;
      if (source != EG_FOLD_DATA) {
        index = hold_index(a, t, ahead, realisation, q, 1, a->step_last * stride);
      }
      if (source != EG_FOLD_ROWS) {
        const eg_noise_real *const noise = noise_from(a, t, ahead, realisation, q, 1, 1);
        fold_rows(add, source, n_acc, 0, p, a, u, x, index, noise, i, block.acc);
      } else if (eg_has_row_noise(a)) {
        const eg_noise_real *const noise = row_noise_from(a, t, ahead, realisation, q, 1);
        fold_rows(add, source, n_acc, 1, p, a, u, x, index, noise, i, block.acc);
      } else {
        fold_rows(add, source, n_acc, 0, p, a, u, x, index, NULL, i, block.acc);
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

/* What a loop of fold_few knows when it is compiled. */
typedef struct eg_fold_form {
  int count;         /* rows of a step */
  int rule_form;     /* EG_RULE_*; EG_RULE_CLIPPED where there is no rule */
  int is_free;       /* no regulariser */
  int is_one;        /* is_of_one */
  int is_memoryless; /* momentum is 0: the velocity is neither read nor written */
  int is_noisy;      /* the rows have noise: a branch for it would keep staged rows in memory */
} eg_fold_form;

/* The same for a constant count of rows. */
EG_FN void fold_few(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int extra, eg_fold_form form, const eg_params *params,
                    const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t, eg_block_state block, uint64_t realisation,
                    uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies, as in segment_plain */
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.batch_size = (eg_real)form.count; /* their values, but known when compiled: a product with 1 vanishes */
  own_uniforms.rule_form = form.rule_form;
  own_uniforms.is_free = form.is_free;
  own_uniforms.is_memoryless = form.is_memoryless;
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  const uint64_t count = (uint64_t)form.count;
  const int used = form.is_memoryless ? 0 : extra;
  const int must_look = extra > 0 && !is_steady(&a->chain); /* at the coefficients of every step */
  if (extra > 0) {
    eg_uniforms_at(&own_uniforms, a, from);
  }
  for (uint64_t step = from; step < to;) {
    const uint64_t q = step * count;
    const int32_t *index = hold_index(a, t, block.ahead, realisation, q, count, a->step_last * count);
    const uint64_t held = (block.ahead->index_last - q) / count;
    const uint64_t n = held < to - step ? held : to - step;
    for (uint64_t i = 0; i < n; i++, index += form.count * EG_LANES) {
      const eg_noise_real *on_rows = NULL;
      if (form.is_noisy) {
        on_rows = row_noise_from(a, t, block.ahead, realisation, q + i * count, count);
      }
      if (must_look) {
        eg_uniforms_at(&own_uniforms, a, step + i);
      }
      if (form.is_one) { /* again known when compiled */
        own_uniforms.inverse_batch = own_uniforms.new_weight = 1;
        own_uniforms.weight_first = form.count == 1 ? (eg_real)1 : own_uniforms.weight_first;
        own_uniforms.half = 1;
      }
      for (int first = 0; first < EG_LANES; first += EG_GROUP) {
        eg_real staged[4 * EG_GROUP_ROW];
        stage_group(a, index + first, form.count, staged);
        if (form.is_noisy) {
          add_row_noise(a, on_rows + first, form.count, staged);
        }
        for (uint32_t point = 0; point < a->n_points; point++) {
          eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES + first;
          GROUP_LANES { lane_fold(begin, add, end, used, form.count, p, u, x + l, staged + l); }
        }
      }
    }
    step += n;
  }
}

EG_FN void segment_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int source, int n_acc, int extra,
                        const eg_params *p, const eg_launch *a, const eg_uniforms *u, eg_thread *t, eg_block_state block,
                        uint64_t realisation, uint64_t from, uint64_t to) {
#define FOLD_FEW(...)                                                                                        \
  do {                                                                                                       \
    fold_few(begin, add, end, extra, (eg_fold_form){__VA_ARGS__}, p, a, u, t, block, realisation, from, to); \
    return;                                                                                                  \
  } while (0)
  const int is_few = source == EG_FOLD_ROWS && (extra == 0 || !eg_is_scheduled(&a->chain.batch));
  const uint32_t count = is_few ? a->fold_count : 0; /* 0: none of the loops below */
  const int has_rule = extra > 0, is_bare = has_rule && u->rule_form == EG_RULE_BARE;
  const int is_noisy = is_few && eg_has_row_noise(a);
#if EG_HAS_SLOPES
  const int is_free = eg_regulariser_slope(p, u->staged) == 0;
  const int is_one = is_bare && is_free && is_of_one(&a->chain);
  if (is_noisy && is_one && count == 1) {
    FOLD_FEW(1, EG_RULE_BARE, 1, 1, 0, 1);
  }
  if (is_noisy && is_free && !has_rule && count == 1) {
    FOLD_FEW(1, EG_RULE_CLIPPED, 1, 0, 0, 1);
  }
  if (!is_noisy && is_one && count == 1) {
    FOLD_FEW(1, EG_RULE_BARE, 1, 1, 0, 0);
  }
  if (!is_noisy && is_one && count == 2 && extra == EG_DIM && a->chain.momentum == 0.0) { /* SVAG of single rows */
    FOLD_FEW(2, EG_RULE_BARE, 1, 1, 1, 0);
  }
  if (!is_noisy && is_one && count == 2) {
    FOLD_FEW(2, EG_RULE_BARE, 1, 1, 0, 0);
  }
  if (!is_noisy && is_free && is_bare && count == 1) {
    FOLD_FEW(1, EG_RULE_BARE, 1, 0, 0, 0);
  }
  if (!is_noisy && is_free && !has_rule && count == 1) {
    FOLD_FEW(1, EG_RULE_CLIPPED, 1, 0, 0, 0);
  }
#endif
  if (is_noisy && !has_rule && count == 1) {
    FOLD_FEW(1, EG_RULE_CLIPPED, 0, 0, 0, 1);
  }
  if (!is_noisy && is_bare && count == 1) {
    FOLD_FEW(1, EG_RULE_BARE, 0, 0, 0, 0);
  }
  if (!is_noisy && is_bare && count == 2) {
    FOLD_FEW(2, EG_RULE_BARE, 0, 0, 0, 0);
  }
  if (!is_noisy && is_bare && count == 4) {
    FOLD_FEW(4, EG_RULE_BARE, 0, 0, 0, 0);
  }
  if (!is_noisy && has_rule && count == 1 && u->rule_form == EG_RULE_FREE) {
    FOLD_FEW(1, EG_RULE_FREE, 0, 0, 0, 0);
  }
  if (!is_noisy && count == 1) {
    FOLD_FEW(1, EG_RULE_CLIPPED, 0, 0, 0, 0);
  }
  if (!is_noisy && !has_rule && count == 2) {
    FOLD_FEW(2, EG_RULE_CLIPPED, 0, 0, 0, 0);
  }
  if (!is_noisy && !has_rule && count == 4) {
    FOLD_FEW(4, EG_RULE_CLIPPED, 0, 0, 0, 0);
  }
  for (uint64_t step = from; step < to; step++) {
    fold_any(begin, add, end, source, n_acc, extra, p, a, u, t, block, realisation, step);
  }
#undef FOLD_FEW
}

#endif
