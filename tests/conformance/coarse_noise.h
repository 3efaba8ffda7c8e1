/*
 * Coarse increments as the CPU driver makes them (core/coarse_cpu.h) against their definition, eg_coarse_draw of
 * core/noise.h, bit by bit. The type of an increment is the including program's: EG_NOISE_REAL.
 */
#pragma GCC diagnostic ignored "-Wunused-function" /* the driver is included for one of its functions */
#pragma GCC diagnostic ignored "-Wunknown-pragmas"  /* omp simd: the loops are as good without */
#define EG_MODEL_FILE "models/ornstein_uhlenbeck.h"
#include "unit.h"

#include "core/lane_cpu.h"
#include "trajectories.h"

static const uint32_t key[2] = {0x2545f491u, 0x4f6cdd1du};
static const uint64_t realisation = 0x1fffffffc0ull;

typedef struct coarse_case {
  int kind;
  uint32_t ratio;
  uint64_t n_draws, q, need, limit;
} coarse_case;

/* Values that differ from the definition among those that one call holds; all, if it does not hold what it should. */
static int count_wrong(eg_thread *t, coarse_case c, double *first) {
  eg_launch a;
  eg_ahead ahead = {0};
  memset(&a, 0, sizeof a);
  a.kind = c.kind;
  a.noise_ratio = c.ratio;
  a.noise_draws = (uint32_t)c.n_draws;
  memcpy(a.key, key, sizeof key);
  hold_noise(&a, t, &ahead, realisation, c.q, c.need, c.limit);
  const eg_noise_real *const held = (const eg_noise_real *)t->noise + (c.q - ahead.first) * EG_LANES;
  if (ahead.first > c.q || ahead.last < c.q + c.need) {
    return 1 << 30;
  }
  int wrong = 0;
  for (uint64_t i = 0; i < ahead.last - c.q; i++) {
    for (uint64_t l = 0; l < EG_LANES; l++) {
      const double want = eg_coarse_draw(c.kind, key, realisation + l, c.q + i, (uint32_t)c.n_draws, c.ratio);
      wrong += eg_bits64((double)held[i * EG_LANES + l]) != eg_bits64(want);
    }
  }
  *first = (double)held[0];
  return wrong;
}

/* Draws of a step, ratios, beginnings of whole steps and, as folds ask, within one. */
static void every_shape(eg_thread *t, int kind) {
  static const uint64_t n_draws[] = {1, 2, 3, 5, 16, 31, 128};
  static const uint32_t ratios[] = {2, 3, 4, 7, 64};
  for (size_t i = 0; i < sizeof n_draws / sizeof n_draws[0]; i++) {
    for (size_t k = 0; k < sizeof ratios / sizeof ratios[0]; k++) {
      const uint64_t n = n_draws[i], steps[3] = {0, 5, 0x123456789ull};
      for (int s = 0; s < 3; s++) {
        double first = 0;
        const uint64_t q = steps[s] * n;
        CHECK(count_wrong(t, (coarse_case){kind, ratios[k], n, q, n, q + n}, &first) == 0);
        CHECK(count_wrong(t, (coarse_case){kind, ratios[k], n, q, n, q + 1000 * n}, &first) == 0);
        CHECK(count_wrong(t, (coarse_case){kind, ratios[k], n, q + n / 2, 1, q + 1000 * n}, &first) == 0);
      }
    }
  }
  double first = 0;
  CHECK(count_wrong(t, (coarse_case){kind, 3, 442, 442 * 7 + 439, 1, 442 * 9}, &first) == 0);
}

/* The definition itself, spelled out once more from the words: a sum of four normals, halved. */
static void definition_by_hand(void) {
  double sum = 0;
  for (uint64_t j = 0; j < 4; j++) {
    const uint64_t fine = (9 * 4 + j) * 3 + 2; /* step 9, draw 2 of 3 */
    uint32_t w[4];
    float z[2];
    eg_block(key, EG_STREAM_NOISE, 77, fine / 4, w);
    eg_normal2(w[fine % 4 / 2 * 2], w[fine % 4 / 2 * 2 + 1], &z[0], &z[1]);
    sum += (double)z[fine % 2];
  }
  CHECK(eg_coarse_draw(EG_KIND_GAUSSIAN, key, 77, 9 * 3 + 2, 3, 4) == (double)(float)(0.5 * sum));
}

int main(void) {
  eg_thread t = {cpu_kernels()->fill, pages(EG_NOISE_BYTES), NULL, NULL, NULL, NULL, NULL, NULL, NULL};
  double a = 0, b = 0;
  if (sizeof(eg_noise_real) == 8) {
    every_shape(&t, EG_KIND_GAUSSIAN64);
  }
  every_shape(&t, EG_KIND_GAUSSIAN);
  definition_by_hand();
  /* the test can see a wrong ratio: neighbouring draws and ratios differ */
  CHECK(count_wrong(&t, (coarse_case){EG_KIND_GAUSSIAN, 2, 1, 8, 1, 9}, &a) == 0);
  CHECK(count_wrong(&t, (coarse_case){EG_KIND_GAUSSIAN, 4, 1, 8, 1, 9}, &b) == 0);
  CHECK(a != b);
  free(t.noise);
  return check_report();
}
