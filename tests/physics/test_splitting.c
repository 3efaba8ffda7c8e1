/*
 * Adaptive multilevel splitting. The algorithm on a random walk, where ties abound: gambler's ruin, unbiased in 20000
 * repeats; control: the estimate that ignores ties. Then `eg_run_split` on SGD in a parabola, x' = (1 - eta) x + eta z,
 * whose flux out of A and committor to B follow from integral equations (Gauss-Legendre, 160 nodes): rates of 2e-8
 * and 8.5e-12 per unit time; control: twice the rate. Equal numbers for any number of threads, and what is refused.
 */
#include "analysis/splitting.h"
#include "physics/judge.h"

/* ---- random walk on the integers ---- */

typedef struct walk {
  uint64_t state;
} walk;

static uint64_t next(walk *w) { /* splitmix64 */
  uint64_t z = w->state += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

static eg_status run_walk(eg_context *ctx, void *user, size_t n, const double *states,
                          bool (*visit)(void *paths, size_t path, const double *state, double score), void *paths) {
  (void)ctx;
  for (size_t i = 0; i < n; i++) {
    double x = states[i];
    do {
      x += next(user) >> 63 != 0 ? 1 : -1;
    } while (visit(paths, i, &x, x));
  }
  return EG_OK;
}

static double walk_score(void *user, const double *state) {
  (void)user;
  return *state;
}

static uint32_t walk_choose(void *user, uint32_t n) { return (uint32_t)((next(user) >> 32) * n >> 32); }

static void gambler(void) {
  enum { REPEATS = 20000, PATHS = 8, KILL = 3 };
  eg_context *const ctx = eg_context_create();
  walk w = {7};
  const eg_split_chain chain = {.dim = 1, .user = &w, .run = run_walk, .score = walk_score, .choose = walk_choose};
  const double starts[PATHS] = {1, 1, 1, 1, 1, 1, 1, 1};
  double sum = 0, sum2 = 0, naive = 0, naive2 = 0;
  for (int i = 0; i < REPEATS; i++) {
    eg_split_result r;
    CHECK(eg_split(ctx, &chain, PATHS, KILL, 0, 10, starts, &r) == EG_OK);
    const double wrong = pow(1 - (double)KILL / PATHS, (double)r.rounds);
    sum += r.probability;
    sum2 += r.probability * r.probability;
    naive += wrong;
    naive2 += wrong * wrong;
  }
  const double n = REPEATS, p = sum / n, q = naive / n;
  compare(false, "gambler's ruin", p, sqrt((sum2 / n - p * p) / n), 0.1, n);
  compare(true, "gambler's ruin, ties ignored", q, sqrt((naive2 / n - q * q) / n), 0.1, n);
  eg_context_free(ctx);
}

/* ---- SGD in a parabola ---- */

enum { NODES = 160 };

static void legendre(double a, double b, double *x, double *w) {
  for (int i = 0; i < NODES; i++) {
    double z = cos(3.14159265358979323846 * (i + 0.75) / (NODES + 0.5)), p0 = 1, p1 = 0, slope = 1;
    for (int round = 0; round < 100; round++) {
      p0 = 1;
      p1 = 0;
      for (int j = 0; j < NODES; j++) {
        const double p2 = p1;
        p1 = p0;
        p0 = ((2 * j + 1) * z * p1 - j * p2) / (j + 1);
      }
      slope = NODES * (z * p0 - p1) / (z * z - 1);
      z -= p0 / slope;
    }
    x[i] = (a + b) / 2 - (b - a) / 2 * z;
    w[i] = (b - a) / ((1 - z * z) * slope * slope);
  }
}

static double density(double x, double s) { return exp(-x * x / (2 * s * s)) / (s * sqrt(2 * 3.14159265358979323846)); }

/* Flux of exits from x <= low, and of those that reach high first, per unit time in the stationary law. */
static void exact(double eta, double low, double high, double *flux, double *rate) {
  static double y[NODES], w[NODES], x[NODES], v[NODES], A[NODES][NODES + 1];
  const double s = sqrt(eta / (2 - eta));
  legendre(low, high, y, w);
  legendre(-9 * s, low, x, v);
  for (int i = 0; i < NODES; i++) {
    for (int j = 0; j < NODES; j++) {
      A[i][j] = (i == j) - w[j] * density(y[j] - (1 - eta) * y[i], eta);
    }
    A[i][NODES] = erfc((high - (1 - eta) * y[i]) / (eta * sqrt(2))) / 2;
  }
  for (int k = 0; k < NODES; k++) { /* diagonally dominant enough: no pivoting */
    for (int i = k + 1; i < NODES; i++) {
      const double f = A[i][k] / A[k][k];
      for (int j = k; j <= NODES; j++) {
        A[i][j] -= f * A[k][j];
      }
    }
  }
  for (int i = NODES; i-- > 0;) {
    for (int j = i + 1; j < NODES; j++) {
      A[i][NODES] -= A[i][j] * A[j][NODES];
    }
    A[i][NODES] /= A[i][i];
  }
  *flux = *rate = 0;
  for (int i = 0; i < NODES; i++) {
    const double mean = (1 - eta) * x[i];
    double reach = erfc((high - mean) / (eta * sqrt(2))) / 2;
    for (int j = 0; j < NODES; j++) {
      reach += w[j] * density(y[j] - mean, eta) * A[j][NODES];
    }
    *flux += v[i] * density(x[i], s) * erfc((low - mean) / (eta * sqrt(2))) / 2 / eta;
    *rate += v[i] * density(x[i], s) * reach / eta;
  }
}

static char *split(const char *text, int threads, eg_status wanted) {
  eg_context *const ctx = eg_context_create();
  const eg_split_options options = {.threads = threads, .as_json = 1};
  eg_study *study = NULL;
  char *out = NULL;
  const eg_status status = eg_study_parse(ctx, "split.yaml", text, strlen(text), NULL, 0, &study);
  if (status != EG_OK || eg_run_split(ctx, study, &options, &out) != wanted) {
    stop_with(eg_context_message(ctx));
  }
  eg_study_free(study);
  eg_context_free(ctx);
  return out;
}

static double number(const char *json, const char *key) {
  const char *const at = strstr(json, key);
  if (at == NULL) {
    stop_with(key);
    return 0;
  }
  return strtod(at + strlen(key), NULL);
}

#define STUDY                                                                                                          \
  "seed: %d\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 0}\nlearning_rate: 1/32\nsteps: "        \
  "8\nrealisations: 64\n"                                                                                              \
  "dynamics: {name: sgd, batch_size: 1%s}\nobserve: {at: {linear: 1}, features: [x]}\n"

static void parabola(int seed, double low, double high, int replicas, int repeats) {
  char text[900];
  double flux, rate;
  const int length = snprintf(text, sizeof text, STUDY, seed, "");
  (void)snprintf(text + length, sizeof text - (size_t)length,
                 "splitting: {feature: x0, low: %g, high: %g, replicas: %d, repeats: %d, burn_in: 192, count: 1024}\n",
                 low, high, replicas, repeats);
  char *const out = split(text, 1, EG_OK);
  exact(1.0 / 32, fabs(low), fabs(high), &flux, &rate);
  printf("rate %.4g, exact %.4g\n", number(out, "\"rate\": "), rate);
  compare(false, "flux of exits", number(out, "\"flux\": "), number(out, "\"flux_stderr\": "), flux, 1e5);
  compare(false, "rate", number(out, "\"rate\": "), number(out, "\"rate_stderr\": "), rate, 1e5);
  if (replicas == 96) {
    compare(true, "rate with the flux of twice the exits", number(out, "\"rate\": "), number(out, "\"rate_stderr\": "),
            2 * rate, 1e5);
    CHECK(number(out, "\"rate_stderr\": ") < 0.15 * rate);
  }
  free(out);
}

static void threads_and_refusals(void) {
  char text[900];
  int length = snprintf(text, sizeof text, STUDY, 5, "");
  (void)snprintf(text + length, sizeof text - (size_t)length,
                 "splitting: {feature: x0, low: 0.1, high: 0.5, replicas: 32, repeats: 9, burn_in: 64, count: 512}\n");
  char *const one = split(text, 1, EG_OK), *const three = split(text, 3, EG_OK);
  CHECK(strcmp(one, three) == 0);
  free(one);
  free(three);
  (void)snprintf(text, sizeof text, STUDY, 5, "");
  CHECK(split(text, 1, EG_ERR_STUDY) == NULL); /* no key */
  length = snprintf(text, sizeof text, STUDY, 5, ", momentum: 0.5");
  (void)snprintf(text + length, sizeof text - (size_t)length, "splitting: {feature: x0, low: 0.1, high: 0.5}\n");
  CHECK(split(text, 1, EG_ERR_STUDY) == NULL); /* a velocity behind x */
}

int main(void) {
  gambler();
  parabola(81, 0.1, 0.75, 96, 64);
  parabola(82, -0.1, -0.75, 16, 192); /* the other side; few paths and many repeats: no bias of order 1 / paths */
  parabola(83, 0.1, 0.9, 128, 40);
  threads_and_refusals();
  (void)judge_rows(7, 2);
  return check_report();
}
