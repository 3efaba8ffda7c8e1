/* What a unit compiled for the CPU tells the host. A user's model exports the same table from a shared object. */
#ifndef EG_CORE_UNIT_TABLE_H
#define EG_CORE_UNIT_TABLE_H

#include "core/fill.h"
#include "core/launch.h"

#define EG_UNIT_ABI 7

/* Buffers of one thread, page aligned; sizes by eg_unit.block_bytes and the constants below. */
#define EG_NOISE_BYTES 131072 /* two Philox blocks of two-point noise as doubles; mostly an eighth of it is used */
#define EG_ROWS_BYTES  65536
enum { EG_INDEX_BLOCKS = 16 };

/* The records of a launch in lane form are used up by one block of trajectories after the other. */
typedef struct eg_block_sink {
  void (*take)(void *context, uint32_t slot); /* the block from `slot` on has made all records of the launch */
  void *context;
} eg_block_sink;

typedef struct eg_thread {
  const eg_fill_table *fill;
  void *noise;     /* EG_NOISE_BYTES */
  void *rows;      /* EG_ROWS_BYTES */
  int32_t *index;  /* EG_INDEX_BLOCKS * 4 * EG_LANES */
  void *block;     /* block_bytes(..): state of one block, its backup, start points, accumulators, monitors; of the population
                      form terms and sums of the blocks */
  eg_permutation *permutation; /* of chains that draw without replacement, else NULL */
  eg_fractional *fractional; /* of runs whose increments are fractional noise, else NULL; `noise` holds whole paths then */
  const volatile int *stop; /* team form, whose steps may be long: looked at every step, the results are void then; or NULL */
  const eg_listed *listed; /* realisations of the block in hand where they were gathered (core/gather_cpu.h), else NULL */
  const eg_block_sink *sink; /* lane form: launch.records has room for those of one block, in rows of EG_LANES; NULL: of the tile */
} eg_thread;

typedef void (*eg_advance_fn)(const void *params, const eg_launch *launch, eg_thread *thread);

typedef struct eg_unit_stepper {
  const char *name;
  int32_t normals, rows; /* increments and rows a step; -1: fold_count of them; n, -1: fold_count samples of n each */
  int32_t extra;         /* values of a trajectory besides x: velocity, second moments, ..; in team form vectors */
  eg_advance_fn advance;
} eg_unit_stepper;

typedef struct eg_unit_param {
  const char *name;
  double value, low, high;
  int32_t is_vector;
  const char *doc;
} eg_unit_param;

enum { EG_FORM_LANE = 0, EG_FORM_TEAM = 1 }; /* core/form.h */

typedef struct eg_unit {
  uint32_t abi;
  int32_t form;
  const char *model, *equation, *isa;
  int32_t dim; /* padded; in team form the largest that is served */
  int32_t caps, is_process, n_channels;
  int32_t n_staged; /* in team form 0: it depends on the dimension */
  int32_t real_bytes, noise_bytes;
  const eg_unit_param *params;
  int32_t n_params, n_param_doubles;
  const eg_unit_stepper *steppers;
  int32_t n_steppers;
  /* fill `staged` (n_staged doubles) for a step; NULL when the model has data rows or nothing to stage */
  void (*prepare)(const void *params, double h, double correction, double *staged);
  uint64_t (*block_bytes)(const eg_launch *launch); /* of every launch with its shape */
} eg_unit;

#endif
