/*
 * Table L of limiting-dynamics-and-anomalous-diffusion.md: momentum SGD with real minibatches on eight rows.
 * With replacement and fresh subsets: the affine engine to 1e-12, and simulations; reshuffled epochs, whose
 * noise is correlated, by simulation. A flat linear mode under reshuffling (section 1.9), whose displacement
 * saturates. The other sampling's numbers must be rejected. Of fresh subsets at k = 20 the table
 * says 2.44785352956830; the moment recursion in 50 digits gives 2.44785352856999794952.
 */
#include "oracle/stationary.h"
#include "physics/judge.h"
#include "physics/table_row.h"

enum { N_ROWS = 8, TIMES = 8 };

static const uint64_t k[TIMES] = {1, 2, 5, 10, 20, 50, 100, 1000};
static const char *const sampling[3] = {"replacement", "without-replacement", "shuffle"};
/* E |theta_k - theta_0|^2 and E |b_k|^2 by sampling */
static const double displacement2[3][TIMES] = {
    {0.00754247929346171, 0.0418486266317999, 0.442964061988668, 1.78183765537472, 2.45876677092553,
     1.98653371681688, 1.97609466769591, 1.97611247430550},
    {0.00692281493600062, 0.0393537033270940, 0.429732817563795, 1.76089569515524, 2.44785352857000,
     1.97677067608634, 1.96634334507542, 1.96636112187988},
    {0.00692281493600062, 0.0354800452398643, 0.371563613386960, 1.70880630037006, 2.40811759439307,
     1.93502757465436, 1.92104063451861, 1.92108174962020}};
static const double velocity2[3][TIMES] = {
    {0.754247929346171, 1.64788353562379, 3.09554515693110, 1.60097769418847, 0.401736726326327,
     0.313275919051550, 0.312890249744651, 0.312890912302663},
    {0.692281493600062, 1.55399596182825, 3.00641892023237, 1.53973008786751, 0.344088665776682,
     0.264746075505412, 0.264434202075936, 0.264434778333198},
    {0.692281493600062, 1.39441082908814, 2.89930194817525, 1.38001757642142, 0.0907630095699345,
     0.119519268315561, 0.0431952895798432, 0.0431953874753620}};

static double inputs[2 * N_ROWS], target[N_ROWS];

static void make_rows(void) {
  for (int i = 1; i <= N_ROWS; i++) {
    inputs[2 * i - 2] = cos(i);
    inputs[2 * i - 1] = sin(2 * i);
    target[i - 1] = 0.5 * cos(3 * i) + 0.25;
  }
}

static const char *name_of(const char *column, size_t way, uint64_t step) {
  static char text[100];
  (void)snprintf(text, sizeof text, "limiting-dynamics L, %s %s, k=%llu", column, sampling[way],
                 (unsigned long long)step);
  return text;
}

/* Batches of two without replacement have the noise of batches of 2 (N - 1) / (N - 2) with. */
static void by_the_engine(void) {
  eg_context *const ctx = eg_context_create();
  static const double mean[4] = {1, -1, 0, 0}, batch[2] = {2, 2 * 7.0 / 6};
  const eg_affine_chain chain = {0.8, 1, 0, 1, 0.01, 0};
  double second[16] = {0}, means[4 * TIMES], seconds[16 * TIMES], fixed[4], covariance[16];
  bool is_there = false;
  eg_affine_model rows_model = {0}, model = {0};
  second[0] = second[5] = 1;
  second[1] = second[4] = -1;
  CHECK(eg_affine_least_squares(ctx, N_ROWS, 2, inputs, target, 0, &rows_model) == EG_OK);
  CHECK(eg_affine_chain_lift(ctx, &rows_model, &chain, 0.1, &model) == EG_OK);
  for (size_t way = 0; way < 2; way++) {
    const eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, 0.1, batch[way], 1};
    CHECK(eg_affine_moments(ctx, &model, &setting, 1, mean, second, TIMES, k, means, seconds) == EG_OK);
    for (size_t i = 0; i < TIMES; i++) {
      const double *const m = means + 4 * i, *const S = seconds + 16 * i;
      const double found = S[0] + S[5] - 2 * (m[0] - m[1]) + 2, found_b = S[10] + S[15];
      row_has(name_of("E |Delta|^2", way, k[i]), found, displacement2[way][i], 15);
      row_has(name_of("E |b|^2", way, k[i]), found_b, velocity2[way][i], 15);
      row_is_not(name_of("E |b|^2, the other of", way, k[i]), found_b, velocity2[1 - way][i]);
    }
    CHECK(eg_affine_stationary(ctx, &model, &setting, mean, second, &is_there, fixed, covariance) == EG_OK &&
          is_there);
    row_has(name_of("mu_1", way, 0), fixed[0], -0.0510319487707084, 15);
    row_has(name_of("mu_2", way, 0), fixed[1], -0.1008680807141516, 16);
  }
  eg_affine_free(&model);
  eg_affine_free(&rows_model);
  eg_context_free(ctx);
}

static void judge_path(const eg_labelled *file, const char *what, const char *name, size_t run,
                       double expected, bool is_control) {
  char error[64];
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  compare(is_control, what, value_of(file, name, run, 0, true, 0), value_of(file, error, run, 0, true, 0),
          expected, 1 << 15);
}

/* The buffer is the last step divided by the rate: entries of the path statistics from the step before. */
static void by_simulation(void) {
  static char text[4000];
  size_t length = (size_t)snprintf(
      text, sizeof text, "seed: 621\nmodel:\n  name: linear-regression\n  standardize: false\n  rows: [");
  for (int i = 0; i < N_ROWS; i++) {
    length += (size_t)snprintf(text + length, sizeof text - length, "%s[%.17g, %.17g, %.17g]",
                               i > 0 ? ", " : "", inputs[2 * i], inputs[2 * i + 1], target[i]);
  }
  length += (size_t)snprintf(
      text + length, sizeof text - length,
      "]\nstart: {point: [1, -1]}\nlearning_rate: 0.1\nsteps: 1000\nrealisations: 2^16\ndynamics:\n");
  for (size_t way = 0; way < 3; way++) {
    length += (size_t)snprintf(
        text + length, sizeof text - length,
        "  - {name: sgd, momentum: 0.8, weight_decay: 0.01, batch_size: 2, sampling: %s, label: %s}\n",
        sampling[way], sampling[way]);
  }
  length += (size_t)snprintf(text + length, sizeof text - length,
                             "observe:\n  at: {steps: [1, 2, 5, 10, 20, 50, 100, 1000]}\n  features: [x, "
                             "displacement2]\n  paths:\n");
  for (size_t i = 1; i < TIMES; i++) {
    length += (size_t)snprintf(text + length, sizeof text - length,
                               "    - {statistic: msd, name: step%d, origin: %d, at: {steps: [%d, %d]}}\n",
                               (int)k[i], (int)k[i] - 1, (int)k[i] - 1, (int)k[i]);
  }
  eg_labelled *const file = run_study(text);
  for (size_t way = 0; way < 3; way++) {
    const size_t run = run_index(file, sampling[way]);
    for (size_t i = 0; i < TIMES; i++) {
      char name[40];
      compare(false, name_of("E |Delta|^2", way, k[i]), value_of(file, "displacement2", run, i, false, 0),
              value_of(file, "displacement2_stderr", run, i, false, 0), displacement2[way][i], 1 << 15);
      if (i > 0) { /* at k = 1 the two are the same */
        (void)snprintf(name, sizeof name, "path_step%d", (int)k[i]);
        judge_path(file, name_of("eta^2 E |b|^2", way, k[i]), name, run, 0.01 * velocity2[way][i], false);
        judge_path(file, name_of("eta^2 E |b|^2 not", way, k[i]), name, run,
                   0.01 * velocity2[(way + 1) % 3][i], true);
      }
      if (way < 2) {
        row_has(name_of("displacement2_exact", way, k[i]),
                value_of(file, "displacement2_exact", run, i, false, 0), displacement2[way][i], 15);
      }
    }
  }
  const size_t shuffled = run_index(file, "shuffle");
  add_row(file, "limiting-dynamics L, end of an epoch,", "shuffle", "x", 0, 0, "", -0.05041245, false);
  add_row(file, "limiting-dynamics L, end of an epoch,", "shuffle", "x", 0, 1, "", -0.09740542, false);
  add_row(file, "limiting-dynamics L, mu,", "shuffle", "x", 0, 1, "", -0.1008680807141516, true);
  CHECK(isnan(value_of(file, "displacement2_exact", shuffled, 0, true, 0))); /* the engine's noise is white */
  eg_labelled_free(file);
}

/* Every step from 0 to n. */
static const char *all_steps(int n) {
  static char text[2][800];
  static int which;
  char *const list = text[which++ % 2];
  size_t length = 0;
  for (int step = 0; step <= n; step++) {
    length += (size_t)snprintf(list + length, sizeof text[0] - length, "%s%d", step > 0 ? ", " : "", step);
  }
  return list;
}

/* No curvature, ten rows, batches of one: E Delta_n^2 averaged over the phase, time averages over whole
 * epochs of windows. */
static void flat_mode(void) {
  char text[3000];
  (void)snprintf(text, sizeof text,
                 "seed: 622\nmodel: {name: sample-quadratic, rows: [[0, 1], [0, -2], [0, 3], [0, -1], [0, "
                 "0], [0, 2], [0, -3], [0, 1], "
                 "[0, -2], [0, 1]]}\nlearning_rate: 0.1\nsteps: 119\nrealisations: 2^15\ndynamics:\n"
                 "  - {name: sgd, batch_size: 1, sampling: shuffle, label: shuffle}\n  - {name: sgd, "
                 "batch_size: 1, label: replacement}\n"
                 "observe:\n  at: {steps: [119]}\n  features: [x]\n  paths:\n"
                 "    - {statistic: time-averaged-msd, name: whole, lags: [10, 20, 30], at: {steps: [%s]}}\n"
                 "    - {statistic: time-averaged-msd, name: half, lags: [5], at: {steps: [%s]}}\n",
                 all_steps(119), all_steps(114));
  eg_labelled *const file = run_study(text);
  const double C = 3.4; /* mean square of the rows */
  for (size_t i = 0; i < 3; i++) {
    const double lag = 10 * (double)(i + 1);
    char what[100];
    (void)snprintf(what, sizeof what, "limiting-dynamics 1.9, flat mode reshuffled, n=%g", lag);
    compare(false, what, value_of(file, "path_whole", 0, 0, true, i),
            value_of(file, "path_whole_stderr", 0, 0, true, i), 0.01 * C * 11 / 3, 1 << 14);
    compare(true, what, value_of(file, "path_whole", 0, 0, true, i),
            value_of(file, "path_whole_stderr", 0, 0, true, i), 0.01 * C * lag, 1 << 14);
    compare(false, "limiting-dynamics 1.9, flat mode with replacement",
            value_of(file, "path_whole", 1, 0, true, i), value_of(file, "path_whole_stderr", 1, 0, true, i),
            0.01 * C * lag, 1 << 14);
  }
  compare(false, "limiting-dynamics 1.9, flat mode reshuffled, n=5",
          value_of(file, "path_half", 0, 0, true, 0), value_of(file, "path_half_stderr", 0, 0, true, 0),
          0.01 * C * (5 - 2.0 * 80 / 90), 1 << 14);
  eg_labelled_free(file);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  make_rows();
  by_the_engine();
  by_simulation();
  flat_mode();
  report_rows(52, 16);
  judge(54, 25);
  (void)rmdir(folder);
  return check_report();
}
