/*
 * Every model of the build against itself: what it says of its loss, gradient, drift, flow and noise must be one thing. No
 * formula of a model is repeated here.
 *   gradient     = derivative of the loss (differences of order 6)
 *   drift        = -(I + c Hess) grad, Hess grad by differences of the gradient; c = 0: the same bits as -grad
 *   flow         = 4096 Runge-Kutta steps along the drift
 *   sample, row  means and covariances of single gradients, by Gauss-Hermite quadrature (exact: polynomials of degree 8 at
 *                most) or over all rows: mean = gradient; covariance = eg_covariance = that of the closed root = that of the
 *                diagonal; of channels also between two points
 *   schemes      noise-induced drift and slope of the channels = differences of the noise; single channels = channels
 *   populations  drift = -M times the derivative of the loss in a particle; the correction = derivative of the drift of the
 *                whole population along itself (the identity of arXiv 2302.07125, section 4); rows and flow likewise
 * Parameters and points are random with a fixed seed. Negative controls: each comparison is made once more with one side
 * 0.1 % off, and must fail.
 */
#include "physics/model_probe.h"

#include <unistd.h>

#include "check.h"
#include "base/text.h"
#include "core/model.h"
#include "model/catalogue.h"
#include "plan/plan.h"
#include "write_rows.h"

#define X(name) extern const model_probe model_probe_##name;
#include "model_probe_list.h"
#undef X
static const model_probe *const probes[] = {
#define X(name) &model_probe_##name,
#include "model_probe_list.h"
#undef X
};
enum { N_PROBES = sizeof probes / sizeof probes[0], N_ROWS = 7, N_POINTS = 3 };

static uint64_t random_state = 20261121;

/* In (low, high). */
static double random_number(double low, double high) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * (double)(random_state >> 11) * 0x1p-53;
}

static size_t n_compared;

/* Largest difference relative to the largest of the right values. Both directions: near, and not near when 0.1 % off. */
static void compare(const model_probe *m, const char *what, size_t n, const double *got, const double *want, double tolerance) {
  double size = 0, error = 0, control = 0;
  for (size_t i = 0; i < n; i++) {
    size = fmax(size, fabs(want[i]));
  }
  for (size_t i = 0; i < n; i++) {
    const double d = fabs(got[i] - want[i]);
    error = isnan(d) ? INFINITY : fmax(error, d);
    control = fmax(control, fabs(1.001 * got[i] - want[i]));
  }
  n_compared++;
  const bool is_near = error <= tolerance * size;
  if (!is_near || !(control > tolerance * size || size == 0)) {
    fprintf(stderr, "%s, dimension %d: %s: off by %.3g of %.3g, allowed %.1g of it\n", m->name, m->dim, what, error, size,
            tolerance);
  }
  CHECK(is_near);
  CHECK(control > tolerance * size || size == 0);
}

/* d f(x + t v) / dt at t = 0, differences of order 6. f writes n values. */
typedef void (*curve)(const model_probe *m, const setting *s, const double *x, double *out);

static void derivative(const model_probe *m, const setting *s, curve f, size_t n, size_t width, const double *x, const double *v,
                       double *out) {
  static const double weight[3] = {3.0 / 4, -3.0 / 20, 1.0 / 60};
  const double step = 1.0 / 256;
  double y[MOST_DIM], plus[MOST_DIM], minus[MOST_DIM];
  memset(out, 0, n * sizeof *out);
  for (int j = 1; j <= 3; j++) {
    for (size_t k = 0; k < width; k++) {
      y[k] = x[k] + j * step * v[k];
    }
    f(m, s, y, plus);
    for (size_t k = 0; k < width; k++) {
      y[k] = x[k] - j * step * v[k];
    }
    f(m, s, y, minus);
    for (size_t i = 0; i < n; i++) {
      out[i] += weight[j - 1] * (plus[i] - minus[i]) / step;
    }
  }
}

static void loss_of(const model_probe *m, const setting *s, const double *x, double *out) {
  out[0] = m->loss(s, x);
}

static void gradient_of(const model_probe *m, const setting *s, const double *x, double *out) {
  m->gradient(s, x, out);
}

static void test_loss(const model_probe *m, const setting *s, const double *x) {
  const size_t d = (size_t)m->dim;
  double g[MOST_DIM], want[MOST_DIM], e[MOST_DIM] = {0}, b[MOST_DIM];
  setting plain = *s;
  plain.correction = 0;
  m->gradient(s, x, g);
  for (size_t k = 0; k < d; k++) {
    e[k] = 1;
    derivative(m, s, loss_of, 1, d, x, e, want + k);
    e[k] = 0;
  }
  compare(m, "gradient and loss", d, g, want, 1e-8);
  m->drift(&plain, x, b);
  for (size_t k = 0; k < d; k++) {
    CHECK(b[k] == -g[k]);
  }
  derivative(m, s, gradient_of, d, d, x, g, want); /* Hess grad R grad R */
  m->drift(s, x, b);
  for (size_t k = 0; k < d; k++) {
    b[k] = -(b[k] + g[k]) / s->correction;
  }
  compare(m, "drift and gradient", d, b, want, 1e-8);
}

/* n steps of the classical Runge-Kutta rule over time t; drift of a population of n_particles, or 0. */
static void integrate(const model_probe *m, const setting *s, int n_particles, double t, double *x) {
  enum { STEPS = 4096 };
  const int n = m->dim * (n_particles > 0 ? n_particles : 1);
  const double h = t / STEPS;
  double k[4][MOST_DIM], y[MOST_DIM];
  for (int step = 0; step < STEPS; step++) {
    for (int stage = 0; stage < 4; stage++) {
      for (int i = 0; i < n; i++) {
        y[i] = x[i] + (stage == 0 ? 0 : (stage == 3 ? h : h / 2) * k[stage - 1][i]);
      }
      if (n_particles > 0) {
        m->population_drift(s, n_particles, y, k[stage]);
      } else {
        m->drift(s, y, k[stage]);
      }
    }
    for (int i = 0; i < n; i++) {
      x[i] += h / 6 * (k[0][i] + 2 * (k[1][i] + k[2][i]) + k[3][i]);
    }
  }
}

static void test_flow(const model_probe *m, const setting *s, const double *x) {
  double got[MOST_DIM], want[MOST_DIM];
  memcpy(got, x, sizeof got);
  memcpy(want, x, sizeof want);
  m->flow(s, got);
  integrate(m, s, 0, s->h / 2, want);
  compare(m, "flow and drift", (size_t)m->dim, got, want, 1e-11);
}

/* ---- single gradients: their mean at x, covariance at (x, y) ---- */

typedef struct moments {
  double mean_x[MOST_DIM], mean_y[MOST_DIM], C[MOST_DIM * MOST_DIM];
} moments;

static void add_gradients(const model_probe *m, double weight, const double *gx, const double *gy, moments *sum) {
  for (int i = 0; i < m->dim; i++) {
    sum->mean_x[i] += weight * gx[i];
    sum->mean_y[i] += weight * gy[i];
    for (int j = 0; j < m->dim; j++) {
      sum->C[i * m->dim + j] += weight * gx[i] * gy[j];
    }
  }
}

static void subtract_means(const model_probe *m, moments *sum) {
  for (int i = 0; i < m->dim; i++) {
    for (int j = 0; j < m->dim; j++) {
      sum->C[i * m->dim + j] -= sum->mean_x[i] * sum->mean_y[j];
    }
  }
}

/* Five nodes a normal: exact to degree 9. false: too many normals for that. */
static bool enumerate_samples(const model_probe *m, const setting *s, const double *x, const double *y, moments *out) {
  static const double node[5] = {-2.8569700138728056, -1.3556261799742659, 0, 1.3556261799742659, 2.8569700138728056};
  static const double weight[5] = {0.011257411327720689, 0.22207592200561264, 8.0 / 15, 0.22207592200561264,
                                   0.011257411327720689};
  long codes = 1;
  for (int i = 0; i < m->sample && codes < 1000000; i++) {
    codes *= 5;
  }
  if (codes >= 1000000) {
    return false;
  }
  memset(out, 0, sizeof *out);
  for (long code = 0; code < codes; code++) {
    double z[MOST_NORMALS], gx[MOST_DIM], gy[MOST_DIM], w = 1;
    long rest = code;
    for (int i = 0; i < m->sample; i++, rest /= 5) {
      z[i] = node[rest % 5];
      w *= weight[rest % 5];
    }
    m->sample_gradient(s, x, z, gx);
    m->sample_gradient(s, y, z, gy);
    add_gradients(m, w, gx, gy, out);
  }
  subtract_means(m, out);
  return true;
}

static void enumerate_rows(const model_probe *m, const setting *s, const double *x, const double *y, moments *out) {
  memset(out, 0, sizeof *out);
  for (uint32_t row = 0; row < s->n_rows; row++) {
    double gx[MOST_DIM], gy[MOST_DIM];
    m->row_gradient(s, x, row, gx);
    m->row_gradient(s, y, row, gy);
    add_gradients(m, 1.0 / s->n_rows, gx, gy, out);
  }
  subtract_means(m, out);
}

/* sum over unit vectors z of v(x) v(y)^T */
static void sum_normals(const model_probe *m, const setting *s, void (*noise)(const setting *, const double *, const double *, double *),
                        int n, const double *x, const double *y, double *C) {
  memset(C, 0, (size_t)(m->dim * m->dim) * sizeof *C);
  for (int c = 0; c < n; c++) {
    double z[MOST_NORMALS] = {0}, v[MOST_DIM], w[MOST_DIM];
    z[c] = 1;
    noise(s, x, z, v);
    noise(s, y, z, w);
    for (int i = 0; i < m->dim; i++) {
      for (int j = 0; j < m->dim; j++) {
        C[i * m->dim + j] += v[i] * w[j];
      }
    }
  }
}

static void test_noise(const model_probe *m, const setting *s, const double *x, const double *y) {
  const size_t d = (size_t)m->dim;
  moments one, two;
  double g[MOST_DIM], C[MOST_DIM * MOST_DIM], triangle[MOST_DIM * MOST_DIM];
  bool is_known = false;
  if (m->sample_gradient != NULL) {
    is_known = enumerate_samples(m, s, x, x, &one) && enumerate_samples(m, s, x, y, &two);
  } else if (m->row_gradient != NULL) {
    enumerate_rows(m, s, x, x, &one);
    enumerate_rows(m, s, x, y, &two);
    is_known = true;
  }
  if (is_known) {
    m->gradient(s, x, g);
    compare(m, "mean of single gradients", d, one.mean_x, g, 1e-12);
  }
  if (m->channel_noise != NULL) {
    sum_normals(m, s, m->channel_noise, m->channels, x, y, C);
    if (is_known) {
      compare(m, "channels at two points", d * d, C, two.C, 1e-12);
    }
    sum_normals(m, s, m->channel_noise, m->channels, x, x, C);
    if (!is_known) {
      memcpy(one.C, C, sizeof C);
      is_known = true;
    }
  }
  if (is_known && m->factor_noise != NULL) {
    sum_normals(m, s, m->factor_noise, m->dim, x, x, C);
    compare(m, "closed root", d * d, C, one.C, 1e-12);
  }
  if (is_known && m->covariance != NULL) {
    m->covariance(s, x, triangle);
    for (size_t i = 0; i < d; i++) {
      for (size_t j = 0; j < d; j++) {
        C[i * d + j] = triangle[i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i];
      }
    }
    compare(m, "covariance", d * d, C, one.C, 1e-12);
  }
  if (is_known && m->diagonal != NULL) {
    m->diagonal(s, x, g);
    for (size_t i = 0; i < d * d; i++) {
      C[i] = i % (d + 1) == 0 ? g[i / (d + 1)] * g[i / (d + 1)] : 0;
    }
    compare(m, "diagonal", d * d, C, one.C, 1e-12);
  }
}

/* ---- what schemes of higher order ask for ---- */

static int unit_channel; /* the one that channel_of gives */

static void channel_of(const model_probe *m, const setting *s, const double *x, double *out) {
  double z[MOST_NORMALS] = {0};
  z[unit_channel] = 1;
  m->channel_noise(s, x, z, out);
}

static void diagonal_of(const model_probe *m, const setting *s, const double *x, double *out) {
  m->diagonal(s, x, out);
}

static void test_derivatives(const model_probe *m, const setting *s, const double *x, const double *y) {
  const size_t d = (size_t)m->dim;
  double got[MOST_DIM], want[MOST_DIM], along[MOST_DIM], b[MOST_DIM];
  if (m->noise_drift != NULL && m->diagonal != NULL) {
    m->noise_drift(s, x, got);
    m->diagonal(s, x, b);
    derivative(m, s, diagonal_of, d, d, x, b, want); /* s_k depends on x_k alone */
    compare(m, "noise-induced drift, diagonal", d, got, want, 1e-8);
  }
  double sum[MOST_DIM] = {0}, slope[MOST_DIM] = {0}, z[MOST_NORMALS];
  for (int c = 0; m->channel_noise != NULL && c < m->channels; c++) {
    unit_channel = c;
    channel_of(m, s, x, b);
    z[c] = random_number(-1, 1);
    derivative(m, s, channel_of, d, d, x, b, along);
    derivative(m, s, channel_of, d, d, x, y, want);
    for (size_t k = 0; k < d; k++) {
      sum[k] += along[k];
      slope[k] += z[c] * want[k];
    }
    if (m->channel != NULL) {
      m->channel(s, x, c, got);
      compare(m, "one channel", d, got, b, 1e-14);
    }
  }
  if (m->noise_drift != NULL && m->channel_noise != NULL) {
    m->noise_drift(s, x, got);
    compare(m, "noise-induced drift, channels", d, got, sum, 1e-8);
  }
  if (m->channels_slope != NULL) {
    m->channels_slope(s, x, z, y, got);
    compare(m, "slope of the channels", d, got, slope, 1e-8);
  }
}

/* ---- populations of three particles ---- */

enum { PARTICLES = 3 };

static void population_loss_of(const model_probe *m, const setting *s, const double *x, double *out) {
  out[0] = m->population_loss(s, PARTICLES, x);
}

static void population_drift_of(const model_probe *m, const setting *s, const double *x, double *out) {
  m->population_drift(s, PARTICLES, x, out);
}

static void test_population(const model_probe *m, const setting *s, const double *x) {
  const size_t n = (size_t)m->dim * PARTICLES;
  double v[MOST_DIM], want[MOST_DIM], e[MOST_DIM] = {0}, got[MOST_DIM];
  setting plain = *s;
  plain.correction = 0;
  m->population_drift(&plain, PARTICLES, x, v);
  for (size_t k = 0; k < n; k++) {
    e[k] = 1;
    derivative(m, s, population_loss_of, 1, n, x, e, want + k);
    want[k] *= -PARTICLES;
    e[k] = 0;
  }
  compare(m, "drift of a particle and loss", n, v, want, 1e-8);
  /* V - c (d V along V), the whole population moving */
  derivative(m, &plain, population_drift_of, n, n, x, v, want);
  m->population_drift(s, PARTICLES, x, got);
  for (size_t k = 0; k < n; k++) {
    got[k] = -(got[k] - v[k]) / s->correction;
  }
  compare(m, "correction of a population", n, got, want, 1e-8);
  if (m->population_row != NULL) {
    memset(want, 0, sizeof want);
    for (uint32_t row = 0; row < s->n_rows; row++) {
      m->population_row(s, PARTICLES, x, row, got);
      for (size_t k = 0; k < n; k++) {
        want[k] += got[k] / s->n_rows;
      }
    }
    compare(m, "rows and drift of a population", n, v, want, 1e-12);
  }
  memcpy(want, x, sizeof want);
  integrate(m, s, PARTICLES, s->h / 2, want);
  m->population_flow(s, PARTICLES, x, got);
  for (size_t k = 0; k < n; k++) {
    want[k] -= x[k];
  }
  compare(m, "flow of a population", n, got, want, 1e-5); /* may be a Runge-Kutta step of its own */
}

/* ---- parameters and points ---- */

static void append_params(eg_text *study, const eg_model_info *info, int dim) {
  for (size_t i = 0; i < info->n_params; i++) {
    const eg_param_info *const p = &info->params[i];
    const bool is_tail = strcmp(p->name, "tail") == 0; /* of flights whose mean duration is finite: they start equilibrated */
    const double low = fmax(p->low, p->low < 0 ? -1.2 : is_tail ? 1.05 : 0.3), high = fmin(p->high, 1.5);
    if (strcmp(p->name, "particles") == 0 || strcmp(p->name, "classes") == 0 || (p->low == 0 && p->high == 1)) {
      continue; /* a number of them, and flags */
    }
    eg_text_append(study, ", %s: %s", p->name, p->is_vector ? "[" : "");
    for (int k = 0; k < (p->is_vector ? dim : 1); k++) {
      eg_text_append(study, "%s%.17g", k > 0 ? ", " : "", random_number(low, high));
    }
    eg_text_append(study, "%s", p->is_vector ? "]" : "");
  }
}

static bool write_data(const char *path, const eg_model_info *info, int dim) {
  double inputs[N_ROWS * MOST_DIM], target[N_ROWS];
  for (int j = 0; j < N_ROWS; j++) {
    for (int k = 0; k < dim; k++) {
      inputs[j * dim + k] = random_number(-1.5, 1.5);
    }
    target[j] = info->has_labels ? j % 2 : random_number(-1, 1);
  }
  return write_rows(path, N_ROWS, (size_t)dim, inputs, target);
}

static void test_model(const model_probe *m, const char *folder) {
  const eg_model_info *const info = eg_model_find(m->name);
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  eg_text text = {0};
  char data[96], name[96];
  (void)snprintf(data, sizeof data, "%s/data.h5", folder);
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  CHECK(info != NULL && m->dim * PARTICLES <= MOST_DIM && m->channels <= MOST_NORMALS && m->sample <= MOST_NORMALS);
  eg_text_append(&text, "{seed: 1, %s: 1/8, steps: 1, realisations: 64, observe: {at: {linear: 1}, features: [x]},"
                        " dynamics: {name: %s}, start: {point: 0.5}, model: {name: %s",
                 info->is_process ? "time_step" : "learning_rate",
                 info->is_process ? "sde" : info->is_population ? "smf2" : "sme2", m->name);
  if (info->has_rows) {
    CHECK(write_data(data, info, info->has_classes ? m->dim / 2 : m->dim)); /* two classes: the labels are 0 and 1 */
    eg_text_append(&text, ", data: data.h5%s%s", info->has_coefficients ? "" : ", standardize: false",
                   info->is_population ? "" : ", ridge: 0.3");
  } else if (m->shape != NULL) {
    eg_text_append(&text, ", shape: %s", m->shape);
  } else {
    eg_text_append(&text, ", dimension: %d", m->dim);
  }
  if (info->has_classes) {
    eg_text_append(&text, ", classes: 2");
  }
  append_params(&text, info, m->dim);
  eg_text_append(&text, "}}");
  if (eg_study_parse(ctx, name, text.data, text.length, NULL, 0, &study) != EG_OK || eg_plan_create(ctx, study, &plan) != EG_OK) {
    fprintf(stderr, "%s\n%s\n", text.data, eg_context_message(ctx));
    CHECK(false);
  } else {
    const eg_job *const job = &plan->runs[0].job;
    const setting s = {.params = job->params, .staged = job->staged, .rows = job->rows, .n_rows = job->launch.n_rows,
                       .h = job->launch.h,
                       .correction = info->is_population ? job->launch.correction : 0.0625};
    setting flowing = s;
    flowing.correction = job->launch.correction; /* what the flow was staged for */
    for (int point = 0; point < N_POINTS; point++) {
      double x[MOST_DIM], y[MOST_DIM];
      for (int k = 0; k < MOST_DIM; k++) {
        x[k] = random_number(-1.3, 1.3);
        y[k] = random_number(-1.3, 1.3);
      }
      if (m->population_loss != NULL) {
        test_population(m, &s, x);
        continue;
      }
      if (m->loss != NULL) {
        test_loss(m, &s, x);
      }
      if (m->flow != NULL) {
        test_flow(m, &flowing, x);
      }
      test_noise(m, &s, x, y);
      test_derivatives(m, &s, x, y);
    }
  }
  eg_plan_free(plan);
  eg_study_free(study);
  eg_text_free(&text);
  (void)remove(data);
  eg_context_free(ctx);
}

int main(void) {
  char folder[] = "/tmp/ensgrad-test-XXXXXX";
  size_t n_models = 0;
  if (mkdtemp(folder) == NULL) {
    fprintf(stderr, "no temporary folder\n");
    return 1;
  }
  for (size_t i = 0; i < N_PROBES; i++) {
    test_model(probes[i], folder);
  }
  for (size_t i = 0; i < eg_model_count(); i++) { /* none is left out */
    bool is_tested = false;
    for (size_t k = 0; k < N_PROBES; k++) {
      is_tested = is_tested || strcmp(probes[k]->name, eg_model_at(i)->name) == 0;
    }
    n_models += is_tested;
    if (!is_tested) {
      printf("not in a dimension that is tested: %s\n", eg_model_at(i)->name);
    }
  }
  (void)rmdir(folder);
  printf("%zu models, %d units, %zu comparisons\n", n_models, (int)N_PROBES, n_compared);
  CHECK(n_compared > 10);
  return check_report();
}
