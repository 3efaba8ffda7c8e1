/*
 * The GPU driver of the population form: one block of 256 threads carries one realisation, whose particles lie in memory.
 * Work is cut into phases, PHASE(t) .. END_PHASE: what all threads do between two barriers. Plain C11 as well: with
 * -DEG_THREAD_FORM the host runs the threads of a phase one after the other (tests/conformance/test_population_form.c), so
 * nothing lives in a thread's variables across phases but what is equal in all threads.
 *
 * The tree of core/population.h: a warp takes blocks of 256 particles, lane l the particles l, l + 32, .., l + 224, which are
 * the levels 128, 64 and 32; levels 16 .. 1 go through shared memory within the warp, the total through `sums`.
 *
 * A launch takes many tiles of a->tile realisations: state (tile, realisation, component, slot); records and first_bad of
 * tile t begin at t times the size of one, a->ld slots each; a->n_lanes counts the realisations of all tiles. a->scratch:
 * (realisation, EG_TERMS, power of two of the blocks of particles) doubles.
 */
#ifndef EG_CORE_POPULATION_GPU_H
#define EG_CORE_POPULATION_GPU_H

#include "core/population.h"

#define EG_POPULATION_THREADS 256

#if EG_DEVICE
#define PHASE(t)                                                                                             \
  {                                                                                                          \
    const uint32_t t = threadIdx.x;
#define END_PHASE                                                                                            \
  }                                                                                                          \
  __syncthreads();
#define END_WARP_PHASE                                                                                       \
  }                                                                                                          \
  __syncwarp();
#else
#define PHASE(t)       for (uint32_t t = 0; t < EG_POPULATION_THREADS; t++) {
#define END_PHASE      }
#define END_WARP_PHASE }
#endif

typedef struct eg_staged {
  eg_real value[EG_STAGED > 0 ? EG_STAGED : 1];
} eg_staged;

/* What the threads of one realisation share. */
typedef struct eg_team {
  double part[EG_TERMS][EG_POPULATION_THREADS];
  eg_real average[EG_TERMS], field[EG_FIELD_VALUES];
  double feature;
} eg_team;

typedef void (*eg_field_fn)(const eg_params *p, const eg_uniforms *u, eg_draws *d, int stage, const eg_real *average,
                            eg_real *field);

/* One realisation; equal in all threads. */
typedef struct eg_crowd {
  const eg_params *p;
  const eg_uniforms *u;
  const eg_launch *a;
  eg_team *team;
  eg_real *x;   /* (EG_DIM, slots) */
  double *sums; /* (EG_TERMS, power of two): sums of the blocks */
  uint64_t slots, realisation;
  eg_feature_code code;
} eg_crowd;

/* ---- what is added up: the terms of a particle, EG_TERMS or one value ---- */

typedef void (*eg_visit_fn)(const eg_crowd *c, uint32_t particle, double *out);

EG_FN void eg_visit_load(const eg_crowd *c, uint32_t particle, eg_real *x) {
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    x[k] = c->x[(uint64_t)k * c->slots + particle];
  }
}

EG_FN void eg_visit_terms(const eg_crowd *c, const eg_real *x, double *out) {
  eg_real terms[EG_TERMS];
  eg_particle_terms(c->p, c->u->staged, x, terms);
  EG_UNROLL
  for (int k = 0; k < EG_TERMS; k++) {
    out[k] = (double)terms[k];
  }
}

EG_FN void eg_visit_look(const eg_crowd *c, uint32_t particle, double *out) {
  eg_real x[EG_DIM];
  eg_visit_load(c, particle, x);
  eg_visit_terms(c, x, out);
}

EG_FN void eg_visit_stage(const eg_crowd *c, uint32_t particle, double *out) {
  eg_real x[EG_DIM], v[EG_DIM];
  eg_visit_load(c, particle, x);
  eg_particle_move(c->p, c->u->staged, c->team->field, x, v);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    x[k] = x[k] + v[k];
    c->x[(uint64_t)k * c->slots + particle] = x[k];
  }
  eg_visit_terms(c, x, out);
}

/* Component k of the start of a particle. */
EG_FN eg_real eg_crowd_start(const eg_crowd *c, uint32_t particle, uint32_t k) {
  const eg_launch *const a = c->a;
  double z0, z1;
  if (a->start_kind == EG_START_FIXED) {
    return (eg_real)a->start[k];
  }
  if (k >= a->dim) {
    return 0;
  }
  const uint64_t q = (uint64_t)particle * a->dim + k;
  eg_particle_start2(a, c->realisation, q / 2, &z0, &z1);
  return (eg_real)(q % 2 == 0 ? z0 : z1);
}

EG_FN double eg_crowd_displacement2(const eg_crowd *c, uint32_t particle) {
  double sum = 0;
  EG_ROLLED
  for (uint32_t k = 0; k < EG_DIM; k++) {
    const double d = (double)c->x[(uint64_t)k * c->slots + particle] - (double)eg_crowd_start(c, particle, k);
    sum = eg_fma(d, d, sum);
  }
  return sum;
}

EG_FN void eg_visit_feature(const eg_crowd *c, uint32_t particle, double *out) {
  eg_real x[EG_DIM], v[EG_DIM];
  if (c->code.id == EG_FEATURE_DISPLACEMENT2) {
    *out = eg_crowd_displacement2(c, particle);
  } else if (c->code.id == EG_FEATURE_NORM2) {
    eg_visit_load(c, particle, x);
    *out = eg_particle_norm2(x);
  } else if (c->code.id == EG_FEATURE_GRADIENT_NORM2) {
    eg_visit_load(c, particle, x);
    eg_particle_move(c->p, c->u->staged, c->team->field, x, v);
    *out = eg_particle_norm2(v);
  } else {
    *out = (double)c->x[(uint64_t)(uint32_t)c->code.component * c->slots + particle];
  }
}

/* ---- the tree ---- */

/* out = visit, or zeros for an absent particle */
EG_FN void eg_visit_or_zero(eg_visit_fn visit, int n, const eg_crowd *c, uint32_t particle, double *out) {
  EG_UNROLL
  for (int k = 0; k < n; k++) {
    out[k] = 0;
  }
  if (particle < c->a->n_particles) {
    visit(c, particle, out);
  }
  if (EG_DIM >= 4) {
    EG_FENCE(); /* one particle after the other: registers are short */
  }
}

/* Levels 128 and 64 of lane l of a block: particles first, first + 64, first + 128, first + 192. */
EG_FN void eg_visit_two(eg_visit_fn visit, int n, const eg_crowd *c, uint32_t first, double *out) {
  double more[EG_TERMS];
  eg_visit_or_zero(visit, n, c, first, out);
  eg_visit_or_zero(visit, n, c, first + 128, more);
  EG_UNROLL
  for (int k = 0; k < n; k++) {
    out[k] = out[k] + more[k];
  }
}

EG_FN void eg_visit_four(eg_visit_fn visit, int n, const eg_crowd *c, uint32_t first, double *out) {
  double more[EG_TERMS];
  eg_visit_two(visit, n, c, first, out);
  eg_visit_two(visit, n, c, first + 64, more);
  EG_UNROLL
  for (int k = 0; k < n; k++) {
    out[k] = out[k] + more[k];
  }
}

/* Totals of n values over all particles: to sums[k * width]. */
EG_LEAF void eg_crowd_sum(eg_visit_fn visit, int n, const eg_crowd *c) {
  const uint32_t n_blocks = eg_particle_blocks(c->a->n_particles), width = eg_power_of_two(n_blocks);
  eg_team *const team = c->team;
  EG_ROLLED
  for (uint32_t base = 0; base < width; base += EG_POPULATION_THREADS / 32) {
    PHASE(t)
      const uint32_t block = base + t / 32;
      double out[EG_TERMS];
      const uint32_t first = block * EG_PARTICLE_BLOCK + t % 32;
      eg_visit_four(visit, n, c, first, out); /* the first half waits in shared memory: registers are short */
      EG_UNROLL
      for (int k = 0; k < n; k++) {
        team->part[k][t] = out[k];
      }
      EG_FENCE();
      eg_visit_four(visit, n, c, first + 32, out);
      EG_UNROLL
      for (int k = 0; k < n; k++) {
        team->part[k][t] = team->part[k][t] + out[k];
      }
    END_WARP_PHASE
    EG_ROLLED
    for (uint32_t s = 16; s > 0; s /= 2) {
      PHASE(t)
        if (t % 32 < s) {
          EG_UNROLL
          for (int k = 0; k < n; k++) {
            team->part[k][t] = team->part[k][t] + team->part[k][t + s];
          }
        }
      END_WARP_PHASE
    }
    PHASE(t)
      if (t % 32 == 0 && base + t / 32 < width) {
        EG_UNROLL
        for (int k = 0; k < n; k++) {
          c->sums[(uint64_t)k * width + base + t / 32] = team->part[k][t];
        }
      }
    END_WARP_PHASE
  }
#if EG_DEVICE
  __syncthreads();
#endif
  EG_ROLLED
  for (uint32_t s = width / 2; s > 0; s /= 2) {
    PHASE(t)
      EG_ROLLED
      for (uint32_t b = t; b < s; b += EG_POPULATION_THREADS) {
        EG_UNROLL
        for (int k = 0; k < n; k++) {
          c->sums[(uint64_t)k * width + b] = c->sums[(uint64_t)k * width + b] + c->sums[(uint64_t)k * width + b + s];
        }
      }
    END_PHASE
  }
}

EG_FN void eg_crowd_average(eg_visit_fn visit, const eg_crowd *c) {
  const uint32_t width = eg_power_of_two(eg_particle_blocks(c->a->n_particles));
  eg_crowd_sum(visit, EG_TERMS, c);
  PHASE(t)
    if (t < EG_TERMS) {
      c->team->average[t] = (eg_real)(c->sums[(uint64_t)t * width] / (double)c->a->n_particles);
    }
  END_PHASE
}

EG_FN int eg_crowd_is_finite(const eg_crowd *c) {
  eg_real sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_TERMS; k++) {
    sum += c->team->average[k] * (eg_real)0; /* 0, or NaN */
  }
  return sum == 0;
}

/* ---- records ---- */

EG_FN void eg_crowd_spoil(const eg_crowd *c) {
  PHASE(t)
    EG_ROLLED
    for (uint64_t i = t; i < c->slots * EG_DIM; i += EG_POPULATION_THREADS) {
      c->x[i] = (eg_real)eg_double_of_bits(0x7ff8000000000000ull);
    }
  END_PHASE
  eg_crowd_average(eg_visit_look, c);
}

EG_LEAF void eg_crowd_feature(eg_crowd *c) {
  if (c->code.id == EG_FEATURE_LOSS) {
    PHASE(t)
      if (t == 0) {
        c->team->feature = (double)eg_population_loss(c->p, c->u->staged, c->team->average);
      }
    END_PHASE
    return;
  }
  PHASE(t)
    if (t == 0) {
      eg_drift_field(c->p, c->u->staged, (eg_real)0, c->team->average, c->team->field);
    }
  END_PHASE
  eg_crowd_sum(eg_visit_feature, 1, c);
  PHASE(t)
    if (t == 0) {
      c->team->feature = c->sums[0] / (double)c->a->n_particles;
    }
  END_PHASE
}

EG_FN void eg_crowd_record(eg_crowd *c, double *out, uint32_t record, uint64_t step, uint64_t *first_bad) {
  const eg_launch *const a = c->a;
  double sum = 0;
  const uint32_t end = *first_bad == EG_NEVER ? eg_columns_to(a, record) : 0;
  EG_ROLLED
  for (uint32_t f = eg_columns_from(a, record); f < end; f++) {
    c->code = a->features[f];
    eg_crowd_feature(c);
    const double value = c->team->feature;
    sum += value * 0.0;
    PHASE(t)
      if (t == 0) {
        out[(uint64_t)f * a->ld] = value;
      }
    END_PHASE
  }
  if (*first_bad == EG_NEVER && (sum != 0.0 || !eg_crowd_is_finite(c))) {
    *first_bad = step;
    eg_crowd_spoil(c);
  }
  if (*first_bad != EG_NEVER) {
    PHASE(t)
      EG_ROLLED
      for (uint32_t f = t; f < a->n_features; f += EG_POPULATION_THREADS) {
        out[(uint64_t)f * a->ld] = eg_double_of_bits(0x7ff8000000000000ull);
      }
    END_PHASE
  }
}

/* ---- one realisation through the launch ---- */

EG_FN void eg_crowd_begin(const eg_crowd *c) {
  if (!c->a->is_restart) {
    PHASE(t)
      EG_ROLLED
      for (uint32_t particle = t; particle < c->a->n_particles; particle += EG_POPULATION_THREADS) {
        EG_ROLLED
        for (uint32_t k = 0; k < EG_DIM; k++) {
          c->x[(uint64_t)k * c->slots + particle] = eg_crowd_start(c, particle, k);
        }
      }
    END_PHASE
  }
  eg_crowd_average(eg_visit_look, c);
}

/* Realisation a->realisation_first + index; beyond a->n_lanes there is none. */
EG_FN void eg_crowd_advance(eg_field_fn make_field, int stages, const eg_params *p, const eg_launch *a,
                            const eg_real *staged, eg_team *team, uint32_t index) {
  if (index >= a->n_lanes) {
    return;
  }
  eg_uniforms uniforms = eg_uniforms_of(a);
  uniforms.staged = staged;
  const uint32_t width = eg_power_of_two(eg_particle_blocks(a->n_particles));
  const uint32_t in_tile = index % a->tile, which = index / a->tile;
  eg_crowd crowd;
  eg_crowd *const c = &crowd;
  c->p = p;
  c->u = &uniforms;
  c->a = a;
  c->team = team;
  c->slots = eg_particle_slots(a->n_particles);
  c->x = (eg_real *)a->state + (uint64_t)index * EG_DIM * c->slots;
  c->sums = (double *)a->scratch + (uint64_t)index * EG_TERMS * width;
  c->realisation = a->realisation_first + index;
  uint64_t *const bad = a->first_bad + (uint64_t)which * a->ld + in_tile;
  uint64_t first_bad = a->is_restart ? *bad : EG_NEVER;
  eg_draws draws;
  eg_draws_begin(&draws, a, c->realisation);
  eg_crowd_begin(c);
  uint64_t step = a->step_first;
  EG_ROLLED
  for (uint32_t r = 0; r <= a->n_records; r++) {
    const uint64_t to = r < a->n_records ? a->record_steps[r] : a->step_last;
    for (; step < to && first_bad == EG_NEVER; step++) {
      draws.step = step;
      EG_ROLLED
      for (int stage = 0; stage < stages; stage++) {
        PHASE(t)
          if (t == 0) {
            make_field(p, c->u, &draws, stage, team->average, team->field);
          }
        END_PHASE
        eg_crowd_average(eg_visit_stage, c);
      }
      if (!eg_crowd_is_finite(c)) {
        first_bad = step + 1;
        eg_crowd_spoil(c);
      }
    }
    step = to > step ? to : step;
    if (r < a->n_records) {
      const uint64_t row = (uint64_t)which * a->n_records + r;
      eg_crowd_record(c, a->records + row * a->n_features * a->ld + in_tile, r, step, &first_bad);
    }
  }
  PHASE(t)
    if (t == 0) {
      *bad = first_bad;
    }
  END_PHASE
}

#endif
