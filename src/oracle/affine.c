#include "oracle/affine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/affine_lift.h"
#include "oracle/affine_schemes.h"
#include "oracle/dense.h"

static eg_status check_setting(eg_context *ctx, const eg_affine_model *model,
                               const eg_affine_setting *setting, int m) {
  if (model->dim < 1 || m < 1 || m > EG_AFFINE_MAX_DIM / model->dim) {
    return eg_fail(ctx, EG_ERR_USAGE,
                   "exact moments: %d points in %d dimensions; points x dimensions must be 1 to %d", m,
                   model->dim, EG_AFFINE_MAX_DIM);
  }
  if (!(setting->learning_rate > 0.0 && isfinite(setting->learning_rate))) {
    return eg_fail(ctx, EG_ERR_USAGE, "exact moments: learning rate %g; it must be positive and finite",
                   setting->learning_rate);
  }
  if (!(setting->batch_size > 0.0)) {
    return eg_fail(ctx, EG_ERR_USAGE, "exact moments: batch size %g; it must be positive",
                   setting->batch_size);
  }
  if (setting->substeps < 1) {
    return eg_fail(ctx, EG_ERR_USAGE, "exact moments: %d substeps; at least 1 is needed", setting->substeps);
  }
  if (setting->law == EG_LAW_SGD && setting->scheme != EG_AFFINE_EXACT) {
    return eg_fail(ctx, EG_ERR_USAGE, "exact moments: a chain is not integrated; its scheme must be exact");
  }
  if (model->is_process && (setting->law == EG_LAW_SGD || setting->law == EG_LAW_SDE2)) {
    return eg_fail(ctx, EG_ERR_USAGE, "exact moments: a process has no chain and no second-order equation");
  }
  return EG_OK;
}

/* The noise term is noise_rate Sigma(x, y) dt. SGD: x' = x - eta grad with Cov = eta^2 Sigma / batch, that is
   eta dt Sigma / batch at dt = eta; the modified equations keep this rate. */
static double noise_rate(const eg_affine_model *model, const eg_affine_setting *setting) {
  if (setting->law == EG_LAW_GRADIENT_FLOW) {
    return 0.0;
  }
  return model->is_process ? 1.0 : setting->learning_rate / setting->batch_size;
}

/* One step x' = x + h (B x + b) + sqrt(h) noise: Euler-Maruyama, and SGD itself with h = learning rate. */
static eg_status euler_step(eg_context *ctx, size_t d, int parity, const eg_affine_part *drift, double h,
                            const double *gram, double *out) {
  double *scaled = NULL;
  EG_TRY(eg_allocate(ctx, d * d + d, sizeof(double), &scaled));
  for (size_t i = 0; i < d * d; i++) {
    scaled[i] = h * drift->B[i];
  }
  for (size_t i = 0; i < d; i++) {
    scaled[d * d + i] = h * drift->b[i];
  }
  const eg_affine_part step = {scaled, scaled + d * d, h * drift->noise, true};
  eg_lift_build(d, parity, &step, gram, out);
  free(scaled);
  return EG_OK;
}

/* Drift flow over h/2, noise of covariance h noise Sigma at that point, drift flow over h/2. */
static eg_status strang_step(eg_context *ctx, size_t d, int parity, const eg_affine_part *drift, double h,
                             const double *gram, double *out) {
  const size_t n = eg_lift_size(d, parity);
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, d * d + d + 2 * n * n, sizeof(double), &space));
  double *E = space, *e = E + d * d, *half = e + d, *work = half + n * n;
  const eg_status status = eg_lift_flow(ctx, d, drift->B, drift->b, 0.5 * h, E, e);
  if (status == EG_OK) {
    const eg_affine_part flow = {E, e, 0.0, true}, kick = {NULL, NULL, h * drift->noise, true};
    eg_lift_build(d, parity, &flow, gram, half);
    eg_lift_build(d, parity, &kick, gram, out);
    eg_dense_compose(n, out, half, work);
    eg_dense_compose(n, half, work, out);
  }
  free(space);
  return status;
}

/* Of (x, v), dim = 2 m: push the velocity for h/2, glide for h/2, damp it and add the noise, glide, push. */
static eg_status baoab_step(eg_context *ctx, size_t d, int parity, const eg_affine_part *drift, double h,
                            const double *gram, double *out) {
  const size_t n = eg_lift_size(d, parity), m = d / 2;
  const double friction = -drift->B[m * d + m], change = expm1(-friction * h);
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, 3 * d * d + d + 3 * n * n, sizeof(double), &space));
  double *const B = space, *const A = B + d * d, *const O = A + d * d, *const b = O + d * d;
  double *const push = b + d, *const glide = push + n * n, *const work = glide + n * n;
  for (size_t i = 0; i < m; i++) {
    for (size_t j = 0; j < m; j++) {
      B[(m + i) * d + j] = 0.5 * h * drift->B[(m + i) * d + j];
    }
    b[m + i] = 0.5 * h * drift->b[m + i];
    A[i * d + m + i] = 0.5 * h;
    O[(m + i) * d + m + i] = change;
  }
  double *const none = work; /* zero here: an affine part without a constant */
  const eg_affine_part pushing = {B, b, 0.0, true}, gliding = {A, none, 0.0, true},
                       damping = {O, none, drift->noise * -change * (2.0 + change) / (2.0 * friction), true};
  eg_lift_build(d, parity, &pushing, gram, push);
  eg_lift_build(d, parity, &gliding, gram, glide);
  eg_lift_build(d, parity, &damping, gram, out);
  eg_dense_compose(n, out, glide, work);   /* O after A */
  eg_dense_compose(n, work, push, out);    /* .. after B */
  eg_dense_compose(n, glide, out, work);   /* A after that */
  eg_dense_compose(n, push, work, out);
  free(space);
  return EG_OK;
}

/* dL/dt = Q L, so L(t) = exp(t Q) L(0). */
static eg_status exact_step(eg_context *ctx, size_t d, int parity, const eg_affine_part *drift, double t,
                            const double *gram, double *out) {
  const size_t n = eg_lift_size(d, parity);
  double *generator = NULL;
  EG_TRY(eg_allocate(ctx, n * n, sizeof(double), &generator));
  eg_lift_build(d, parity, drift, gram, generator);
  const eg_status status = eg_dense_expm1(ctx, n, generator, t, out);
  free(generator);
  return status;
}

/* out (n, n): increment of the lifted moments over one learning rate; work (n, n) */
static eg_status step_increment(eg_context *ctx, const eg_affine_model *model,
                                const eg_affine_setting *setting, int parity, const double *gram,
                                double *work, double *out) {
  const size_t d = (size_t)model->dim;
  const double eta = setting->learning_rate;
  double *B = NULL;
  EG_TRY(eg_allocate(ctx, d * d + d, sizeof(double), &B));
  eg_lift_drift(model, setting->law == EG_LAW_SDE2 ? 0.5 * eta : 0.0, B, B + d * d);
  const eg_affine_part drift = {B, B + d * d, noise_rate(model, setting), false};
  const double h = eta / setting->substeps;
  eg_status status;
  if (setting->law == EG_LAW_SGD) {
    status = euler_step(ctx, d, parity, &drift, eta, gram, out);
  } else if (setting->scheme == EG_AFFINE_EXACT) {
    status = exact_step(ctx, d, parity, &drift, eta, gram, out);
  } else {
    status = setting->scheme == EG_AFFINE_STRANG ? strang_step(ctx, d, parity, &drift, h, gram, work)
             : setting->scheme == EG_AFFINE_BAOAB ? baoab_step(ctx, d, parity, &drift, h, gram, work)
             : setting->scheme == EG_AFFINE_EULER_MARUYAMA
                 ? euler_step(ctx, d, parity, &drift, h, gram, work)
                 : eg_scheme_step(ctx, model, setting->scheme, parity, &drift, h, work);
    if (status == EG_OK) {
      status = eg_dense_power(ctx, eg_lift_size(d, parity), work, (uint64_t)setting->substeps, out);
    }
  }
  free(B);
  return status;
}

/* What a run over all pairs and times needs to know. */
typedef struct moment_job {
  size_t d, m, n_times;
  const uint64_t *steps;
  const double *start_mean, *start_second;
  double *mean, *second;
} moment_job;

/* lifted start of the pair (p, q): half the sum, or half the difference, of the pair and its mirror image */
static void lift_pair(const moment_job *job, int parity, size_t p, size_t q, double *v) {
  const size_t d = job->d, width = job->m * d;
  const double sign = parity;
  v[0] = parity > 0 ? 1.0 : 0.0;
  for (size_t i = 0; i < d; i++) {
    v[1 + i] = 0.5 * (job->start_mean[p * d + i] + sign * job->start_mean[q * d + i]);
  }
  const double *block = job->start_second + p * d * width + q * d;
  size_t at = 1 + d;
  for (size_t i = 0; i < d; i++) {
    for (size_t j = parity > 0 ? i : i + 1; j < d; j++, at++) {
      v[at] = 0.5 * (block[i * width + j] + sign * block[j * width + i]);
    }
  }
}

static double finite_or_infinity(double value) {
  return isfinite(value) ? value : INFINITY;
}

/* add the part v of one parity to the pair (p, q) and its transpose (q, p) in the outputs of one time */
static void unlift_pair(const moment_job *job, int parity, size_t p, size_t q, const double *v, double *mean,
                        double *second) {
  const size_t d = job->d, width = job->m * d;
  const double sign = parity;
  for (size_t i = 0; i < d && p == q; i++) {
    mean[p * d + i] = finite_or_infinity(v[1 + i]);
  }
  size_t at = 1 + d;
  for (size_t i = 0; i < d; i++) {
    for (size_t j = parity > 0 ? i : i + 1; j < d; j++, at++) {
      double *const upper = &second[(p * d + i) * width + q * d + j];
      double *const lower = &second[(p * d + j) * width + q * d + i];
      *upper = finite_or_infinity(*upper + v[at]);
      if (i != j) {
        *lower = finite_or_infinity(*lower + sign * v[at]);
      }
    }
  }
  for (size_t i = 0; i < d && p != q; i++) {
    for (size_t j = 0; j < d; j++) {
      second[(q * d + j) * width + p * d + i] = second[(p * d + i) * width + q * d + j];
    }
  }
}

static size_t count_pairs(size_t m, int parity) {
  return parity > 0 ? m * (m + 1) / 2 : m * (m - 1) / 2;
}

static void lift_all(const moment_job *job, int parity, size_t n, double *vectors) {
  double *v = vectors;
  for (size_t i = 0; i < job->n_times; i++) {
    for (size_t p = 0; p < job->m; p++) {
      for (size_t q = parity > 0 ? p : p + 1; q < job->m; q++, v += n) {
        lift_pair(job, parity, p, q, v);
      }
    }
  }
}

static void unlift_all(const moment_job *job, int parity, size_t n, const double *vectors) {
  const size_t width = job->m * job->d;
  const double *v = vectors;
  for (size_t i = 0; i < job->n_times; i++) {
    for (size_t p = 0; p < job->m; p++) {
      for (size_t q = parity > 0 ? p : p + 1; q < job->m; q++, v += n) {
        unlift_pair(job, parity, p, q, v, job->mean + i * width, job->second + i * width * width);
      }
    }
  }
}

/* v(steps) = (I + E)^steps v by the binary digits of every number of steps at once. A result does not depend
   on which other times are asked for. E is used up; work (n, n). */
static void advance_all(const moment_job *job, size_t n, size_t n_pairs, double *E, double *vectors,
                        double *work) {
  const uint64_t last = job->steps[job->n_times - 1];
  for (unsigned bit = 0; bit < 64 && (last >> bit) != 0; bit++) {
    for (size_t i = 0; i < job->n_times; i++) {
      for (size_t pair = 0; pair < n_pairs && ((job->steps[i] >> bit) & 1) != 0; pair++) {
        eg_dense_apply(n, E, vectors + (i * n_pairs + pair) * n, work);
      }
    }
    if ((last >> bit) > 1) {
      eg_dense_double(n, E, work);
    }
  }
}

/* moments of one parity, added to the outputs */
static eg_status advance_parity(eg_context *ctx, const eg_affine_model *model,
                                const eg_affine_setting *setting, const moment_job *job, int parity,
                                const double *gram) {
  const size_t n = eg_lift_size(job->d, parity), n_pairs = count_pairs(job->m, parity);
  if (n_pairs == 0) {
    return EG_OK;
  }
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, 2 * n * n + job->n_times * n_pairs * n, sizeof(double), &space));
  double *E = space, *work = E + n * n, *vectors = work + n * n;
  lift_all(job, parity, n, vectors);
  const eg_status status = step_increment(ctx, model, setting, parity, gram, work, E);
  if (status == EG_OK) {
    advance_all(job, n, n_pairs, E, vectors, work);
    unlift_all(job, parity, n, vectors);
  }
  free(space);
  return status;
}

eg_status eg_affine_moments(eg_context *ctx, const eg_affine_model *model, const eg_affine_setting *setting,
                            int m, const double *start_mean, const double *start_second, size_t n_times,
                            const uint64_t *steps, double *mean, double *second) {
  EG_TRY(check_setting(ctx, model, setting, m));
  for (size_t i = 1; i < n_times; i++) {
    if (steps[i] < steps[i - 1]) {
      return eg_fail(ctx, EG_ERR_USAGE, "exact moments: the numbers of steps must increase");
    }
  }
  if (n_times == 0) {
    return EG_OK;
  }
  const size_t d = (size_t)model->dim, width = (size_t)m * d, gram_size = d * (d + 1) * d * (d + 1);
  const size_t out_size = n_times * (width + width * width);
  double *space = NULL; /* results are copied out only when all went well */
  EG_TRY(eg_allocate(ctx, gram_size + out_size, sizeof(double), &space));
  double *gram = space, *mean_out = gram + gram_size, *second_out = mean_out + n_times * width;
  const moment_job job = {d, (size_t)m, n_times, steps, start_mean, start_second, mean_out, second_out};
  eg_lift_noise_gram(model, gram);
  eg_status status;
  EG_TRY_DONE(advance_parity(ctx, model, setting, &job, 1, gram));
  EG_TRY_DONE(advance_parity(ctx, model, setting, &job, -1, gram));
  memcpy(mean, mean_out, n_times * width * sizeof(double));
  memcpy(second, second_out, n_times * width * width * sizeof(double));
done:
  free(space);
  return status;
}

eg_status eg_affine_flow(eg_context *ctx, const eg_affine_model *model, double correction, double t,
                         double *M, double *v) {
  const size_t d = (size_t)model->dim;
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, 2 * (d * d + d), sizeof(double), &space));
  double *B = space, *b = B + d * d, *E = b + d, *e = E + d * d;
  eg_lift_drift(model, correction, B, b);
  const eg_status status = eg_lift_flow(ctx, d, B, b, t, E, e);
  if (status == EG_OK) {
    for (size_t i = 0; i < d * d; i++) {
      M[i] = E[i] + (i % (d + 1) == 0 ? 1.0 : 0.0);
    }
    memcpy(v, e, d * sizeof(double));
  }
  free(space);
  return status;
}
