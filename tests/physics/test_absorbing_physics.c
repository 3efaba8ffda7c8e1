/*
 * The stopped process of an absorbing exit. The chain x' = (1 - h) x + sqrt(h) xi of an Ornstein-Uhlenbeck process, begun at 1/4, is
 * stopped at the step S that leaves (-0.9, 1.1). With K = min(S, n) and f(k) = E[f(x') | x_k] - f(x_k) the sum of f(k) over k < K has
 * the mean E f(x_K) - f(x_0) (optional stopping), and means of such sums solve the integral equation of the chain: so the exact mean
 * stopped time, the moments of the stopped process and the sum of x^2 along its way, at a time in the midst and behind nearly all exits.
 * The gallery's study of it, a chain of SGD in a double well (studies/gallery/absorbing.yaml), is run as it stands, and the values that
 * it expects are made anew. Rejected: the process that goes on, another time, a sum to which the frozen value goes on being added.
 */
#include "judge.h"
#include "quadrature.h"
#include "run/result_text.h"

static const double H = 1.0 / 32, LOW = -0.9, HIGH = 1.1, START = 0.25;

static void chain(const void *setting, double x, double *mean, double *deviation) {
  (void)setting;
  *mean = (1 - H) * x;
  *deviation = sqrt(H);
}
static double one(const void *setting, double x) {
  (void)setting;
  (void)x;
  return 1;
}
static double square(const void *setting, double x) {
  (void)setting;
  return x * x;
}
static double drift(const void *setting, double x) {
  (void)setting;
  return -H * x;
}

static double sum_of(const grid *g, double (*f)(const void *, double), int n) {
  return chain_reward(g, chain, f, NULL, START, n);
}

static void compare_at(const eg_labelled *file, const char *name, size_t t, double expected, bool is_control) {
  char error[48];
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  compare(is_control, name, value_of(file, name, 0, t, false, 0), value_of(file, error, 0, t, false, 0), expected, 4000);
}

/* ---- the gallery's study ---- */

enum { MOST_TEXT = 1 << 14 };
static const double RATE = 0.25, DEVIATION = 0.25, FROM = -1, TO = 0.5; /* learning rate x sigma / sqrt(batch) */

static void well(const void *setting, double x, double *mean, double *deviation) {
  (void)setting;
  *mean = x - RATE * (x * x * x - x);
  *deviation = DEVIATION;
}
static double well_drift(const void *setting, double x) {
  double mean, deviation;
  well(setting, x, &mean, &deviation);
  return mean - x;
}
static double well_squares(const void *setting, double x) {
  double mean, deviation;
  well(setting, x, &mean, &deviation);
  return mean * mean + deviation * deviation - x * x;
}

static void read_text(const char *name, char *text) {
  FILE *const file = fopen(name, "r");
  if (file == NULL) {
    stop_with(name);
    return;
  }
  text[fread(text, 1, MOST_TEXT - 1, file)] = 0;
  (void)fclose(file);
}

/* What the study says is within a unit of its last digits. */
static void gallery(void) {
  static const struct {
    int steps;
    size_t time;
  } at[] = {{32, 0}, {256, 1}};
  char text[MOST_TEXT];
  read_text("studies/gallery/absorbing.yaml", text);
  eg_labelled *const file = run_study(text);
  grid g = make_grid(-4, TO, 10, 12); /* below it a step of 11 deviations leads, once in 1e28 */
  for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
    const int n = at[i].steps;
    const double squares = chain_reward(&g, well, square, NULL, FROM, n), grown = chain_reward(&g, well, well_squares, NULL, FROM, n);
    const struct {
      const char *name;
      double value;
    } known[] = {{"out", 1 - chain_survival(&g, well, NULL, FROM, n)},
                 {"out_time", RATE * chain_reward(&g, well, one, NULL, FROM, n)},
                 {"x", FROM + chain_reward(&g, well, well_drift, NULL, FROM, n)},
                 {"norm2", FROM * FROM + grown},
                 {"way", squares + grown}};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
      char name[48];
      (void)snprintf(name, sizeof name, "%s_expected", known[k].name);
      const double said = value_of(file, name, 0, at[i].time, false, 0);
      printf("%s at step %d: %.12g, the study says %.12g\n", known[k].name, n, known[k].value, said);
      CHECK(fabs(said / known[k].value - 1) < 2e-12);
    }
  }
  free_grid(&g);
  eg_labelled_free(file);
}

int main(void) {
  static const int steps[] = {24, 1280};
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  eg_labelled *const file = run_study(
      "seed: 97\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nstart: {point: 0.25}\nsteps: 1280\ntime_step: 1/32\n"
      "dynamics: {name: sde, scheme: euler-maruyama}\nrealisations: 2^18\nobserve:\n  at: {steps: [24, 1280]}\n"
      "  features: [x, norm2]\n  histograms: {feature: up_time, low: 0, high: 40, bins: 4}\n  monitors:\n"
      "    - {name: up, feature: x0, operation: crossing, level: 1.1, direction: up, absorbing: true, exit: door}\n"
      "    - {name: down, feature: x0, operation: crossing, level: -0.9, direction: down, absorbing: true, exit: door}\n"
      "    - {name: area, feature: norm2, operation: sum}\n"
      "analyse:\n  - escape: {of: up}\n");
  grid g = make_grid(LOW, HIGH, 10, 12);
  for (size_t t = 0; t < 2; t++) {
    const int n = steps[t];
    const double time = sum_of(&g, one, n), squares = sum_of(&g, square, n);
    const double x2 = START * START + ((1 - H) * (1 - H) - 1) * squares + H * time;
    compare_at(file, "door_time", t, H * time, false);
    compare_at(file, "x", t, START + sum_of(&g, drift, n), false);
    compare_at(file, "norm2", t, x2, false);
    compare_at(file, "area", t, squares + x2 - START * START, false);
    compare_at(file, "norm2", t, 0.5 / (1 - H / 2), true); /* the process that goes on, stationary */
    compare_at(file, "area", t, squares + x2 - START * START + (n - time) * x2, true);
    compare_at(file, "door_time", t, H * sum_of(&g, one, t == 0 ? n - 1 : 24), true);
    /* the time at risk of one door ends at the other */
    CHECK(value_of(file, "up_time", 0, t, false, 0) == value_of(file, "door_time", 0, t, false, 0));
    CHECK(value_of(file, "up", 0, t, false, 0) == value_of(file, "up_first", 0, t, false, 0));
  }
  CHECK(value_of(file, "up", 0, 1, false, 0) + value_of(file, "down", 0, 1, false, 0) == 1); /* each has left, by one of them */
  const eg_variable *const rate = eg_labelled_find(file, "/analysis", "escape_rate");
  const double want = value_of(file, "up", 0, 1, false, 0) / value_of(file, "door_time", 0, 1, false, 0);
  CHECK(rate != NULL && fabs(((const double *)rate->data)[0] / want - 1) < 1e-12);
  const eg_attribute *const by = rate == NULL ? NULL : eg_labelled_attribute(rate, "absorbed_by");
  CHECK(by != NULL && by->type == EG_TYPE_TEXT && strcmp(((char *const *)by->data)[0], "down") == 0);
  CHECK(eg_labelled_find(file, "/analysis", "escape_grid_survival") == NULL); /* there is the histogram, and the table says why not */
  eg_text table = {0};
  eg_result_escape_text(&table, file);
  CHECK_HAS(eg_text_string(&table), "Absorbing crossings stop trajectories too: down.");
  CHECK_HAS(eg_text_string(&table), "'joint_histograms: {of: up_time, with: up_first}'");
  eg_text_free(&table);
  CHECK(eg_labelled_find(file, "/", "x_expected") == NULL || value_of(file, "x_z", 0, 0, false, 0) != value_of(file, "x_z", 0, 0, false, 0));
  free_grid(&g);
  eg_labelled_free(file);
  gallery();
  (void)judge_rows(8, 6);
  (void)rmdir(folder);
  return check_report();
}
