/* The parts of a result file, one builder each. */
#ifndef EG_RUN_RESULT_PARTS_H
#define EG_RUN_RESULT_PARTS_H

#include "base/text.h"
#include "run/summary.h"

typedef struct eg_builder {
  const eg_plan *plan;
  const eg_summary *summary;
  eg_labelled *file;
  const double *exact_mean;    /* (n_runs, n_records, n_points, n_columns): law of the dynamics; NaN unknown */
  const double *expected_mean; /* the same for the scheme that was run */
  double max_z;          /* largest judged |z|, and how many were judged */
  size_t n_judged;
} eg_builder;

/* Place of a value in an array over (run, record, point, column). */
size_t eg_value_at(const eg_plan *plan, size_t run, size_t record, size_t point, size_t column);
size_t eg_builder_at(const eg_builder *b, size_t run, size_t record, size_t point, size_t column);

/* Add an observable over (run[, point], time[, component]); `values` (n_runs, n_records, n_points, n_columns), of which
   the columns of `feature` are written. */
EG_NODISCARD eg_status eg_builder_add(eg_context *ctx, eg_builder *b, const eg_feature *feature, const char *suffix,
                                      eg_type type, const double *values, const char *long_name, size_t *index);

/* The same over dimension `dim` of n instead of run. */
EG_NODISCARD eg_status eg_builder_add_over(eg_context *ctx, eg_builder *b, const char *dim, size_t n,
                                           const eg_feature *feature, const char *suffix, eg_type type,
                                           const double *values, const char *long_name, size_t *index);

EG_NODISCARD eg_status eg_build_coordinates(eg_context *ctx, eg_builder *b);
/* Computed once and kept in the campaign. */
EG_NODISCARD eg_status eg_build_exact(eg_context *ctx, eg_campaign *campaign);
/* First (D) and second (D, D) moments of what the affine oracle of a run moves, where it begins: of x, or of (x, v). Returns D. */
size_t eg_run_start_moments(const eg_plan *plan, const eg_run *run, size_t point, double *mean, double *second);
/* Values of a feature whose error bars cannot be trusted, of n sums (runs, then differences) from `first` on; and their number as an
   attribute of the variable of their means, none if it is 0: result_heavy.c. */
size_t eg_count_heavy_tails(const eg_builder *b, size_t first, size_t n, const eg_feature *feature);
EG_NODISCARD eg_status eg_mark_heavy_tails(eg_context *ctx, eg_builder *b, size_t index, size_t n_heavy);
EG_NODISCARD eg_status eg_build_moments(eg_context *ctx, eg_builder *b);
EG_NODISCARD eg_status eg_build_covariance(eg_context *ctx, eg_builder *b);
/* Coordinates and estimates of the differences of groups; nothing without groups. */
EG_NODISCARD eg_status eg_build_difference_coordinates(eg_context *ctx, eg_builder *b, eg_text *names);
EG_NODISCARD eg_status eg_build_differences(eg_context *ctx, eg_builder *b);

/* Numbers made of the two members of a difference, over (difference[, point], time[, component]): result_pairs.c. */
typedef struct eg_pair_column {
  const char *suffix;
  eg_type type;
  const char *long_name;
} eg_pair_column;

enum { EG_MOST_PAIR_COLUMNS = 8 };

typedef struct eg_pair_table {
  const eg_pair_column *columns;
  size_t n_columns, judged; /* at most EG_MOST_PAIR_COLUMNS; the column that is 0, not NaN, where there is no value */
  bool (*is_asked)(const eg_study_group *group);
  void (*fill_one)(eg_builder *b, size_t difference, size_t record, size_t point, size_t column, double *out);
} eg_pair_table;

EG_NODISCARD eg_status eg_build_pairs(eg_context *ctx, eg_builder *b, const eg_pair_table *table);
EG_NODISCARD eg_status eg_build_extrapolated(eg_context *ctx, eg_builder *b); /* result_extrapolated.c */
EG_NODISCARD eg_status eg_build_antithetic(eg_context *ctx, eg_builder *b); /* result_antithetic.c */
EG_NODISCARD eg_status eg_build_msd(eg_context *ctx, eg_builder *b);
/* Unit of a feature (suffix "") or of a number derived from it ("_variance", ..). */
const char *eg_feature_unit(const eg_plan *plan, const eg_feature *feature, const char *suffix);

/* Counts of the histograms and kept paths (result_histograms.c); their coordinates by name. */
EG_NODISCARD eg_status eg_build_histograms(eg_context *ctx, eg_builder *b);
void eg_append_histogram_coordinates(const eg_plan *plan, eg_text *names);
/* Statistics of paths (result_paths.c). */
EG_NODISCARD eg_status eg_build_paths(eg_context *ctx, eg_builder *b);
EG_NODISCARD eg_status eg_build_path_points(eg_context *ctx, eg_builder *b, size_t path); /* result_points.c */
EG_NODISCARD eg_status eg_build_path_tail(eg_context *ctx, eg_builder *b, size_t path);   /* result_tail.c */
/* Counts of the values of a statistic, of which `lags` are the most that a run has, and their bins: result_path_histograms.c. */
EG_NODISCARD eg_status eg_build_path_histogram(eg_context *ctx, eg_builder *b, size_t path, size_t n_lags);
/* The edges of the bins, (EG_PATH_BINS + 1). */
void eg_path_edges(double *edges);
/* Places of value (lag, power) of a run and point; NULL where the run has no such lag. */
const uint64_t *eg_path_counts(const eg_builder *b, size_t path, size_t run, size_t point, size_t lag, size_t power);
EG_NODISCARD eg_status eg_build_time_average(eg_context *ctx, eg_builder *b, size_t path); /* result_time_average.c */
EG_NODISCARD eg_status eg_build_diffusion(eg_context *ctx, eg_builder *b);
EG_NODISCARD eg_status eg_build_quantiles(eg_context *ctx, eg_builder *b);
EG_NODISCARD eg_status eg_build_escape(eg_context *ctx, eg_builder *b);
EG_NODISCARD eg_status eg_build_common(eg_context *ctx, eg_builder *b); /* result_common.c */
EG_NODISCARD eg_status eg_build_stationary(eg_context *ctx, eg_builder *b);
/* Of one stationary analysis what concerns (x, v); nothing where the velocity is not observed: result_phase.c. */
EG_NODISCARD eg_status eg_build_phase(eg_context *ctx, eg_builder *b, const char *prefix, const eg_study_stationary *study);
EG_NODISCARD eg_status eg_build_scaling(eg_context *ctx, eg_builder *b);
EG_NODISCARD eg_status eg_build_flow(eg_context *ctx, eg_builder *b);
EG_NODISCARD eg_status eg_build_multilevel(eg_context *ctx, eg_builder *b);
EG_NODISCARD eg_status eg_build_weak_error(eg_context *ctx, eg_builder *b);
/* Where runs that end by their errors have ended (result_until.c); nothing without `until`. */
EG_NODISCARD eg_status eg_build_until(eg_context *ctx, eg_builder *b);
/* Version of the schema, form of the state, and whether all is there. result_build.c */
EG_NODISCARD eg_status eg_build_schema(eg_context *ctx, eg_builder *b, bool is_complete);
EG_NODISCARD eg_status eg_build_provenance(eg_context *ctx, eg_builder *b);

/* Largest |z| that a correct run shows, at a family-wise false-alarm rate of 1e-6 over n judged values (Bonferroni). */
double eg_z_limit(size_t n_judged);

#endif
