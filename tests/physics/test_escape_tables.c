/*
 * The tables of power-law-escape-rate.md, sections 5 and 6, made again here: mean first passage times of the SDE with noise
 * proportional to the loss (L noise 2 T L(x), and additive noise beside it) by scale and speed measure, in one dimension and in
 * radial problems; survival and eigenvalues by inverse iteration; exit steps of chains by integral equations. Digits as printed there.
 * Then the program: first passage of its chains in standard errors; those of another noise or temperature must be rejected.
 */
#include <stdarg.h>

#include "physics/judge.h"
#include "physics/quadrature.h"

enum { PER_PANEL = 24 };

/* A row by name: value beside the table's, within an absolute tolerance. */
static void print_row(double value, double table, double tolerance, const char *name, va_list list) {
  char row[160];
  (void)vsnprintf(row, sizeof row, name, list);
  printf("%s: %.15g\n", row, value);
  if (!(fabs(value - table) <= tolerance)) {
    (void)fprintf(stderr, "%s: %.15g, table %.15g, off by %.1e\n", row, value, table, value - table);
  }
  CHECK(fabs(value - table) <= tolerance);
}

/* Relative agreement to what the table prints. */
__attribute__((format(printf, 4, 5))) static void agree(double value, double table, double tolerance, const char *name, ...) {
  va_list list;
  va_start(list, name);
  print_row(value, table, tolerance * fabs(table), name, list);
  va_end(list);
}

/* Absolute agreement. */
__attribute__((format(printf, 4, 5))) static void is_near(double value, double table, double tolerance, const char *name, ...) {
  va_list list;
  va_start(list, name);
  print_row(value, table, tolerance, name, list);
  va_end(list);
}

/* ---- generator in one dimension: D s' (f' / s')', a grid from -infinity to 0 ---- */

typedef struct problem {
  double (*loss)(double loss_minimum, double x);
  double loss_minimum, temperature;
  double additive; /* noise variance of additive noise over 2; 0: T L(x) */
  int power;       /* dimension less 1 of a radial problem: s' has x^-power, speed x^power */
} problem;

static double scale_density(const problem *p, double x) {
  const double loss = p->loss(p->loss_minimum, x);
  return (p->additive > 0 ? exp((loss - p->loss_minimum) / p->additive) : pow(loss / p->loss_minimum, 1 / p->temperature)) *
         pow(x, -p->power);
}

static double speed_density(const problem *p, double x) {
  const double loss = p->loss(p->loss_minimum, x);
  const double diffusion = p->additive > 0 ? p->additive : p->temperature * loss;
  return 1 / (diffusion * scale_density(p, x));
}

/* Panels whose nodes stand in x; weight: of a panel node including the Jacobian; a tail is mapped by x = -1 / u. */
typedef struct panels {
  int n;
  double (*x)[PER_PANEL], (*jacobian)[PER_PANEL]; /* dx of a unit of the panel's own variable on (-1, 1) */
} panels;

static double nodes[PER_PANEL], weights[PER_PANEL], antiderivative[PER_PANEL][PER_PANEL];

static void prepare_panels(void) {
  gauss_legendre(PER_PANEL, nodes, weights);
  for (int i = 0; i < PER_PANEL; i++) {
    double p[PER_PANEL + 1], integral[PER_PANEL];
    p[0] = 1;
    p[1] = nodes[i];
    for (int k = 1; k < PER_PANEL; k++) {
      p[k + 1] = ((2 * k + 1) * nodes[i] * p[k] - k * p[k - 1]) / (k + 1);
    }
    integral[0] = nodes[i] + 1;
    for (int k = 1; k < PER_PANEL; k++) {
      integral[k] = (p[k + 1] - p[k - 1]) / (2 * k + 1);
    }
    for (int j = 0; j < PER_PANEL; j++) {
      double q = 1, before = 0, sum = 0;
      for (int k = 0; k < PER_PANEL; k++) {
        sum += (2 * k + 1) / 2.0 * q * integral[k];
        const double next = ((2 * k + 1) * nodes[j] * q - k * before) / (k + 1);
        before = q;
        q = next;
      }
      antiderivative[i][j] = weights[j] * sum;
    }
  }
}

/* n_tail panels from -infinity to `low`, then n panels to each of the further ends in turn. */
static panels make_panels(int n_tail, double low, int n, const double *ends, int n_ends) {
  panels g;
  g.n = n_tail + n * n_ends;
  g.x = need((size_t)g.n, sizeof *g.x);
  g.jacobian = need((size_t)g.n, sizeof *g.jacobian);
  for (int p = 0; p < n_tail; p++) {
    const double half = -0.5 / (low * n_tail);
    for (int i = 0; i < PER_PANEL; i++) {
      const double u = half * (2 * p + 1 + nodes[i]);
      g.x[p][i] = -1 / u;
      g.jacobian[p][i] = half / (u * u);
    }
  }
  for (int e = 0; e < n_ends; e++) {
    const double half = 0.5 * (ends[e] - low) / n;
    for (int p = 0; p < n; p++) {
      for (int i = 0; i < PER_PANEL; i++) {
        g.x[n_tail + e * n + p][i] = low + half * (2 * p + 1 + nodes[i]);
        g.jacobian[n_tail + e * n + p][i] = half;
      }
    }
    low = ends[e];
  }
  return g;
}

static void free_panels(panels *g) {
  free(g->x);
  free(g->jacobian);
}

/* out = integral of f from the left end to each node; returns the whole. */
static double integrate(const panels *g, const double (*f)[PER_PANEL], double (*out)[PER_PANEL]) {
  double total = 0;
  for (int p = 0; p < g->n; p++) {
    double part = 0;
    for (int i = 0; i < PER_PANEL; i++) {
      double sum = 0;
      for (int j = 0; j < PER_PANEL; j++) {
        sum += antiderivative[i][j] * g->jacobian[p][j] * f[p][j];
      }
      out[p][i] = total + sum;
      part += weights[i] * g->jacobian[p][i] * f[p][i];
    }
    total += part;
  }
  return total;
}

/* u = (minus generator)^-1 f, u = 0 at the right end. Returns u where panel `first` begins. */
static double invert(const panels *g, const problem *p, const double (*f)[PER_PANEL], double (*u)[PER_PANEL], int first) {
  double(*const work)[PER_PANEL] = need((size_t)g->n, sizeof *work);
  for (int k = 0; k < g->n; k++) {
    for (int i = 0; i < PER_PANEL; i++) {
      work[k][i] = speed_density(p, g->x[k][i]) * f[k][i];
    }
  }
  (void)integrate(g, work, u);
  for (int k = 0; k < g->n; k++) {
    for (int i = 0; i < PER_PANEL; i++) {
      work[k][i] = scale_density(p, g->x[k][i]) * u[k][i];
    }
  }
  double at = 0; /* integral over the panels from `first` on: that of the tail is not small beside it */
  for (int k = first; k < g->n; k++) {
    for (int i = 0; i < PER_PANEL; i++) {
      at += weights[i] * g->jacobian[k][i] * work[k][i];
    }
  }
  const double total = integrate(g, work, u);
  for (int k = 0; k < g->n; k++) {
    for (int i = 0; i < PER_PANEL; i++) {
      u[k][i] = total - u[k][i];
    }
  }
  free(work);
  return at;
}

/* Mean time from `start` to `level`. n_tail 0: a radial problem from 0, where start is 0. */
static double passage_time(const problem *p, double start, double level) {
  const bool is_radial = p->power > 0;
  const double ends[2] = {is_radial ? level : start, level};
  panels g = make_panels(is_radial ? 0 : 20, is_radial ? 0 : -2, 20, ends, is_radial ? 1 : 2);
  double(*const one)[PER_PANEL] = need((size_t)g.n, sizeof *one), (*const u)[PER_PANEL] = need((size_t)g.n, sizeof *u);
  for (int k = 0; k < g.n; k++) {
    for (int i = 0; i < PER_PANEL; i++) {
      one[k][i] = 1;
    }
  }
  const double time = invert(&g, p, one, u, is_radial ? 0 : 40);
  free(one);
  free(u);
  free_panels(&g);
  return time;
}

static double well(double loss_minimum, double x) {
  return loss_minimum + (x * x - 1) * (x * x - 1) / 4;
}
static double cubic(double loss_minimum, double x) {
  return loss_minimum + x * x / 2 - x * x * x / 3;
}
static double ring(double loss_minimum, double r) {
  return loss_minimum + r * r / 2 - r * r * r * r / 4;
}
static double quadratic(double loss_minimum, double r) { /* 5.3: c = 1 + r^2 */
  return loss_minimum * (1 + r * r);
}

/* 5.1, 5.2 and the ring of 5.4. */
static void passage_times(void) {
  static const struct {
    double loss_minimum, temperature, to_saddle, across, by_formula, ratio;
  } rows_5_1[] = {{.25, .5, 11.1967580255722, 25.4468612741622, 25.1327412287, 1.012498439},
                  {.25, .25, 51.0405107824275, 106.482719036955, 100.530964915, 1.059203193},
                  {.25, .125, 820.485414332934, 1646.63608933893, 1608.49543864, 1.023712004},
                  {.1, .5, 46.8857670978355, 97.7043462832983, 101.820442805, .9595749497},
                  {.1, .25, 606.198543981877, 1217.64072737349, 1247.30042437, .9762208876},
                  {.1, .125, 92000.7280623193, 184007.934564576, 187173.019931, .9830900556},
                  {.05, .5, 176.730756982216, 357.871011691044, 391.780662675, .9134473592},
                  {.05, .25, 6688.83861455165, 13383.3974592914, 14104.1038563, .9489009437},
                  {.05, .125, 8885006.28686995, 17770019.5459022, 18278918.5977, .9721592364}};
  for (size_t i = 0; i < sizeof rows_5_1 / sizeof rows_5_1[0]; i++) {
    const problem p = {well, rows_5_1[i].loss_minimum, rows_5_1[i].temperature, 0, 0};
    const double across = passage_time(&p, -1, 1), c = 1 + 1 / (4 * p.loss_minimum);
    agree(passage_time(&p, -1, 0), rows_5_1[i].to_saddle, 1e-12, "5.1 L0 %g T %g: %s", p.loss_minimum, p.temperature, "to the saddle");
    agree(across, rows_5_1[i].across, 1e-12, "5.1 L0 %g T %g: %s", p.loss_minimum, p.temperature, "to the other well");
    const double rate = sqrt(2.0) / (2 * acos(-1.0)) * pow(c, -(0.5 + 1 / p.temperature));
    agree(1 / rate, rows_5_1[i].by_formula, 1e-11, "5.1 L0 %g T %g: %s", p.loss_minimum, p.temperature, "1 / kappa");
    agree(across * rate, rows_5_1[i].ratio, 1e-9, "5.1 L0 %g T %g: %s", p.loss_minimum, p.temperature, "kappa times the mean time");
  }
  agree(passage_time(&(problem){well, .25, .5, 0, 0}, -1, -0.5), 2.83298314575568, 1e-12, "5.1 L0 .25 T .5: -1 to -0.5");
  agree(passage_time(&(problem){well, .1, .25, 0, 0}, -1, -0.5), 47.6809037705839, 1e-12, "5.1 L0 .1 T .25: -1 to -0.5");
  agree(passage_time(&(problem){well, .25, .5, .125, 0}, -1, 1), 41.0342802687367, 1e-12, "5.1 additive L0 .25 T .5: -1 to 1");
  agree(passage_time(&(problem){well, .25, .5, .125, 0}, -1, 0), 18.4261584524284, 1e-12, "5.1 additive L0 .25 T .5: -1 to 0");
  agree(passage_time(&(problem){well, .25, .25, .0625, 0}, -1, 1), 277.054579043345, 1e-12, "5.1 additive L0 .25 T .25: -1 to 1");
  agree(passage_time(&(problem){well, .1, .5, .05, 0}, -1, 1), 729.670691942323, 1e-12, "5.1 additive L0 .1 T .5: -1 to 1");
  agree(passage_time(&(problem){well, .1, .25, .025, 0}, -1, 1), 102108.36545717, 1e-12, "5.1 additive L0 .1 T .25: -1 to 1");
  agree(passage_time(&(problem){well, .1, .25, .025, 0}, -1, 0), 51050.7025086, 1e-11, "5.1 additive L0 .1 T .25: -1 to 0");
  agree(passage_time(&(problem){cubic, .1, .5, 0, 0}, 0, 1), 38.1382558452311, 1e-12, "5.2 L0 .1 T .5: 0 to 1");
  agree(passage_time(&(problem){cubic, .1, .5, 0, 0}, 0, 1.25), 56.3619360234034, 1e-12, "5.2 L0 .1 T .5: 0 to 1.25");
  agree(passage_time(&(problem){cubic, .1, .25, 0, 0}, 0, 1), 285.552839142692, 1e-12, "5.2 L0 .1 T .25: 0 to 1");
  agree(passage_time(&(problem){cubic, .1, .25, 0, 0}, 0, 1.25), 454.950797155289, 1e-12, "5.2 L0 .1 T .25: 0 to 1.25");
  agree(passage_time(&(problem){ring, .25, .5, 0, 1}, 0, 1), 2.38024643932945, 1e-12, "5.4 ring L0 .25 T .5: 0 to 1");
  agree(passage_time(&(problem){ring, .25, .5, 0, 1}, 0, 1.3), 3.54095593650142, 1e-12, "5.4 ring L0 .25 T .5: 0 to 1.3");
  agree(passage_time(&(problem){ring, .1, .25, 0, 1}, 0, 1), 62.5430223009501, 1e-12, "5.4 ring L0 .1 T .25: 0 to 1");
  agree(passage_time(&(problem){ring, .1, .25, 0, 1}, 0, 1.3), 93.011074364239, 1e-12, "5.4 ring L0 .1 T .25: 0 to 1.3");
}

/* ---- 5.3: the quadratic well, L to c L_* from the minimum ---- */

typedef enum noise { DECOUPLED, EXACT_COVARIANCE, ADDITIVE } noise;

/* F, G, O as double integrals: (2 / T) int y h(y) int_0^1 v^(n-1) k(y v) dv dy. */
static double well_time(noise law, double T, int n, double c) {
  enum { INNER = 60 };
  const double q = (n - 1) / 4.0 + 1 / (2 * T);
  grid outer = make_grid(0, sqrt(c - 1), 12, INNER), inner = make_grid(0, 1, 6, INNER);
  double sum = 0;
  for (int i = 0; i < outer.n; i++) {
    const double y = outer.x[i];
    double part = 0;
    for (int j = 0; j < inner.n; j++) {
      const double v = inner.x[j], s = y * y * v * v;
      const double k = law == DECOUPLED          ? pow((1 + y * y) / (1 + s), 1 / T) / (1 + s)
                       : law == EXACT_COVARIANCE ? pow((1 + 2 * y * y) / (1 + 2 * s), q) / (1 + 2 * s)
                                                 : exp((y * y - s) / T);
      part += inner.w[j] * pow(v, n - 1) * k;
    }
    sum += outer.w[i] * y * part;
  }
  free_grid(&outer);
  free_grid(&inner);
  return 2 / T * sum;
}

static void quadratic_well(void) {
  static const struct {
    double T;
    int n;
    double c, decoupled, exact;
  } rows_5_3[] = {{.1, 1, 2, 574.10163056338152, 192.36057936776492},  {.1, 1, 4, 650252.23856305086, 17216.346021948262},
                  {.1, 2, 2, 117.18948412698413, 49.411631881632551},  {.1, 2, 4, 72749.576785714286, 3019.6413551917461},
                  {.1, 5, 2, 9.0405619645885863, 6.1556096701513197},  {.1, 5, 4, 926.38864643574685, 127.70497239801106},
                  {.1, 10, 2, 1.6286375661375661, 1.4680295738093704}, {.1, 10, 4, 17.0625, 9.0455949468462526},
                  {.5, 1, 2, 3.1218559852888771, 2.5521654332974300},  {.5, 2, 4, 5.25, 3.6805198402998413},
                  {.5, 3, 4, 2.4942029115656967, 2}};
  for (size_t i = 0; i < sizeof rows_5_3 / sizeof rows_5_3[0]; i++) {
    const double T = rows_5_3[i].T, c = rows_5_3[i].c;
    const int n = rows_5_3[i].n;
    agree(well_time(DECOUPLED, T, n, c), rows_5_3[i].decoupled, 1e-12, "5.3 T %g n %d c %g: %s", T, n, c, "F");
    agree(well_time(EXACT_COVARIANCE, T, n, c), rows_5_3[i].exact, 1e-12, "5.3 T %g n %d c %g: %s", T, n, c, "G");
    if (n == 2 || n == 3) { /* the same by scale and speed measure, which cancel at the centre in more dimensions */
      agree(2 * passage_time(&(problem){quadratic, 1, T, 0, n - 1}, 0, sqrt(c - 1)), rows_5_3[i].decoupled, 1e-12, "5.3 T %g n %d c %g: %s", T, n, c, "F by scale and speed");
    }
  }
  for (int K = 1; K <= 10; K++) { /* n = 2, T = 1 / K */
    double sum = 0;
    for (int k = 1; k <= K; k++) {
      sum += (pow(3, k) - 1) / (2.0 * k);
    }
    agree(well_time(DECOUPLED, 1.0 / K, 2, 3), sum, 1e-12, "5.3 n 2 c 3: F in closed form, 1 / T = %d", K);
  }
  agree(well_time(ADDITIVE, .1, 1, 1.5), 66.22820429, 1e-9, "5.3 T 0.1 n 1 c 1.5: O");
  agree(well_time(ADDITIVE, .1, 1, 2), 6545.765063, 1e-9, "5.3 T 0.1 n 1 c 2: O");
  agree(well_time(ADDITIVE, .1, 2, 2), 1244.67458774199, 1e-12, "5.3 T 0.1 n 2 c 2: O");
  double ei = 0, term = 1; /* Ei(z) - ln z - gamma = sum z^k / (k k!) at z = 10 */
  for (int k = 1; k < 100; k++) {
    term *= 10.0 / k;
    ei += term / k;
  }
  agree(well_time(ADDITIVE, .1, 2, 2), ei / 2, 1e-12, "5.3 T 0.1 n 2 c 2: O by the exponential integral");
  static const struct {
    int n;
    double slope[3];
  } slopes[] = {{1, {9.662, 7.189, 15.967}}, {2, {8.355, 6.307, 14.538}}, {5, {5.380, 4.422, 10.657}}, {10, {3.318, 3.080, 6.557}}};
  for (size_t i = 0; i < 4; i++) {
    for (int law = 0; law < 3; law++) {
      const double ratio = well_time((noise)law, .1, slopes[i].n, 2) / well_time((noise)law, .1, slopes[i].n, 1.5);
      is_near(log(ratio) / log(2 / 1.5), slopes[i].slope[law], 6e-4, "5.3 T 0.1 n %d: slope of %c between c 1.5 and 2", slopes[i].n, "FGO"[law]);
    }
  }
}

/* ---- 5.4: a channel L0 + (x^2 - 1)^2 / 4 + k (1 - cos y), from (-1, 0) to the line x = 0 ---- */

typedef struct channel {
  double loss_minimum, along, across, k; /* noise variances 2 along L and 2 across L */
} channel;

/* a -= b c of square matrices. */
static void subtract_product(int n, double *a, const double *b, const double *c) {
  for (int i = 0; i < n; i++) {
    for (int l = 0; l < n; l++) {
      const double f = b[i * n + l];
      for (int j = 0; j < n; j++) {
        a[i * n + j] -= f * c[l * n + j];
      }
    }
  }
}

/* x of a x = b for many right-hand sides, (n, n) each: a is overwritten, b becomes x. */
static void solve_many(int n, double *a, double *b, int columns) {
  for (int k = 0; k < n; k++) {
    int pivot = k;
    for (int i = k + 1; i < n; i++) {
      pivot = fabs(a[i * n + k]) > fabs(a[pivot * n + k]) ? i : pivot;
    }
    for (int j = 0; j < n && pivot != k; j++) {
      const double keep = a[k * n + j];
      a[k * n + j] = a[pivot * n + j];
      a[pivot * n + j] = keep;
    }
    for (int j = 0; j < columns && pivot != k; j++) {
      const double keep = b[k * columns + j];
      b[k * columns + j] = b[pivot * columns + j];
      b[pivot * columns + j] = keep;
    }
    for (int i = 0; i < n; i++) {
      if (i == k) {
        continue;
      }
      const double factor = a[i * n + k] / a[k * n + k];
      for (int j = k + 1; j < n; j++) {
        a[i * n + j] -= factor * a[k * n + j];
      }
      for (int j = 0; j < columns; j++) {
        b[i * columns + j] -= factor * b[k * columns + j];
      }
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < columns; j++) {
      b[i * columns + j] /= a[i * n + i];
    }
  }
}

/* The backward equation by collocation in x, x = -(1 - s) / (1 + s) on Chebyshev-Radau nodes, and modes cos(m y): L has the modes 0
   and 1 alone, so that the system is block-tridiagonal in m, and is eliminated from the highest mode down. */
static double channel_time(const channel *c, int n, int modes) {
  const int all = n + 1;
  const size_t size = (size_t)n * (size_t)n;
  double *const s = need((size_t)all, sizeof(double)), *const w = need((size_t)all, sizeof(double));
  double *const d = need((size_t)all * (size_t)all, sizeof(double)), *const d2 = need((size_t)all * (size_t)all, sizeof(double));
  double *const first = need(size, sizeof(double)), *const second = need(size, sizeof(double));
  for (int i = 0; i < all; i++) {
    s[i] = cos(2 * acos(-1.0) * i / (2 * n + 1)); /* s = 1: x = 0, where u = 0 */
  }
  for (int i = 0; i < all; i++) {
    double log_size = 0, sign = 1;
    for (int j = 0; j < all; j++) {
      if (j != i) {
        log_size += log(2 * fabs(s[i] - s[j]));
        sign = s[i] < s[j] ? -sign : sign;
      }
    }
    w[i] = sign * exp(-log_size);
  }
  for (int i = 0; i < all; i++) {
    double sum = 0;
    for (int j = 0; j < all; j++) {
      d[i * all + j] = i == j ? 0 : w[j] / w[i] / (s[i] - s[j]);
      sum += d[i * all + j];
    }
    d[i * all + i] = -sum;
  }
  for (int i = 0; i < all; i++) {
    double sum = 0;
    for (int j = 0; j < all; j++) {
      d2[i * all + j] = i == j ? 0 : 2 * d[i * all + j] * (d[i * all + i] - 1 / (s[i] - s[j]));
      sum += d2[i * all + j];
    }
    d2[i * all + i] = -sum;
  }
  for (int i = 0; i < n; i++) {
    const double x = -(1 - s[i + 1]) / (1 + s[i + 1]), slope = 2 / ((1 - x) * (1 - x)), bend = 4 / ((1 - x) * (1 - x) * (1 - x));
    for (int j = 0; j < n; j++) {
      first[i * n + j] = slope * d[(i + 1) * all + j + 1];
      second[i * n + j] = slope * slope * d2[(i + 1) * all + j + 1] + bend * d[(i + 1) * all + j + 1];
    }
  }
  /* rows j: lower[j] a_(j-1) + diagonal[j] a_j + upper[j] a_(j+1) = -[j == 0] */
  double *const diagonal = need(size, sizeof(double)), *const lower = need(size, sizeof(double)), *const upper = need(size, sizeof(double));
  double *const ratio = need(size * (size_t)modes, sizeof(double)); /* a_(j+1) = ratio[j+1] a_j */
  double *const u = need((size_t)n, sizeof(double));
  for (int j = modes - 1; j >= 0; j--) {
    for (int i = 0; i < n; i++) {
      const double x = -(1 - s[i + 1]) / (1 + s[i + 1]);
      const double mean = c->loss_minimum + (x * x - 1) * (x * x - 1) / 4 + c->k;
      for (int l = 0; l < n; l++) {
        const double one = i == l ? 1 : 0, bent = second[i * n + l];
        const int below = j - 1, above = j + 1;
        diagonal[i * n + l] = c->along * mean * bent - (x * x * x - x) * first[i * n + l] - c->across * mean * j * j * one;
        lower[i * n + l] = (j == 1 ? 1 : 0.5) * c->k * (-c->along * bent + (c->across * below - 1) * below * one);
        upper[i * n + l] = 0.5 * c->k * (-c->along * bent + (c->across * above + 1) * above * one);
      }
    }
    if (j < modes - 1) {
      const double *const next = ratio + (size_t)(j + 1) * size;
      for (size_t i = 0; i < size; i++) {
        upper[i] = -upper[i];
      }
      subtract_product(n, diagonal, upper, next); /* + upper ratio */
    }
    if (j > 0) {
      double *const own = ratio + (size_t)j * size;
      for (size_t i = 0; i < size; i++) {
        own[i] = -lower[i];
      }
      solve_many(n, diagonal, own, n);
    } else {
      for (int i = 0; i < n; i++) {
        u[i] = -1;
      }
      solve_many(n, diagonal, u, 1);
    }
  }
  /* sum of the modes at x = -1, s = 0 */
  double *const next = need((size_t)n, sizeof(double)), *const total = need((size_t)n, sizeof(double));
  for (int j = 0; j < modes; j++) {
    for (int i = 0; i < n; i++) {
      total[i] += u[i];
    }
    for (int i = 0; i < n && j + 1 < modes; i++) {
      next[i] = 0;
      for (int l = 0; l < n; l++) {
        next[i] += ratio[(size_t)(j + 1) * size + (size_t)(i * n + l)] * u[l];
      }
    }
    memcpy(u, next, (size_t)n * sizeof *u);
  }
  double above = 0, below = w[0] / (0 - s[0]);
  for (int i = 0; i < n; i++) {
    const double part = w[i + 1] / (0 - s[i + 1]);
    above += part * total[i];
    below += part;
  }
  free(s);
  free(w);
  free(d);
  free(d2);
  free(first);
  free(second);
  free(diagonal);
  free(lower);
  free(upper);
  free(ratio);
  free(u);
  free(next);
  free(total);
  return above / below;
}

static void channels(void) {
  static const struct {
    channel of;
    double time, by_formula;
  } table[] = {{{.25, .5, .5, 2}, 7.35172099151, 8.885766},
               {{.1, .25, .25, 2}, 323.106236701, 333.355060},
               {{.1, .25, .25, .5}, 321.131092494, 333.355060},
               {{.1, .25, .0625, .5}, 528.957115, 333.355060}};
  for (int i = 0; i < 4; i++) {
    const channel *const c = &table[i].of;
    agree(channel_time(c, 110, 40), table[i].time, i == 3 ? 2e-9 : 1e-9, /* rounding in second derivatives; the last is printed to 1e-9 */
          "5.4 channel L0 %g T %g and %g k %g: time", c->loss_minimum, c->along, c->across, c->k);
    const double ratio = 1 + 1 / (4 * c->loss_minimum); /* 1 / (2 kappa), n = 2: c^(1/T + 1 - n/2), equal curvatures across */
    agree(acos(-1.0) / sqrt(2.0) * pow(ratio, 1 / c->along), table[i].by_formula, 1e-6, "5.4 channel row %d: formula", i + 1);
  }
}

/* ---- 5.5: survival and eigenvalues, exit at `level`, start -1 ---- */

enum { MODES = 14 };

/* Smallest eigenvalues of minus the generator and the part of each in P(t > .) from -1, by inverse iteration on a subspace
   that is orthonormal in the speed measure. */
static void spectrum(const problem *p, double level, double eigenvalue[MODES], double part[MODES]) {
  /* no tail: what is cut off has a part of 1e-20, and beyond factors of 2 the measures cancel within a panel */
  const double ends[9] = {-64, -32, -16, -8, -4, -2, -1.5, -1, level};
  panels g = make_panels(0, -128, 4, ends, 9);
  double(*mode[MODES])[PER_PANEL], (*image)[PER_PANEL] = need((size_t)g.n, sizeof *image);
  double(*const mass)[PER_PANEL] = need((size_t)g.n, sizeof *mass);
  for (int k = 0; k < g.n; k++) {
    for (int i = 0; i < PER_PANEL; i++) {
      mass[k][i] = weights[i] * g.jacobian[k][i] * speed_density(p, g.x[k][i]);
    }
  }
  for (int m = 0; m < MODES; m++) {
    mode[m] = need((size_t)g.n, sizeof *mode[m]);
    for (int k = 0; k < g.n; k++) {
      for (int i = 0; i < PER_PANEL; i++) {
        mode[m][k][i] = cos(m * atan(g.x[k][i])) + 0.1 * (m == 0);
      }
    }
  }
  double at_start[MODES];
  for (int round = 0; round < 60; round++) {
    for (int m = 0; m < MODES; m++) {
      const double start = invert(&g, p, mode[m], image, 32);
      memcpy(mode[m], image, (size_t)g.n * sizeof *image);
      at_start[m] = start;
      for (int other = 0; other <= m; other++) { /* the last: its norm */
        double dot = 0;
        for (int k = 0; k < g.n; k++) {
          for (int i = 0; i < PER_PANEL; i++) {
            dot += mass[k][i] * mode[m][k][i] * mode[other][k][i];
          }
        }
        const double factor = other < m ? -dot : 1 / sqrt(dot) - 1;
        eigenvalue[m] = other == m ? 1 / sqrt(dot) : 0;
        at_start[m] += factor * at_start[other];
        for (int k = 0; k < g.n; k++) {
          for (int i = 0; i < PER_PANEL; i++) {
            mode[m][k][i] += factor * mode[other][k][i];
          }
        }
      }
    }
  }
  for (int m = 0; m < MODES; m++) {
    part[m] = 0;
    for (int k = 0; k < g.n; k++) {
      for (int i = 0; i < PER_PANEL; i++) {
        part[m] += mass[k][i] * mode[m][k][i] * at_start[m];
      }
    }
    free(mode[m]);
  }
  free(image);
  free(mass);
  free_panels(&g);
}

static void survival(void) {
  static const double times[2][5] = {{1, 5, 10, 20, 50}, {10, 100, 500, 1000, 2000}};
  static const double table[2][5] = {{.95611617106, .6587569029, .4118568766, .1609861247, .00961423692},
                                     {.98612200, .84974255, .43851442, .19180261, .03669406}};
  double eigenvalue[MODES], part[MODES];
  for (int row_of = 0; row_of < 2; row_of++) {
    const problem p = {well, row_of == 0 ? .25 : .1, row_of == 0 ? .5 : .25, 0, 0};
    spectrum(&p, 0, eigenvalue, part);
    for (int t = 0; t < 5; t++) {
      double sum = 0;
      for (int m = 0; m < MODES; m++) {
        sum += part[m] * exp(-eigenvalue[m] * times[row_of][t]);
      }
      is_near(sum, table[row_of][t], row_of == 0 ? 1e-10 : 6e-9, "5.5 L0 %g T %g: P(t > %g)", p.loss_minimum, p.temperature, times[row_of][t]);
    }
    agree(eigenvalue[0], row_of == 0 ? .0939357722539 : 1.653851819e-3, row_of == 0 ? 1e-11 : 4e-10, "5.5 L0 %g T %g: %s", p.loss_minimum, p.temperature, "lambda 1");
    agree(eigenvalue[1], row_of == 0 ? 2.51292 : 1.48857, 3e-6, "5.5 L0 %g T %g: %s", p.loss_minimum, p.temperature, "lambda 2");
    if (row_of == 0) {
      agree(part[0], 1.05366898584, 1e-11, "5.5 L0 %g T %g: %s", p.loss_minimum, p.temperature, "share of the first mode");
    } else {
      agree(1 / eigenvalue[0], 604.64909, 2e-8, "5.5 L0 %g T %g: %s", p.loss_minimum, p.temperature, "1 / lambda 1");
    }
    spectrum(&p, 1, eigenvalue, part);
    agree(1 / eigenvalue[0], row_of == 0 ? 23.49302694295 : 1213.477579, row_of == 0 ? 1e-11 : 5e-10, "5.5 L0 %g T %g: %s", p.loss_minimum, p.temperature, "1 / lambda 1 of the exit at 1");
  }
  grid a = make_grid(-1, -0.8, 4, 24), b = make_grid(-0.8, 0, 8, 24), c = make_grid(0, 1, 8, 24);
  double part_a = 0, part_b = 0, part_c = 0;
  const problem p = {well, .1, .25, 0, 0};
  for (int i = 0; i < a.n; i++) {
    part_a += a.w[i] * scale_density(&p, a.x[i]);
  }
  for (int i = 0; i < b.n; i++) {
    part_b += b.w[i] * scale_density(&p, b.x[i]);
    part_c += c.w[i] * scale_density(&p, c.x[i]);
  }
  agree(part_a / (part_a + part_b), .0059167110599199, 1e-12, "5.5 committor from -0.8: 0 before -1");
  agree(part_a / (part_a + part_b + part_c), .00295835552996, 1e-11, "5.5 committor from -0.8: 1 before -1");
  free_grid(&a);
  free_grid(&b);
  free_grid(&c);
}

/* ---- 6: chains ---- */

typedef struct euler {
  double (*loss)(double loss_minimum, double x);
  double loss_minimum, temperature, step;
} euler;

static void euler_step(const void *setting, double x, double *mean, double *deviation) {
  const euler *const e = setting;
  *mean = x - e->step * (e->loss == quadratic ? x : x * x * x - x);
  *deviation = sqrt((e->loss == quadratic ? 1 : 2) * e->temperature * e->step * e->loss(e->loss_minimum, x));
}

static double one_step(const void *setting, double x) {
  (void)setting;
  (void)x;
  return 1;
}

static double exit_steps(const euler *e, double low, double high, double start) {
  const double least = sqrt((e->loss == quadratic ? 1 : 2) * e->temperature * e->step * e->loss_minimum);
  grid g = make_grid(low, high, (int)ceil((high - low) / (3 * least)), 14);
  const double steps = chain_reward(&g, euler_step, one_step, e, start, -1);
  free_grid(&g);
  return steps;
}

static void chains(void) {
  static const struct {
    double loss_minimum, temperature, high, step, steps;
  } table[] = {{.25, .5, 0, .1, 130.332393121},  {.25, .5, 0, .05, 256.010860242},  {.25, .5, 0, .02, 615.252254257},
               {.25, .5, 0, .01, 1200.34939016}, {.25, .5, 1, .1, 248.976909391},   {.25, .5, 1, .05, 510.113569911},
               {.25, .5, 1, .01, 2560.75952238}, {.1, .25, 0, .1, 7368.18276730},   {.1, .25, 0, .05, 14021.7011662},
               {.1, .25, 0, .01, 64815.98678},   {.1, .25, 1, .1, 12305.6938188},   {.1, .25, 1, .05, 24564.7728684},
               {.1, .25, 1, .01, 122042.0890}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const euler e = {well, table[i].loss_minimum, table[i].temperature, table[i].step};
    agree(exit_steps(&e, -4, table[i].high, -1), table[i].steps, table[i].steps > 5e4 ? 1e-9 : 4e-11,
          "6 double well L0 %g T %g dt %g: steps to %g", table[i].loss_minimum, table[i].temperature, table[i].step, table[i].high);
  }
  static const double steps[4] = {.1, .05, .02, .01}, of_quadratic[4] = {10551.7267360, 18459.7435262, 39697.4381325, 72805.31176};
  for (int i = 0; i < 4; i++) {
    const euler e = {quadratic, 1, .1, steps[i]};
    agree(exit_steps(&e, -1, 1, 0), of_quadratic[i], i == 3 ? 1e-9 : 4e-11, "6 quadratic well T 0.1 c 2 dt %g: steps", steps[i]);
  }
}

/* Discrete looks overshoot: ratios of a chain's mean exit time to the SDE's, at the level and with the SDE's level moved outwards by
   0.5826 sqrt(v dt), v the noise variance there: the error falls as dt then, not as its root. */
static void level_shifts(void) {
  static const double overshoot = .5825971579, steps[2] = {.01, .002}, raw_table[2] = {1.268, 1.118},
                      shifted_table[2] = {.9802, .9960};
  double raw[2], shifted[2];
  for (int i = 0; i < 2; i++) {
    const euler e = {quadratic, 1, .1, steps[i]};
    const double time = steps[i] * exit_steps(&e, -1, 1, 0), shift = overshoot * sqrt(2 * .1 * steps[i]); /* v(1) = T (1 + 1) */
    raw[i] = time / well_time(DECOUPLED, .1, 1, 2);
    shifted[i] = time / well_time(DECOUPLED, .1, 1, 1 + (1 + shift) * (1 + shift));
    is_near(raw[i], raw_table[i], 6e-4, "6 looks dt %g: ratio", steps[i]);
    is_near(shifted[i], shifted_table[i], 6e-5, "6 looks dt %g: ratio, level shifted", steps[i]);
    CHECK(time / well_time(DECOUPLED, .1, 1, 1 + (1 - shift) * (1 - shift)) > 1.1 * raw[i]); /* the other way: worse */
  }
  is_near(log((raw[0] - 1) / (raw[1] - 1)) / log(5), .5, .02, "6 looks: order in dt");
  is_near(log((1 - shifted[0]) / (1 - shifted[1])) / log(5), 1, .02, "6 looks: order in dt, level shifted");
  const euler e = {well, .1, .25, .01};
  const problem p = {well, .1, .25, 0, 0};
  is_near(.01 * exit_steps(&e, -4, 1, -1) / passage_time(&p, -1, 1), 1.0023, 6e-5, "6 looks dt 0.01: ratio behind the saddle"); /* behind the saddle looks miss nothing */
  is_near(.01 * exit_steps(&e, -4, 0, -1) / passage_time(&p, -1, 0), 1.069, 6e-4, "6 looks dt 0.01: ratio at the saddle");
}

/* Probability that a step from x ends at 0 or above. */
static double step_to_zero(const void *setting, double x) {
  double mean, deviation;
  euler_step(setting, x, &mean, &deviation);
  return 0.5 * erfc(-mean / (deviation * sqrt(2.0)));
}

static void chain_survival_and_committor(void) {
  static const int steps[5] = {20, 100, 200, 400, 1000};
  static const double table[5] = {.967598313361, .699145306277, .462802267472, .202792160761, .0170615395193};
  const euler e = {well, .25, .5, .05};
  grid g = make_grid(-4, 0, 14, 14);
  for (int i = 0; i < 5; i++) {
    agree(chain_survival(&g, euler_step, &e, -1, steps[i]), table[i], 1e-11, "6 survival of the chain, %d steps", steps[i]);
  }
  const double ratio = chain_survival(&g, euler_step, &e, -1, 1001) / chain_survival(&g, euler_step, &e, -1, 1000);
  agree(-log(ratio) / .05, .0825118278831, 1e-11, "6 rate of the chain's survival");
  free_grid(&g);
  const euler coarse = {well, .1, .25, .01}, fine = {well, .1, .25, .001};
  g = make_grid(-1, 0, 20, 14);
  agree(chain_reward(&g, euler_step, step_to_zero, &coarse, -.8, -1), .00568472839452, 1e-11, "6 committor of the chain, dt 0.01");
  free_grid(&g);
  g = make_grid(-1, 0, 50, 14);
  agree(chain_reward(&g, euler_step, step_to_zero, &fine, -.8, -1), .00585865696556, 1e-10, "6 committor of the chain, dt 0.001");
  free_grid(&g);
}

/* Density of the gradient of S samples of (w x - eps) x with x, eps normal, S even, at z: section 6, the Bessel function written out. */
static double gradient_density(int S, double w, double z) {
  const int n = S / 2 - 1;
  const double k = sqrt(w * w + 1), c = S * k, size = fabs(z);
  double sum = 0;
  for (int j = 0; j <= n; j++) {
    sum += tgamma(n + j + 1) / (tgamma(j + 1) * tgamma(n - j + 1)) * pow(2 * c, -j) * pow(size, n - j);
  }
  const double bessel = sqrt(acos(-1.0) / (2 * c)) * sum; /* |z|^(n + 1/2) K_(n + 1/2)(c |z|) e^(c |z|) */
  return pow(S, (S + 1) / 2.0) * pow(2, (1 - S) / 2.0) * bessel * exp(w * S * z - c * size) /
         (pow(k, (S + 1) / 2.0) * sqrt(acos(-1.0)) / k * tgamma(S / 2.0));
}

/* Mean number of steps of SGD in one dimension with batches of S until |w| >= level. The density has a derivative that jumps
   at z = 0, where a step stays: in its own panel the solution is interpolated, and both sides are integrated apart. */
static double sgd_exit_steps(int S, double eta, double level) {
  enum { PANELS = 24, NODES = 14, N = PANELS * NODES };
  double x[NODES], w[NODES], inverse[NODES]; /* of the barycentric weights' products */
  grid g = make_grid(-level, level, PANELS, NODES);
  gauss_legendre(NODES, x, w);
  for (int i = 0; i < NODES; i++) {
    inverse[i] = 1;
    for (int j = 0; j < NODES; j++) {
      inverse[i] *= i == j ? 1 : x[i] - x[j];
    }
  }
  double *const kernel = need((size_t)N * N, sizeof(double)), *const u = need(N, sizeof(double));
  const double half = level / PANELS;
  for (int i = 0; i < N; i++) {
    double *const to = kernel + (size_t)i * N;
    const int own = i / NODES * NODES;
    const double centre = -level + half * (2 * (i / NODES) + 1), at = x[i % NODES];
    u[i] = 1;
    for (int j = 0; j < N; j++) {
      to[j] = own <= j && j < own + NODES ? 0 : -g.w[j] / eta * gradient_density(S, g.x[i], (g.x[i] - g.x[j]) / eta);
    }
    for (int q = 0; q < 2 * NODES; q++) {
      const double low = q < NODES ? -1 : at, high = q < NODES ? at : 1;
      const double s = 0.5 * (low + high) + 0.5 * (high - low) * x[q % NODES], weight = half * 0.5 * (high - low) * w[q % NODES];
      const double f = weight / eta * gradient_density(S, g.x[i], (g.x[i] - centre - half * s) / eta);
      double product = 1;
      for (int j = 0; j < NODES; j++) {
        product *= s - x[j];
      }
      for (int j = 0; j < NODES; j++) {
        to[own + j] -= f * product / ((s - x[j]) * inverse[j]);
      }
    }
    to[i] += 1;
  }
  solve_dense(N, kernel, u);
  double steps = 1;
  for (int j = 0; j < N; j++) { /* 0 is the end of a panel */
    steps += g.w[j] / eta * gradient_density(S, 0, -g.x[j] / eta) * u[j];
  }
  free(kernel);
  free(u);
  free_grid(&g);
  return steps;
}

static void sgd(void) {
  grid g = make_grid(-40, 40, 800, 10); /* the density is one */
  double sum = 0, mean = 0;
  for (int i = 0; i < g.n; i++) {
    const double f = gradient_density(8, .5, g.x[i]);
    sum += g.w[i] * f;
    mean += g.w[i] * f * g.x[i];
  }
  free_grid(&g);
  is_near(sum, 1, 1e-12, "6 sgd S 8: mass of the density");
  is_near(mean, .5, 1e-12, "6 sgd S 8: mean of the density");
  agree(sgd_exit_steps(8, .8, 1), 248.754325328, 1e-11, "6 sgd S 8 eta .8: steps to 1");
  agree(sgd_exit_steps(8, .8, sqrt(.5)), 39.6454998416, 1e-11, "6 sgd S 8 eta .8: steps to sqrt(.5)");
  agree(sgd_exit_steps(4, .4, 1), 2201.0934226, 1e-10, "6 sgd S 4 eta .4: steps to 1");
  agree(sgd_exit_steps(2, .2, 1), 10465.54302, 1e-9, "6 sgd S 2 eta .2: steps to 1");
  agree(sgd_exit_steps(8, .4, .7), 5561.6833434, 1e-10, "6 sgd S 8 eta .4: steps to .7");
  agree(sgd_exit_steps(16, .8, .7), 509.4757965, 1e-10, "6 sgd S 16 eta .8: steps to .7");
}

/* ---- the program ---- */

static void judge_time(const eg_labelled *file, const char *what, double step, double expected, bool is_control) {
  const double z = value_of(file, "out_time", 0, 0, true, 0) / step, error = value_of(file, "out_time_stderr", 0, 0, true, 0) / step;
  const double kurtosis = value_of(file, "out_time_kurtosis", 0, 0, true, 0), count = value_of(file, "out_time_count", 0, 0, true, 0);
  compare(is_control, what, z, error, expected, count / fmax(1, (kurtosis - 1) / 2));
}

/* Mean exit steps of chains that run until nearly all are out: P(not out) < 1e-8 of what is judged. */
static void program(void) {
  for (int high = 0; high < 2; high++) {
    char study[700];
    (void)snprintf(study, sizeof study,
                   "seed: %d\nmodel: {name: escape-double-well, loss_minimum: 0.25}\nstart: {point: -1}\nlearning_rate: 1/2\nhorizon: %d\n"
                   "dynamics: {name: sme1, scheme: euler-maruyama, batch_size: 2, substeps: 5}\nrealisations: 2^14\nobserve:\n"
                   "  at: {linear: 1}\n  features: [x]\n  monitors:\n"
                   "    - {name: out, feature: x0, operation: crossing, level: %d, direction: up}\n",
                   160 + high, high == 0 ? 250 : 500, high);
    eg_labelled *const file = run_study(study);
    const euler warm = {well, .25, .55, .1};
    judge_time(file, "double well", .1, high == 0 ? 130.332393121 : 248.976909391, false);
    judge_time(file, "double well of another temperature", .1, exit_steps(&warm, -4, high, -1), true);
    if (high == 0) {
      judge_time(file, "double well, limit of small steps", .1, 111.967580255722, true);
    }
    eg_labelled_free(file);
  }
  static const double levels[2] = {1, .5}, steps[2] = {248.754325328, 39.6454998416};
  for (int i = 0; i < 2; i++) { /* sgd in the norm: |w| >= 1, and w^2 >= 1/2 */
    char study[700];
    (void)snprintf(study, sizeof study,
                   "seed: %d\nmodel: linear-regression-gaussian\nlearning_rate: 0.8\nsteps: %d\ndynamics: {name: sgd, batch_size: 8}\n"
                   "realisations: %s\nobserve:\n  at: {linear: 1}\n  features: [x]\n  monitors:\n"
                   "    - {name: out, feature: norm2, operation: crossing, level: %g, direction: up}\n",
                   162 + i, i == 0 ? 5000 : 800, i == 0 ? "2^12" : "2^14", levels[i]);
    eg_labelled *const file = run_study(study);
    judge_time(file, "sgd", .8, steps[i], false);
    judge_time(file, "sgd with half the batch", .8, sgd_exit_steps(4, .8, sqrt(levels[i])), true);
    eg_labelled_free(file);
  }
}

/* ---- the program on the potentials of 5.4, by model files ---- */

#define POTENTIAL(name, equation)                                                                                                   \
  "#define EG_NAME \"" name "\"\n#define EG_EQUATION \"" equation "\"\n#define EG_DIM 2\n#define EG_IS_PROCESS 0\n"                      \
  "#define EG_CAPS (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_DIAGONAL)\n#define EG_STAGED 0\n"                                            \
  "#define EG_PARAMS(P, PV) P(loss_minimum, 0.25, 0.0, 1e6, \"loss at the minimum\") P(k, 1.0, 0.0, 1e6, \"height across\")\n"           \
  "EG_PARAMS_STRUCT\n"
#define POTENTIAL_REST                                                                                                              \
  "EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {\n"                 \
  "  (void)correction;\n  eg_gradient(p, st, x, b);\n  b[0] = -b[0];\n  b[1] = -b[1];\n}\n" /* sme1 alone: no correction */         \
  "EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {\n"                            \
  "  const eg_real variance = 2 * eg_loss(p, st, x);\n  s[0] = eg_root(variance);\n  s[1] = s[0];\n}\n"

static const char ring_text[] = POTENTIAL("ring", "R(x) = loss_minimum + r^2 / 2 - r^4 / 4, noise sqrt(2 R)")
    "EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {\n"
    "  const eg_real q = x[0] * x[0] + x[1] * x[1], loss = (eg_real)p->loss_minimum + q * (eg_real)0.5 - q * q * (eg_real)0.25;\n"
    "  (void)st;\n  return loss > 0 ? loss : 0;\n}\n"
    "EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {\n"
    "  const eg_real a = 1 - (x[0] * x[0] + x[1] * x[1]);\n"
    "  (void)p;\n  (void)st;\n  g[0] = a * x[0];\n  g[1] = a * x[1];\n}\n" POTENTIAL_REST;
static const char channel_text[] = POTENTIAL("channel", "R(x, y) = loss_minimum + (x^2 - 1)^2 / 4 + k (1 - cos y), noise sqrt(2 R)")
    "EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {\n"
    "  double s, c;\n  const eg_real w = x[0] * x[0] - 1;\n  (void)st;\n"
    "  eg_sincospi((double)x[1] * 0x1.45f306dc9c883p-2, &s, &c);\n"
    "  return (eg_real)(p->loss_minimum + p->k * (1 - c)) + (eg_real)0.25 * w * w;\n}\n"
    "EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {\n"
    "  double s, c;\n  (void)st;\n  eg_sincospi((double)x[1] * 0x1.45f306dc9c883p-2, &s, &c);\n"
    "  g[0] = x[0] * (x[0] * x[0] - 1);\n  g[1] = (eg_real)(p->k * s);\n}\n" POTENTIAL_REST;

static void write_model(const char *name, const char *text, bool is_there) {
  char path[80];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *const out = is_there ? fopen(path, "w") : NULL;
  CHECK(is_there ? out != NULL && fputs(text, out) >= 0 && fclose(out) == 0 : unlink(path) == 0);
}

/* Mean first passage times of the SDE, levels shifted for discrete looks, steps of 1 / 512 (T = 1/4: 1 / 256): what is left is of order
   h, below the error. The ring by sme1, noise proportional to the loss; T is the learning rate. */
static void ring_times(int seed, double loss_minimum, double T, int substeps, int horizon, int realisations, const double *times,
                       double of_other_temperature) {
  static const double levels[2] = {1, 1.3};
  char text[1200], what[80];
  int n = snprintf(text, sizeof text,
                   "seed: %d\nmodel: {file: ring.h, loss_minimum: %g}\nstart: {point: [0, 0]}\nlearning_rate: %g\nhorizon: %d\n"
                   "dynamics: {name: sme1, scheme: euler-maruyama, substeps: %d}\nrealisations: %d\nobserve:\n  at: {linear: 1}\n"
                   "  features: [x]\n  monitors:\n", seed, loss_minimum, T, horizon, substeps, realisations);
  for (int i = 0; i < 2; i++) { /* noise of r^2 */
    const double r = levels[i], noise = 2 * r * sqrt(2 * T * ring(loss_minimum, r));
    n += snprintf(text + n, sizeof text - (size_t)n,
                  "    - {name: out%d, feature: norm2, operation: crossing, level: %.17g, direction: up, noise: %.17g%s}\n", i, r * r, noise,
                  i == 1 ? ", absorbing: true" : "");
  }
  eg_labelled *const file = run_study(text);
  for (int i = 0; i < 2; i++) {
    char name[40];
    static const char *const suffix[4] = {"", "_stderr", "_kurtosis", "_count"};
    double v[4];
    for (int j = 0; j < 4; j++) {
      (void)snprintf(name, sizeof name, "out%d_time%s", i, suffix[j]);
      v[j] = last_of(file, name, 0);
    }
    const double effective = v[3] / fmax(1, (v[2] - 1) / 2);
    (void)snprintf(what, sizeof what, "escape 5.4, ring L0 %g T %g to %g", loss_minimum, T, levels[i]);
    printf("%s: %.4f +- %.4f, table %.4f\n", what, v[0], v[1], times[i]);
    compare(false, what, v[0], v[1], times[i], effective);
    compare(true, "escape 5.4, ring, one dimension", v[0], v[1], passage_time(&(problem){ring, loss_minimum, T, 0, 0}, -1e-9, levels[i]), effective);
    if (i == 0) {
      compare(true, "escape 5.4, ring, another temperature", v[0], v[1],
              passage_time(&(problem){ring, loss_minimum, of_other_temperature, 0, 1}, 0, levels[i]), effective);
    }
  }
  eg_labelled_free(file);
}

/* The channel at T = 1/4: three rows, steps of tau of 1 / 1024. */
static void cold_channels(void) {
  static const struct {
    double k, across;
    const char *name;
    double time, other;
  } table[3] = {{2, .25, "k 2, T_y 0.25", 323.106236701, 528.957115},
                {.5, .25, "k 0.5, T_y 0.25", 321.131092494, 528.957115},
                {.5, .0625, "k 0.5, T_y 0.0625", 528.957115, 321.131092494}};
  char text[1200], what[80];
  for (int i = 0; i < 3; i++) {
    (void)snprintf(text, sizeof text,
                   "seed: %d\nmodel: {file: channel.h, loss_minimum: 0.1, k: %g}\nstart: {point: [-1, 0]}\nlearning_rate: 0.25\nhorizon: 500\n"
                   "dynamics: {name: log-time, substeps: 256, gradient_noise: {law: gaussian-decoupled, hessian: [1, %g]}}\n"
                   "realisations: 5120\nobserve:\n  at: {linear: 1}\n  features: [x]\n  monitors:\n"
                   "    - {name: out, feature: x0, operation: crossing, level: %.17g, direction: up, absorbing: true}\n",
                   175 + i, table[i].k, table[i].across / .25, -.5825971579 * sqrt(2 * .25 * .25 / 256));
    eg_labelled *const file = run_study(text);
    const double time = last_of(file, "out_time", 0), error = last_of(file, "out_time_stderr", 0);
    const double effective = last_of(file, "out_time_count", 0) / fmax(1, (last_of(file, "out_time_kurtosis", 0) - 1) / 2);
    (void)snprintf(what, sizeof what, "escape 5.4, channel L0 0.1 T_x 0.25 %s", table[i].name);
    printf("%s: %.2f +- %.2f, table %.3f\n", what, time, error, table[i].time);
    compare(false, what, time, error, table[i].time, effective);
    compare(true, "escape 5.4, channel, the other noise across", time, error, table[i].other, effective);
    compare(true, "escape 5.4, one dimension", time, error, 606.198543981877, effective);
    eg_labelled_free(file);
  }
}

/* The ring; and the channel, whose noise varies along the line that is crossed, in the time of the logarithmic loss, where noise is
   additive, and by the physical clock. */
static void potentials(void) {
  char text[1200];
  write_model("ring.h", ring_text, true);
  write_model("channel.h", channel_text, true);
  ring_times(171, .25, .5, 256, 48, 8192, (const double[2]){2.38024643932945, 3.54095593650142}, .55);
  ring_times(172, .1, .25, 64, 1100, 8192, (const double[2]){62.5430223009501, 93.011074364239}, .28);
  static const double across[2] = {.5, .125}; /* T_x = 1/2: the table's row, and noise across the channel a quarter of that */
  static const char *const what[2] = {"escape 5.4, channel, isotropic noise", "escape 5.4, channel, less noise across"};
  const channel less = {.25, .5, across[1], 2};
  const double times[2] = {7.35172099151, channel_time(&less, 90, 32)};
  (void)snprintf(text, sizeof text,
                 "seed: 173\nmodel: {file: channel.h, loss_minimum: 0.25, k: 2}\nstart: {point: [-1, 0]}\nlearning_rate: 0.5\nhorizon: 48\n"
                 "dynamics:\n  - {name: log-time, label: isotropic, substeps: 256, gradient_noise: {law: gaussian-decoupled, hessian: [1, 1]}}\n"
                 "  - {name: log-time, label: less, substeps: 256, gradient_noise: {law: gaussian-decoupled, hessian: [1, 0.25]}}\n"
                 "realisations: 2^13\nobserve:\n  at: {linear: 1}\n  features: [x]\n  monitors:\n"
                 "    - {name: out, feature: x0, operation: crossing, level: %.17g, direction: up, absorbing: true}\n",
                 -.5825971579 * sqrt(2 * .5 * .5 / 256)); /* noise sqrt(2 T) of x, steps of tau */
  eg_labelled *const file = run_study(text);
  for (size_t i = 0; i < 2; i++) {
    const double time = last_of(file, "out_time", i), error = last_of(file, "out_time_stderr", i);
    const double effective = last_of(file, "out_time_count", i) / fmax(1, (last_of(file, "out_time_kurtosis", i) - 1) / 2);
    printf("%s, T_y %g: %.4f +- %.4f, oracle %.4f\n", what[i], across[i], time, error, times[i]);
    compare(false, what[i], time, error, times[i], effective);
    compare(true, "escape 5.4, channel, the other noise across", time, error, times[1 - i], effective);
    if (i == 0) {
      compare(true, "escape 5.4, channel, by the formula", time, error, 8.885766, effective);
    }
  }
  eg_labelled_free(file);
  cold_channels();
  write_model("ring.h", NULL, false);
  write_model("channel.h", NULL, false);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  CHECK(unsetenv("ENSGRAD_KERNEL_OPT") == 0); /* long runs of model files: what tests save in compiling them is lost twice over */
  prepare_panels();
  passage_times();
  quadratic_well();
  channels();
  survival();
  chains();
  level_shifts();
  chain_survival_and_committor();
  sgd();
  program();
  potentials();
  (void)judge_rows(13, 20);
  (void)rmdir(folder);
  return check_report();
}
