/*
 * What streamed statistics (stats/streams.h) do to one number: the CPU's loops over lanes (streams_cpu.c) and the thread of a GPU
 * that has one lane (streams_gpu.h) have their bits from here.
 */
#ifndef EG_STATS_STREAM_VALUES_H
#define EG_STATS_STREAM_VALUES_H

#include "stats/streams.h"

EG_FN double eg_stream_add_product(double sum, double a, double b) {
  return sum + a * b;
}

EG_FN double eg_stream_add_square(double sum, double a, double b) {
  const double d = a - b;
  return sum + d * d;
}

EG_FN double eg_stream_halve(double a, double b) {
  return 0.5 * (a + b);
}

/* One more value of a mean, or of two means and the co-moment of their series: weight is 1 over how many there are then. */
EG_FN double eg_stream_moved(double mean, double v, double weight) {
  const double d = v - mean;
  return mean + d * weight;
}
EG_FN double eg_stream_add_comoment(double sum, double a, double mean_a, double b, double mean_b, double weight) {
  const double d = a - mean_a;
  return sum + d * (b - eg_stream_moved(mean_b, b, weight));
}

/* What turns M2 of the blocks of a level into its value. */
EG_FN double eg_stream_block_scale(const eg_stream *s, uint32_t level) {
  return (double)(1ull << level) / (double)s->n / (double)((s->n >> level) - 1);
}

/* Is lag j of a level short enough? */
EG_FN int eg_stream_has_lag(const eg_stream *s, uint32_t level, uint32_t j) {
  return j < s->per_level && (uint64_t)j << level <= s->n / 2;
}

/* Pairs of samples, or means, that its sum has. */
EG_FN double eg_stream_pairs(const eg_stream *s, uint32_t level, uint32_t j) {
  return (double)((s->n >> level) - j);
}

/* Where things of a level stand among the rows of the state. */
EG_FN uint32_t eg_stream_waiting_row(const eg_stream *s, uint32_t level) {
  return eg_stream_rows_before(s, level) + s->per_level * s->width;
}
EG_FN uint32_t eg_stream_sums_row(const eg_stream *s, uint32_t level) {
  return eg_stream_waiting_row(s, level) + s->width;
}

/* Lanes that stand together in the state. */
EG_FN uint32_t eg_stream_step(uint32_t ld) {
  return ld < EG_STREAM_LANES ? ld : EG_STREAM_LANES;
}

#endif
