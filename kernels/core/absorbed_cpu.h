/* What the CPU driver keeps for launches with absorbing crossings, behind the parts of a block. Part of core/lane_cpu.h. */
#ifndef EG_CORE_ABSORBED_CPU_H
#define EG_CORE_ABSORBED_CPU_H

typedef struct eg_absorbed {
  /* Of the block in hand: which (point, lane) have stopped (all bits set, else 0), and what they were then: x, monitors, first
     bad steps, laid out as those of the block. */
  uint64_t *is_stopped, *first_bad;
  eg_real *x;
  double *monitors;
  /* Of gathered blocks (core/gather_cpu.h): their own first bad steps; start points of the tile (n_points, EG_DIM, ld), which
     displacements need; slots that still move. */
  uint64_t *gathered_bad;
  eg_real *start;
  uint32_t *moving;
} eg_absorbed;

static uint64_t absorbed_bytes(const eg_launch *a) {
  const uint64_t n = (uint64_t)a->n_points * EG_LANES;
  if (a->absorbing == 0) {
    return 0;
  }
  return EG_LANES + sizeof(eg_absorbed) + n * (3 * sizeof(uint64_t) + 2 * EG_MOST_MONITORS * sizeof(double) + EG_WIDTH_MAX * sizeof(eg_real)) +
         a->ld * ((uint64_t)a->n_points * EG_DIM * sizeof(eg_real) + sizeof(uint32_t));
}

static eg_absorbed *absorbed_of(const eg_launch *a, size_t width, void *memory) {
  const size_t n = (size_t)a->n_points * EG_LANES;
  eg_absorbed *const s = (eg_absorbed *)memory;
  s->is_stopped = (uint64_t *)((char *)memory + (sizeof *s + EG_LANES - 1) / EG_LANES * EG_LANES);
  s->first_bad = s->is_stopped + n;
  s->gathered_bad = s->first_bad + n;
  s->monitors = (double *)(s->gathered_bad + n);
  s->x = (eg_real *)(s->monitors + n * 2 * EG_MOST_MONITORS);
  s->start = s->x + n * width;
  s->moving = (uint32_t *)(s->start + (size_t)a->n_points * EG_DIM * a->ld);
  return s;
}

#endif
