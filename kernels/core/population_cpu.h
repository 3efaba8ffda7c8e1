/*
 * The CPU driver of the population form: one realisation after the other, vectorised over its particles in blocks of 256.
 * One pass a stage: a block is moved, and its terms are added up, while it lies in the first-level cache.
 *
 * State of a tile: (realisation, component, particle slot), particle fastest.
 */
#ifndef EG_CORE_POPULATION_CPU_H
#define EG_CORE_POPULATION_CPU_H

#include "core/monitor_cpu.h"
#include "core/unit_table.h"

typedef void (*eg_field_fn)(const eg_params *p, const eg_uniforms *u, eg_draws *d, int stage, const eg_real *average,
                            eg_real *field);

/* The parts of thread->block. */
typedef struct eg_particle_space {
  double *terms;  /* (EG_TERMS or 1, 256): of one block */
  double *blocks; /* (EG_TERMS, power of two): sums of the blocks */
  eg_real *start; /* (EG_DIM, 256): start points of one block */
} eg_particle_space;

static uint64_t block_bytes(const eg_launch *a) {
  const uint64_t values =
      (uint64_t)EG_TERMS * (EG_PARTICLE_BLOCK + eg_power_of_two(eg_particle_blocks(a->n_particles)));
  return values * sizeof(double) + EG_DIM * EG_PARTICLE_BLOCK * sizeof(eg_real);
}

static eg_particle_space space_of(const eg_thread *t, uint32_t n_particles) {
  eg_particle_space s;
  s.terms = (double *)t->block;
  s.blocks = s.terms + EG_TERMS * EG_PARTICLE_BLOCK;
  s.start = (eg_real *)(s.blocks + (size_t)EG_TERMS * eg_power_of_two(eg_particle_blocks(n_particles)));
  return s;
}

/* One realisation on its way. */
typedef struct eg_population {
  const eg_params *p;
  const eg_uniforms *u;
  const eg_launch *a;
  eg_particle_space space;
  eg_real *x;    /* (EG_DIM, slots) */
  size_t slots;
  uint64_t realisation;
  eg_real average[EG_TERMS];
} eg_population;

/* ---- the tree ---- */

/* v[0 .. n) to v[0], n a power of two. */
static inline double tree_any(double *v, uint32_t n) {
  for (uint32_t s = n / 2; s > 0; s /= 2) {
    for (uint32_t l = 0; l < s; l++) {
      v[l] = v[l] + v[l + s];
    }
  }
  return v[0];
}

#define TREE_LEVEL(s)                                                                                        \
  _Pragma("omp simd") for (int l = 0; l < (s); l++) {                                                        \
    v[l] = v[l] + v[l + (s)];                                                                                \
  }

/* The tree of a block whose upper two levels are done: v[0 .. 64). */
static inline double tree_quarter(double *v) {
  TREE_LEVEL(32)
  TREE_LEVEL(16)
  TREE_LEVEL(8)
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

static inline double tree_block(double *v) {
  TREE_LEVEL(128)
  TREE_LEVEL(64)
  return tree_quarter(v);
}

/* The sum of n <= 256 terms of a block. Absent ones are zeros; of the levels above the next power of two only this remains,
   that they turn a sum of -0 into 0. */
static double block_sum(double *terms, uint32_t n) {
  if (n == EG_PARTICLE_BLOCK) {
    return tree_block(terms);
  }
  const uint32_t width = eg_power_of_two(n);
  for (uint32_t l = n; l < width; l++) {
    terms[l] = 0;
  }
  return (width == EG_PARTICLE_BLOCK ? tree_block(terms) : tree_any(terms, width)) + 0.0;
}

static double total_of(double *blocks, uint32_t n_blocks) {
  const uint32_t width = eg_power_of_two(n_blocks);
  for (uint32_t b = n_blocks; b < width; b++) {
    blocks[b] = 0;
  }
  return tree_any(blocks, width);
}

/* ---- a stage ---- */

EG_FN void particle_load(const eg_real *x, size_t slots, eg_real *values) {
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    values[k] = x[(size_t)k * slots];
  }
}

EG_FN void particle_terms(const eg_params *p, const eg_real *st, const eg_real *x, double *out) {
  eg_real terms[EG_TERMS];
  eg_particle_terms(p, st, x, terms);
  EG_UNROLL
  for (int k = 0; k < EG_TERMS; k++) {
    out[k * EG_PARTICLE_BLOCK] = (double)terms[k];
  }
}

EG_FN void particle_stage(const eg_params *p, const eg_real *st, const eg_real *field, eg_real *block, size_t slots,
                          double *terms) {
  eg_real x[EG_DIM], v[EG_DIM];
  particle_load(block, slots, x);
  eg_particle_move(p, st, field, x, v);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    x[k] = x[k] + v[k];
    block[(size_t)k * slots] = x[k];
  }
  particle_terms(p, st, x, terms);
}

EG_FN void particle_look(const eg_params *p, const eg_real *st, const eg_real *block, size_t slots, double *terms) {
  eg_real x[EG_DIM];
  particle_load(block, slots, x);
  particle_terms(p, st, x, terms);
}

#define PARTICLES(n) _Pragma("omp simd") for (uint32_t l = 0; l < (n); l++)

#if EG_MOVE_IS_FIELD
/* A whole block, one component after the other: they lie so far apart that all at once would not fit the places of the first-level
   cache that they share. The upper two levels of the tree stay in registers: 64 partial sums of every term are left.
   scripts/check_vectorised reads this function. */
static __attribute__((noinline)) void segment_particles(const eg_real *field, eg_real *block, size_t slots, uint32_t dim,
                                                        double *terms) {
  for (uint32_t k = 0; k < dim; k++) {
    eg_real *const x = block + k * slots;
    double *const sum = terms + k * EG_PARTICLE_BLOCK;
    const eg_real move = field[k];
    PARTICLES(EG_PARTICLE_BLOCK / 4) {
      const eg_real a = x[l] + move, b = x[l + 128] + move, c = x[l + 64] + move, d = x[l + 192] + move;
      x[l] = a;
      x[l + 64] = c;
      x[l + 128] = b;
      x[l + 192] = d;
      sum[l] = ((double)a + (double)b) + ((double)c + (double)d);
    }
  }
}

/* Moves n particles of a block; the sums of their terms to sums[k stride]. Padded components stay zero. */
static void move_block(const eg_population *s, const eg_real *field, eg_real *block, uint32_t n, double *sums, size_t stride) {
  const uint32_t dim = s->a->dim;
  if (n == EG_PARTICLE_BLOCK) {
    segment_particles(field, block, s->slots, dim, s->space.terms);
  }
  for (uint32_t k = 0; k < EG_TERMS; k++) {
    eg_real *const x = block + k * s->slots;
    double *const terms = s->space.terms + k * EG_PARTICLE_BLOCK;
    if (k >= dim) {
      sums[k * stride] = 0;
    } else if (n == EG_PARTICLE_BLOCK) {
      sums[k * stride] = tree_quarter(terms);
    } else {
      PARTICLES(n) {
        x[l] = x[l] + field[k];
        terms[l] = (double)x[l];
      }
      sums[k * stride] = block_sum(terms, n);
    }
  }
}
#else
/* A whole block: all of the work of a large population. scripts/check_vectorised reads this function. */
static __attribute__((noinline)) void segment_particles(const eg_params *params, const eg_real *st, const eg_real *field,
                                                        eg_real *block, size_t slots, double *terms) {
  const eg_params own_params = *params; /* copies that no store can reach */
  eg_real own_field[EG_FIELD_VALUES];
  EG_UNROLL
  for (int k = 0; k < EG_FIELD_VALUES; k++) {
    own_field[k] = field[k];
  }
  PARTICLES(EG_PARTICLE_BLOCK) { particle_stage(&own_params, st, own_field, block + l, slots, terms + l); }
}

static void move_block(const eg_population *s, const eg_real *field, eg_real *block, uint32_t n, double *sums, size_t stride) {
  double *const terms = s->space.terms;
  if (n == EG_PARTICLE_BLOCK) {
    segment_particles(s->p, s->u->staged, field, block, s->slots, terms);
  } else {
    PARTICLES(n) { particle_stage(s->p, s->u->staged, field, block + l, s->slots, terms + l); }
  }
  for (uint32_t k = 0; k < EG_TERMS; k++) {
    sums[k * stride] = block_sum(terms + k * EG_PARTICLE_BLOCK, n);
  }
}
#endif

static void finish_averages(eg_population *s) {
  const uint32_t n_blocks = eg_particle_blocks(s->a->n_particles), width = eg_power_of_two(n_blocks);
  for (int k = 0; k < EG_TERMS; k++) {
    s->average[k] = (eg_real)(total_of(s->space.blocks + (size_t)k * width, n_blocks) / (double)s->a->n_particles);
  }
}

static uint32_t particles_from(const eg_launch *a, uint32_t first) {
  const uint32_t left = a->n_particles - first;
  return left < EG_PARTICLE_BLOCK ? left : EG_PARTICLE_BLOCK;
}

/* Move all particles by `field` (NULL: leave them) and average their terms. */
static __attribute__((noinline)) void sweep(eg_population *s, const eg_real *field) {
  const eg_real *const st = s->u->staged;
  const uint32_t width = eg_power_of_two(eg_particle_blocks(s->a->n_particles));
  double *const terms = s->space.terms;
  const size_t slots = s->slots;
  uint32_t b = 0;
  for (uint32_t first = 0; first < s->a->n_particles; first += EG_PARTICLE_BLOCK, b++) {
    eg_real *const block = s->x + first;
    const uint32_t n = particles_from(s->a, first);
    if (field != NULL) {
      move_block(s, field, block, n, s->space.blocks + b, width);
      continue;
    }
    PARTICLES(n) { particle_look(s->p, st, block + l, slots, terms + l); }
    for (uint32_t k = 0; k < EG_TERMS; k++) {
      s->space.blocks[k * width + b] = block_sum(terms + k * EG_PARTICLE_BLOCK, n);
    }
  }
  finish_averages(s);
}

static int is_finite_average(const eg_population *s) {
  eg_real sum = 0;
  for (int k = 0; k < EG_TERMS; k++) {
    sum += s->average[k] * (eg_real)0; /* 0, or NaN */
  }
  return sum == 0;
}

/* ---- start points ---- */

EG_FN void start_pair(const eg_launch *a, uint64_t realisation, uint64_t block, double *z) {
  eg_particle_start2(a, realisation, block, z, z + EG_PARTICLE_BLOCK);
}

/* Start points of n particles from `first` (a multiple of 256) on: out (EG_DIM, stride). */
static void start_block(const eg_launch *a, uint64_t realisation, uint32_t first, uint32_t n, eg_real *out,
                        size_t stride) {
  double z[2 * EG_PARTICLE_BLOCK];
  for (size_t k = 0; k < EG_DIM; k++) {
    for (uint32_t l = 0; l < n; l++) {
      out[k * stride + l] = a->start_kind == EG_START_FIXED ? (eg_real)a->start[k] : (eg_real)0;
    }
  }
  const uint64_t q_first = (uint64_t)first * a->dim, q_last = q_first + (uint64_t)n * a->dim;
  for (uint64_t q = q_first; a->start_kind == EG_START_RANDOM && q < q_last; q += 2 * EG_PARTICLE_BLOCK) {
    PARTICLES(EG_PARTICLE_BLOCK) { start_pair(a, realisation, q / 2 + l, z + l); }
    for (uint64_t i = 0; i < 2 * EG_PARTICLE_BLOCK && q + i < q_last; i++) {
      const uint64_t particle = (q + i - q_first) / a->dim, k = (q + i - q_first) % a->dim;
      out[k * stride + particle] = (eg_real)z[(i % 2) * EG_PARTICLE_BLOCK + i / 2];
    }
  }
}

/* ---- records ---- */

EG_FN void feature_norm2(const eg_real *block, size_t slots, double *out) {
  eg_real x[EG_DIM];
  particle_load(block, slots, x);
  *out = eg_particle_norm2(x);
}

EG_FN void feature_displacement2(const eg_real *block, size_t slots, const eg_real *start, double *out) {
  eg_real x[EG_DIM], from[EG_DIM];
  particle_load(block, slots, x);
  particle_load(start, EG_PARTICLE_BLOCK, from);
  *out = eg_particle_distance2(x, from);
}

EG_FN void feature_velocity2(const eg_params *p, const eg_real *st, const eg_real *field, const eg_real *block,
                             size_t slots, double *out) {
  eg_real x[EG_DIM], v[EG_DIM];
  particle_load(block, slots, x);
  eg_particle_move(p, st, field, x, v);
  *out = eg_particle_norm2(v);
}

/* The average over the particles of a feature of one. */
static __attribute__((noinline)) double average_feature(eg_population *s, eg_feature_code code) {
  double *const v = s->space.terms;
  eg_real field[EG_FIELD_VALUES];
  uint32_t b = 0;
  if (code.id == EG_FEATURE_LOSS) {
    return (double)eg_population_loss(s->p, s->u->staged, s->average);
  }
  eg_drift_field(s->p, s->u->staged, (eg_real)0, s->average, field);
  for (uint32_t first = 0; first < s->a->n_particles; first += EG_PARTICLE_BLOCK, b++) {
    const eg_real *const x = s->x + first;
    const uint32_t n = particles_from(s->a, first);
    switch (code.id) {
    case EG_FEATURE_NORM2:
      PARTICLES(n) { feature_norm2(x + l, s->slots, v + l); }
      break;
    case EG_FEATURE_DISPLACEMENT2:
      start_block(s->a, s->realisation, first, n, s->space.start, EG_PARTICLE_BLOCK);
      PARTICLES(n) { feature_displacement2(x + l, s->slots, s->space.start + l, v + l); }
      break;
    case EG_FEATURE_GRADIENT_NORM2:
      PARTICLES(n) { feature_velocity2(s->p, s->u->staged, field, x + l, s->slots, v + l); }
      break;
    default:
      PARTICLES(n) { v[l] = (double)x[(size_t)code.component * s->slots + l]; }
      break;
    }
    s->space.blocks[b] = block_sum(v, n);
  }
  return total_of(s->space.blocks, b) / (double)s->a->n_particles;
}

static void spoil(eg_population *s) {
  for (size_t i = 0; i < s->slots * EG_DIM; i++) {
    s->x[i] = (eg_real)eg_double_of_bits(0x7ff8000000000000ull);
  }
  sweep(s, NULL);
}

/* One record of one realisation; a realisation that is not finite is masked for good. */
static void record_population(eg_population *s, uint32_t record, uint32_t slot, uint64_t step, uint64_t *first_bad) {
  const eg_launch *const a = s->a;
  double *const out = a->records + (size_t)record * a->n_features * a->ld + slot;
  double sum = 0;
  for (uint32_t f = eg_columns_from(a, record); f < eg_columns_to(a, record) && *first_bad == EG_NEVER; f++) {
    const eg_feature_code code = a->features[f];
    out[(size_t)f * a->ld] = is_monitor_column(code) ? monitor_column(a, monitors_of(a, 0, slot), code, step)
                                                     : average_feature(s, code);
    sum += out[(size_t)f * a->ld] * 0.0;
  }
  if (*first_bad == EG_NEVER && (sum != 0.0 || !is_finite_average(s))) {
    *first_bad = step;
    spoil(s);
  }
  for (uint32_t f = 0; f < a->n_features && *first_bad != EG_NEVER; f++) {
    out[(size_t)f * a->ld] = eg_double_of_bits(0x7ff8000000000000ull);
  }
}

/* ---- a realisation through all steps of the launch ---- */

/* The averages behind a step, for the monitors; at the start of the run if `is_start`. */
static __attribute__((noinline)) void look_at_population(eg_population *s, uint32_t slot, uint64_t step, int is_start) {
  const eg_launch *const a = s->a;
  for (uint32_t m = 0; m < a->n_monitors; m++) {
    if (is_start) {
      begin_monitor(a, monitors_of(a, 0, slot), m, average_feature(s, a->monitors[m].feature));
    } else if (eg_monitor_is_open(&a->monitors[m], step)) {
      step_monitor(a, monitors_of(a, 0, slot), m, step, average_feature(s, a->monitors[m].feature));
    }
  }
}

static void begin_population(eg_population *s, uint32_t slot, uint64_t *first_bad) {
  const eg_launch *const a = s->a;
  if (!a->is_restart) {
    for (uint32_t first = 0; first < a->n_particles; first += EG_PARTICLE_BLOCK) {
      start_block(a, s->realisation, first, particles_from(a, first), s->x + first, s->slots);
    }
    *first_bad = EG_NEVER;
  }
  sweep(s, NULL);
  if (!a->is_restart) {
    look_at_population(s, slot, 0, 1);
  }
}

EG_FN void step_to(eg_field_fn make_field, int stages, eg_population *s, uint32_t slot, eg_draws *d, uint64_t to,
                   uint64_t *first_bad) {
  eg_real field[EG_FIELD_VALUES];
  for (; d->step < to && *first_bad == EG_NEVER; d->step++) {
    for (int stage = 0; stage < stages; stage++) {
      make_field(s->p, s->u, d, stage, s->average, field);
      sweep(s, field);
    }
    if (!is_finite_average(s)) {
      *first_bad = d->step + 1;
      spoil(s);
    }
    look_at_population(s, slot, d->step + 1, 0);
  }
  d->step = to;
}

EG_FN void drive_population(eg_field_fn make_field, int stages, const eg_params *p, const eg_launch *a, eg_thread *t) {
  const eg_uniforms uniforms = eg_uniforms_of(a);
  const size_t slots = (size_t)eg_particle_slots(a->n_particles);
  for (uint32_t slot = 0; slot < a->n_lanes; slot++) {
    uint64_t *const first_bad = a->first_bad + slot;
    eg_population s = {.p = p, .u = &uniforms, .a = a, .space = space_of(t, a->n_particles), .slots = slots};
    eg_draws d;
    s.x = (eg_real *)a->state + (size_t)slot * EG_DIM * slots;
    s.realisation = a->realisation_first + slot;
    eg_draws_begin(&d, a, s.realisation);
    d.step = a->step_first;
    begin_population(&s, slot, first_bad);
    for (uint32_t r = 0; r < a->n_records; r++) {
      step_to(make_field, stages, &s, slot, &d, a->record_steps[r], first_bad);
      record_population(&s, r, slot, d.step, first_bad);
    }
    step_to(make_field, stages, &s, slot, &d, a->step_last, first_bad);
  }
}

#endif
