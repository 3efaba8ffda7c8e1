/* The coefficients of a step in the type of the state, the same for all trajectories of a launch. */
#ifndef EG_CORE_UNIFORMS_H
#define EG_CORE_UNIFORMS_H

#include "core/model.h"

/* What a step reads for the second time. A compiler that knew it to be the same would keep a whole matrix from one use to the
   other, spread over the lanes of more registers than there are; read again it costs nothing, as part of the product. */
#if EG_DEVICE || defined(EG_THREAD_FORM) /* the GPU's text, on the host too, sets `staged` alone */
#define EG_STAGED_AGAIN(u) ((u)->staged)
#else
#define EG_STAGED_AGAIN(u) ((u)->staged_again)
#endif

typedef struct eg_uniforms {
  eg_real h, learning_rate, rate_over_batch, batch_size, correction, noise_scale, noise_loss, noise_level;
  const eg_real *staged;
#if !EG_DEVICE
  const eg_real *staged_again; /* the same: see EG_STAGED_AGAIN */
#endif
  const eg_real *rows; /* all data rows: core/rows.h */
  uint32_t n_rows;
  /* of chains: eg_chain in core/launch.h; the second group changes with the step */
  eg_real inverse_batch, weight_first, weight_second, momentum, new_weight, lookahead, velocity_weight;
  eg_real weight_decay, clip2, beta2, new_square, epsilon;
  eg_real sign_part, plain_part;
  uint32_t half, is_before;
  int32_t rule_form; /* EG_RULE_*, by what the rule does not do */
  int32_t is_free;   /* of a fold of rows on the CPU: the regulariser is 0 and left out */
  int32_t is_memoryless; /* of one too: momentum is 0, and the velocity is left out */
  eg_real rate, shrink, unbias1, unbias2, is_first;
  uint32_t count; /* samples of this step: fold_count where nothing is scheduled */
} eg_uniforms;

/* Forms of a chain's rule: the short one (nothing is clipped, decays, looks ahead, is a sign or divides before); nothing is
   clipped; any. */
enum { EG_RULE_BARE = 0, EG_RULE_FREE = 1, EG_RULE_CLIPPED = 2 };

typedef struct eg_step_uniforms {
  eg_real rate, shrink, unbias1, unbias2, is_first, inverse_batch, noise_scale;
  uint32_t half, count;
} eg_step_uniforms;

EG_FN int eg_is_scheduled(const eg_schedule *s) {
  return s->kind != EG_SCHEDULE_CONSTANT || s->warm_up > 0;
}

/* 1 / (1 - beta^(step + 1)), 1 where log_beta is 0: no correction. */
EG_FN double eg_unbias(double log_beta, uint64_t step) {
  const double power = (double)(step + 1) * log_beta;
  return power < 0 && power > -40.0 ? 1.0 / (1.0 - eg_exp(power)) : 1.0; /* exp(-40) is lost in 1 */
}

/* The coefficients of a chain that change with the step, of iteration `step` (the first is 0). Out of the way, and by value:
   the other coefficients stay in registers. */
EG_APART eg_step_uniforms eg_uniforms_of_step(const eg_launch *a, uint64_t step) {
  eg_step_uniforms u;
  const eg_chain *const c = &a->chain;
  double rate = c->rate;
  if (eg_is_scheduled(&c->schedule)) {
    rate = rate * eg_schedule_factor(&c->schedule, (double)step / (double)c->substeps);
  }
  u.rate = (eg_real)rate;
  u.shrink = (eg_real)(1.0 - rate * c->decay);
  u.unbias1 = (eg_real)eg_unbias(c->log_beta1, step);
  u.unbias2 = (eg_real)eg_unbias(c->log_beta2, step);
  u.inverse_batch = (eg_real)c->inverse_batch;
  u.noise_scale = (eg_real)a->noise_scale;
  u.half = c->half;
  u.count = a->fold_count;
  if (eg_is_scheduled(&c->batch)) {
    const double wanted = c->batch_size * eg_schedule_factor(&c->batch, (double)step / (double)c->substeps);
    const double batch = wanted > 1 ? (double)(int64_t)(wanted + 0.5) : 1.0;
    u.inverse_batch = (eg_real)(1.0 / batch);
    u.noise_scale = (eg_real)(a->noise_scale * eg_sqrt(c->batch_size / batch));
    u.half = (uint32_t)batch;
    u.count = c->weight_second != 0 ? 2 * u.half : u.half;
  }
  u.is_first = step == 0 ? (eg_real)1 : (eg_real)0;
  return u;
}

EG_FN void eg_uniforms_at(eg_uniforms *u, const eg_launch *a, uint64_t step) {
  const eg_step_uniforms at = eg_uniforms_of_step(a, step);
  u->rate = at.rate;
  u->shrink = at.shrink;
  u->unbias1 = at.unbias1;
  u->unbias2 = at.unbias2;
  u->inverse_batch = at.inverse_batch;
  u->noise_scale = at.noise_scale;
  u->half = at.half;
  u->count = at.count;
  u->is_first = at.is_first;
}

EG_FN int32_t eg_rule_form(const eg_chain *c) {
  if (c->clip2 <= 0x1.fffffffffffffp1023) {
    return EG_RULE_CLIPPED;
  }
  return c->weight_decay == 0 && c->decay == 0 && c->lookahead == 0 && !c->is_sign && !c->is_before ? EG_RULE_BARE : EG_RULE_FREE;
}

EG_FN eg_uniforms eg_uniforms_of(const eg_launch *a) {
  eg_uniforms u;
  u.h = (eg_real)a->h;
  u.learning_rate = (eg_real)a->learning_rate;
  u.rate_over_batch = (eg_real)a->rate_over_batch;
  u.batch_size = (eg_real)a->fold_count;
  u.correction = (eg_real)a->correction;
  u.noise_scale = (eg_real)a->noise_scale;
  u.noise_loss = (eg_real)a->noise_loss;
  u.noise_level = (eg_real)a->noise_level;
  u.staged = (const eg_real *)a->staged;
#if !EG_DEVICE
  u.staged_again = u.staged;
#endif
  u.rows = (const eg_real *)a->rows;
  u.n_rows = a->n_rows;
  const eg_chain *const c = &a->chain;
  u.inverse_batch = (eg_real)c->inverse_batch;
  u.weight_first = (eg_real)c->weight_first;
  u.weight_second = (eg_real)c->weight_second;
  u.momentum = (eg_real)c->momentum;
  u.new_weight = (eg_real)c->new_weight;
  u.lookahead = (eg_real)c->lookahead;
  u.velocity_weight = (eg_real)c->velocity_weight;
  u.weight_decay = (eg_real)c->weight_decay;
  u.clip2 = (eg_real)c->clip2;
  u.beta2 = (eg_real)c->beta2;
  u.new_square = (eg_real)c->new_square;
  u.epsilon = (eg_real)c->epsilon;
  u.half = c->half;
  u.sign_part = c->is_sign ? (eg_real)1 : (eg_real)0;
  u.plain_part = c->is_sign ? (eg_real)0 : (eg_real)1;
  u.is_before = c->is_before;
  u.rule_form = eg_rule_form(c);
  u.is_free = u.is_memoryless = 0;
  u.rate = u.shrink = u.unbias1 = u.unbias2 = u.is_first = 0;
  u.count = a->fold_count;
  return u;
}

#endif
