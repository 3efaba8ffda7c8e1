/*
 * What the values of stats/paths.h are made by, number by number: the CPU's loops over lanes (paths_cpu.c) and the thread of a GPU
 * that makes one lane (paths_gpu.h) have their bits from here.
 */
#ifndef EG_STATS_PATH_VALUES_H
#define EG_STATS_PATH_VALUES_H

#include "core/eg_math.h"
#include "stats/paths.h"

/* All lanes of a tracked column. */
EG_FN const double *eg_path_track(const eg_path_values *p, uint32_t record, uint32_t point, uint32_t column) {
  return p->tracks + (((uint64_t)record * p->n_points + point) * p->n_tracked + column) * p->ld;
}

EG_FN double eg_path_add_increments(double sum, double a, double b, double c, double d) {
  return sum + (b - a) * (d - c);
}

EG_FN double eg_path_add_product(double sum, double b, double d) {
  return sum + b * d;
}

/* v^(q/2) of v >= 0: eg_log and eg_exp take 0, infinities and NaN to themselves. */
EG_FN double eg_path_fourth(double v) {
  return v * v;
}
EG_FN double eg_path_raise(double v, double q) {
  return eg_exp(0.5 * q * eg_log(v));
}

/* Half the logarithm of v >= 0, NaN of 0. */
EG_FN double eg_path_half_log(double v) {
  const double y = 0.5 * eg_log(v);
  return v > 0 ? y : eg_double_of_bits(0x7ff8000000000000ull);
}

EG_FN double eg_path_wave(double f, double u_over_pi, int is_sine) {
  const double turn = u_over_pi * f;
  const int has_phase = turn < 0x1p50 && turn > -0x1p50;
  double sine, cosine;
  eg_sincospi(has_phase ? turn : 0.0, &sine, &cosine);
  return has_phase ? (is_sine ? sine : cosine) : eg_double_of_bits(0x7ff8000000000000ull);
}

/* f, -f or |f| (side 1, -1, 0) */
EG_FN double eg_path_signed(double f, double side) {
  return side < 0 || (side == 0 && f < 0) ? -f : f;
}

/* Can a value of increments be NaN where nothing is lost? Sums of squares never are; of other products infinities may cancel. */
EG_FN int eg_path_may_cancel(const eg_path_statistic *s) {
  int may = 0;
  for (uint32_t t = 0; t < s->first[s->n_values]; t++) {
    may = may || (s->terms[t].d != EG_PATH_NOWHERE && (s->terms[t].a != s->terms[t].c || s->terms[t].b != s->terms[t].d));
  }
  return may;
}

#endif
