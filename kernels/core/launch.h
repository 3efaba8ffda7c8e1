/* What the host hands to an advance kernel, by value. The same layout for cc and nvcc: sizes are asserted. */
#ifndef EG_CORE_LAUNCH_H
#define EG_CORE_LAUNCH_H

#include "core/schedule.h"

#define EG_LEAST_LD 8 /* slots of the smallest tile: what the trees of the statistics begin with */
#define EG_LANES 64 /* realisations that the CPU advances together; the width of a block in every buffer */

/* Feature codes: what a record holds. EG_FEATURE_X takes a component. */
enum {
  EG_FEATURE_X = 0,
  EG_FEATURE_NORM2 = 1,
  EG_FEATURE_LOSS = 2,
  EG_FEATURE_GRADIENT_NORM2 = 3,
  EG_FEATURE_DISPLACEMENT2 = 4,
  EG_FEATURE_CLOCK = 5, /* physical time of log-time: what stands behind x */
  EG_FEATURE_VELOCITY = 7, /* of the host alone: its columns are those of EG_FEATURE_X behind x */
  EG_FEATURE_NOISE_TRACE = 6, /* trace of the covariance of one sample's gradient; lane form */
  /* columns of monitor `component`: its value; of a crossing also the stopped time */
  EG_FEATURE_MONITOR = 16,
  EG_FEATURE_MONITOR_TIME = 17,
  /* of crossings that compete: component = monitor + 256 x (bits of all of them); core/monitor.h */
  EG_FEATURE_EXIT = 18,
  EG_FEATURE_EXIT_TIME = 19
};

typedef struct eg_feature_code {
  int32_t id, component;
} eg_feature_code;

/* A monitor: a feature and what becomes of it, looked at after every integrator step (core/monitor.h). */
enum {
  EG_MONITOR_SUM = 0,
  EG_MONITOR_MEAN = 1,
  EG_MONITOR_MINIMUM = 2,
  EG_MONITOR_MAXIMUM = 3,
  EG_MONITOR_CROSSING = 4
};
enum { EG_DIRECTION_UP = 1, EG_DIRECTION_DOWN = 2, EG_DIRECTION_ANY = 3 };

#define EG_MOST_MONITORS 4

typedef struct eg_monitor {
  eg_feature_code feature;
  int32_t operation, direction; /* EG_DIRECTION_* of a crossing */
  double level;                 /* of a crossing */
  uint64_t first, last;         /* window of sum and mean: integrator steps first < step <= last */
} eg_monitor;

enum { EG_START_FIXED = 0, EG_START_RANDOM = 1 };

/* "never": no bad step. */
#define EG_NEVER 0xffffffffffffffffull

/* The rule by which a chain moves (steppers/chain.h), or a Langevin equation (steppers/langevin.h: momentum is its c, new_weight
   h/(eta (1 + beta)), lookahead start_velocity). All zero for other steppers. */
typedef struct eg_chain {
  double rate;            /* unscheduled learning rate of one iteration: learning_rate / l */
  double inverse_batch;   /* 1 / B */
  double weight_first, weight_second; /* of the rows before and from `half` on: 1 and 0, or those of SVAG */
  double momentum, new_weight;        /* momentum, 1 - dampening; adaptive: beta1, 1 - beta1 */
  double lookahead, velocity_weight;  /* 0, 1; Nesterov: 1, momentum */
  double weight_decay, decay;         /* in the gradient; decoupled */
  double clip2;           /* largest squared norm of the estimate, or infinity */
  double beta2, new_square, epsilon;
  double log_beta1, log_beta2;        /* for the bias correction; 0: none */
  double start_square;    /* adaptive: mean squared gradient to begin with */
  uint32_t half;
  uint32_t is_sign, is_before;
  uint32_t substeps;      /* iterations in one learning_rate */
  eg_schedule schedule;
  eg_schedule batch;      /* of the batch size: steps draw at most fold_count samples, of which the first ones count */
  double batch_size;      /* unscheduled */
} eg_chain;

typedef struct eg_launch {
  /* noise */
  uint32_t key[2];
  int32_t kind;               /* EG_KIND_*; on the GPU the kernel is compiled for one */
  uint32_t n_rows;            /* data rows, 0 for models without */
  uint64_t realisation_first; /* of lane 0 of the first tile; a multiple of EG_LANES */
  /* shape of a tile: n_lanes realisations in ld slots, n_points points each */
  uint32_t n_lanes;
  uint32_t ld;                /* power of two, multiple of EG_LANES; in team form >= EG_LEAST_LD */
  uint32_t n_points;
  uint32_t dim;               /* true dimension, <= EG_DIM */
  /* time: integrator steps step_first < .. <= step_last; record r is taken after step record_steps[r] */
  uint64_t step_first, step_last;
  const uint64_t *record_steps;
  uint32_t n_records;
  uint32_t n_features;
  const eg_feature_code *features;
  /* coefficients of the step, made by the host in double */
  double h;                   /* integrator step = learning_rate / substeps */
  double learning_rate;
  double rate_over_batch;     /* learning_rate / batch_size */
  double correction;          /* learning_rate / 2 for sme2, else 0 */
  double noise_scale;         /* what multiplies a unit noise: see each stepper */
  double noise_loss, noise_level; /* noise form root: its covariance is (noise_loss R(x) + noise_level) root root^T */
  uint32_t fold_count;        /* sgd: batch size; data noise: number of rows */
  int32_t start_kind;
  uint32_t n_particles;       /* of the population form (core/population.h); else 0 */
  uint32_t is_restart;        /* 0: begin at the start points; 1: continue from `state` */
  uint32_t noise_ratio;       /* in a group: steps of the finest member in one of this run; above 1 its increments are
                                 sums of the finest member's (eg_coarse_draw in core/noise.h) */
  uint32_t noise_draws;       /* in a group: increments of one step */
  double start_mean, start_std;
  const double *start;        /* EG_START_FIXED: (n_points, EG_DIM) */
  const void *staged;         /* (EG_STAGED) eg_real: what the model prepared on the host */
  const void *rows;           /* eg_real, data: see core/rows.h */
  /* buffers of the tile (GPU: of the first tile; tile t begins at t times the size of one) */
  void *state;                /* eg_real; lane form (n_points, EG_DIM + extra, ld), team form (n_points, ld, EG_DIM (1 + kept vectors)) */
  double *records;            /* (n_records, n_points, n_features, ld), realisation fastest; NaN: masked */
  uint64_t *first_bad;        /* (n_points, ld): first step with a non-finite state, or EG_NEVER */
  eg_chain chain;
  int32_t sampling;           /* EG_SAMPLE_*, of chains on data rows */
  uint32_t tile;              /* GPU: realisations of a tile, <= ld */
  /* increments that are fractional noise (core/fractional.h): Hurst exponent, 0: independent; steps of a whole path */
  double hurst;
  uint64_t path_steps;
  double tail_index;          /* increments that are symmetric alpha-stable (core/stable.h): alpha; 0: of `kind` */
  double input_noise, label_noise; /* standard deviations of what is added to the inputs and the target of a drawn row */
  /* what is looked at after every step; such launches are slower, all others do not know of it */
  uint32_t n_monitors;
  uint8_t is_clocked;         /* 1: a physical time stands behind x, and crossings are timed by it */
  uint8_t is_joint;           /* 1: all points of a realisation move in one step (core/joint_cpu.h) */
  uint8_t is_watched;         /* 1: is the state finite? For models that can make a bad state good again */
  uint8_t absorbing;          /* bits of the crossings that stop a trajectory: core/monitor.h */
  double *monitor_state;      /* (n_points, n_monitors, 2, ld), realisation fastest; of the tile, as state */
  eg_monitor monitors[EG_MOST_MONITORS];
  void *scratch;              /* GPU: working memory of the launch; each driver says what of */
  const uint32_t *record_columns; /* (n_records, 2): the features that are wanted of a record, from .. to - 1; the others'
                                     columns keep what they held, and whether they would be finite is not looked at.
                                     NULL: all */
} eg_launch;

EG_FN uint32_t eg_columns_from(const eg_launch *a, uint32_t record) {
  return a->record_columns == 0 ? 0 : a->record_columns[2 * record];
}
EG_FN uint32_t eg_columns_to(const eg_launch *a, uint32_t record) {
  return a->record_columns == 0 ? a->n_features : a->record_columns[2 * record + 1];
}

/* Noise on drawn rows: row of draw q takes so many increments from q times that on, those of its inputs if they have noise, and
   last that of its target. */
EG_FN int eg_has_row_noise(const eg_launch *a) {
  return a->input_noise > 0.0 || a->label_noise > 0.0;
}
EG_FN uint32_t eg_row_draws(const eg_launch *a) {
  return a->input_noise > 0.0 ? a->dim + 1 : 1;
}

EG_STATIC_ASSERT(sizeof(eg_feature_code) == 8, "layout differs between host and device");
EG_STATIC_ASSERT(sizeof(eg_monitor) == 40, "layout differs between host and device");
EG_STATIC_ASSERT(sizeof(eg_launch) == 720, "layout differs between host and device");

#endif
