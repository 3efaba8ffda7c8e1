/* The CPU driver of folds over fresh samples, each made of EG_SAMPLE increments: sample i of a step takes the draws
   (step fold_count + i) EG_SAMPLE onwards. */
#ifndef EG_CORE_SAMPLES_CPU_H
#define EG_CORE_SAMPLES_CPU_H

#include "core/lane_cpu.h"

#if EG_CAPS_SAMPLES
typedef void (*eg_add_sample_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z, eg_real *acc);

/* A whole fold over `count` samples, count constant: the accumulator stays in registers. */
EG_FN void lane_samples(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int count, const eg_params *p,
                        const eg_uniforms *u, eg_real *block, const eg_noise_real *noise) {
  eg_real x[EG_DIM], acc[EG_ACC_MAX];
  lane_load(block, EG_DIM, x);
  begin(p, u, x, acc);
  EG_UNROLL
  for (int i = 0; i < count; i++) {
    eg_noise z;
    z.z = noise + i * EG_SAMPLE * EG_LANES;
    add(p, u, x, z, acc);
  }
  end(p, u, x, acc);
  lane_store(block, EG_DIM, x);
}

EG_FN void lane_add_sample(eg_add_sample_fn add, int n_acc, const eg_params *p, const eg_uniforms *u,
                           const eg_real *block, const eg_noise_real *noise, eg_real *acc_block) {
  eg_real x[EG_DIM], acc[EG_ACC_MAX];
  eg_noise z;
  z.z = noise;
  lane_load(block, EG_DIM, x);
  lane_load(acc_block, n_acc, acc);
  add(p, u, x, z, acc);
  lane_store(acc_block, n_acc, acc);
}

/* The increments from draw q on: at least `need` of them. */
EG_FN const eg_noise_real *samples_from(const eg_launch *a, eg_thread *t, eg_ahead *ahead, uint64_t realisation,
                                        uint64_t q, uint64_t need) {
  if (q < ahead->first || q + need > ahead->last) {
    hold_noise(a, t, ahead, realisation, q, need, a->step_last * a->fold_count * (uint64_t)EG_SAMPLE);
  }
  return (const eg_noise_real *)t->noise + (q - ahead->first) * EG_LANES;
}

/* Any number of samples a step, the accumulator in memory. */
EG_FN void samples_any(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int n_acc, const eg_params *p,
                       const eg_launch *a, const eg_uniforms *u, eg_thread *t, eg_block_state block,
                       uint64_t realisation, uint64_t step) {
  const uint64_t count = a->fold_count;
  for (uint32_t point = 0; point < a->n_points; point++) {
    eg_real *const x = block.x + (size_t)point * EG_DIM * EG_LANES;
    LANES { lane_begin(begin, n_acc, p, u, x + l, block.acc + l); }
    for (uint64_t i = 0; i < count; i++) {
      const eg_noise_real *const noise =
          samples_from(a, t, block.ahead, realisation, (step * count + i) * EG_SAMPLE, EG_SAMPLE);
      LANES { lane_add_sample(add, n_acc, p, u, x + l, noise + l, block.acc + l); }
    }
    LANES { lane_end(end, 0, n_acc, p, u, x + l, block.acc + l); }
  }
}

/* The same for a constant count whose increments fit the noise buffer. */
EG_FN void samples_few(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int count, const eg_params *params,
                       const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t, eg_block_state block,
                       uint64_t realisation, uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies that no store can reach, as in segment_plain */
  const eg_uniforms own_uniforms = *uniforms;
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  const uint64_t width = (uint64_t)count * EG_SAMPLE;
  for (uint64_t step = from; step < to;) {
    const eg_noise_real *noise = samples_from(a, t, block.ahead, realisation, step * width, width);
    const uint64_t held = (block.ahead->last - step * width) / width;
    const uint64_t n = held < to - step ? held : to - step;
    for (uint64_t i = 0; i < n; i++) {
      for (uint32_t point = 0; point < a->n_points; point++) {
        eg_real *const x = block.x + (size_t)point * EG_DIM * EG_LANES;
        LANES { lane_samples(begin, add, end, count, p, u, x + l, noise + l); }
      }
      noise += width * EG_LANES;
    }
    step += n;
  }
}

/* Steps from < .. <= to of one block. */
EG_FN void segment_samples(eg_begin_fn begin, eg_add_sample_fn add, eg_end_fn end, int n_acc, const eg_params *p,
                           const eg_launch *a, const eg_uniforms *u, eg_thread *t, eg_block_state block,
                           uint64_t realisation, uint64_t from, uint64_t to) {
  if (a->fold_count == 1) {
    samples_few(begin, add, end, 1, p, a, u, t, block, realisation, from, to);
    return;
  }
  if (a->fold_count == 4 && EG_DIM <= 8) {
    samples_few(begin, add, end, 4, p, a, u, t, block, realisation, from, to);
    return;
  }
  for (uint64_t step = from; step < to; step++) {
    samples_any(begin, add, end, n_acc, p, a, u, t, block, realisation, step);
  }
}
#endif

#endif
