#include "analysis/moments.h"

#include <stdint.h>

#include "check.h"

enum { N = 640, BLOCKS = 64 };

static uint64_t generator = 2463534242u;

static double uniform(void) {
  generator ^= generator << 13;
  generator ^= generator >> 7;
  generator ^= generator << 17;
  return ((double)(generator >> 11) + 0.5) / 9007199254740992.0;
}

/* two-pass sums in long double */
static eg_moments direct(size_t n, const double *v) {
  long double mean = 0, M2 = 0, M3 = 0, M4 = 0;
  for (size_t i = 0; i < n; i++) {
    mean += v[i];
  }
  mean /= (long double)n;
  for (size_t i = 0; i < n; i++) {
    const long double d = v[i] - mean;
    M2 += d * d;
    M3 += d * d * d;
    M4 += d * d * d * d;
  }
  return (eg_moments){(double)n, (double)mean, (double)M2, (double)M3, (double)M4};
}

static void check_same(eg_moments got, eg_moments want, double tolerance) {
  CHECK(got.n == want.n);
  CHECK_NEAR(got.mean, want.mean, tolerance * fabs(want.mean));
  CHECK_NEAR(got.M2, want.M2, tolerance * want.M2);
  CHECK_NEAR(got.M3, want.M3, tolerance * want.M4);
  CHECK_NEAR(got.M4, want.M4, tolerance * want.M4);
}

static void fill(double *v) {
  for (int i = 0; i < N; i++) {
    v[i] = 3.0 - 2.0 * log(uniform()); /* skewed, off centre */
  }
}

static void split(const double *v, size_t n_blocks, eg_moments *blocks) {
  for (size_t b = 0; b < n_blocks; b++) {
    const size_t first = b * N / n_blocks, last = (b + 1) * N / n_blocks;
    blocks[b] = direct(last - first, v + first);
  }
}

static void test_merge(void) {
  double v[N];
  fill(v);
  const eg_moments all = direct(N, v), none = {0};
  static const size_t cuts[4] = {1, 7, 300, 639};
  for (int k = 0; k < 4; k++) {
    check_same(eg_moments_merge(direct(cuts[k], v), direct(N - cuts[k], v + cuts[k])), all, 1e-14);
  }
  check_same(eg_moments_merge(none, all), all, 0.0);
  check_same(eg_moments_merge(all, none), all, 0.0);
  for (size_t n_blocks = 1; n_blocks <= BLOCKS; n_blocks++) {
    eg_moments blocks[BLOCKS], left[BLOCKS];
    split(v, n_blocks, blocks);
    check_same(eg_moments_total(n_blocks, blocks), all, 1e-14);
    eg_moments_leave_one_out(n_blocks, blocks, left);
    for (size_t b = 0; n_blocks > 1 && b < n_blocks; b++) {
      check_same(eg_moments_merge(left[b], blocks[b]), all, 1e-14);
    }
  }
  CHECK(eg_moments_total(0, &none).n == 0.0);
}

/* The order of the tree is part of the result: (0,1) (2,3) 4 -> ((0,1),(2,3)) 4 -> all. */
static void test_tree_order(void) {
  double v[N];
  eg_moments b[5];
  fill(v);
  split(v, 5, b);
  const eg_moments total = eg_moments_total(5, b);
  const eg_moments tree =
      eg_moments_merge(eg_moments_merge(eg_moments_merge(b[0], b[1]), eg_moments_merge(b[2], b[3])), b[4]);
  CHECK(memcmp(&total, &tree, sizeof total) == 0);
}

static void test_comoment(void) {
  double u[N], w[N], mean_u[3] = {0}, mean_w[3] = {0}, C[3] = {0};
  fill(u);
  fill(w);
  const int first[3] = {0, 0, 100}, last[3] = {N, 100, N};
  for (int k = 0; k < 3; k++) {
    const double n = last[k] - first[k];
    for (int i = first[k]; i < last[k]; i++) {
      w[i] += k == 0 ? 0.5 * u[i] : 0.0;
      mean_u[k] += u[i] / n;
      mean_w[k] += w[i] / n;
    }
    for (int i = first[k]; i < last[k]; i++) {
      C[k] += (u[i] - mean_u[k]) * (w[i] - mean_w[k]);
    }
  }
  const double merged =
      eg_comoment_merge(100, mean_u[1], mean_w[1], C[1], N - 100, mean_u[2], mean_w[2], C[2]);
  CHECK_NEAR(merged, C[0], 1e-12 * C[0]);
  CHECK_NEAR(eg_comoment_merge(0, 0, 0, 0, 5, 1, 2, 3), 3.0, 0.0);
  CHECK_NEAR(eg_comoment_merge(5, 1, 2, 3, 0, 0, 0, 0), 3.0, 0.0);
}

static void test_estimates(void) {
  double v[N];
  eg_moments blocks[BLOCKS];
  eg_moment_estimates out;
  fill(v);
  split(v, BLOCKS, blocks);
  eg_moments_estimate(BLOCKS, blocks, &out);
  const eg_moments all = direct(N, v);
  const double s2 = all.M2 / (N - 1), m4 = all.M4 / N;
  CHECK(out.count == N);
  CHECK_NEAR(out.mean.value, all.mean, 1e-14);
  CHECK_NEAR(out.mean.stderr_, sqrt(s2 / N), 1e-14);
  CHECK_NEAR(out.variance.value, s2, 1e-13);
  CHECK_NEAR(out.variance.stderr_, sqrt((m4 - (N - 3.0) / (N - 1.0) * s2 * s2) / N), 1e-13);
  CHECK_NEAR(out.skewness.value, (all.M3 / N) / pow(all.M2 / N, 1.5), 1e-13);
  CHECK_NEAR(out.kurtosis.value, m4 / pow(all.M2 / N, 2), 1e-12);
  /* jackknife of the skewness from the values themselves, block after block left out */
  double sum = 0.0;
  for (size_t b = 0; b < BLOCKS; b++) {
    double rest[N];
    memcpy(rest, v, 10 * b * sizeof(double));
    memcpy(rest + 10 * b, v + 10 * (b + 1), (N - 10 * (b + 1)) * sizeof(double));
    const eg_moments left = direct(N - 10, rest);
    sum += pow((left.M3 / left.n) / pow(left.M2 / left.n, 1.5) - out.skewness.value, 2);
  }
  CHECK_NEAR(out.skewness.stderr_, sqrt(sum * 63.0 / 64.0), 1e-12);
  CHECK(out.kurtosis.stderr_ > 0.0);
  CHECK_NEAR(eg_effective_samples(&all), N / ((out.kurtosis.value - 1.0) / 2.0), 1e-9);
  const eg_moments light = {100, 0, 100, 0, 100}; /* +-1: kurtosis 1 counts fully */
  CHECK(eg_effective_samples(&light) == 100.0);
}

static void test_degenerate(void) {
  eg_moment_estimates out;
  eg_moments blocks[BLOCKS];
  for (int b = 0; b < BLOCKS; b++) {
    blocks[b] = (eg_moments){10, 2.5, 0, 0, 0};
  }
  eg_moments_estimate(BLOCKS, blocks, &out);
  CHECK(out.mean.value == 2.5 && out.mean.stderr_ == 0.0);
  CHECK(out.variance.value == 0.0 && out.variance.stderr_ == 0.0);
  CHECK(isnan(out.skewness.value) && isnan(out.kurtosis.value) && isnan(out.kurtosis.stderr_));
  const eg_moments constant = eg_moments_total(BLOCKS, blocks);
  CHECK(eg_effective_samples(&constant) == 0.0);
  double v[N];
  fill(v);
  split(v, 7, blocks);
  eg_moments_estimate(7, blocks, &out); /* below 8 blocks no jackknife */
  CHECK(isfinite(out.skewness.value) && isnan(out.skewness.stderr_) && isnan(out.kurtosis.stderr_));
  CHECK(isfinite(out.mean.stderr_) && isfinite(out.variance.stderr_));
  blocks[0] = direct(1, v);
  eg_moments_estimate(1, blocks, &out);
  CHECK(out.mean.value == v[0] && isnan(out.mean.stderr_) && isnan(out.variance.value));
  eg_moments_estimate(0, blocks, &out);
  CHECK(out.count == 0.0 && isnan(out.mean.value));
}

/* The jackknife of a mean over equal blocks is the standard error of the block means. */
static void test_jackknife_of_mean(void) {
  double means[BLOCKS], left[BLOCKS], total = 0.0, spread = 0.0;
  for (int b = 0; b < BLOCKS; b++) {
    means[b] = uniform();
    total += means[b] / BLOCKS;
  }
  for (int b = 0; b < BLOCKS; b++) {
    left[b] = (total * BLOCKS - means[b]) / (BLOCKS - 1);
    spread += pow(means[b] - total, 2);
  }
  const double want = sqrt(spread / (BLOCKS - 1) / BLOCKS);
  CHECK_NEAR(eg_jackknife_stderr(BLOCKS, left, total), want, 1e-13 * want);
  CHECK(isnan(eg_jackknife_stderr(7, left, total)));
}

static void test_special(void) {
  /* mpmath, 30 digits */
  static const double chi2[10][3] = {{0.5, 1, 0.47950012218695346},     {10.828, 1, 0.00099976571958309236},
                                     {3, 2, 0.22313016014842983},       {1e-06, 3, 0.99999999973403856},
                                     {12.5, 7, 0.085269275158269275},   {150, 100, 0.00090393204235400909},
                                     {60, 100, 0.99948110853745197},    {1100, 1000, 0.014614408126295194},
                                     {700, 2, 9.9295903962649793e-153}, {40, 3, 1.0655090334255861e-8}};
  for (int k = 0; k < 10; k++) {
    CHECK_NEAR(eg_chi2_tail(chi2[k][0], chi2[k][1]), chi2[k][2], 1e-12 * chi2[k][2]);
  }
  CHECK(eg_chi2_tail(0.0, 3) == 1.0 && eg_chi2_tail(INFINITY, 3) == 0.0);
  CHECK(isnan(eg_chi2_tail(NAN, 3)) && isnan(eg_chi2_tail(1.0, 0.0)));
  static const double student[11][3] = {
      {0.05, 1, 12.706204736174704},    {0.05, 2, 4.3026527297494637},  {0.05, 10, 2.2281388519862747},
      {0.05, 63, 1.9983405425207416},   {1e-06, 7, 15.767009437482582}, {1e-06, 63, 5.4200296710372256},
      {0.3173, 63, 1.0080218080806331}, {0.9, 5, 0.13217517523168723},  {0.001, 1000, 3.3002826484239129},
      {1e-09, 20, 10.701394422413742},  {0.05, 0.5, 164.55767348048851}};
  for (int k = 0; k < 11; k++) {
    CHECK_NEAR(eg_student_quantile(student[k][0], student[k][1]), student[k][2], 2e-13 * student[k][2]);
  }
  /* the two forms meet at a million degrees of freedom, and end at the normal quantile */
  CHECK_NEAR(eg_student_quantile(1e-6, 999999.0), eg_student_quantile(1e-6, 1000001.0), 1e-10);
  CHECK_NEAR(eg_student_quantile(0.05, 1e15), 1.9599639845400543, 1e-13);
  CHECK(isnan(eg_student_quantile(0.0, 5)) && isnan(eg_student_quantile(1.0, 5)));
  CHECK(isnan(eg_student_quantile(0.05, 0.0)));
}

static void test_local_exponent(void) {
  enum { TIMES = 5 };
  const double t[TIMES] = {1, 2, 4, 8, 16};
  double y[TIMES], left[BLOCKS * TIMES], value[TIMES], error[TIMES];
  for (int i = 0; i < TIMES; i++) {
    y[i] = 3.0 * pow(t[i], 1.7);
    for (int b = 0; b < BLOCKS; b++) { /* every left-out curve is another power law */
      left[b * TIMES + i] = 3.0 * pow(t[i], 1.7 + 1e-3 * (b % 2 == 0 ? 1 : -1));
    }
  }
  eg_local_exponent(TIMES, t, y, BLOCKS, left, value, error);
  for (int i = 0; i < TIMES; i++) {
    CHECK_NEAR(value[i], 1.7, 1e-14);
    CHECK_NEAR(error[i], 1e-3 * sqrt(63.0), 1e-13);
  }
  y[1] = -1.0; /* spoils itself and its neighbours only */
  eg_local_exponent(TIMES, t, y, BLOCKS, left, value, error);
  CHECK(isnan(value[0]) && isnan(value[1]) && isnan(value[2]) && isnan(error[1]) && isfinite(value[3]));
  eg_local_exponent(TIMES, t, y, 7, left, value, error);
  CHECK(isfinite(value[4]) && isnan(error[4]));
  eg_local_exponent(1, t, y, BLOCKS, left, value, error);
  CHECK(isnan(value[0]));
}

int main(void) {
  test_merge();
  test_tree_order();
  test_comoment();
  test_estimates();
  test_degenerate();
  test_jackknife_of_mean();
  test_special();
  test_local_exponent();
  return check_report();
}
