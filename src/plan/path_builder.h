/* What builds one path statistic of one run: the values, and the observations that each is made of. Of plan/path*.c only. */
#ifndef EG_PLAN_PATH_BUILDER_H
#define EG_PLAN_PATH_BUILDER_H

#include "plan/plan.h"

typedef struct eg_path_builder {
  eg_context *ctx;
  const eg_plan *plan;
  const eg_run *run;
  const eg_study_path *study;
  const eg_run_schedule *at; /* the observations: terms are numbered by them */
  eg_run_path *out;
  size_t n_terms, capacity, n_values;
  eg_stream *stream; /* of a streamed one: the columns are set */
} eg_path_builder;

/* Room for n_lags x n_powers values, each of which is then begun and given its terms. */
EG_NODISCARD eg_status eg_path_begin_values(eg_path_builder *b, size_t n_lags, size_t n_powers);
void eg_path_begin_value(eg_path_builder *b, double power);
EG_NODISCARD eg_status eg_path_add_term(eg_path_builder *b, size_t from, size_t to, size_t from_2, size_t to_2);
/* The observation at the step `origin` of the study. */
EG_NODISCARD eg_status eg_path_find_origin(const eg_path_builder *b, size_t *at);

/* path_points.c */
EG_NODISCARD eg_status eg_path_build_m_point(eg_path_builder *b);
EG_NODISCARD eg_status eg_path_build_product(eg_path_builder *b);
EG_NODISCARD eg_status eg_path_build_distance(eg_path_builder *b);
EG_NODISCARD eg_status eg_path_build_characteristic(eg_path_builder *b);
EG_NODISCARD eg_status eg_path_build_tail(eg_path_builder *b);

/* streams.c: the sampling, the levels and the lags of a streamed statistic. */
EG_NODISCARD eg_status eg_path_build_time_average(eg_path_builder *b);
EG_NODISCARD eg_status eg_path_build_correlator(eg_path_builder *b);

#endif
