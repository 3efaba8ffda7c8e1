/*
 * The diffusion analysis. Exact means and covariance of Brownian motion: exponent exact, errors by the closed forms for
 * generalised least squares and for two end points. Coverage of the interval (the full table: tests/slow), also where trajectories are
 * too few for a fit of all lags. Runs of the program: free diffusion is found, an Ornstein-Uhlenbeck process is no power law over all lags.
 */
#include "physics/coverage.h"
#include "physics/run_text.h"

/* d = 1: covariance of squared displacements 2 min(s, t)^2. */
static void exact_brownian(void) {
  enum { N = 60 };
  static double time[N], msd[N], covariance[N * N];
  const double samples = 1e6, length = log(10);
  for (size_t i = 0; i < N; i++) {
    time[i] = pow(10, (double)i / (N - 1));
    msd[i] = 3 * time[i];
    for (size_t j = 0; j <= i; j++) {
      covariance[i * N + j] = covariance[j * N + i] = 18 * time[j] * time[j];
    }
  }
  const eg_diffusion_data data = {N, time, msd, covariance, samples, samples};
  eg_diffusion_fit fit;
  eg_diffusion_fit_window(&data, 0, N, true, &fit);
  CHECK(fit.verdict == EG_DIFFUSION_POWER && !fit.is_chosen && fit.n_used == N);
  CHECK_NEAR(fit.exponent, 1, 1e-9);
  CHECK_NEAR(fit.prefactor, 3, 1e-5); /* the bias of the logarithm, 1e-6, is taken away from means that have none */
  CHECK_NEAR(fit.two_point, 1, 1e-9);
  CHECK_NEAR(fit.two_point_stderr * fit.two_point_stderr * samples / 2, 2 * (1 - exp(-length)) / (length * length), 1e-9);
  /* the best linear estimate from a continuum of lags; weights that are shrunk lose a little, never gain */
  const double best = 1 / (length * length * length / 24 + length * length / 4 + length / 2);
  const double found = fit.exponent_stderr * fit.exponent_stderr * samples / 2;
  printf("variance of the exponent x samples / 2: %.5f, best possible %.5f, ends %.5f\n", found, best,
         2 * (1 - exp(-length)) / (length * length));
  CHECK(found > best && found < 1.05 * best);
  CHECK(fit.exponent_stderr > 1.5 * fit.naive_stderr); /* exact means scatter around no line */
  CHECK_NEAR(eg_diffusion_exponent(&data, 10, 30), 1, 1e-9);
  /* a kink is found where it is, and the window ends there */
  for (size_t i = 0; i < N; i++) {
    const double factor = i > 30 ? pow(time[i] / time[30], -0.5) : 1;
    msd[i] *= factor;
    for (size_t j = 0; j < N; j++) {
      covariance[i * N + j] *= factor;
      covariance[j * N + i] *= factor;
    }
  }
  eg_diffusion_fit_window(&data, 0, N, true, &fit);
  CHECK(fit.verdict == EG_DIFFUSION_CROSSOVER && fit.is_chosen);
  CHECK_NEAR(fit.crossover_time, time[30], 1e-9);
  CHECK_NEAR(fit.exponent_before, 1, 1e-6);
  CHECK_NEAR(fit.exponent_after, 0.5, 1e-6);
  CHECK(fit.p_value_asked < 1e-6 && fit.crossover_p_value < 1e-6);
  eg_diffusion_fit_window(&data, 0, N, false, &fit);
  CHECK(fit.n_used == N && !fit.is_chosen);
  eg_diffusion_fit_window(&data, 0, 3, true, &fit);
  CHECK(fit.verdict == EG_DIFFUSION_TOO_FEW && isnan(fit.exponent));
}

/* Errors of a crossover: ensembles of x(t) = B(M(t)), M ~ t up to KINK and ~ t^0.5 behind, which lies between two lags. */
static void broken(size_t repeats) {
  static double L[COVERAGE_LAGS][COVERAGE_LAGS], time[COVERAGE_LAGS], msd[COVERAGE_LAGS], covariance[COVERAGE_LAGS * COVERAGE_LAGS];
  const double kink = 11.5, truth[4] = {1, 0.5, kink, 1.4 * kink};
  double squares[4] = {0}, effective = 0, clock[COVERAGE_LAGS];
  size_t covered[4] = {0}, found = 0;
  for (size_t i = 0; i < COVERAGE_LAGS; i++) {
    time[i] = pow(10, (double)i / 10);
    clock[i] = time[i] < kink ? time[i] : kink * sqrt(time[i] / kink);
    for (size_t j = 0; j <= i; j++) {
      L[i][j] = sqrt(clock[j] - (j > 0 ? clock[j - 1] : 0));
    }
  }
  for (size_t repeat = 0; repeat < repeats; repeat++) {
    eg_diffusion_fit fit;
    coverage_ensemble(L, 1, 2000, msd, covariance, &effective);
    const eg_diffusion_data data = {COVERAGE_LAGS, time, msd, covariance, 2000, effective};
    eg_diffusion_fit_window(&data, 0, COVERAGE_LAGS, false, &fit);
    found += fit.verdict == EG_DIFFUSION_CROSSOVER;
    const double value[4] = {fit.exponent_before, fit.exponent_after, fit.crossover_time, fit.crossover_time},
                 error[4] = {fit.exponent_before_stderr, fit.exponent_after_stderr, fit.crossover_time_stderr, fit.crossover_time_stderr};
    for (size_t k = 0; k < 4; k++) {
      const double z = (value[k] - truth[k]) / error[k];
      squares[k] += z * z / (double)repeats;
      covered[k] += fabs(z) <= 1.96;
    }
  }
  const double m = (double)repeats;
  printf("crossover, %zu repeats: found %.1f %%; covered: exponent before %.1f %%, after %.1f %%, time %.1f %% (1.4 times as late %.1f %%); "
         "mean squares %.2f %.2f %.2f\n", repeats, 100 * (double)found / m, 100 * (double)covered[0] / m, 100 * (double)covered[1] / m,
         100 * (double)covered[2] / m, 100 * (double)covered[3] / m, squares[0], squares[1], squares[2]);
  CHECK((double)found > 0.95 * m);
  for (size_t k = 0; k < 3; k++) {
    CHECK((double)covered[k] / m > 0.88);
    CHECK(squares[k] > 0.6 && squares[k] < 1.5);
  }
  CHECK((double)covered[3] / m < 0.8);
}

/* Few trajectories for many lags: the slope between the ends and its interval, none below 8 trajectories. A generalised fit would claim far
   too much: of 8 trajectories its 95 % interval at 21 lags held the truth 20 times of 100. */
static void few_trajectories(size_t repeats) {
  enum { LAST = COVERAGE_LAGS - 1 };
  static const size_t n_paths[] = {8, 24, 104};
  static double L[COVERAGE_LAGS][COVERAGE_LAGS], time[COVERAGE_LAGS], msd[COVERAGE_LAGS], covariance[COVERAGE_LAGS * COVERAGE_LAGS];
  coverage_factor(0.5, time, L);
  for (size_t k = 0; k < 3; k++) {
    size_t covered = 0, covered_prefactor = 0, naive = 0;
    for (size_t repeat = 0; repeat < repeats; repeat++) {
      double effective;
      eg_diffusion_fit fit;
      coverage_ensemble(L, 1, n_paths[k], msd, covariance, &effective);
      const eg_diffusion_data data = {COVERAGE_LAGS, time, msd, covariance, (double)n_paths[k], effective};
      eg_diffusion_fit_window(&data, 0, COVERAGE_LAGS, true, &fit);
      CHECK(fit.verdict == EG_DIFFUSION_TOO_FEW_PATHS && !fit.is_chosen && isnan(fit.p_value) && isnan(fit.crossover_p_value));
      CHECK_NEAR(fit.exponent, fit.two_point, 1e-12);
      CHECK_NEAR(fit.exponent_stderr, fit.two_point_stderr, 1e-12);
      const double end = msd[LAST], bias = covariance[COVERAGE_LAGS * COVERAGE_LAGS - 1] / (double)n_paths[k] / (end * end) / 2;
      CHECK_NEAR(log(fit.prefactor) + fit.exponent * log(time[LAST]), log(end) + bias, 1e-9); /* the line goes through both ends */
      CHECK_NEAR(log(fit.prefactor) + fit.exponent * log(time[0]),
                 log(msd[0]) + covariance[0] / (double)n_paths[k] / (msd[0] * msd[0]) / 2, 1e-9);
      covered += fit.exponent_low <= 1 && 1 <= fit.exponent_high;
      covered_prefactor += fit.prefactor_low <= 1 && 1 <= fit.prefactor_high;
      naive += fabs(fit.naive - 1) <= 1.96 * fit.naive_stderr;
    }
    const double m = (double)repeats;
    printf("%zu trajectories: exponent covered %.1f %%, prefactor %.1f %%, naive interval %.0f %%\n", n_paths[k], 100 * (double)covered / m,
           100 * (double)covered_prefactor / m, 100 * (double)naive / m);
    CHECK((double)covered / m > 0.85 && (double)covered_prefactor / m > 0.85);
    CHECK((double)naive / m < 0.75);
  }
  double effective;
  eg_diffusion_fit fit;
  coverage_ensemble(L, 1, 7, msd, covariance, &effective);
  const eg_diffusion_data few = {COVERAGE_LAGS, time, msd, covariance, 7, effective};
  eg_diffusion_fit_window(&few, 0, COVERAGE_LAGS, true, &fit);
  CHECK(fit.verdict == EG_DIFFUSION_TOO_FEW_PATHS && isfinite(fit.exponent) && isnan(fit.exponent_stderr) && isnan(fit.exponent_low));
  CHECK(isnan(fit.prefactor_high) && isnan(fit.two_point_stderr));
  coverage_ensemble(L, 1, 105, msd, covariance, &effective); /* 5 a lag */
  const eg_diffusion_data enough = {COVERAGE_LAGS, time, msd, covariance, 105, effective};
  eg_diffusion_fit_window(&enough, 0, COVERAGE_LAGS, true, &fit);
  CHECK(fit.verdict != EG_DIFFUSION_TOO_FEW_PATHS && isfinite(fit.p_value));
}

static double analysis(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[0];
}

static void runs(const char *folder) {
  static const char text[] =
      "seed: 44\nmodel: {name: ornstein-uhlenbeck, rate: %s, sigma: 2}\nsteps: 1000\ntime_step: 1/8\n"
      "dynamics: [{name: sde, scheme: exact}]\nrealisations: 40000\nobserve:\n  at: {steps: {log: 25}}\n  features: [x]\n"
      "  paths: [{statistic: msd}]\nanalyse: [{diffusion: {}}, {diffusion: {from: 1, to: 60}}]\n";
  char study[600];
  (void)snprintf(study, sizeof study, text, "0");
  eg_labelled *file = run_text(folder, study);
  const double z = (analysis(file, "diffusion_exponent") - 1) / analysis(file, "diffusion_exponent_stderr");
  const double z_2 = (analysis(file, "diffusion_prefactor") - 4) / analysis(file, "diffusion_prefactor_stderr");
  const double ratio = analysis(file, "diffusion_exponent_jackknife_stderr") / analysis(file, "diffusion_exponent_stderr");
  printf("free diffusion: exponent %.4f(%.4f), z %.2f; prefactor z %.2f; jackknife over least squares %.2f\n",
         analysis(file, "diffusion_exponent"), analysis(file, "diffusion_exponent_stderr"), z, z_2, ratio);
  CHECK(fabs(z) < 5.5 && fabs(z_2) < 5.5);
  CHECK(ratio > 0.6 && ratio < 1.6); /* 64 blocks: 9 % each way, one standard deviation */
  CHECK(analysis(file, "diffusion_verdict") == EG_DIFFUSION_POWER);
  CHECK_NEAR(analysis(file, "diffusion_from"), 0.125, 1e-12);
  CHECK(analysis(file, "diffusion_2_from") >= 1 && analysis(file, "diffusion_2_to") <= 60);
  CHECK(fabs(analysis(file, "diffusion_2_exponent") - 1) < 5.5 * analysis(file, "diffusion_2_exponent_stderr"));
  eg_labelled_free(file);
  (void)snprintf(study, sizeof study, text, "1/4");
  file = run_text(folder, study);
  CHECK(analysis(file, "diffusion_p_value_asked") < 1e-6); /* saturation: one power law is rejected */
  CHECK(analysis(file, "diffusion_verdict") != EG_DIFFUSION_POWER);
  CHECK(analysis(file, "diffusion_window_chosen") == 1 && analysis(file, "diffusion_p_value") >= 0.05);
  CHECK(analysis(file, "diffusion_2_window_chosen") == 0); /* a window that was asked for stays */
  eg_labelled_free(file);
}

int main(void) {
  char folder[] = "/tmp/ensgrad-diffusion-XXXXXX";
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  exact_brownian();
  cover(0.2, 1, 400, 300, 0.90, 0.99);
  cover(0.5, 1, 400, 300, 0.90, 0.99);
  cover(0.8, 1, 400, 300, 0.90, 0.99);
  broken(400);
  few_trajectories(400);
  runs(folder);
  (void)rmdir(folder);
  return check_report();
}
