/*
 * Increments of a coarse member of a group for the CPU driver: sums of the finest member's, 64 realisations at a time.
 * The definition is eg_coarse_draw (core/noise.h): a test compares the two bit by bit.
 *
 * The noise buffer in parts: sums are made as doubles, from fine increments filled ahead, then rounded to where the
 * driver reads them. Where increments are doubles the sums already lie there.
 */
#ifndef EG_CORE_COARSE_CPU_H
#define EG_CORE_COARSE_CPU_H

#define EG_COARSE_MOST  128 /* increments of a step: see MAX_NORMALS in src/plan/stepper.c */
#define EG_COARSE_AHEAD 32  /* made ahead where a step takes fewer: all parts stay in the first-level cache */
#define EG_COARSE_SUMS  (sizeof(eg_noise_real) == 8 ? 0 : EG_NOISE_BYTES / 2)
#define EG_COARSE_FINE  (sizeof(eg_noise_real) == 8 ? EG_NOISE_BYTES / 2 : EG_NOISE_BYTES / 4)
#define EG_COARSE_CHUNK 32 /* fine increments at once: whole blocks of both Gaussian kinds */

EG_STATIC_ASSERT(EG_COARSE_MOST * EG_LANES * 8 <= EG_NOISE_BYTES / 2, "the parts of the noise buffer overlap");

/* Fine increments first <= draw < last are in their part of the buffer. */
typedef struct eg_fine {
  uint64_t first, last;
} eg_fine;

/* Make fine increments from draw q on, no block behind that of draw `limit` - 1. */
static void fill_fine(const eg_launch *a, eg_thread *t, eg_fine *fine, uint64_t realisation, uint64_t q,
                      uint64_t limit) {
  const uint64_t per_block = (uint64_t)eg_kind_per_block(a->kind), block = q / per_block;
  const uint64_t most = EG_COARSE_CHUNK / per_block, wanted = (limit + per_block - 1) / per_block - block;
  const uint64_t n = wanted < most ? wanted : most;
  const eg_fill_fn fill = sizeof(eg_noise_real) == 8 ? t->fill->fill64[a->kind] : t->fill->fill[a->kind];
  fill(a->key, realisation, block, (int)n, (char *)t->noise + EG_COARSE_FINE);
  fine->first = block * per_block;
  fine->last = (block + n) * per_block;
}

static void add_rows(double *restrict sums, const eg_noise_real *restrict rows, uint64_t n) {
  _Pragma("omp simd")
  for (uint64_t i = 0; i < n * EG_LANES; i++) {
    sums[i] += (double)rows[i];
  }
}

/* sums += fine draws q .. q + n - 1; draws before `limit` will be wanted next. */
static void add_fine(const eg_launch *a, eg_thread *t, eg_fine *fine, uint64_t realisation, uint64_t q, uint64_t n,
                     uint64_t limit, double *sums) {
  for (const uint64_t end = q + n; q < end;) {
    if (q < fine->first || q >= fine->last) {
      fill_fine(a, t, fine, realisation, q, limit);
    }
    const uint64_t last = end < fine->last ? end : fine->last;
    const char *const rows = (const char *)t->noise + EG_COARSE_FINE;
    add_rows(sums, (const eg_noise_real *)rows + (q - fine->first) * EG_LANES, last - q);
    sums += (last - q) * EG_LANES;
    q = last;
  }
}

static void finish_sums(const eg_launch *a, eg_thread *t, const double *sums, uint64_t n) {
  const double scale = eg_coarse_scale(a->noise_ratio);
  eg_noise_real *const out = (eg_noise_real *)t->noise;
  const int kind = a->kind;
  _Pragma("omp simd")
  for (uint64_t i = 0; i < n * EG_LANES; i++) {
    out[i] = (eg_noise_real)eg_coarse_round(kind, sums[i] * scale);
  }
}

/* Hold coarse increments from draw q on, at least `need`, not beyond `limit`. */
static __attribute__((noinline)) void hold_coarse(const eg_launch *a, eg_thread *t, eg_ahead *ahead,
                                                  uint64_t realisation, uint64_t q, uint64_t need, uint64_t limit) {
  const uint64_t n_draws = a->noise_draws;
  const uint64_t wanted = limit - q < EG_COARSE_AHEAD ? limit - q : EG_COARSE_AHEAD;
  const uint64_t n = wanted < need ? need : wanted / need * need;
  double *const sums = (double *)((char *)t->noise + EG_COARSE_SUMS);
  eg_fine fine = {0, 0};
  memset(sums, 0, n * EG_LANES * sizeof *sums);
  for (uint64_t at = q; at < q + n;) { /* by coarse steps, or the part of one that is wanted */
    const uint64_t step = at / n_draws, k = at % n_draws;
    const uint64_t part = n_draws - k < q + n - at ? n_draws - k : q + n - at;
    for (uint64_t j = 0; j < a->noise_ratio; j++) {
      const uint64_t first = (step * a->noise_ratio + j) * n_draws + k;
      const uint64_t end = part == n_draws ? (q + n) / n_draws * a->noise_ratio * n_draws : first + part;
      add_fine(a, t, &fine, realisation, first, part, end, sums + (at - q) * EG_LANES);
    }
    at += part;
  }
  finish_sums(a, t, sums, n);
  ahead->first = q;
  ahead->last = q + n;
}

#endif
