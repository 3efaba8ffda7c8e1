/* From merged block sums to numbers with error bars. Pure functions on arrays. Rules: docs/architecture.md. */
#ifndef EG_ANALYSIS_MOMENTS_H
#define EG_ANALYSIS_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* Central sums of n values: mean, M2 = sum (v-mean)^2, M3, M4. */
typedef struct eg_moments {
  double n, mean, M2, M3, M4;
} eg_moments;

/* Merge of two disjoint samples (Pebay, SAND2008-6212, eqs. 2.1, 3.1); fixed operation order: a before b. Here, since a tile's node has a
   row for every observation, and a call costs as much as the merge. */
static inline eg_moments eg_moments_merge(eg_moments a, eg_moments b) {
  if (a.n == 0.0) {
    return b;
  }
  if (b.n == 0.0) {
    return a;
  }
  const double n = a.n + b.n, delta = b.mean - a.mean, d = delta / n, d2 = d * d;
  eg_moments out;
  out.n = n;
  out.mean = a.mean + b.n * d;
  out.M2 = (a.M2 + b.M2) + a.n * b.n * d * delta;
  out.M3 = (a.M3 + b.M3) + a.n * b.n * (a.n - b.n) * d2 * delta + 3.0 * d * (a.n * b.M2 - b.n * a.M2);
  out.M4 = (a.M4 + b.M4) + a.n * b.n * (a.n * a.n - a.n * b.n + b.n * b.n) * d2 * d * delta +
           6.0 * d2 * (a.n * a.n * b.M2 + b.n * b.n * a.M2) + 4.0 * d * (a.n * b.M3 - b.n * a.M3);
  return out;
}
/* Merge of a co-moment: C = sum (u - mean_u)(v - mean_v). */
double eg_comoment_merge(double n_a, double mean_u_a, double mean_v_a, double C_a, double n_b, double mean_u_b,
                         double mean_v_b, double C_b);

typedef struct eg_estimate {
  double value, stderr_; /* stderr_ NaN: unknown */
} eg_estimate;

typedef struct eg_moment_estimates {
  double count;
  eg_estimate mean;      /* stderr from M2 */
  eg_estimate variance;  /* unbiased; stderr from M4 */
  eg_estimate skewness;  /* stderr by jackknife over blocks */
  eg_estimate kurtosis;  /* M4 n / M2^2 (Gaussian: 3); stderr by jackknife over blocks */
} eg_moment_estimates;

/* blocks: the n_blocks filled blocks in order (at most 64). Below 8 blocks the jackknife errors are NaN; a constant
   sample (M2 = 0) has variance 0, stderr 0, skewness and kurtosis NaN. */
void eg_moments_estimate(size_t n_blocks, const eg_moments *blocks, eg_moment_estimates *out);

/* Standard error of the variance of merged sums, from M4. */
double eg_moments_variance_stderr(const eg_moments *total);

/* Merge of all blocks in the fixed pairwise order used everywhere. */
eg_moments eg_moments_total(size_t n_blocks, const eg_moments *blocks);

/* Delete-one-block jackknife of any scalar function of the merged sums: `leave_out[i]` = the function without block i,
   `all` = with all blocks. Weights by equal block sizes. NaN below 8 blocks. */
double eg_jackknife_stderr(size_t n_blocks, const double *leave_out, double all);

/* Merge of all blocks but one, for each i, by prefix and suffix merges (out: n_blocks). */
void eg_moments_leave_one_out(size_t n_blocks, const eg_moments *blocks, eg_moments *out);

/* Effective sample size of a mean: n / max(1, (kurtosis - 1) / 2): rows below 1000 are "not judged". 0 where all values are equal:
   a rare event that has not happened is no error of 0. */
double eg_effective_samples(const eg_moments *total);
/* Do tails make the error bar of this mean untrustworthy: fewer than 1000 effective samples by a kurtosis above 5, or sums that overflow? */
bool eg_moments_have_heavy_tails(const eg_moments *total);

/* Two-sided Student t quantile for tail probability `alpha` (both tails together), nu degrees of freedom. */
double eg_student_quantile(double alpha, double nu);
/* P(|T| > |t|) of Student's law, nu degrees of freedom. */
double eg_student_tail(double t, double nu);
/* Upper tail of chi^2 with nu degrees of freedom. */
double eg_chi2_tail(double chi2, double nu);

/* Local exponent of y(t) > 0 by centred differences of log y against log t (one-sided at the ends), with jackknife
   error from leave_out (n_blocks, n). value, error: out (n), NaN where t or y is not positive. */
void eg_local_exponent(size_t n, const double *t, const double *y, size_t n_blocks, const double *leave_out,
                       double *value, double *error);

#endif
