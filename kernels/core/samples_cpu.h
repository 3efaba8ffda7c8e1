/* The CPU driver of folds over fresh samples, each made of EG_SAMPLE increments: sample i of a step takes the draws
   (step fold_count + i) EG_SAMPLE onwards. A node of fresh-node noise takes one more, its weight. */
#ifndef EG_CORE_SAMPLES_CPU_H
#define EG_CORE_SAMPLES_CPU_H

#include "core/lane_cpu.h"

#if EG_CAPS_SAMPLES
typedef void (*eg_add_sample_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z, eg_real weight,
                                 eg_real *acc);

/* A whole fold over `count` samples, count constant: the accumulator stays in registers. */
EG_FN void lane_samples(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int count, int extra, const eg_params *p,
                        const eg_uniforms *u, eg_real *block, const eg_noise_real *noise) {
  eg_real x[EG_WIDTH_MAX], acc[EG_ACC_MAX];
  lane_load(block, EG_DIM + extra, x);
  begin(p, u, x, acc);
  EG_UNROLL
  for (int i = 0; i < count; i++) {
    eg_noise z;
    z.z = noise + i * EG_SAMPLE * EG_LANES;
    z.wide = NULL;
    add(p, u, x, z, (uint32_t)i < u->half ? u->weight_first : u->weight_second, acc);
  }
  end(p, u, x, acc);
  lane_store(block, EG_DIM + extra, x);
}

EG_FN void lane_add_sample(eg_add_sample_fn add, int n_acc, const eg_params *p, const eg_uniforms *u,
                           const eg_real *block, const eg_noise_real *noise, eg_real weight, eg_real *acc_block) {
  eg_real x[EG_DIM], acc[EG_ACC_MAX];
  eg_noise z;
  z.z = noise;
  z.wide = NULL;
  lane_load(block, EG_DIM, x);
  lane_load(acc_block, n_acc, acc);
  add(p, u, x, z, weight, acc);
  lane_store(acc_block, n_acc, acc);
}

/* Any number of samples of `draws` increments a step, the accumulator in memory. */
EG_FN void samples_any(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int draws, int n_acc, int extra,
                       const eg_params *p, const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t,
                       eg_block_state block, uint64_t realisation, uint64_t step) {
  eg_uniforms own_uniforms = *uniforms;
  const eg_uniforms *const u = &own_uniforms;
  const uint64_t stride = a->fold_count, width = (uint64_t)draws;
  if (extra > 0) {
    eg_uniforms_at(&own_uniforms, a, step);
  }
  for (uint32_t point = 0; point < a->n_points; point++) {
    eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
    LANES { lane_begin(begin, n_acc, p, u, x + l, block.acc + l); }
    for (uint64_t i = 0; i < u->count; i++) {
      const eg_noise_real *const noise =
          noise_from(a, t, block.ahead, realisation, (step * stride + i) * width, width, width);
      const eg_real weight = i < u->half ? u->weight_first : u->weight_second;
      LANES { lane_add_sample(add, n_acc, p, u, x + l, noise + l, weight, block.acc + l); }
    }
    fold_end(end, extra, n_acc, p, u, x, block.acc);
  }
}

/* The same for a constant count whose increments fit the noise buffer. */
EG_FN void samples_few(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int count, int extra, int rule_form,
                       const eg_params *params, const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t,
                       eg_block_state block, uint64_t realisation, uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies that no store can reach, as in segment_plain */
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.rule_form = rule_form;
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  const uint64_t width = (uint64_t)count * EG_SAMPLE;
  for (uint64_t step = from; step < to;) {
    const eg_noise_real *noise = noise_from(a, t, block.ahead, realisation, step * width, width, EG_SAMPLE);
    const uint64_t held = (block.ahead->last - step * width) / width;
    const uint64_t n = held < to - step ? held : to - step;
    for (uint64_t i = 0; i < n; i++) {
      if (extra > 0) {
        eg_uniforms_at(&own_uniforms, a, step + i);
      }
      for (uint32_t point = 0; point < a->n_points; point++) {
        eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
        LANES { lane_samples(begin, add, end, count, extra, p, u, x + l, noise + l); }
      }
      noise += width * EG_LANES;
    }
    step += n;
  }
}

/* The same, with a loop for each form of a chain's rule. */
EG_FN void samples_few_by_form(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int count, int extra,
                               const eg_params *p, const eg_launch *a, const eg_uniforms *u, eg_thread *t,
                               eg_block_state block, uint64_t realisation, uint64_t from, uint64_t to) {
  if (extra == 0 || u->rule_form == EG_RULE_CLIPPED) {
    samples_few(begin, add, end, count, extra, EG_RULE_CLIPPED, p, a, u, t, block, realisation, from, to);
  } else if (u->rule_form == EG_RULE_FREE) {
    samples_few(begin, add, end, count, extra, EG_RULE_FREE, p, a, u, t, block, realisation, from, to);
  } else {
    samples_few(begin, add, end, count, extra, EG_RULE_BARE, p, a, u, t, block, realisation, from, to);
  }
}

/* Steps from < .. <= to of one block. */
EG_FN void segment_samples(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int draws, int n_acc, int extra,
                           const eg_params *params, const eg_launch *a, const eg_uniforms *u, eg_thread *t,
                           eg_block_state block, uint64_t realisation, uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* as above */
  const eg_params *const p = &own_params;
  const int is_plain = draws == EG_SAMPLE && (extra == 0 || !eg_is_scheduled(&a->chain.batch));
  if (is_plain && a->fold_count == 1) {
    samples_few_by_form(begin, add, end, 1, extra, p, a, u, t, block, realisation, from, to);
    return;
  }
  if (is_plain && a->fold_count == 4 && EG_DIM <= 8) {
    samples_few_by_form(begin, add, end, 4, extra, p, a, u, t, block, realisation, from, to);
    return;
  }
  for (uint64_t step = from; step < to; step++) {
    samples_any(begin, add, end, draws, n_acc, extra, p, a, u, t, block, realisation, step);
  }
}
#endif

#endif
