/*
 * Chains with a memory against a plain scalar implementation in long double, written from the equations of
 * kernels/steppers/chain.h: every rule, SVAG weights, clipping, weight decay, schedules, bias correction, several
 * start points, continuation in the middle; the laws of the gradient's noise that are not minibatches, noise on drawn rows,
 * batch schedules. Rows and normals are asked for one at a time. In lane form with 2 components; in team form with 2, 33, 100
 * and 4096: both forms agree with the same loops, hence with each other.
 */
#include <unistd.h>

#include "trajectories.h"
#include "write_rows.h"

enum { ROWS = 23, MAX_D = 4096 };
typedef long double real;

static char folder[] = "/tmp/ensgrad-test-XXXXXX";
static int D; /* components */
static double inputs[ROWS][MAX_D], target[ROWS];
static const real ridge = 0.125L;

static double normal(const eg_job *job, uint64_t realisation, uint64_t q) {
  uint32_t w[4];
  const uint64_t n = (uint64_t)eg_kind_per_block(job->kind);
  eg_block(job->launch.key, EG_STREAM_NOISE, realisation, q / n, w);
  return eg_draw(job->kind, w, (int)(q % n));
}

/* Row of draw q without replacement: the permutation made from its beginning, a word at a time. */
static size_t permuted_index(const eg_job *job, uint64_t realisation, uint64_t q) {
  const uint64_t count = job->launch.fold_count, step = q / count, steps = ROWS / count;
  uint64_t first = 0, place = step % steps * count + q % count;
  size_t order[ROWS];
  if (job->launch.sampling == EG_SAMPLE_FRESH) {
    first = step * count;
    place = q % count;
  } else if (job->launch.sampling == EG_SAMPLE_SHUFFLE) {
    first = step / steps * ROWS;
  }
  for (size_t i = 0; i < ROWS; i++) {
    order[i] = i;
  }
  for (uint64_t i = 0; i <= place; i++) {
    uint32_t w[4];
    eg_block(job->launch.key, EG_STREAM_PERMUTE, realisation, (first + i) / 4, w);
    const size_t other =
        (size_t)i + eg_choice_of_word(job->launch.key, realisation, first + i, w[(first + i) % 4], ROWS - (uint32_t)i);
    const size_t row = order[i];
    order[i] = order[other];
    order[other] = row;
  }
  return order[place];
}

static size_t row_index(const eg_job *job, uint64_t realisation, uint64_t q) {
  if (job->launch.sampling != EG_SAMPLE_REPLACEMENT) {
    return permuted_index(job, realisation, q);
  }
  uint32_t w[4];
  eg_block(job->launch.key, EG_STREAM_ROWS, realisation, q / 4, w);
  return eg_index_is_rejected(w[q % 4], ROWS) ? (size_t)eg_index_search(job->launch.key, realisation, q, ROWS)
                                              : (size_t)eg_index_of_word(w[q % 4], ROWS);
}

/* ---- the learning rate's factor, k in units of the learning rate ---- */

static real schedule(const eg_study_schedule *s, real k) {
  real factor = 1;
  if (s->kind == EG_RATE_STEP) {
    factor = powl((real)s->gamma, floorl(k / (real)s->period));
  } else if (s->kind == EG_RATE_POLYNOMIAL) {
    factor = k < (real)s->period ? (real)s->last + (1 - (real)s->last) * powl(1 - k / (real)s->period, (real)s->power)
                                 : (real)s->last;
  } else if (s->kind == EG_RATE_COSINE) {
    factor = k < (real)s->period
                 ? (real)s->last + (1 - (real)s->last) * (1 + cosl(acosl(-1.0L) * k / (real)s->period)) / 2
                 : (real)s->last;
  } else if (s->kind == EG_RATE_CYCLIC) {
    const real part = k / (real)s->period - floorl(k / (real)s->period);
    factor = (real)s->last + (1 - (real)s->last) * fabsl(1 - 2 * part);
  }
  return k + 1 < (real)s->warm_up ? factor * (k + 1) / (real)s->warm_up : factor;
}

/* ---- gradient estimates ---- */

/* Row of draw q, with noise of its own: D + 1 normals a row, or one where only the target has noise. */
static real drawn_row(const eg_run *run, uint64_t realisation, uint64_t q, real *a) {
  const eg_study_chain *const c = &run->chain;
  const size_t j = row_index(&run->job, realisation, q);
  real y = (real)target[j];
  const uint64_t width = c->input_noise > 0 ? (uint64_t)D + 1 : 1;
  for (int k = 0; k < D; k++) {
    a[k] = (real)inputs[j][k];
    if (c->input_noise > 0) {
      a[k] += (real)c->input_noise * (real)normal(&run->job, realisation, q * width + (uint64_t)k);
    }
  }
  return c->label_noise > 0 || c->input_noise > 0
             ? y + (real)c->label_noise * (real)normal(&run->job, realisation, q * width + width - 1)
             : y;
}

static real residual_of(size_t j, const real *x) {
  real sum = -(real)target[j];
  for (int k = 0; k < D; k++) {
    sum += (real)inputs[j][k] * x[k];
  }
  return sum;
}

/* Means of a batch beginning at draw q. */
static void batch_gradient(const eg_run *run, uint64_t realisation, uint64_t q, size_t batch, const real *x, real *g) {
  for (int k = 0; k < D; k++) {
    g[k] = ridge * x[k];
  }
  for (size_t b = 0; b < batch; b++) {
    static real a[MAX_D];
    real residual = -drawn_row(run, realisation, q + b, a);
    for (int k = 0; k < D; k++) {
      residual += a[k] * x[k];
    }
    for (int k = 0; k < D; k++) {
      g[k] += residual * a[k] / (real)batch;
    }
  }
}

static bool has_rows(const eg_run *run) {
  return strcmp(run->job.model, "linear-regression") == 0;
}

/* quadratic: curvature (1.5, 0.5), noise 0.25, multiplicative 0.5 */
static real full_gradient(const eg_run *run, const real *x, real *g) {
  real loss = 0;
  for (int k = 0; k < D; k++) {
    const real curvature = has_rows(run) ? ridge : k == 0 ? 1.5L : 0.5L;
    g[k] = curvature * x[k];
    loss += curvature * x[k] * x[k] / 2;
  }
  for (size_t j = 0; j < ROWS && has_rows(run); j++) {
    const real residual = residual_of(j, x);
    loss += residual * residual / 2 / ROWS;
    for (int k = 0; k < D; k++) {
      g[k] += residual * (real)inputs[j][k] / ROWS;
    }
  }
  return loss;
}

/* Gaussian noise of covariance a / batch x that of the rows: a normal for each. */
static void add_row_noise(const eg_run *run, real a, real batch, uint64_t realisation, uint64_t step, const real *x, real *g) {
  static real mean[MAX_D], sum[MAX_D];
  real all = 0;
  memset(mean, 0, sizeof mean);
  memset(sum, 0, sizeof sum);
  for (size_t j = 0; j < ROWS; j++) {
    const real residual = residual_of(j, x);
    const real xi = (real)normal(&run->job, realisation, step * ROWS + j);
    all += xi;
    for (int k = 0; k < D; k++) {
      mean[k] += residual * (real)inputs[j][k] / ROWS;
      sum[k] += xi * residual * (real)inputs[j][k];
    }
  }
  for (int k = 0; k < D; k++) {
    g[k] += sqrtl(a / batch / ROWS) * (all * mean[k] - sum[k]);
  }
}

/* sqrt(2 (R + offset) a / batch) S z or sqrt(a / batch) S z, S the lower root of the written matrix. */
static void add_root_noise(const eg_run *run, real a, real batch, real loss, uint64_t realisation, uint64_t step, real *g) {
  const eg_study_gradient_noise *const n = &run->dynamics->gradient_noise;
  const real first = (real)n->matrix[0], last = (real)n->matrix[n->is_full ? 3 : n->n_matrix - 1];
  const real below = n->is_full ? (real)n->matrix[2] : 0;
  const real S[3] = {sqrtl(first), below / sqrtl(first), sqrtl(last - below * below / first)};
  const real square = n->law == EG_GRADIENT_DECOUPLED ? 2 * (loss + (real)n->loss_offset) : 1;
  const real z[2] = {(real)normal(&run->job, realisation, step * 2), (real)normal(&run->job, realisation, step * 2 + 1)};
  const real size = sqrtl(a / batch * square);
  g[0] += size * S[0] * z[0];
  g[1] += size * (S[1] * z[0] + S[2] * z[1]);
}

/* SVAG: (1 + s)/2 of one batch and (1 - s)/2 of another, s = sqrt(2 a - 1), a the amplification of the covariance; k: the
   step in units of the learning rate. */
static void estimate(const eg_run *run, real a, real k_of_step, uint64_t realisation, uint64_t step, const real *x, real *g) {
  const eg_job *const job = &run->job;
  const real wanted = (real)run->batch_size * schedule(&run->chain.batch_schedule, k_of_step);
  const size_t batch = wanted > 1 ? (size_t)(wanted + 0.5L) : 1;
  const eg_gradient_noise law = run->dynamics->gradient_noise.law;
  const uint64_t stride = job->launch.fold_count;
  if (law > EG_GRADIENT_EXACT || (law == EG_GRADIENT_EXACT && has_rows(run))) {
    const real loss = full_gradient(run, x, g);
    if (law == EG_GRADIENT_EXACT) {
      add_row_noise(run, a, (real)batch, realisation, step, x, g);
    } else {
      add_root_noise(run, a, (real)batch, loss, realisation, step, g);
    }
    return;
  }
  if (has_rows(run)) {
    static real second[MAX_D];
    const real s = sqrtl(2 * a - 1);
    batch_gradient(run, realisation, step * stride, batch, x, g);
    if (a > 1) {
      batch_gradient(run, realisation, step * stride + batch, batch, x, second);
    }
    for (int k = 0; k < D && a > 1; k++) {
      g[k] = (1 + s) / 2 * g[k] + (1 - s) / 2 * second[k];
    }
    return;
  }
  (void)full_gradient(run, x, g);
  for (int k = 0; k < D; k++) {
    const real xi = (real)normal(job, realisation, step * 4 + 2 * (uint64_t)k);
    const real zeta = (real)normal(job, realisation, step * 4 + 2 * (uint64_t)k + 1);
    g[k] += sqrtl(a / (real)batch) * (0.25L * xi + 0.5L * x[k] * zeta);
  }
}

/* ---- one chain ---- */

static real sign_of(real v) {
  return v > 0 ? 1 : v < 0 ? -1 : 0;
}

static void chain_step(const eg_run *run, uint64_t realisation, uint64_t step, real *x, real *v, real *s) {
  const eg_study_chain *const c = &run->chain;
  const eg_dynamics_id id = run->dynamics->id;
  const bool is_adaptive = id == EG_ADAM || id == EG_ADAMW || id == EG_RMSPROP;
  const bool is_square = is_adaptive || id == EG_SIGNSGD;
  const real l = (real)c->l, a = is_square ? l * l : l;
  const real slow = c->keeps_friction_time ? l : 1; /* SVAG of the underdamped limit */
  const real eta = (real)run->learning_rate / l / slow * schedule(&c->schedule, (real)step / a);
  const real momentum = 1 - (1 - (real)c->momentum) / slow;
  static real g[MAX_D];
  estimate(run, a, (real)step / a, realisation, step, x, g);
  real square = 0;
  for (int k = 0; k < D; k++) {
    square += g[k] * g[k];
  }
  const real norm = sqrtl(square);
  const real scale = norm > (real)c->clip ? (real)c->clip / norm : 1;
  for (int k = 0; k < D; k++) {
    const real total = scale * g[k] + (c->decoupled ? 0 : (real)c->weight_decay * x[k]);
    const real shrink = c->decoupled ? 1 - eta * slow * (real)c->weight_decay : 1;
    if (is_adaptive) {
      const real new1 = c->beta1 == 0 ? 1 : (1 - (real)c->beta1) / (l * l), new2 = (1 - (real)c->beta2) / (l * l);
      const real before = s[k];
      v[k] = (1 - new1) * v[k] + new1 * total;
      s[k] = (1 - new2) * s[k] + new2 * total * total;
      const real b1 = c->bias_correction ? 1 - powl(1 - new1, (real)(step + 1)) : 1;
      const real b2 = c->bias_correction ? 1 - powl(1 - new2, (real)(step + 1)) : 1;
      const real root = sqrtl((c->divides_before ? before : s[k]) / b2) + (real)c->epsilon * l;
      x[k] = shrink * x[k] - (root > 0 ? eta * (v[k] / b1) / root : 0);
    } else {
      v[k] = momentum * v[k] + (1 - (real)c->dampening) * total;
      const real d = c->nesterov ? total + momentum * v[k] : v[k];
      x[k] = shrink * x[k] - eta * (id == EG_SIGNSGD ? sign_of(d) : d);
    }
  }
}

/* Largest deviation, relative to 1 + |x|, over lanes, records and points. */
static real deviation(const eg_run *run, const trajectories *t, uint32_t n_lanes) {
  const eg_job *const job = &run->job;
  real worst = 0;
  for (uint32_t lane = 0; lane < n_lanes; lane++) {
    for (size_t point = 0; point < t->n_points; point++) {
      static real x[MAX_D], v[MAX_D], s[MAX_D];
      uint64_t step = 0;
      for (int k = 0; k < D; k++) {
        x[k] = (real)job->start[point * (size_t)job->dim + (size_t)k];
        v[k] = 0;
        s[k] = (real)run->chain.start_square * (real)(run->chain.l * run->chain.l);
      }
      for (size_t r = 0; r < t->n_records; r++) {
        for (; step < job->record_steps[r]; step++) {
          chain_step(run, lane, step, x, v, s);
        }
        for (int k = 0; k < D; k++) {
          worst = fmaxl(worst, fabsl((real)value_at(t, r, point, (size_t)k, lane) - x[k]) / (1 + fabsl(x[k])));
        }
      }
    }
  }
  return worst;
}

static const char chains[] =
    "  - {name: sgd, label: plain, batch_size: 3, weight_decay: 0}\n"
    "  - {name: sgd, label: heavy, batch_size: 3, momentum: 0.75, weight_decay: 0.125}\n"
    "  - {name: sgd, label: damped, batch_size: 1, momentum: 0.5, dampening: 0.25, nesterov: true, clip: 0.5}\n"
    "  - {name: sgd, label: decoupled, batch_size: 4, momentum: 0.5, weight_decay: 0.5, decoupled: true}\n"
    "  - {name: sgd, label: stepwise, batch_size: 2, schedule: {kind: step, period: 7, gamma: 0.5, warm_up: 5}}\n"
    "  - {name: sgd, label: power, batch_size: 2, momentum: 0.5, schedule: {kind: polynomial, period: 30, last: 0.125, "
    "power: 1.5}}\n"
    "  - {name: sgd, label: cosine, batch_size: 1, schedule: {kind: cosine, period: 40, last: 0.25, warm_up: 10}}\n"
    "  - {name: svag, label: svag1, batch_size: 2}\n"
    "  - {name: svag, label: svag3, l: 3, batch_size: 2, momentum: 0.5, schedule: {kind: cyclic, period: 8, last: 0.5}}\n"
    "  - {name: svag, label: svag2, l: 2, batch_size: 2}\n"
    "  - {name: signsgd, label: sign, batch_size: 2}\n"
    "  - {name: signsgd, label: signum, l: 2, batch_size: 1, momentum: 0.5, weight_decay: 0.125, decoupled: true}\n"
    "  - {name: adam, label: adam, batch_size: 2}\n"
    "  - {name: adam, label: adam2, l: 2, batch_size: 1, beta1: 0.5, beta2: 0.75, epsilon: 0.125, clip: 1}\n"
    "  - {name: adam, label: uncorrected, batch_size: 1, beta1: 0.5, beta2: 0.75, epsilon: 0.5, bias_correction: false}\n"
    "  - {name: adamw, label: adamw, batch_size: 4, weight_decay: 0.125, schedule: {kind: cosine, period: 20}}\n"
    "  - {name: rmsprop, label: rms, batch_size: 2, beta2: 0.875}\n"
    "  - {name: rmsprop, label: before, l: 2, batch_size: 2, beta2: 0.75, epsilon: 0.5, preconditioner: before}\n";

static const char samplings[] =
    "  - {name: sgd, label: plain, batch_size: 4, sampling: without-replacement}\n"
    "  - {name: sgd, label: heavy, batch_size: 4, sampling: shuffle}\n"
    "  - {name: sgd, label: one, batch_size: 1, sampling: shuffle, momentum: 0.5}\n"
    "  - {name: sgd, label: seven, batch_size: 7, sampling: shuffle}\n"
    "  - {name: sgd, label: all, batch_size: 23, sampling: without-replacement}\n"
    "  - {name: sgd, label: fixed, batch_size: 5, sampling: fixed-shuffle}\n"
    "  - {name: svag, label: svag, l: 2, batch_size: 3, sampling: without-replacement}\n"
    "  - {name: adam, label: adam, batch_size: 2, sampling: fixed-shuffle, epsilon: 0.125}\n";

static const char laws[] =
    "  - {name: sgd, label: plain, batch_size: 3, momentum: 0, gradient_noise: gaussian-exact}\n"
    "  - {name: sgd, label: heavy, batch_size: 3, momentum: 0.75, gradient_noise: {law: constant, covariance: [[1, 0.5], [0.5, 2]]}}\n"
    "  - {name: svag, label: svag, l: 3, batch_size: 2, clip: 2, gradient_noise: {law: gaussian-decoupled, hessian: [[1, 0.25], [0.25, "
    "0.5]], loss_offset: 0.125}}\n"
    "  - {name: svag, label: underdamped, l: 2, batch_size: 2, momentum: 0.5, nesterov: true, weight_decay: 0.125, decoupled: true, "
    "momentum_limit: underdamped, gradient_noise: gaussian-exact}\n"
    "  - {name: signsgd, label: sign, l: 2, batch_size: 2, momentum: 0.5, gradient_noise: {law: gaussian-decoupled, hessian: 1}}\n"
    "  - {name: adam, label: adam, l: 2, batch_size: 1, epsilon: 0.125, gradient_noise: gaussian-exact}\n"
    "  - {name: rmsprop, label: rms, batch_size: 2, epsilon: 0.125, gradient_noise: {law: constant, covariance: [1, 2]}}\n"
    "  - {name: sgd, label: batches, batch_size: 4, momentum: 0.5, batch_schedule: {kind: cosine, period: 30, last: 0.25}}\n"
    "  - {name: svag, label: growing, l: 2, batch_size: 2, batch_schedule: {kind: step, period: 9, gamma: 1.5, warm_up: 4}}\n"
    "  - {name: adam, label: scheduled, batch_size: 2, epsilon: 0.125, batch_schedule: {kind: polynomial, period: 20, last: 3}}\n";

static const char noisy_rows[] =
    "  - {name: sgd, label: plain, batch_size: 2, input_noise: 0.25, label_noise: 0.5}\n"
    "  - {name: sgd, label: heavy, batch_size: 3, momentum: 0.75, label_noise: 0.5}\n"
    "  - {name: svag, label: svag, l: 2, batch_size: 2, input_noise: 0.25}\n"
    "  - {name: adam, label: adam, batch_size: 1, epsilon: 0.125, input_noise: 0.125, label_noise: 1}\n"
    "  - {name: sgd, label: batches, batch_size: 2, label_noise: 0.5, batch_schedule: {kind: step, period: 9, gamma: 2}}\n"
    "  - {name: sgd, label: wide, batch_size: 40, label_noise: 0.5}\n"
    "  - {name: sgd, label: subset, batch_size: 4, sampling: without-replacement, input_noise: 0.25, label_noise: 0.5}\n"
    "  - {name: sgd, label: epochs, batch_size: 5, sampling: shuffle, momentum: 0.5, label_noise: 0.5}\n";

/* What the team form has of the above, and batches that its CPU driver takes in pieces. */
static const char team[] =
    "  - {name: sgd, label: plain, batch_size: 3, weight_decay: 0}\n"
    "  - {name: sgd, label: heavy, batch_size: 3, momentum: 0.75, weight_decay: 0.125}\n"
    "  - {name: sgd, label: wide, batch_size: 40, momentum: 0.5}\n"
    "  - {name: svag, label: svag20, l: 2, batch_size: 20, momentum: 0.5}\n"
    "  - {name: sgd, label: gauss, batch_size: 3, momentum: 0.5, gradient_noise: gaussian-exact}\n"
    "  - {name: svag, label: underdamped, l: 2, batch_size: 2, momentum: 0.5, nesterov: true, weight_decay: 0.125, decoupled: true, "
    "momentum_limit: underdamped, gradient_noise: gaussian-exact}\n"
    "  - {name: adam, label: adam, l: 2, batch_size: 1, epsilon: 0.125, gradient_noise: gaussian-exact}\n"
    "  - {name: sgd, label: batches, batch_size: 4, momentum: 0.5, batch_schedule: {kind: cosine, period: 30, last: 0.25}}\n"
    "  - {name: svag, label: growing, l: 2, batch_size: 2, batch_schedule: {kind: step, period: 9, gamma: 1.5, warm_up: 4}}\n"
    "  - {name: adam, label: scheduled, batch_size: 2, epsilon: 0.125, batch_schedule: {kind: polynomial, period: 20, last: 3}}\n";

static uint32_t lanes = 70;
static const char *form = "auto", *start = "{points: [[1, -0.5], [-2, 0.75]]}", *steps = "1, 2, 9, 20, 45";

static void compare(const char *model, const char *noise, const char *dynamics) {
  char name[64], text[4000];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(text, sizeof text,
                 "seed: 77\nmodel: %s\nform: %s\nstart: %s\nlearning_rate: 1/8\nsteps: %s\n"
                 "noise: %s\ndynamics:\n%srealisations: 1000\nobserve: {at: {steps: [%s]}, features: [x]}\n",
                 model, form, start, strrchr(steps, ' ') + 1, noise, dynamics, steps);
  const planned p = plan_text(name, text);
  CHECK((p.plan->form == EG_FORM_TEAM) == (D > 2 || strcmp(form, "team") == 0));
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_run *const run = &p.plan->runs[i];
    setup s = default_setup(&run->job, lanes);
    const trajectories t = trajectories_of(&s);
    const real worst = deviation(run, &t, lanes);
    if (!(worst < 1e-11L)) {
      fprintf(stderr, "%s %s: deviation %.3Lg\n", model, run->description, worst);
    }
    CHECK(worst < 1e-11L);
    s.chunk = 1; /* records one launch at a time, and a cut without a record: equal bits */
    s.cut = 7;
    const trajectories cut = trajectories_of(&s);
    CHECK(count_different(&t, 0, &cut, 0, 0, lanes) == 0 && count_different(&t, 1, &cut, 1, 0, lanes) == 0);
    trajectories_free(t);
    trajectories_free(cut);
  }
  /* negative control: the reference of one chain against the trajectories of another */
  const eg_run *const heavy = run_called(p, "heavy"), *const plain = run_called(p, "plain");
  setup s = default_setup(&heavy->job, lanes);
  const trajectories t = trajectories_of(&s);
  CHECK(deviation(plain, &t, lanes) > 1e-3L);
  trajectories_free(t);
  plan_free(p);
}

/* Short numbers, of size 1 / sqrt(D) beyond two columns. */
static void write_data(const char *path, int dim) {
  static double packed[ROWS * MAX_D];
  double scale = 1;
  D = dim;
  while (dim > 2 && scale * scale * dim > 2) {
    scale /= 2;
  }
  for (int j = 0; j < ROWS; j++) {
    for (int k = 0; k < dim; k++) {
      inputs[j][k] = scale * ((double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9375);
    }
    if (dim == 2) {
      inputs[j][0] = (double)(j * 7 % 19) / 8.0 - 1.125;
      inputs[j][1] = (double)(j * 5 % 17) / 8.0 - 1;
    }
    target[j] = (double)(j * 11 % 13) / 4.0 - 1.5;
    memcpy(packed + j * dim, inputs[j], (size_t)dim * sizeof(double));
  }
  (void)unlink(path);
  MUST(write_rows(path, ROWS, (size_t)dim, packed, target), "data file");
}

static void compare_team(const char *path) {
  static const char model[] = "{name: linear-regression, data: two.h5, standardize: false, ridge: 0.125}";
  form = "team";
  compare(model, "gaussian", chains);
  compare(model, "gaussian64", team);
  compare(model, "gaussian", samplings);
  compare(model, "gaussian", noisy_rows);
  form = "auto";
  start = "{points: [[0.5], [-1.25]]}";
  lanes = 67; /* two groups */
  write_data(path, 33);
  compare(model, "gaussian", chains);
  compare(model, "table5", team);
  compare(model, "gaussian", samplings);
  compare(model, "table5", noisy_rows);
  lanes = 3;
  write_data(path, 100);
  compare(model, "gaussian", chains);
  compare(model, "two-point", team);
  compare(model, "gaussian", samplings);
  compare(model, "gaussian", noisy_rows);
  compare(model, "two-point", noisy_rows);
  compare(model, "gaussian64", noisy_rows);
  steps = "1, 5, 8";
  lanes = 2;
  write_data(path, MAX_D);
  compare(model, "gaussian", chains);
  compare(model, "gaussian", noisy_rows);
}

int main(void) {
  char path[64];
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  (void)snprintf(path, sizeof path, "%s/two.h5", folder);
  write_data(path, 2);
  compare("{name: linear-regression, data: two.h5, standardize: false, ridge: 0.125}", "gaussian", chains);
  compare("{name: linear-regression, data: two.h5, standardize: false, ridge: 0.125}", "gaussian", samplings);
  compare("{name: linear-regression, data: two.h5, standardize: false, ridge: 0.125}", "gaussian", laws);
  compare("{name: linear-regression, data: two.h5, standardize: false, ridge: 0.125}", "gaussian64", noisy_rows);
  compare("{name: quadratic, curvature: [1.5, 0.5], noise: 0.25, multiplicative: 0.5}", "table5", laws);
  compare("{name: quadratic, curvature: [1.5, 0.5], noise: 0.25, multiplicative: 0.5}", "gaussian", chains);
  compare("{name: quadratic, curvature: [1.5, 0.5], noise: 0.25, multiplicative: 0.5}", "two-point", chains);
  compare("{name: quadratic, curvature: [1.5, 0.5], noise: 0.25, multiplicative: 0.5}", "gaussian64", chains);
  compare_team(path);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
