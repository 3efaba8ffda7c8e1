/*
 * From a checked study to jobs: the sweep expanded into runs, each with its unit, stepper, coefficients, observation
 * steps, tiles and exact oracle. Everything that can fail fails here, before the first step.
 */
#ifndef EG_PLAN_PLAN_H
#define EG_PLAN_PLAN_H

#include "backend/backend.h"
#include "io/data_file.h"
#include "model/catalogue.h"
#include "model/user_model.h"
#include "oracle/affine.h"
#include "study/study.h"

enum { EG_BLOCKS = 64 }; /* independent blocks of tiles, for jackknife errors */

/* A feature of the study: one name, `width` columns of a record from column `first` on. */
typedef struct eg_feature {
  char name[40];
  int32_t id;    /* EG_FEATURE_*; monitors come behind all others */
  size_t first, width;
  size_t monitor; /* of EG_FEATURE_MONITOR and those behind it */
  int32_t rivals; /* of EG_FEATURE_EXIT and EG_FEATURE_EXIT_TIME: bits of the monitors that compete; 0: none */
} eg_feature;

/* Has it a column for each component of x? */
static inline bool eg_feature_is_vector(const eg_feature *f) {
  return f->id == EG_FEATURE_X || f->id == EG_FEATURE_VELOCITY;
}

#define EG_NO_GROUP ((size_t)-1)
/* A histogram of the study: one name, a grid for each of `width` columns. */
typedef struct eg_plan_histogram {
  const eg_study_histogram *study;
  char name[40];        /* "x", "x1", "norm2": its variables begin with it */
  size_t first, width;  /* grids first .. first + width - 1 */
  bool is_vector;       /* every component of x */
  bool is_automatic;    /* the grids come from tile 0 of each run */
  size_t schedule;      /* when it is counted */
} eg_plan_histogram;

/* What a path statistic is made of in one run: observations, lags and powers; value = lag x n_powers + power. */
typedef struct eg_run_path {
  uint64_t *lags;          /* (n_lags) in steps of length learning_rate; of two-time the observed steps */
  size_t n_lags, n_powers;
  eg_path_term *terms;
  uint32_t *first;
  double *powers;          /* (n_lags x n_powers) */
} eg_run_path;

/* When something is observed: observe.at, or the times of entries that have their own. */
typedef struct eg_plan_schedule {
  const eg_study_at *at;
  size_t n_records;        /* the largest of the runs */
  bool has_common_times;   /* one time axis for all runs */
  char time[32], record[32], step[32]; /* in the result: "time", "record", "step"; of others "time_2", .. */
  size_t first_grid, n_grids, row_counts; /* histograms that are counted then; counts of one (record, point) */
} eg_plan_schedule;

/* One of them in one run. */
typedef struct eg_run_schedule {
  size_t n;
  uint64_t *steps;         /* (n) in steps of length learning_rate */
  double *times;           /* (n) */
  uint32_t *places;        /* (observations) as in eg_job_schedules; NULL: the study has one schedule */
  size_t first_count;      /* where its counts begin among those of the run */
} eg_run_schedule;

/* One cell of the sweep. */
typedef struct eg_run {
  const eg_study_dynamics *dynamics;
  eg_scheme scheme;        /* resolved */
  eg_factor factor;
  double learning_rate;    /* step of the chain; time step of a process */
  double batch_size, substeps, horizon, ridge;
  eg_study_chain chain;    /* of chains, with the sweep applied */
  size_t extra;            /* values of a trajectory besides x (eg_unit_stepper) */
  double *axis_values;     /* (n_sweep): value of each sweep axis, NaN where this dynamics has no such key */
  uint64_t steps;          /* of length learning_rate */
  eg_run_schedule *schedules; /* (plan.n_schedules) */
  const uint64_t *observe_steps; /* of the first of them, observe.at: (job.n_records) in steps of length learning_rate .. */
  const double *times;     /* .. and times */
  eg_job job;
  double *params, *start, *staged;
  uint64_t *record_steps;
  eg_job_schedules job_schedules; /* of several schedules, and its arrays */
  uint64_t *observation_steps;
  uint32_t *tracked_places, *wanted_columns;
  eg_count_section *sections;
  eg_histogram_pair *section_pairs;
  eg_run_path *paths;      /* (study.observe.n_paths) */
  eg_path_statistic *path_statistics; /* the same for kernels */
  eg_stream *streams;      /* of those that are streamed */
  bool is_deterministic;   /* no noise and fixed start: one realisation says all */
  bool has_oracle;
  bool has_scheme_oracle;  /* moments of the scheme that is run are known too */
  eg_affine_model affine;
  eg_affine_model lifted;  /* what moves instead of `affine`: the same with another noise, or the map of (x, v); dim 0: none */
  eg_affine_langevin langevin; /* of the Langevin equation, whose lifted model this is; learning_rate 0: none */
  eg_affine_setting law;    /* the dynamics itself */
  eg_affine_setting scheme_law; /* the scheme that is run */
  double stable_index;     /* of alpha-stable noise under an affine drift: x has no moment of this order and above; 0: it has all */
  double stability_limit;  /* largest stable learning rate in mean square, NaN if unknown */
  double *exact_msd;       /* (n_records) of a process whose mean squared displacement is known; NULL: not (process.c) */
  char *description;       /* "sme2 learning_rate=0.125": identifies the run; the noise id is its hash */
  size_t group;            /* of plan->groups, which gives the noise id then; EG_NO_GROUP: advanced alone */
} eg_run;

/* The runs of one cell of the sweep that share their noise. The first one leads: its tiles are the group's. */
typedef struct eg_group {
  const eg_study_group *study;
  size_t *runs;            /* (n_members), in the study's order; across an axis from coarse to fine */
  size_t n_members;
  size_t first_difference; /* n_members - 1 of them */
  char *description;       /* "step-size learning_rate=0.125": its hash is the noise id of the members */
  const eg_job **jobs;     /* (n_members), of the runs */
  uint32_t *bases;
  eg_job_group job;
} eg_group;

/* Features of run `first` minus those of run `second`, realisation by realisation. */
typedef struct eg_difference {
  size_t group, first, second;
} eg_difference;

/* A value of the result that an entry of `expect` gives. */
typedef struct eg_expectation {
  size_t run, record, point, column;
  double value;
} eg_expectation;

/* A standard error that ends a run: of a feature of that run. Entries of variables are `study->until` alone. */
typedef struct eg_until {
  size_t run, record, point, column;
  const eg_study_until *study;
} eg_until;

/* Levels of multilevel Monte Carlo: 0 a run alone, the others pairs. */
typedef struct eg_plan_level {
  size_t run, coarse; /* coarse: EG_NO_RUN of level 0 */
  size_t sum;         /* the run, or the difference fine - coarse */
  double cost;        /* of a realisation: integrator steps of both members */
} eg_plan_level;

typedef struct eg_plan_multilevel {
  eg_plan_level *levels;
  size_t n_levels;    /* 0: none */
  size_t record, point, column;
} eg_plan_multilevel;

typedef struct eg_plan {
  const eg_study *study;
  int form;                /* EG_FORM_LANE or EG_FORM_TEAM */
  int dim, padded_dim;
  eg_data_set data;        /* standardised; n_rows 0 without data */
  uint64_t data_hash;
  double *rows;            /* staged layout, shared by all runs */
  size_t n_row_values;
  eg_user_model *user_model;
  char shape[64];           /* "2x3x2": layers that are not the model's own; empty: none */
  const eg_unit *shaped;    /* its tables */
  eg_feature *features;    /* (n_all_features): behind those of observe.features what only entries with times of their own need */
  size_t n_features, n_all_features;
  eg_feature_code *codes;  /* (n_all_columns) */
  size_t n_columns, n_all_columns;
  eg_plan_schedule *schedules; /* the first one is observe.at */
  size_t n_schedules;
  size_t *histogram_schedules, *path_schedules, kept_schedule; /* of the study's histograms, statistics of paths, kept paths */
  size_t n_points;
  eg_run *runs;
  size_t n_runs;
  eg_group *groups;
  size_t n_groups;
  eg_difference *differences;
  size_t n_differences;
  size_t n_records;        /* of observe.at: the largest of the runs */
  bool has_common_times;   /* one time axis for all runs */
  bool with_covariance;
  eg_plan_histogram *histograms;
  size_t n_histograms;
  eg_histogram *grids;     /* of all runs; origin and scale of automatic ones are the run's own (run/histograms.h) */
  size_t n_grids;
  eg_histogram_pair *pairs; /* (study.observe.n_joints) */
  double *edges;           /* those of automatic grids are NaN */
  size_t n_edges;
  eg_feature *kept;        /* features of the kept paths; `first` counts the kept columns */
  size_t n_kept_features, n_kept_columns;
  uint32_t *kept_columns;  /* (n_kept_columns) */
  eg_expectation *expectations;
  size_t n_expectations;
  eg_plan_multilevel multilevel;
  size_t splitting_column;   /* the score of `splitting` */
  eg_until *until;
  size_t n_until;
  size_t *until_set;       /* (n_runs) with `until`: runs with the same number make their realisations, and end, together */
  uint32_t *tracked_columns; /* (n_tracked) that path statistics are made of */
  size_t n_tracked;
  uint32_t *fed_columns;     /* (n_fed) that streamed statistics are fed with .. */
  eg_feature_code *fed;      /* .. and their codes */
  size_t n_fed;
} eg_plan;

/* Plan a study. EG_ERR_STUDY with file, line and what would be right. */
/* Number of classes of a model whose labels are classes, 0 of others: data_rows.c */
int eg_plan_classes(const eg_plan *plan);
/* plan/chain.c: iterations of a chain in one learning rate (SVAG), and the coefficients of its step. */
void eg_plan_chain_iterations(eg_run *run);
EG_NODISCARD eg_status eg_plan_chain(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps);
EG_NODISCARD eg_status eg_plan_adaptive_sde(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps);
/* How rows are drawn, and whether there are enough of them. */
EG_NODISCARD eg_status eg_plan_sampling(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps);
/* plan/gradient_noise.c: the root of a noise that is not the model's, and its exact moments; after the model is staged. */
EG_NODISCARD eg_status eg_plan_stage_noise(eg_context *ctx, const eg_plan *plan, eg_run *run);
/* Noise on the drawn rows, and whether the model takes it. */
EG_NODISCARD eg_status eg_plan_row_noise(eg_context *ctx, const eg_plan *plan, eg_run *run);
/* The time change to log loss, and the feature that shows its physical time: log_time.c */
EG_NODISCARD eg_status eg_plan_log_time(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps);
EG_NODISCARD eg_status eg_plan_check_clock(eg_context *ctx, const eg_plan *plan, eg_mark mark);
/* Alpha-stable increments, and their size in the exact law: levy.c */
EG_NODISCARD eg_status eg_plan_levy(eg_context *ctx, const eg_plan *plan, eg_run *run, const eg_unit *unit);
void eg_plan_stage_levy(const eg_plan *plan, eg_run *run);
/* The coefficients of a step of the Langevin equation, and its moments: langevin.c */
EG_NODISCARD eg_status eg_plan_langevin(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps);
EG_NODISCARD eg_status eg_plan_stage_langevin(eg_context *ctx, const eg_plan *plan, eg_run *run);
/* The map of (x, v) of an affine chain; has_oracle becomes false where the chain is not affine. */
EG_NODISCARD eg_status eg_plan_chain_oracle(eg_context *ctx, eg_run *run);

EG_NODISCARD eg_status eg_plan_create(eg_context *ctx, const eg_study *study, eg_plan **plan);
void eg_plan_free(eg_plan *plan);

/* Nodes of the summation tree when all tiles of a job are done. */
uint64_t eg_plan_final_nodes(const eg_job *job);
/* Is a column of a record a mean over nothing yet: a window that has not begun? */
bool eg_plan_is_empty(const eg_plan *plan, const eg_run *run, size_t record, size_t column);
/* Bytes of all accumulators in the complete result; the statistic that takes most of them, and how much. */
double eg_plan_accumulator_bytes(const eg_plan *plan);
const char *eg_plan_largest_statistic(const eg_plan *plan, double *bytes);
double eg_plan_accumulator_limit(void);
/* EG_ERR_STUDY beyond the limit, with the numbers of times and features that would fit. */
EG_NODISCARD eg_status eg_plan_check_size(eg_context *ctx, const eg_plan *plan);
/* The sizes of a job that observes at only n of the times of observe.at; those of schedules of their own stay. */
eg_job eg_plan_with_times(const eg_job *job, size_t n_times);
/* The largest n <= most with need(of, n) <= room, 0 if there is none; need grows with n. */
size_t eg_plan_most(double (*need)(const void *of, size_t n), const void *of, size_t most, double room);

/* Feature by name, NULL if the study does not observe it at observe.at; any: or at any time. */
const eg_feature *eg_plan_feature(const eg_plan *plan, const char *name);
const eg_feature *eg_plan_any_feature(const eg_plan *plan, const char *name);

/* Does anything in the result have that dimension? Statistics of paths have lags. */
bool eg_plan_has_dim(const eg_plan *plan, size_t schedule);
bool eg_plan_are_same_times(const eg_run_schedule *a, const eg_run_schedule *b);
/* The dimension of a schedule in the result: "time", or "record" where the runs' times differ. */
const char *eg_plan_time_dim(const eg_plan_schedule *schedule);
/* Where the counts of one (time, point) of a schedule begin among those of a run. */
size_t eg_plan_counts_at(const eg_plan *plan, const eg_run *run, size_t schedule, size_t t, size_t point);

/* ---- groups.c. What is summed: every run, and behind the runs the differences ---- */
size_t eg_plan_n_sums(const eg_plan *plan);
/* Run `sum`, or the first run of that difference: shapes and numbers of realisations are those. */
const eg_run *eg_plan_sum_run(const eg_plan *plan, size_t sum);
/* Does the run lead its tiles: alone, or first in its group? */
bool eg_plan_is_leader(const eg_plan *plan, size_t run);
/* The sum that holds run `a` minus run `b` times *sign; EG_NO_RUN if no group has it. */
size_t eg_plan_find_difference(const eg_plan *plan, size_t a, size_t b, double *sign);

/* The observation behind which an escape rate is counted (monitors.c): (size_t)-1 from the start on. */
EG_NODISCARD eg_status eg_plan_escape_first(eg_context *ctx, const eg_plan *plan, const eg_run *run,
                                            const eg_study_escape *study, size_t *first);

/* The first of the observations `at` in the window of a stationary analysis (monitors.c). */
EG_NODISCARD eg_status eg_plan_stationary_first(eg_context *ctx, const eg_plan *plan, const eg_run *run,
                                                const eg_run_schedule *at, const eg_study_stationary *study, size_t *first);

/* ---- what weak-error analyses compare with: reference.c ---- */
#define EG_NO_RUN ((size_t)-1)

/* Equal on all sweep axes but `own`; may_lack: an axis that only one of them has is no difference. */
bool eg_plan_same_other_axes(const eg_plan *plan, eg_sweep_target own, const eg_run *a, const eg_run *b, bool may_lack);
/* The step in whose powers the error is expanded: the learning rate, 1/l or 1/substeps. */
double eg_plan_weak_step(const eg_run *run, eg_sweep_target over);
/* The learning rate of an equation's coefficients and integrator steps: with `momentum` that of the limit of SVAG with momentum,
   learning_rate / (1 - momentum), whose clock runs so many times faster than that of the chain (theory: svag-and-sde-validity, 4.4). */
double eg_plan_effective_rate(const eg_run *run);
/* The run of `label` at the same learning rate and the same other axes as far as both have them; EG_NO_RUN if none. */
size_t eg_plan_find_run(const eg_plan *plan, const char *label, const eg_run *like);
/* The SGD that a run models: same learning rate, axes and, for a modified equation, batch size; EG_NO_RUN if none. */
size_t eg_plan_reference_sgd(const eg_plan *plan, const eg_run *like);
/* w of the Richardson extrapolation (1 + w) E f(fine) - w E f(coarse) of a scheme of that weak order. */
double eg_plan_richardson_weight(const eg_run *coarse, const eg_run *fine, double order);

/* Refuse weak-error analyses that would compare what cannot be compared. */
EG_NODISCARD eg_status eg_plan_check_weak_error(eg_context *ctx, const eg_plan *plan);

/* ---- internal steps, one file each ---- */
EG_NODISCARD eg_status eg_plan_features(eg_context *ctx, eg_plan *plan);             /* features.c */
EG_NODISCARD eg_status eg_plan_histograms(eg_context *ctx, eg_plan *plan);           /* histograms.c */
void eg_plan_histogram_job(const eg_plan *plan, eg_run *run);
EG_NODISCARD eg_status eg_plan_tracks(eg_context *ctx, eg_plan *plan);               /* paths.c: the tracked columns */
EG_NODISCARD eg_status eg_plan_paths(eg_context *ctx, const eg_plan *plan, eg_run *run); /* paths.c, last of a run */
void eg_plan_free_paths(eg_run *run, size_t n_paths);
EG_NODISCARD eg_status eg_plan_check_kept(eg_context *ctx, const eg_plan *plan);      /* once runs and times are known */
EG_NODISCARD eg_status eg_plan_runs(eg_context *ctx, eg_plan *plan);                 /* sweep.c */
EG_NODISCARD eg_status eg_plan_times(eg_context *ctx, eg_plan *plan, eg_run *run);   /* times.c */
EG_NODISCARD eg_status eg_plan_schedules(eg_context *ctx, eg_plan *plan);            /* schedules.c, after the features */
/* What a job must know of several schedules; after finish_job, and before the run's paths. */
EG_NODISCARD eg_status eg_plan_job_schedules(eg_context *ctx, const eg_plan *plan, eg_run *run);
void eg_plan_free_schedules(const eg_plan *plan, eg_run *run);
/* Number of steps in t, or an error that names both and the nearest admissible values. */
EG_NODISCARD eg_status eg_plan_whole_steps(eg_context *ctx, const eg_plan *plan, const eg_run *run, eg_mark mark,
                                           const char *what, double t, uint64_t *steps);
EG_NODISCARD eg_status eg_plan_watch(eg_context *ctx, const eg_plan *plan, eg_run *run); /* watch.c, after finish_job */
/* One step of the job's stepper from states with one bad component (NaN, +-infinity) of the first `dim`: do all stay bad? */
EG_NODISCARD eg_status eg_plan_try_bad_states(eg_context *ctx, const eg_job *job, const struct eg_unit *unit, int dim,
                                              bool *stay_bad);
EG_NODISCARD eg_status eg_plan_monitor_features(eg_context *ctx, eg_plan *plan);     /* monitors.c */
int32_t eg_plan_monitor_component(const eg_feature *feature); /* of the code of a feature of a monitor */
EG_NODISCARD eg_status eg_plan_monitors(eg_context *ctx, const eg_plan *plan, eg_run *run);
/* What a run cannot have where crossings stop its trajectories; its oracles are taken from it, once all is staged. */
EG_NODISCARD eg_status eg_plan_absorb(eg_context *ctx, const eg_plan *plan, eg_run *run);
EG_NODISCARD eg_status eg_plan_stepper(eg_context *ctx, eg_plan *plan, eg_run *run); /* stepper.c */
EG_NODISCARD eg_status eg_plan_stage(eg_context *ctx, eg_plan *plan, eg_run *run);   /* stage.c */
EG_NODISCARD eg_status eg_plan_rows(eg_context *ctx, eg_plan *plan);                 /* data_rows.c */
EG_NODISCARD eg_status eg_plan_groups(eg_context *ctx, eg_plan *plan);               /* groups.c, after all of a run */
void eg_plan_free_groups(eg_plan *plan);
EG_NODISCARD eg_status eg_plan_expect(eg_context *ctx, eg_plan *plan);               /* expect.c, once runs and times are known */
EG_NODISCARD eg_status eg_plan_until(eg_context *ctx, eg_plan *plan);                /* until.c, the same */
/* expect.c: the column of a feature, component or monitor; the record of a time (NaN: the last). `key` is for messages. */
EG_NODISCARD eg_status eg_plan_find_column(eg_context *ctx, const eg_plan *plan, eg_mark mark, const char *key,
                                           const char *name, size_t *column);
EG_NODISCARD eg_status eg_plan_find_record(eg_context *ctx, const eg_plan *plan, const eg_run *run, eg_mark mark,
                                           const char *key, double time, size_t *record);
EG_NODISCARD eg_status eg_plan_multilevel_make(eg_context *ctx, eg_plan *plan);      /* until.c, once groups are known */
/* May every run be split: a homogeneous chain of x alone? splittable.c, once features are known */
EG_NODISCARD eg_status eg_plan_splitting(eg_context *ctx, eg_plan *plan);
/* Realisations that the tile rule goes by: with `until` those of the first look. */
uint64_t eg_plan_tile_realisations(const eg_plan *plan, uint64_t n_realisations);
/* The smallest number of tiles at which a run is looked at that is not below `n`: 64 x 2^k (multilevel: 16 x 2^k), or all. */
uint64_t eg_plan_next_look(const eg_plan *plan, const eg_job *job, uint64_t n);
/* Processes drawn from their exact law: checks, coefficients, mean squared displacement. process.c, after stage.c */
EG_NODISCARD eg_status eg_plan_process(eg_context *ctx, const eg_plan *plan, eg_run *run);
EG_NODISCARD eg_status eg_plan_population(eg_context *ctx, eg_plan *plan, eg_run *run); /* population.c */

/* ---- the population form: population.c ---- */

/* Realisations per tile: the largest power of two, at least 1, with tile x particles x dim <= 65536 and, as for the lane form,
   64 tiles where there are that many realisations. A rule of the study alone. */
uint32_t eg_plan_population_tile(uint32_t n_particles, int dim, uint64_t n_realisations);
/* Numbers in the state of one realisation. */
size_t eg_plan_population_values(uint32_t n_particles, int padded_dim);

/* The value (or, of a vector, the first of them) of a parameter in a staged run; NULL if the model has none of that name. */
const double *eg_plan_param(const eg_plan *plan, const eg_run *run, const char *name);
EG_NODISCARD eg_status eg_plan_form(eg_context *ctx, eg_plan *plan);                 /* form.c */
EG_NODISCARD eg_status eg_plan_lay_out_rows(eg_context *ctx, eg_plan *plan);         /* form.c */
const char *eg_plan_form_name(const eg_plan *plan);                                  /* "lane", "team" or "population" */
uint32_t eg_plan_tile(const eg_plan *plan, uint64_t n_realisations);                 /* form.c */
EG_NODISCARD eg_status eg_plan_check_team(eg_context *ctx, const eg_plan *plan, const eg_run *run); /* form.c; tile known */
double eg_plan_step_work(const eg_plan *plan, const eg_run *run);                    /* form.c */
EG_NODISCARD eg_status eg_plan_stage_regression(eg_context *ctx, const eg_plan *plan, eg_run *run); /* stage_regression.c */

/* The unit whose tables describe the model (any ISA). */
const eg_unit *eg_plan_unit(const eg_plan *plan);
/* Layers (shape.c): the dimension of those that the study gives, and the unit that is compiled for them. */
EG_NODISCARD eg_status eg_plan_shape(eg_context *ctx, eg_plan *plan, const eg_model_info *info, int *dim);
EG_NODISCARD eg_status eg_plan_shaped_unit(eg_context *ctx, eg_plan *plan);

#endif
