/* The steps of one thread of core/lane_gpu.h: for each form of kernel, where its draws and rows come from. */
#ifndef EG_CORE_LANE_STEP_GPU_H
#define EG_CORE_LANE_STEP_GPU_H

#include "core/draws_gpu.h"
#include "core/lane_state_gpu.h"
#include "core/permute_gpu.h"
#include "core/single_draws.h"

typedef void (*eg_plain_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,
                            const eg_row *rows);
typedef void (*eg_timed_fn)(const eg_params *p, const eg_uniforms *u, const eg_pull *pull, uint64_t realisation, eg_real *x,
                            eg_noise z);
typedef void (*eg_begin_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc);
typedef void (*eg_add_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                          eg_real *acc);
typedef void (*eg_add_sample_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                                 eg_real weight, eg_real *acc);
typedef void (*eg_end_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc);

/* The constants that make one kernel: what is called, and what a step takes. */
enum { EG_FORM_PLAIN = 0, EG_FORM_ROWS = 1, EG_FORM_DATA = 2, EG_FORM_SAMPLES = 3, EG_FORM_NODES = 4, EG_FORM_TIMED = 5 };

typedef struct eg_form {
  int form, kind;
  int normals, rows; /* a step, EG_FORM_PLAIN and EG_FORM_TIMED; normals of a sample, EG_FORM_SAMPLES */
  int extra;         /* values behind x: of a chain, whose coefficients change with the step */
  eg_plain_fn step;
  eg_timed_fn timed;
  eg_begin_fn begin;
  eg_add_fn add;
  eg_add_sample_fn add_sample;
  eg_end_fn end;
} eg_form;

#if EG_COARSE
/* The increments of one step: eg_coarse_draw of core/noise.h for each, by one pass over the steps of the finest member. */
EG_FN void eg_coarse_increments(const eg_form *f, const eg_launch *a, eg_lane *t, eg_real *draws) {
  const int n = f->normals, n_blocks = eg_queue_blocks(f->kind, n);
  eg_queue *const q = &t->increments;
  double sums[EG_MOST_NORMALS];
  EG_UNROLL
  for (int k = 0; k < n; k++) {
    sums[k] = 0;
  }
  EG_ROLLED
  for (uint32_t j = 0; j < a->noise_ratio; j++) {
    eg_queue_ready(q, f->kind, n, a->key, t->realisation);
    EG_UNROLL
    for (int k = 0; k < n; k++) {
      sums[k] += (double)eg_queue_draw(q, f->kind, k, t->table5);
    }
    if (eg_queue_steps(f->kind, n) > 1) {
      eg_queue_drop(q, f->kind, n_blocks, n);
      q->left--;
    }
  }
  const double scale = eg_coarse_scale(a->noise_ratio);
  EG_UNROLL
  for (int k = 0; k < n; k++) {
    draws[k] = (eg_real)eg_coarse_round(f->kind, sums[k] * scale);
  }
}
#endif

/* Step `step` with the draws that wait from place `first` on. */
EG_FN void eg_thread_step(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a,
                          eg_lane *t, uint64_t step, int first, eg_real *x) {
  eg_real draws[EG_MOST_NORMALS];
  eg_row rows[2];
  eg_noise z;
#if EG_COARSE
  (void)first;
  if (f->normals > 0) {
    eg_coarse_increments(f, a, t, draws);
  }
#else
  EG_UNROLL
  for (int k = 0; k < f->normals; k++) {
    draws[k] = eg_queue_draw(&t->increments, f->kind, first + k, t->table5);
  }
#endif
  EG_UNROLL
  for (int k = 0; k < f->rows; k++) {
    eg_index_ready(&t->rows, a->key, t->realisation, a->n_rows, t->reject);
    rows[k] = eg_row_of(a, (uint64_t)(uint32_t)t->rows.row[0]);
    eg_index_drop(&t->rows);
    t->rows.left--;
  }
  z.z = draws;
  if (EG_IS_TIGHT) {
    EG_FENCE();
  }
  if (f->form == EG_FORM_TIMED) {
    const eg_pull pull = eg_pull_of(p, a->key, step, a->h);
    f->timed(p, u, &pull, t->realisation, x, z);
    return;
  }
  f->step(p, u, x, z, rows);
}

EG_FN void eg_thread_uniforms(const eg_form *f, const eg_launch *a, uint64_t step, eg_uniforms *u) {
  if (f->extra > 0) {
    eg_uniforms_at(u, a, step);
  }
}

/* `todo` steps from `step` on. While fewer than n_checked remain, looks at the state after each and stops after the
   first bad one; returns the number of steps not made then, else n_checked. */
EG_FN uint32_t eg_run_plain(const eg_form *f, const eg_params *p, eg_uniforms *u, const eg_launch *a, eg_lane *t,
                            eg_real *x, uint64_t step, uint32_t todo, uint32_t n_checked) {
  const int n = EG_COARSE ? 0 : f->normals; /* sums are made within a step */
  const int n_blocks = n > 0 ? eg_queue_blocks(f->kind, n) : 0;
  const int steps = n > 0 ? eg_queue_steps(f->kind, n) : 1;
  const int chunk = n > 0 && f->extra == 0 && f->form == EG_FORM_PLAIN ? eg_chunk_steps(f->kind, n) : 1;
  eg_queue *const q = &t->increments;
  EG_ROLLED
  while (todo > 0) {
    if (n > 0) {
      eg_queue_ready(q, f->kind, n, a->key, t->realisation);
    }
    if (chunk > 1 && q->left >= (uint32_t)chunk && todo >= (uint32_t)chunk && n_checked == 0) {
      EG_UNROLL
      for (int s = 0; s < chunk; s++) {
        eg_thread_step(f, p, u, a, t, step, s * n, x);
      }
      if (chunk < steps) {
        eg_queue_drop(q, f->kind, n_blocks, chunk * n);
      }
      q->left -= (uint32_t)chunk;
      todo -= (uint32_t)chunk;
      continue;
    }
    eg_thread_uniforms(f, a, step, u);
    eg_thread_step(f, p, u, a, t, step, 0, x);
    step++; /* of those that ask for it, whose chunks are single steps */
    if (steps > 1) {
      eg_queue_drop(q, f->kind, n_blocks, n);
      q->left--;
    }
    todo--;
    if (todo < n_checked && !eg_state_is_finite(x)) {
      return todo;
    }
  }
  return n_checked;
}

/* The elements of a fold with one increment each: all data rows in order. */
#if EG_COARSE
/* eg_coarse_draw of core/noise.h, words by selection: a run-time index would put them on the stack. */
EG_FN double eg_coarse_single(int kind, const eg_launch *a, uint64_t realisation, uint64_t step, uint32_t k) {
  const uint64_t per_block = (uint64_t)eg_kind_per_block(kind), n = a->fold_count;
  double sum = 0;
  EG_ROLLED
  for (uint32_t j = 0; j < a->noise_ratio; j++) {
    const uint64_t fine = (step * a->noise_ratio + j) * n + k;
    const int place = (int)(fine % per_block);
    uint32_t w[4], v[4];
    eg_block(a->key, EG_STREAM_NOISE, realisation, fine / per_block, w);
    v[0] = (place & 2) != 0 ? w[2] : w[0];
    v[1] = (place & 2) != 0 ? w[3] : w[1];
    v[2] = w[2];
    v[3] = w[3];
    sum += eg_draw(kind, v, place & 1);
  }
  return eg_coarse_round(kind, sum * eg_coarse_scale(a->noise_ratio));
}

EG_FN void eg_fold_data(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a,
                        eg_lane *t, uint64_t step, const eg_real *x, eg_real *acc) {
  EG_ROLLED
  for (uint32_t i = 0; i < a->fold_count; i++) { /* a row's increments of the finest steps lie fold_count apart */
    f->add(p, u, x, eg_row_of(a, i), (eg_real)eg_coarse_single(f->kind, a, t->realisation, step, i), acc);
  }
}
#else
EG_FN void eg_fold_data(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a,
                        eg_lane *t, uint64_t step, const eg_real *x, eg_real *acc) {
  const int n_blocks = eg_queue_blocks(f->kind, 1);
  const int chunk = EG_DIM > 12 ? 1 : 4; /* short of registers, or what divides the draws of a block of every kind but gaussian64 */
  eg_queue *const q = &t->increments;
  EG_ROLLED
  for (uint32_t i = 0; i < a->fold_count;) {
    eg_queue_ready(q, f->kind, 1, a->key, t->realisation);
    if (q->left >= (uint32_t)chunk && a->fold_count - i >= (uint32_t)chunk) {
      EG_UNROLL
      for (int s = 0; s < chunk; s++) {
        f->add(p, u, x, eg_row_of(a, i + (uint32_t)s), eg_queue_draw(q, f->kind, s, t->table5), acc);
      }
      eg_queue_drop(q, f->kind, n_blocks, chunk);
      q->left -= (uint32_t)chunk;
      i += (uint32_t)chunk;
      continue;
    }
    f->add(p, u, x, eg_row_of(a, i), eg_queue_draw(q, f->kind, 0, t->table5), acc);
    eg_queue_drop(q, f->kind, n_blocks, 1);
    q->left--;
    i++;
  }
  (void)step;
}
#endif

/* The next row of a minibatch, element i of step `step`. */
EG_FN eg_row eg_next_row(const eg_launch *a, eg_lane *t, uint64_t step, uint32_t i) {
#if EG_PERMUTED
  if (i == 0) {
    eg_permuted_step(&t->permuted, a, step);
  }
  return eg_row_of(a, eg_permuted_row(&t->permuted, a, t->realisation, i));
#else
  (void)step;
  (void)i;
  eg_index_ready(&t->rows, a->key, t->realisation, a->n_rows, t->reject);
  const eg_row row = eg_row_of(a, (uint64_t)(uint32_t)t->rows.row[0]);
  eg_index_drop(&t->rows);
  t->rows.left--;
  return row;
#endif
}

#if EG_NOISY
/* The row of draw q with noise on its inputs and target, in `values`. */
EG_FN eg_row eg_noisy_row(int kind, const eg_launch *a, eg_draws *noise, uint64_t q, eg_row row, eg_real *values) {
  const uint32_t dim = a->dim, width = eg_row_draws(a), first = dim + 1 - width;
  eg_row noisy;
  noise->step = q;
  EG_UNROLL
  for (int k = 0; k <= EG_DIM; k++) {
    values[k] = EG_ROW(row, k);
  }
  EG_ROLLED
  for (uint32_t k = first; k <= dim; k++) { /* rolled: one copy of the generator; padded inputs have no noise */
    const eg_real z = eg_draws_increment(noise, kind, width, k - first);
    const eg_real size = (eg_real)(k == dim ? a->label_noise : a->input_noise);
    EG_UNROLL
    for (uint32_t j = 0; j <= EG_DIM; j++) {
      const int is_here = j == (k == dim ? EG_DIM : k);
      values[j] = is_here ? eg_mad(size, z, values[j]) : values[j];
    }
  }
  noisy.base = values; /* one row in the layout of core/rows.h */
  noisy.n_rows = 1;
  noisy.row = 0;
  return noisy;
}
#endif

/* The elements of a fold over fold_count random rows; chains weight them. */
EG_FN void eg_fold_rows(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a, eg_lane *t,
                        uint64_t step, const eg_real *x, eg_real *acc) {
  const uint32_t count = f->extra == 0 ? a->fold_count : u->count;
  EG_ROLLED
  for (uint32_t i = 0; i < count; i++) {
    const eg_real weight = f->extra == 0 ? (eg_real)0 : i < u->half ? u->weight_first : u->weight_second;
#if EG_NOISY
    eg_real values[EG_DIM + 1];
    const eg_row row = eg_next_row(a, t, step, i);
    f->add(p, u, x, eg_noisy_row(f->kind, a, &t->row_noise, step * a->fold_count + i, row, values), weight, acc);
#else
    f->add(p, u, x, eg_next_row(a, t, step, i), weight, acc);
#endif
  }
  if (f->extra > 0 && count < a->fold_count) { /* a scheduled batch: the other draws of the step are left out */
    eg_index_seek(&t->rows, (step + 1) * a->fold_count);
  }
}

/* The elements of a fold over fold_count random rows with one increment each. */
EG_FN void eg_fold_nodes(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a, eg_lane *t,
                         uint64_t step, const eg_real *x, eg_real *acc) {
  const int n_blocks = eg_queue_blocks(f->kind, 1);
  eg_queue *const q = &t->increments;
  EG_ROLLED
  for (uint32_t i = 0; i < a->fold_count; i++) {
    eg_queue_ready(q, f->kind, 1, a->key, t->realisation);
    f->add(p, u, x, eg_next_row(a, t, step, i), eg_queue_draw(q, f->kind, 0, t->table5), acc);
    eg_queue_drop(q, f->kind, n_blocks, 1);
    q->left--;
  }
}

/* The elements of a fold over fold_count fresh samples of f->normals increments each; chains weight them. */
EG_FN void eg_fold_samples(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a,
                           eg_lane *t, uint64_t step, const eg_real *x, eg_real *acc) {
  const int n = f->normals, n_blocks = eg_queue_blocks(f->kind, n);
  const uint32_t count = f->extra == 0 ? a->fold_count : u->count;
  eg_queue *const q = &t->increments;
  EG_ROLLED
  for (uint32_t i = 0; i < count; i++) {
    const eg_real weight = f->extra == 0 ? (eg_real)1 : i < u->half ? u->weight_first : u->weight_second;
    eg_real draws[EG_MOST_NORMALS];
    eg_noise z;
    eg_queue_ready(q, f->kind, n, a->key, t->realisation);
    EG_UNROLL
    for (int k = 0; k < n; k++) {
      draws[k] = eg_queue_draw(q, f->kind, k, t->table5);
    }
    z.z = draws;
    f->add_sample(p, u, x, z, weight, acc);
    if (eg_queue_steps(f->kind, n) > 1) {
      eg_queue_drop(q, f->kind, n_blocks, n);
      q->left--;
    }
  }
  if (f->extra > 0 && count < a->fold_count) { /* as in eg_fold_rows */
    eg_queue_seek(q, f->kind, n, (step + 1) * a->fold_count);
  }
}

EG_FN uint32_t eg_run_fold(const eg_form *f, const eg_params *p, eg_uniforms *u, const eg_launch *a, eg_lane *t,
                           eg_real *x, uint64_t step, uint32_t todo, uint32_t n_checked) {
  EG_ROLLED
  for (; todo > 0; step++) {
    eg_real acc[EG_ACC_MAX];
    eg_thread_uniforms(f, a, step, u);
    f->begin(p, u, x, acc);
    if (f->form == EG_FORM_DATA) {
      eg_fold_data(f, p, u, a, t, step, x, acc);
    } else if (f->form == EG_FORM_SAMPLES) {
      eg_fold_samples(f, p, u, a, t, step, x, acc);
    } else if (f->form == EG_FORM_NODES) {
      eg_fold_nodes(f, p, u, a, t, step, x, acc);
    } else {
      eg_fold_rows(f, p, u, a, t, step, x, acc);
    }
    f->end(p, u, x, acc);
    todo--;
    if (todo < n_checked && !eg_state_is_finite(x)) {
      return todo;
    }
  }
  return n_checked;
}

/* Stand before step `step`. */
EG_FN void eg_thread_seek(const eg_form *f, const eg_launch *a, eg_lane *t, uint64_t step) {
  if (f->form == EG_FORM_DATA) {
    eg_queue_seek(&t->increments, f->kind, 1, step * a->fold_count);
  } else if (f->form == EG_FORM_NODES) {
    eg_queue_seek(&t->increments, f->kind, 1, step * a->fold_count);
    eg_index_seek(&t->rows, step * a->fold_count);
  } else if (f->form == EG_FORM_SAMPLES) {
    eg_queue_seek(&t->increments, f->kind, f->normals, step * a->fold_count);
  } else if (f->form == EG_FORM_ROWS) {
    eg_index_seek(&t->rows, step * a->fold_count);
  } else {
    if (f->normals > 0) {
      eg_queue_seek(&t->increments, f->kind, f->normals, EG_COARSE ? step * a->noise_ratio : step);
    }
    if (f->rows > 0) {
      eg_index_seek(&t->rows, step * (uint64_t)f->rows);
    }
  }
}

EG_FN uint32_t eg_run(const eg_form *f, const eg_params *p, eg_uniforms *u, const eg_launch *a, eg_lane *t, eg_real *x,
                      uint64_t step, uint32_t todo, uint32_t n_checked) {
  return f->form == EG_FORM_PLAIN || f->form == EG_FORM_TIMED ? eg_run_plain(f, p, u, a, t, x, step, todo, n_checked)
                                                              : eg_run_fold(f, p, u, a, t, x, step, todo, n_checked);
}

#endif
