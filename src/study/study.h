/*
 * A checked study: what the YAML file says, with defaults filled in, before the sweep is expanded.
 * Everything that can be judged without opening the data file or compiling a model has been judged.
 */
#ifndef EG_STUDY_STUDY_H
#define EG_STUDY_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"
#include "ensgrad/study.h"
#include "study/dynamics_list.h"

typedef struct eg_mark {
  int line, column; /* 1-based; 0 when the value is a default or came from --set */
} eg_mark;

typedef struct eg_number_list {
  double *values;
  size_t n;
  eg_mark mark;
} eg_number_list;

typedef struct eg_study_param { /* one model parameter as written: a scalar (n = 1) or a list */
  char *name;
  eg_number_list value;
} eg_study_param;

typedef struct eg_study_model {
  char *name;           /* built-in model, or NULL with `file` */
  char *file;           /* a user's model header, resolved against the study's folder, or NULL */
  bool has_known_hash;  /* of a study that a result holds: what `file` and the data must hash to, or nothing of it is loaded */
  uint64_t known_hash;
  eg_mark mark;
  eg_study_param *params; /* only those written in the study */
  size_t n_params;
  int dimension;        /* key `dimension` (0: from the shape, the data, a vector parameter or the start) */
  eg_number_list shape; /* widths of layers; n 0: the model's own */
  char *data;           /* path of the HDF5 file, resolved against the study's folder, or NULL */
  double *rows;         /* (n_rows, width) as written instead of a file: the inputs and, last, the target; or NULL */
  size_t n_rows, width;
  eg_mark data_mark;    /* of data or rows */
  char *inputs, *target; /* dataset names, default "X" and "y" */
  eg_number_list columns; /* of the inputs, distinct; n 0: all */
  bool standardize;     /* default true */
  double ridge;         /* default 0, >= 0 */
} eg_study_model;

typedef enum eg_start_kind { EG_START_POINTS, EG_START_NORMAL } eg_start_kind;

typedef struct eg_study_start {
  eg_start_kind kind;
  size_t n_points;      /* m */
  size_t width;         /* values per point: 1 (all components equal) or the dimension */
  double *points;       /* (n_points, width) */
  double mean, std;     /* EG_START_NORMAL: independent components */
  eg_mark mark;
} eg_study_start;

/* The enumerators of dynamics_list.h, each with its prefix. */
#define EG_ENUMERATOR(name, ...)          EG_##name,
#define EG_ENUMERATOR_FACTOR(name, ...)   EG_FACTOR_##name,
#define EG_ENUMERATOR_SAMPLING(name, ...) EG_SAMPLING_##name,
#define EG_ONE_MORE(...)                  +1
typedef enum eg_dynamics_id { EG_DYNAMICS_LIST(EG_ENUMERATOR) } eg_dynamics_id;
typedef enum eg_sampling { EG_SAMPLING_LIST(EG_ENUMERATOR_SAMPLING) } eg_sampling;
typedef enum eg_factor { EG_FACTOR_DEFAULT, EG_FACTOR_LIST(EG_ENUMERATOR_FACTOR) } eg_factor;
typedef enum eg_scheme { EG_SCHEME_DEFAULT, EG_SCHEME_LIST(EG_ENUMERATOR) } eg_scheme;
enum { EG_N_DYNAMICS = 0 EG_DYNAMICS_LIST(EG_ONE_MORE) };

/* Law of the noise of the gradient. */
typedef enum eg_gradient_noise {
  EG_GRADIENT_DEFAULT, EG_GRADIENT_MINIBATCH, EG_GRADIENT_EXACT, EG_GRADIENT_DECOUPLED, EG_GRADIENT_CONSTANT
} eg_gradient_noise;
typedef struct eg_study_gradient_noise {
  eg_gradient_noise law;
  double *matrix;       /* covariance of one sample (constant) or Hessian (decoupled) as written; NULL: not given */
  size_t n_matrix;      /* values: 1: times the identity, else of a diagonal .. */
  bool is_full;         /* .. or of a square matrix by rows */
  eg_number_list at;    /* constant: the exact covariance at this point; n 0: not given */
  double loss_offset;   /* decoupled: added to the loss */
  eg_mark mark;
} eg_study_gradient_noise;

/* Learning rate of a chain as a function of its step; lengths in steps (kernels/core/schedule.h). */
typedef enum eg_schedule_kind {
  EG_RATE_CONSTANT, EG_RATE_STEP, EG_RATE_POLYNOMIAL, EG_RATE_COSINE, EG_RATE_CYCLIC
} eg_schedule_kind;
typedef struct eg_study_schedule {
  eg_schedule_kind kind;
  double period, gamma, last, power, warm_up;
} eg_study_schedule;

/* What chains have beyond batch and sampling (kernels/steppers/chain.h). NaN: swept. */
typedef struct eg_study_chain {
  double l;               /* SVAG; of adaptive and sign chains their noise amplification: >= 1, whole */
  double momentum, dampening, weight_decay, clip, beta1, beta2, epsilon, start_square; /* clip: infinity for none */
  bool nesterov, decoupled, bias_correction;
  bool keeps_friction_time; /* svag: momentum_limit: underdamped */
  bool has_zero_velocity; /* langevin: start_velocity: zero */
  bool divides_before;    /* preconditioner: before: divide by the average that this gradient is not in yet */
  bool is_general;        /* something here was written: the general stepper is needed */
  eg_study_schedule schedule;
  eg_study_schedule batch_schedule; /* factor of the batch size */
  double input_noise, label_noise;  /* standard deviations of what is added to every drawn row */
  double tail_index;                /* levy */
} eg_study_chain;

typedef struct eg_study_dynamics {
  eg_dynamics_id id;
  char *label;          /* name in the result; default the dynamics name, "#2" appended to repeats */
  double batch_size;    /* all but gradient-flow and sde: >= 1, whole */
  eg_sampling sampling; /* chains */
  eg_factor factor;     /* sme1, sme2, smf1, smf2, noisy-gd; default chosen by the plan (finite data: pair) */
  eg_scheme scheme;     /* sme1, sme2, smf1, smf2, sde; default chosen by the plan (sme: strang, sde: euler-maruyama) */
  double substeps;      /* SDEs: >= 1, whole; h = learning_rate / substeps */
  eg_study_chain chain; /* chains */
  eg_study_gradient_noise gradient_noise; /* all that have a batch */
  bool is_antithetic;   /* made by a group: the twin whose increments have the other sign */
  double nodes;         /* factor nodes: fresh samples of one increment: >= 2, whole */
  eg_mark mark;
} eg_study_dynamics;

/* What a sweep axis sets. EG_SWEEP_PARAM names a model parameter. */
typedef enum eg_sweep_target {
  EG_SWEEP_LEARNING_RATE, /* also time_step */
  EG_SWEEP_BATCH_SIZE,
  EG_SWEEP_SUBSTEPS,
  EG_SWEEP_HORIZON,
  EG_SWEEP_RIDGE,
  EG_SWEEP_START_POINT,   /* all components of the single start point */
  EG_SWEEP_START_MEAN,
  EG_SWEEP_START_STD,
  EG_SWEEP_L,
  EG_SWEEP_MOMENTUM,
  EG_SWEEP_WEIGHT_DECAY,
  EG_SWEEP_TAIL_INDEX,
  EG_SWEEP_PARAM
} eg_sweep_target;

typedef struct eg_sweep_axis {
  char *key;            /* as written, e.g. "learning_rate", "model.curvature"; the coordinate's name uses '_' for '.' */
  eg_sweep_target target;
  char *param;          /* EG_SWEEP_PARAM: the model parameter */
  eg_number_list values;
} eg_sweep_axis;

typedef enum eg_noise_kind {
  EG_NOISE_GAUSSIAN, EG_NOISE_GAUSSIAN_FAST, EG_NOISE_GAUSSIAN64, EG_NOISE_TABLE5, EG_NOISE_TABLE8, EG_NOISE_TABLE10,
  EG_NOISE_TWO_POINT, EG_NOISE_THREE_POINT
} eg_noise_kind;

typedef enum eg_study_form { EG_STUDY_FORM_AUTO, EG_STUDY_FORM_LANE, EG_STUDY_FORM_TEAM } eg_study_form;

typedef enum eg_observe_kind {
  EG_AT_LINEAR,     /* at: {linear: n}: times horizon k / n, k = 1..n */
  EG_AT_TIMES,      /* at: [t, ..] */
  EG_AT_STEPS,      /* at: {steps: [k, ..]} */
  EG_AT_STEPS_LOG,  /* at: {steps: {log: n}}: n distinct log-spaced steps from 1 to the last */
  EG_AT_STEPS_LINEAR /* at: {steps: {linear: n}} */
} eg_observe_kind;

enum { EG_STAT_MOMENTS = 1, EG_STAT_COVARIANCE = 2, EG_STAT_MSD = 4 };

/* When something is observed. */
typedef struct eg_study_at {
  bool is_given;        /* of an entry: else it is observe.at */
  eg_observe_kind kind;
  size_t n;             /* linear, log */
  eg_number_list list;  /* EG_AT_TIMES, EG_AT_STEPS; sorted, distinct */
  eg_mark mark;
} eg_study_at;

/* Counts of a feature in bins. */
typedef struct eg_study_histogram {
  char *feature;        /* of observe.features */
  int component;        /* of x; -1: every component has its own */
  double bins;          /* whole, 1 .. EG_MAX_BINS */
  double low, high;     /* NaN: the grid comes from tile 0 of each run */
  bool is_log;
  eg_study_at at;
  eg_mark mark;
} eg_study_histogram;
/* Two of them counted together. */
typedef struct eg_study_joint {
  char *of[2]; /* names: of the entry, or a component of x */
  eg_mark mark;
} eg_study_joint;
typedef struct eg_study_monitor {
  char *name;
  int feature, component; /* EG_FEATURE_* of core/launch.h */
  int operation;          /* EG_MONITOR_* */
  double from, to;        /* window of sum and mean, from < t <= to; to NaN: the end */
  double level;           /* crossing */
  int direction;          /* EG_DIRECTION_* */
  char *exit;             /* of a crossing: competes with those of the same name; NULL: with none */
  double noise;           /* of a crossing of a continuous path: sqrt(d<f^2> / dt) at the level; 0: looked at in steps */
  bool is_absorbing;      /* a crossing that stops the trajectory */
  eg_mark mark;
} eg_study_monitor;

/* A statistic of whole paths (kernels/stats/paths.h). */
typedef enum eg_path_kind {
  EG_PATH_MSD, EG_PATH_MOMENTS, EG_PATH_VELOCITY, EG_PATH_TAMSD, EG_PATH_TWO_TIME,
  EG_PATH_M_POINT, EG_PATH_PRODUCT, EG_PATH_DISTANCE, EG_PATH_CHARACTERISTIC, EG_PATH_TAIL,
  EG_PATH_TIME_AVERAGE, EG_PATH_CORRELATOR, EG_PATH_CORRELATOR_MSD /* streamed: kernels/stats/streams.h */
} eg_path_kind;
typedef struct eg_study_column { /* a scalar feature, or a component of x */
  char *feature;
  int component;
} eg_study_column;
typedef enum eg_combine { EG_COMBINE_PRODUCT, EG_COMBINE_RATIO, EG_COMBINE_COVARIANCE } eg_combine; /* eg_combine_words */
typedef struct eg_study_path {
  eg_path_kind kind;
  char *name;
  double origin;          /* step of an observation; NaN: the start, of velocity all windows, of product the same time */
  eg_number_list powers;  /* of moments and distance; n 0: the default */
  eg_number_list lags;    /* of tamsd and velocity, in steps; n 0: chosen from the observations */
  double largest;         /* of tail: how many values, whole */
  int side;               /* of tail: word of eg_side_words */
  eg_number_list arguments; /* of characteristic: u */
  eg_study_column of, with; /* what two-time, m-point, product (both), characteristic, tail, time-average (both) and correlator look at */
  bool has_with;          /* of time-average: it is of both */
  eg_combine combine;     /* .. of their product (or of one feature), the ratio of their means, their covariance over the window */
  double every, from, to; /* streamed: steps between samples; window, in time; to NaN: the last observation */
  bool has_histogram;     /* of msd, moments, time-averaged-msd, correlator-msd: values are counted in bins */
  double per_level;       /* of correlators: values of a level; NaN: chosen */
  eg_study_at at;
  eg_mark mark;
} eg_study_path;

typedef struct eg_study_observe {
  eg_study_at at;
  char **features;      /* "x", "norm2", "loss", "gradient_norm2", "displacement2"; distinct */
  eg_mark *feature_marks;
  size_t n_features;
  size_t n_all_features; /* behind those: what only entries with times of their own are made of */
  unsigned statistics;  /* EG_STAT_*; moments always set */
  eg_study_histogram *histograms;
  size_t n_histograms;
  eg_study_joint *joints;
  size_t n_joints;
  double kept;          /* realisations of each run whose paths are kept; 0: none */
  eg_study_at kept_at;
  eg_mark kept_mark;
  char **kept_features; /* subset of features; empty: all */
  size_t n_kept_features;
  eg_study_monitor *monitors;
  size_t n_monitors;    /* <= EG_MOST_MONITORS */
  eg_study_path *paths;
  size_t n_paths;       /* <= EG_MOST_PATH_STATISTICS */
} eg_study_observe;

typedef struct eg_study_weak_error {
  char *reference;      /* "exact" or the label of a dynamics */
  eg_mark reference_mark;
  char *coarse;         /* label of the reference's law with longer steps, for Richardson extrapolation; NULL: the reference as it is */
  double order;         /* weak order of the scheme of both */
  eg_mark coarse_mark;
  eg_sweep_target over; /* EG_SWEEP_LEARNING_RATE, EG_SWEEP_L or EG_SWEEP_SUBSTEPS */
  char **features;      /* subset of observe.features; empty: all */
  size_t n_features;
  eg_mark mark;
} eg_study_weak_error;

typedef struct eg_study_diffusion {
  size_t path;          /* of observe.paths: msd or time-averaged-msd */
  double from, to;      /* lags in time that may be fitted; 0 and infinity: all */
  eg_mark mark;
} eg_study_diffusion;

typedef struct eg_study_escape {
  size_t monitor;       /* of observe.monitors, a crossing; or the first one .. */
  bool is_exit;         /* .. of an exit, which is what is analysed */
  double from;          /* the window of the rate begins behind this observation; 0: at the start */
  double minimum_curvature, saddle_curvature, barrier, diffusion, loss_ratio, temperature; /* of predictions; NaN: none */
  eg_mark mark;
} eg_study_escape;

typedef struct eg_study_quantiles {
  size_t histogram;             /* of observe.histograms, or .. */
  bool is_of_path;              /* .. of observe.paths */
  eg_number_list probabilities; /* increasing, in (0, 1) */
  eg_mark mark;
} eg_study_quantiles;

typedef struct eg_study_stationary {
  double from;          /* the window begins with the first observation not before it; NaN: the last one alone */
  bool has_tail;
  size_t tail;          /* of observe.histograms, on a log scale, of one column */
  double tail_from;     /* where the tail begins; NaN: chosen */
  eg_mark mark;
} eg_study_stationary;

typedef struct eg_study_scaling {
  double from;          /* the window begins with the first observation not before it; NaN: the last one alone */
  double closeness;     /* C: R, G and N agree within factors 1/C to C */
  char *against;        /* label of a dynamics that stands for the SDE, or NULL */
  eg_mark mark;
} eg_study_scaling;

typedef struct eg_study_flow {
  size_t path;          /* of observe.paths: a distance with power 0, which stands first */
  double from;          /* NaN: the start, where it is fixed, or the first observation */
  char *reference;      /* label of a dynamics, or NULL */
  eg_mark mark;
} eg_study_flow;

/* Dynamics whose runs are advanced together on the same noise, so that differences per realisation exist. */
typedef struct eg_study_group {
  char *label;
  size_t *members;      /* indices of study.dynamics, distinct */
  size_t n_members;     /* >= 2; with an axis 1 */
  bool has_axis;        /* across: the members are the values of that axis of one dynamics */
  eg_sweep_target axis; /* EG_SWEEP_LEARNING_RATE or EG_SWEEP_SUBSTEPS */
  bool is_antithetic;   /* of a dynamics and its twin, made when the study is read */
  double extrapolate;   /* weak order of the scheme that Richardson extrapolation takes away; 0: none */
  eg_mark mark;         /* of the label */
} eg_study_group;

/* A value that the result is judged against, in the oracle's place. */
typedef struct eg_study_expectation {
  char *feature;        /* of observe.features, a component x0, x1, .., or a column of a monitor */
  char *label;          /* of the dynamics; NULL: all */
  double point, time;   /* time NaN: the last observation */
  double value;
  eg_mark mark;
} eg_study_expectation;

/* An error that stops a run when it is reached: the number of realisations is then the most there can be. */
typedef struct eg_study_where {
  char *dim, *value;    /* value of that dimension's coordinate, a word or a number; its place where there is none */
} eg_study_where;

typedef struct eg_study_until {
  char *feature;        /* as of an expectation; NULL: `variable` */
  char *variable;       /* of the result file, with an error bar: its value is meant */
  eg_study_where *where; /* (n_where) which of the variable's values, beside `point` and `time` */
  size_t n_where;
  char *label;          /* of the dynamics; NULL: all */
  bool is_variance;     /* of the mean else */
  double stderr_, relative; /* largest standard error, absolute or of the estimate's size; one of them is NaN */
  double point, time;   /* time NaN: the last observation */
  eg_mark mark;
} eg_study_until;

/* Multilevel Monte Carlo over the integrator's step: level l has substeps ratio^l as many as level 0. The levels are dynamics and
   groups of the study, made when it is read: dynamics `of` is level 0, `first` + 2 (l - 1) the fine and `first` + 2 (l - 1) + 1
   the coarse member of level l, whose group is `first_group` + l - 1. */
typedef struct eg_study_multilevel {
  size_t of, first, first_group;
  double levels;            /* besides level 0; 0: the study has none */
  double least_levels;      /* made in any case; more, up to `levels`, by the bias: then the error asked for includes it */
  double ratio;
  char *feature;            /* as of an expectation; its mean */
  double stderr_, relative; /* largest standard error; one of them is NaN */
  double point, time;       /* time NaN: the last observation */
  eg_mark mark;
} eg_study_multilevel;

/* Adaptive multilevel splitting from A, a score of at most `low`, to B, at least `high` (or the other way round, high below low). */
typedef struct eg_study_splitting {
  char *feature;            /* the score; NULL: the study has none */
  double low, high;
  double replicas, kill, repeats; /* kill: share of the replicas in a round */
  double burn_in, count;    /* integrator steps of 64 trajectories: before, and for, counting exits from A */
  eg_mark mark;
} eg_study_splitting;

struct eg_study {
  char *path;           /* as given, for messages */
  char *text;           /* the file byte for byte */
  size_t text_length;
  char **overrides;     /* (n_overrides) as given, "key=value" */
  size_t n_overrides;
  char *canonical;      /* the checked study in one normal form (defaults filled in, numbers at full precision,
                           keys in schema order): equal canonical text = same study. Free of paths, title aside. */
  char *title;
  uint64_t seed;
  eg_study_model model;
  eg_study_start start;
  double horizon;       /* NaN when `steps` is given */
  double steps;         /* whole, NaN when `horizon` is given */
  eg_mark horizon_mark;
  double learning_rate; /* NaN when it is swept; also key time_step */
  eg_mark learning_rate_mark;
  bool uses_time_step;  /* written as time_step: coordinate and messages say so */
  eg_sweep_axis *sweep;
  size_t n_sweep;
  eg_study_dynamics *dynamics;
  size_t n_dynamics;
  eg_study_group *groups;
  size_t n_groups;
  double realisations;  /* whole, 1 .. 2^50 */
  eg_mark realisations_mark;
  eg_noise_kind noise;
  bool noise_common;    /* noise: {kind: .., common: true}, or `noise: common` */
  bool float_state;     /* state: float */
  eg_study_form form;
  eg_mark form_mark;
  double diverged_limit; /* fraction of trajectories that may become non-finite before exit code 4; default 0.01 */
  eg_study_observe observe;
  eg_study_weak_error *weak_error;
  size_t n_weak_error;
  eg_study_diffusion *diffusion;
  size_t n_diffusion;
  eg_study_escape *escape;
  size_t n_escape;
  eg_study_quantiles *quantiles;
  size_t n_quantiles;
  eg_study_stationary *stationary;
  size_t n_stationary;
  eg_study_scaling *scaling;
  size_t n_scaling;
  eg_study_flow *flow;
  size_t n_flow;
  eg_study_expectation *expectations;
  size_t n_expectations;
  eg_study_multilevel multilevel;
  eg_study_splitting splitting;
  eg_study_until *until;
  size_t n_until;
  struct eg_arena_block *memory; /* owns everything above: eg_study_free frees it at once */
};

/* Format "path:line:column: error: text", the quoted line and a caret under the place; to be used by the plan for
   errors that need the data or the model. Returns EG_ERR_STUDY with that message in the context. */
eg_status eg_study_fail_at(eg_context *ctx, const eg_study *study, eg_mark mark, const char *format, ...) EG_PRINTF(4, 5);
/* The same for a warning (text in the context's warnings). */
void eg_study_warn_at(eg_context *ctx, const eg_study *study, eg_mark mark, const char *format, ...) EG_PRINTF(4, 5);

/* The features that a path statistic is made of: i = 0, 1; NULL where there are fewer. */
const char *eg_path_needs(const eg_study_path *path, size_t i);
/* Does it look at one column (or two), not at the vector x or its displacement? */
bool eg_path_has_column(eg_path_kind kind);
/* Is it fed between observations (kernels/stats/streams.h)? */
bool eg_path_is_streamed(eg_path_kind kind);

/* Times or steps as a list, not a number of them. */
bool eg_at_is_list(const eg_study_at *at);
/* Do both say the same? */
bool eg_at_is_same(const eg_study_at *a, const eg_study_at *b);

/* Is it a discrete chain (sgd, svag, noisy-gd, adam, ..), not a flow or an SDE? */
bool eg_is_chain(eg_dynamics_id id);
/* Is it the SDE of an adaptive or sign chain? */
bool eg_is_adaptive_sde(eg_dynamics_id id);
const char *eg_dynamics_name(eg_dynamics_id id);
const char *eg_scheme_name(eg_scheme scheme);
const char *eg_factor_name(eg_factor factor);
const char *eg_noise_name(eg_noise_kind kind);

/* Edit distance search: the nearest of n names (NULL if none is near enough to be a misspelling). */
const char *eg_nearest_name(const char *word, const char *const *names, size_t n);

#endif
