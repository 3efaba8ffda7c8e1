/*
 * Tables D1 to D4, flat mode and W of limiting-dynamics-and-anomalous-diffusion.md by simulation: SGD with
 * momentum and its Langevin equation from a point and from their stationary laws, SGD and the overdamped
 * equation (sme1 at the rate eta / (1 - beta)) of table W. In standard errors; the other dynamics' numbers
 * must be rejected.
 */
#include "physics/judge.h"

enum { TIMES = 6 };

typedef struct table {
  const char *name, *model, *dynamics; /* keys of both dynamics */
  double eta;
  int settled; /* step from which the law is stationary */
  size_t n;
  int k[TIMES];
  double sgd[TIMES], langevin[TIMES], point[TIMES], point_langevin[TIMES]; /* 0: not in the table */
  double correlation;                                                      /* of b, lag 1 */
} table;

static const table tables[] = {
    {"D1",
     "curvature: 1, noise: 1.4142135623730951",
     "momentum: 0.9, weight_decay: 0.01, batch_size: 4",
     0.1,
     400,
     6,
     {1, 2, 5, 10, 20, 100},
     {0.02703433360367667, 0.1, 0.4653428735036767, 0.8119427265711553, 0.3291447921687402,
      0.5066612583790431},
     {0.02519342802061821, 0.09486509383767982, 0.4473638415154446, 0.7903080099086740, 0.3199804697849565,
      0.4929060569417250},
     {0.00755025, 0.04116168615025, 0.3830204826133266, 0.7934336677497851, 0.3297059305963353,
      0.5027315218367358},
     {0.002319663777847981, 0.02081871543868600, 0.2994592848217659, 0.7961014930741136, 0.3202999972997673,
      0.4953566635278969},
     0.8495},
    {"D2",
     "curvature: 0.05, noise: 0.31622776601683794",
     "momentum: 0.5, weight_decay: 0.01, batch_size: 4",
     0.1,
     2000,
     6,
     {1, 5, 10, 50, 100, 1000},
     {0.0003340013360053440, 0.003668663120005344, 0.008359205156544115, 0.03741772878899251,
      0.05849112845743906, 0.0834999169095830},
     {0.0002699540181604062, 0.003508871249197937, 0.008187385597769222, 0.03724790715415142,
      0.05832298839520735, 0.0833329163401037},
     {0.000259, 0.003861216293056033, 0.01035278435590714, 0.07963606865091246, 0.1610739058821886,
      0.2917476796575601},
     {9.503765497394768e-5, 0.003219541958154012, 0.009567538568229109, 0.07863207820744198,
      0.1603000144978659, 0.2916641647124859},
     0.497},
    {"D3",
     "curvature: 1, noise: 1",
     "momentum: 0, weight_decay: 0.3, batch_size: 1",
     0.2,
     100,
     5,
     {1, 2, 5, 10, 50},
     {0.04597701149425287, 0.08, 0.1375949314942529, 0.1681273379357102, 0.1768346084070228},
     {0.02187947780439774, 0.05332119491458698, 0.1133943883437775, 0.1451368702798455, 0.1538461136925102},
     {0},
     {0},
     -0.13},
    {"D4",
     "curvature: 1, noise: 1",
     "momentum: 0.81, weight_decay: 0, batch_size: 1",
     0.01,
     400,
     3,
     {1, 10, 100},
     {0.0002915876949992710, 0.01505767567368421, 0.05276125549756960},
     {0.0002712112298415595, 0.01490774218702126, 0.05261585062317372},
     {1.25e-4, 0.03294433265174367, 0.2762426159224865},
     {0},
     0.805}};
enum { N_TABLES = sizeof tables / sizeof tables[0], N_REALISATIONS = 1 << 16 };

static void judge_path(const eg_labelled *file, const char *what, const char *name, size_t run, size_t lag,
                       double expected, bool is_control) {
  char error[64];
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  compare(is_control, what, value_of(file, name, run, 0, true, lag), value_of(file, error, run, 0, true, lag),
          expected, N_REALISATIONS / 2.0); /* kurtosis of squares: at most 15, half of what the limit needs */
}

static const char *row_name(const char *table, const char *column, int k) {
  static char text[100];
  (void)snprintf(text, sizeof text, "limiting-dynamics %s, %s, k=%d", table, column, k);
  return text;
}

static void single_modes(const table *t) {
  char text[2000], from_start[200] = "", later[200] = "";
  for (size_t i = 0; i < t->n; i++) {
    (void)snprintf(from_start + strlen(from_start), sizeof from_start - strlen(from_start), "%d, ", t->k[i]);
    (void)snprintf(later + strlen(later), sizeof later - strlen(later), ", %d", t->settled + t->k[i]);
  }
  const int last = t->settled + t->k[t->n - 1];
  (void)snprintf(
      text, sizeof text,
      "seed: 611\nmodel: {name: quadratic, %s}\nstart: {point: 0.5}\nlearning_rate: %g\nsteps: "
      "%d\ndynamics:\n"
      "  - {name: sgd, %s, label: sgd}\n  - {name: langevin, %s, scheme: exact, start_velocity: zero, label: "
      "langevin}\n"
      "realisations: %d\nobserve:\n  at: {steps: [%d]}\n  features: [x, norm2]\n  paths:\n"
      "    - {statistic: msd, name: point, at: {steps: [%s%d]}}\n"
      "    - {statistic: msd, name: settled, origin: %d, at: {steps: [%d%s]}}\n"
      "    - {statistic: velocity, name: steps, lags: [0, 1], origin: %d, at: {steps: [%d, %d, %d]}}\n",
      t->model, t->eta, last, t->dynamics, t->dynamics, N_REALISATIONS, last, from_start, last, t->settled,
      t->settled, later, t->settled, t->settled, t->settled + 1, t->settled + 2);
  eg_labelled *const file = run_study(text);
  const size_t sgd = run_index(file, "sgd"), langevin = run_index(file, "langevin");
  for (size_t i = 0; i < t->n; i++) {
    judge_path(file, row_name(t->name, "MSD SGD", t->k[i]), "path_settled", sgd, i, t->sgd[i], false);
    judge_path(file, row_name(t->name, "MSD Langevin", t->k[i]), "path_settled", langevin, i, t->langevin[i],
               false);
    if (t->point[0] > 0) {
      judge_path(file, row_name(t->name, "point SGD", t->k[i]), "path_point", sgd, i, t->point[i], false);
    }
    if (t->point_langevin[0] > 0) {
      judge_path(file, row_name(t->name, "point Langevin v0=0", t->k[i]), "path_point", langevin, i,
                 t->point_langevin[i], false);
    }
  }
  judge_path(file, row_name(t->name, "MSD SGD", t->k[0]), "path_settled", langevin, 0, t->sgd[0], true);
  judge_path(file, row_name(t->name, "MSD Langevin", t->k[0]), "path_settled", sgd, 0, t->langevin[0], true);
  /* products of neighbouring steps: eta^2 V b times the correlation */
  judge_path(file, row_name(t->name, "lag-1 covariance of steps", 1), "path_steps", sgd, 1,
             t->correlation * t->sgd[0], false);
  eg_labelled_free(file);
}

static void flat_mode(void) {
  static const int k[4] = {1, 5, 20, 100};
  static const double rest[4] = {0.005, 0.20275332505, 4.194262219782, 43.13181799845};
  static const double stationary[4] = {0.02631578947368, 0.5602157894737, 5.839047311218, 45.26328371189};
  eg_labelled *const file = run_study(
      "seed: 612\nmodel: {name: quadratic, curvature: 0, noise: 1}\nlearning_rate: 0.1\nsteps: 400\n"
      "dynamics: {name: sgd, momentum: 0.9, batch_size: 2}\nrealisations: 2^16\nobserve:\n  at: {steps: "
      "[400]}\n  features: [x]\n"
      "  paths:\n    - {statistic: msd, name: rest, at: {steps: [1, 5, 20, 100]}}\n"
      "    - {statistic: msd, name: settled, origin: 300, at: {steps: [300, 301, 305, 320, 400]}}\n");
  for (size_t i = 0; i < 4; i++) {
    judge_path(file, row_name("flat mode", "from rest", k[i]), "path_rest", 0, i, rest[i], false);
    judge_path(file, row_name("flat mode", "stationary b", k[i]), "path_settled", 0, i, stationary[i], false);
    judge_path(file, row_name("flat mode", "from rest", k[i]), "path_settled", 0, i, rest[i], true);
  }
  eg_labelled_free(file);
}

/* Steps 1 / 20 and 1 / 80 of table W. */
static void table_w(void) {
  static const int n[2] = {20, 80};
  static const double sgd[2] = {0.06113477810529728, 0.02881835650465009},
                      overdamped[2] = {0.06739985694429747, 0.03058669340262500};
  for (size_t i = 0; i < 2; i++) {
    char text[800], name[10];
    eg_labelled *file[2];
    for (size_t which = 0; which < 2; which++) { /* of the overdamped equation time is t / (1 - beta) */
      (void)snprintf(text, sizeof text,
                     "seed: 613\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: "
                     "1}\nlearning_rate: %s%d\n"
                     "steps: %d\ndynamics: {name: %s, label: run}\nrealisations: 2^17\nobserve: {at: {steps: "
                     "[%d]}, features: [x, norm2]}\n",
                     which == 0 ? "1/" : "2/", n[i], n[i],
                     which == 0 ? "sgd, momentum: 0.5, batch_size: 1"
                                : "sme1, batch_size: 1, scheme: strang, substeps: 4",
                     n[i]);
      file[which] = run_study(text);
    }
    (void)snprintf(name, sizeof name, "W n=%d", n[i]);
    expect(file[0], name, "run", "norm2", 0, sgd[i]);
    expect(file[1], name, "run", "norm2", 0, overdamped[i]);
    reject(file[0], name, "run", "norm2", 0, overdamped[i]);
    reject(file[1], name, "run", "norm2", 0, sgd[i]);
    CHECK_NEAR(read_value(file[0], "norm2_exact", 0, 0, 0), sgd[i], 1e-12 * sgd[i]);
    CHECK_NEAR(read_value(file[1], "norm2_exact", 0, 0, 0), overdamped[i], 1e-12 * overdamped[i]);
    eg_labelled_free(file[0]);
    eg_labelled_free(file[1]);
  }
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  for (size_t i = 0; i < N_TABLES; i++) {
    single_modes(&tables[i]);
  }
  flat_mode();
  table_w();
  judge(83, 16);
  (void)rmdir(folder);
  return check_report();
}
