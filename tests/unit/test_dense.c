#include "oracle/dense.h"

#include "check.h"

static eg_context *ctx;

static void test_multiply(void) {
  enum { N = 13 }; /* not a multiple of the inner width */
  double A[N * N], B[N * N], C[N * N];
  for (size_t i = 0; i < N * N; i++) {
    A[i] = (double)((i * 37) % 11) - 5.0; /* small integers: products are exact; zeros are among them */
    B[i] = (double)((i * 53) % 17) - 8.0;
  }
  eg_dense_multiply(N, A, B, C);
  for (size_t i = 0; i < N; i++) {
    for (size_t j = 0; j < N; j++) {
      double sum = 0.0;
      for (size_t k = 0; k < N; k++) {
        sum += A[i * N + k] * B[k * N + j];
      }
      CHECK_NEAR(C[i * N + j], sum, 0.0);
    }
  }
}

static void test_infinities(void) {
  const double A[4] = {INFINITY, 0.0, 0.0, 2.0}, B[4] = {3.0, 0.0, 0.0, INFINITY};
  double C[4], v[2] = {0.0, 5.0}, work[2];
  eg_dense_multiply(2, A, B, C);
  CHECK(isinf(C[0]) && C[1] == 0.0 && C[2] == 0.0 && isinf(C[3]));
  eg_dense_apply(2, A, v, work);
  CHECK(v[0] == 0.0 && v[1] == 15.0);
  CHECK(isnan(eg_dense_norm(2, 0.0, (const double[4]){1.0, NAN, 0.0, 0.0})));
  double E[4];
  CHECK(eg_dense_expm1(ctx, 2, A, 1.0, E) == EG_OK && isnan(E[0]));
}

static void test_norm(void) {
  const double A[4] = {-3.0, 1.0, 0.5, 2.0};
  CHECK_NEAR(eg_dense_norm(2, 0.0, A), 4.0, 0.0);
  CHECK_NEAR(eg_dense_norm(2, 1.0, A), 3.5, 0.0);
}

static void test_compose(void) {
  const double E[4] = {-0.5, 1.0, 0.0, 0.25}, F[4] = {1.0, 2.0, 3.0, -1.0};
  const double want[4] = {3.0, 1.0, 3.75, -1.0}; /* (I + E)(I + F) - I */
  double out[4], twice[4], work[4];
  eg_dense_compose(2, E, F, out);
  for (int i = 0; i < 4; i++) {
    CHECK_NEAR(out[i], want[i], 0.0);
  }
  memcpy(twice, F, sizeof twice);
  eg_dense_double(2, twice, work);
  eg_dense_compose(2, F, F, out);
  CHECK(memcmp(twice, out, sizeof out) == 0);
}

/* (I + E)^n - I for a triangular E, in closed form; tiny increments must keep their digits. */
static void test_power(void) {
  const double E[4] = {-1e-6, 1e-3, 0.0, -1e-6};
  static const uint64_t counts[6] = {0, 1, 2, 37, 1000000, 30000000};
  for (int k = 0; k < 6; k++) {
    const double n = (double)counts[k], decay = exp((n - 1.0) * log1p(-1e-6));
    double out[4];
    CHECK(eg_dense_power(ctx, 2, E, counts[k], out) == EG_OK);
    CHECK_NEAR(out[0], expm1(n * log1p(-1e-6)), 4e-16 * fmin(1.0, n * 1e-6) * (1.0 + n * 1e-6));
    CHECK_NEAR(out[1], n * 1e-3 * decay, 2e-15 * n * 1e-3);
    CHECK(out[2] == 0.0);
  }
  /* Control: the plain product 1 - 1e-6 rounded, to the millionth power, has lost ten times more. */
  double plain = 1.0;
  for (int i = 0; i < 1000000; i++) {
    plain *= 1.0 - 1e-6;
  }
  CHECK(fabs(plain - exp(1e6 * log1p(-1e-6))) > 4e-15);
}

static void test_expm1(void) {
  const double turn[4] = {0.0, -1.0, 1.0, 0.0}, shear[4] = {-1.0, 3.0, 0.0, -1.0};
  static const double times[6] = {1e-12, 1e-3, 0.24, 0.26, 3.0, 40.0};
  for (int k = 0; k < 6; k++) {
    const double t = times[k];
    double E[4];
    CHECK(eg_dense_expm1(ctx, 2, turn, t, E) == EG_OK);
    CHECK_NEAR(E[0], -2.0 * pow(sin(0.5 * t), 2), 1e-15 * fmin(t, 1.0) * fmax(t, 1.0));
    CHECK_NEAR(E[2], sin(t), 1e-15 * fmin(t, 1.0) * fmax(t, 1.0));
    CHECK(eg_dense_expm1(ctx, 2, shear, t, E) == EG_OK);
    CHECK_NEAR(E[0], expm1(-t), 5e-16 * fmin(t, 1.0));
    CHECK_NEAR(E[1], 3.0 * t * exp(-t), 3e-15 * fmin(t, 1.0));
    CHECK_NEAR(E[3], expm1(-t), 5e-16 * fmin(t, 1.0));
  }
  /* the transpose of the 4 x 4 Pascal generator: exp = binomials */
  const double generator[16] = {0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0};
  const double pascal[16] = {1, 0, 0, 0, 1, 1, 0, 0, 1, 2, 1, 0, 1, 3, 3, 1};
  double E[16];
  CHECK(eg_dense_expm1(ctx, 4, generator, 1.0, E) == EG_OK);
  for (int i = 0; i < 16; i++) {
    CHECK_NEAR(E[i] + (i % 5 == 0 ? 1.0 : 0.0), pascal[i], 3e-15);
  }
  /* exp over one step, to the power of a thousand, is exp over a thousand steps */
  double step[4], power[4], whole[4];
  const double mixed[4] = {-0.7, 0.2, 0.4, -1.3};
  CHECK(eg_dense_expm1(ctx, 2, mixed, 1e-3, step) == EG_OK);
  CHECK(eg_dense_power(ctx, 2, step, 1000, power) == EG_OK);
  CHECK(eg_dense_expm1(ctx, 2, mixed, 1.0, whole) == EG_OK);
  for (int i = 0; i < 4; i++) {
    CHECK_NEAR(power[i], whole[i], 1e-15);
  }
}

int main(void) {
  ctx = eg_context_create();
  test_multiply();
  test_infinities();
  test_norm();
  test_compose();
  test_power();
  test_expm1();
  eg_context_free(ctx);
  return check_report();
}
