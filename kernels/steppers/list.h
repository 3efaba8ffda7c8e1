/*
 * Every stepper of this unit: what the model offers decides.
 *   PLAIN(name, normals, rows)   one call a step with that many increments and data rows
 *   FOLD(name, source, acc)      begin, then one add per element, then end; source: ROWS (fold_count fresh random rows),
 *                                SAMPLES (fold_count samples of EG_SAMPLE increments each) or DATA (all rows in order,
 *                                one increment each); acc: values accumulated
 */
#ifndef EG_STEPPERS_LIST_H
#define EG_STEPPERS_LIST_H

#define EG_CAPS_LOSS       (EG_CAPS & EG_CAP_LOSS)
#define EG_CAPS_DRIFT      (EG_CAPS & EG_CAP_DRIFT)
#define EG_CAPS_DIAGONAL   (EG_CAPS & EG_CAP_DIAGONAL)
#define EG_CAPS_CHANNELS   (EG_CAPS & EG_CAP_CHANNELS)
#define EG_CAPS_ROWS       (EG_CAPS & EG_CAP_ROWS)
#define EG_CAPS_COVARIANCE (EG_CAPS & EG_CAP_COVARIANCE)
#define EG_CAPS_FLOW       (EG_CAPS & EG_CAP_FLOW)
#define EG_CAPS_EXACT      (EG_CAPS & EG_CAP_EXACT)
#define EG_CAPS_FACTOR     (EG_CAPS & EG_CAP_FACTOR)
#define EG_CAPS_SAMPLES    (EG_CAPS & EG_CAP_SAMPLES)
#define EG_CAPS_MARGIN     (EG_CAPS & EG_CAP_MARGIN)
#define EG_CAPS_TIMED      (EG_CAPS & EG_CAP_TIMED)
#define EG_CAPS_NOISE_DRIFT    (EG_CAPS & EG_CAP_NOISE_DRIFT)
#define EG_CAPS_CHANNELS_SLOPE (EG_CAPS & EG_CAP_CHANNELS_SLOPE)
#define EG_CAPS_CHANNEL        (EG_CAPS & EG_CAP_CHANNEL)

/* Schemes beyond euler-maruyama and strang: lane form only, and srk2 only where a step is not too long. */
#if EG_CAPS_DRIFT && !defined(EG_TEAM)
#define EG_SERVES_SCHEMES 1
#define EG_SERVES_SRK2_DIAGONAL (EG_CAPS_DIAGONAL && EG_DIM <= 4)
#define EG_SERVES_SRK2_CHANNELS (EG_CAPS_CHANNEL && EG_CHANNELS <= 6)
#define EG_SERVES_SRK2_CHOLESKY (EG_CAPS_COVARIANCE && EG_DIM <= 4)
#else
#define EG_SERVES_SCHEMES 0
#define EG_SERVES_SRK2_DIAGONAL 0
#define EG_SERVES_SRK2_CHANNELS 0
#define EG_SERVES_SRK2_CHOLESKY 0
#endif

/* Gaussian noise of a law that is not the model's: any loss in lane form. */
#if EG_CAPS_LOSS && EG_CAPS_DRIFT && !defined(EG_TEAM)
#define EG_CAPS_ROOT 1
#else
#define EG_CAPS_ROOT 0
#endif

/* SDEs of adaptive and sign chains on data rows. */
#if defined(EG_TEAM)
#define EG_CAPS_SDE_DATA 0
#elif EG_CAPS_LOSS && EG_CAPS_ROWS
#define EG_CAPS_SDE_DATA 1
#else
#define EG_CAPS_SDE_DATA 0
#endif

/* Noise by the covariance of all points together: data rows. */
#if defined(EG_TEAM) /* where the dimension is no constant */
#define EG_CAPS_JOINT 0
#elif EG_CAPS_ROWS && EG_CAPS_DRIFT
#define EG_CAPS_JOINT 1
#define EG_JOINT(JOINT) JOINT(euler_joint, 0) JOINT(strang_joint, 1)
#else
#define EG_CAPS_JOINT 0
#define EG_JOINT(JOINT)
#endif

/* The time change to log loss. */
#if EG_CAPS_ROOT
#define EG_CAPS_LOG_TIME 1
#define EG_CHAINS_LOG_TIME(PLAIN) PLAIN(log_time_root, EG_DIM, 0, 1)
#else
#define EG_CAPS_LOG_TIME 0
#define EG_CHAINS_LOG_TIME(PLAIN)
#endif

#include "core/uniforms.h"
#include "core/vector.h"
#include "core/loss.h"
#include "steppers/flow.h"
#include "steppers/noise_forms.h"
#include "steppers/modified_equation.h"
#include "steppers/milstein.h"
#include "steppers/heun.h"
#include "steppers/srk2.h"
#include "steppers/sgd.h"
#include "steppers/chain.h"
#include "steppers/langevin.h"
#ifndef EG_TEAM
#include "steppers/log_time.h"
#include "steppers/timed.h"
#include "steppers/adaptive_sde.h"
#endif

#if EG_CAPS_DRIFT
#define EG_LIST_FLOW(PLAIN, FOLD) PLAIN(gradient_flow, 0, 0)
#else
#define EG_LIST_FLOW(PLAIN, FOLD)
#endif

#if EG_CAPS_DRIFT && EG_CAPS_DIAGONAL
#define EG_LIST_DIAGONAL(PLAIN, FOLD) PLAIN(euler_diagonal, EG_DIM, 0) PLAIN(strang_diagonal, EG_DIM, 0)
#else
#define EG_LIST_DIAGONAL(PLAIN, FOLD)
#endif

#if EG_CAPS_DRIFT && EG_CAPS_CHANNELS
#define EG_LIST_CHANNELS(PLAIN, FOLD)                                                                        \
  PLAIN(euler_channels, EG_CHANNELS, 0) PLAIN(strang_channels, EG_CHANNELS, 0)
#else
#define EG_LIST_CHANNELS(PLAIN, FOLD)
#endif

/* The channels are the law of SGD only where the gradient of a sample is Gaussian: not where samples are drawn. */
#if EG_CAPS_LOSS && EG_CAPS_DRIFT && EG_CAPS_CHANNELS && !EG_CAPS_SAMPLES
#define EG_LIST_SGD_CHANNELS(PLAIN, FOLD) PLAIN(sgd_channels, EG_CHANNELS, 0)
#else
#define EG_LIST_SGD_CHANNELS(PLAIN, FOLD)
#endif

#if EG_CAPS_DRIFT && EG_CAPS_SAMPLES
#define EG_PAIR (2 * EG_SAMPLE)
#define EG_LIST_SAMPLES(PLAIN, FOLD)                                                                         \
  FOLD(sgd_samples, SAMPLES, EG_DIM) PLAIN(euler_pair, EG_PAIR, 0) PLAIN(strang_pair, EG_PAIR, 0)
#else
#define EG_LIST_SAMPLES(PLAIN, FOLD)
#endif

#if EG_CAPS_DRIFT && EG_CAPS_FACTOR
#define EG_LIST_FACTOR(PLAIN, FOLD) PLAIN(euler_factor, EG_DIM, 0) PLAIN(strang_factor, EG_DIM, 0)
#else
#define EG_LIST_FACTOR(PLAIN, FOLD)
#endif

#if EG_CAPS_DRIFT && EG_CAPS_ROWS
#define EG_LIST_ROWS(PLAIN, FOLD)                                                                            \
  FOLD(sgd_rows, ROWS, EG_DIM) PLAIN(euler_pair, 0, 2) PLAIN(strang_pair, 0, 2)                              \
  FOLD(euler_data, DATA, EG_DIM + 1) FOLD(strang_data, DATA, EG_DIM + 1)
#else
#define EG_LIST_ROWS(PLAIN, FOLD)
#endif

#if EG_CAPS_DRIFT && EG_CAPS_COVARIANCE
#define EG_LIST_COVARIANCE(PLAIN, FOLD)                                                                      \
  PLAIN(euler_cholesky, EG_DIM, 0) PLAIN(strang_cholesky, EG_DIM, 0)
/* Rare: as much code as all else of a unit, for a factor that no study has by default. */
#define EG_CHAINS_SYMROOT(PLAIN) PLAIN(euler_symroot, EG_DIM, 0, 0) PLAIN(strang_symroot, EG_DIM, 0, 0)
#else
#define EG_LIST_COVARIANCE(PLAIN, FOLD)
#define EG_CHAINS_SYMROOT(PLAIN)
#endif

#if EG_CAPS_EXACT
#define EG_LIST_EXACT(PLAIN, FOLD) PLAIN(exact, EG_DIM, 0)
#else
#define EG_LIST_EXACT(PLAIN, FOLD)
#endif

/* Never compiled ahead for the GPU. Two more sources of a fold: ROW_NODES (fold_count fresh random rows with one increment each) and
   SAMPLE_NODES (samples of EG_SAMPLE + 1 increments, the last one its weight). Those of chains have values of their own behind x, and coefficients that change with the step: a
   fourth column says how many values (EG_KEPT: of those that have the team form too). */
#if EG_CAPS_LOSS && EG_CAPS_ROWS && defined(EG_TEAM)
#define EG_COMMON_CHAINS_ROWS(PLAIN, FOLD) FOLD(momentum_rows, ROWS, EG_DIM, EG_KEPT(1))
#define EG_CHAINS_ROWS(PLAIN, FOLD)                                                                          \
  FOLD(adaptive_rows, ROWS, EG_DIM, EG_KEPT(2))                                                              \
  FOLD(momentum_data, DATA, EG_DIM + 1, EG_KEPT(1)) FOLD(adaptive_data, DATA, EG_DIM + 1, EG_KEPT(2))
#elif EG_CAPS_LOSS && EG_CAPS_ROWS
#define EG_COMMON_CHAINS_ROWS(PLAIN, FOLD) FOLD(momentum_rows, ROWS, EG_DIM, EG_KEPT(1))
#define EG_CHAINS_ROWS(PLAIN, FOLD)                                                                          \
  FOLD(adaptive_rows, ROWS, EG_DIM, EG_KEPT(2))                                                              \
  FOLD(momentum_data, DATA, EG_DIM + 1, EG_KEPT(1)) FOLD(adaptive_data, DATA, EG_DIM + 1, EG_KEPT(2))        \
  FOLD(euler_nodes, ROW_NODES, 2 * EG_DIM + 1, 0) FOLD(strang_nodes, ROW_NODES, 2 * EG_DIM + 1, 0)
#else
#define EG_COMMON_CHAINS_ROWS(PLAIN, FOLD)
#define EG_CHAINS_ROWS(PLAIN, FOLD)
#endif

#if EG_CAPS_LOSS && EG_CAPS_SAMPLES && EG_CAPS_FACTOR
#define EG_COMMON_CHAINS_SAMPLES(PLAIN, FOLD) FOLD(momentum_samples, SAMPLES, EG_DIM, EG_DIM)
#define EG_CHAINS_SAMPLES(PLAIN, FOLD)                                                                       \
  FOLD(adaptive_samples, SAMPLES, EG_DIM, 2 * EG_DIM)                                                        \
  PLAIN(momentum_factor, EG_DIM, 0, EG_DIM) PLAIN(adaptive_factor, EG_DIM, 0, 2 * EG_DIM)                    \
  FOLD(euler_nodes, SAMPLE_NODES, 2 * EG_DIM + 1, 0) FOLD(strang_nodes, SAMPLE_NODES, 2 * EG_DIM + 1, 0)
#elif EG_CAPS_LOSS && EG_CAPS_SAMPLES
#define EG_COMMON_CHAINS_SAMPLES(PLAIN, FOLD)
#define EG_CHAINS_SAMPLES(PLAIN, FOLD)                                                                       \
  FOLD(momentum_samples, SAMPLES, EG_DIM, EG_DIM) FOLD(adaptive_samples, SAMPLES, EG_DIM, 2 * EG_DIM)        \
  FOLD(euler_nodes, SAMPLE_NODES, 2 * EG_DIM + 1, 0) FOLD(strang_nodes, SAMPLE_NODES, 2 * EG_DIM + 1, 0)
#else
#define EG_COMMON_CHAINS_SAMPLES(PLAIN, FOLD)
#define EG_CHAINS_SAMPLES(PLAIN, FOLD)
#endif

#if EG_CAPS_ROOT
#define EG_CHAINS_ROOT(PLAIN, FOLD)                                                                          \
  PLAIN(euler_root, EG_DIM, 0, 0) PLAIN(strang_root, EG_DIM, 0, 0) PLAIN(momentum_root, EG_DIM, 0, EG_DIM)   \
  PLAIN(adaptive_root, EG_DIM, 0, 2 * EG_DIM) PLAIN(rmsprop_sde_root, EG_DIM, 0, 2 * EG_DIM)                 \
  PLAIN(adam_sde_root, EG_DIM, 0, 2 * EG_DIM) PLAIN(signsgd_sde_root, EG_DIM, 0, 0)
#else
#define EG_CHAINS_ROOT(PLAIN, FOLD)
#endif

#if EG_CAPS_LOSS && EG_CAPS_CHANNELS && !EG_CAPS_SAMPLES && !defined(EG_TEAM) /* drawn samples are not affine in the normals */
#define EG_CHAINS_CHANNELS(PLAIN, FOLD)                                                                      \
  PLAIN(momentum_channels, EG_CHANNELS, 0, EG_DIM) PLAIN(adaptive_channels, EG_CHANNELS, 0, 2 * EG_DIM)
#else
#define EG_CHAINS_CHANNELS(PLAIN, FOLD)
#endif

#if EG_CAPS_LOSS && EG_CAPS_DIAGONAL && !defined(EG_TEAM)
#define EG_CHAINS_SDE(PLAIN, FOLD)                                                                           \
  PLAIN(rmsprop_sde, EG_DIM, 0, 2 * EG_DIM) PLAIN(adam_sde, EG_DIM, 0, 2 * EG_DIM) PLAIN(signsgd_sde, EG_DIM, 0, 0)
#elif EG_CAPS_SDE_DATA
#define EG_CHAINS_SDE(PLAIN, FOLD)                                                                           \
  FOLD(rmsprop_sde_data, DATA, 2 * EG_DIM + 1, 2 * EG_DIM) FOLD(adam_sde_data, DATA, 2 * EG_DIM + 1, 2 * EG_DIM) \
  FOLD(signsgd_sde_data, DATA, 2 * EG_DIM + 1, 0)
#else
#define EG_CHAINS_SDE(PLAIN, FOLD)
#endif

#if EG_CAPS_LOSS && EG_CAPS_ROWS
#define EG_CHAINS_LANGEVIN(PLAIN) PLAIN(langevin_pair, 0, 2, EG_KEPT(1))
#elif EG_CAPS_LOSS && EG_CAPS_CHANNELS && !EG_CAPS_SAMPLES && !defined(EG_TEAM)
#define EG_CHAINS_LANGEVIN(PLAIN) PLAIN(langevin_channels, EG_CHANNELS, 0, EG_DIM)
#else
#define EG_CHAINS_LANGEVIN(PLAIN)
#endif
#if EG_CAPS_ROOT
#define EG_CHAINS_LANGEVIN_LAWS(PLAIN) PLAIN(langevin_root, EG_DIM, 0, EG_DIM) PLAIN(langevin_exact, 2 * EG_DIM, 0, EG_DIM)
#else
#define EG_CHAINS_LANGEVIN_LAWS(PLAIN)
#endif

#if EG_SERVES_SRK2_CHOLESKY
#define EG_SCHEMES_CHOLESKY(PLAIN) PLAIN(srk2_cholesky, EG_SRK2_DIAGONAL, 0, 0)
#else
#define EG_SCHEMES_CHOLESKY(PLAIN)
#endif

/* Linked into the program in the common precision; the rare ones are compiled when they are first asked for, as everything in
   other precisions is. The GPU's lane form has all of them, and EG_TIMED, but not EG_JOINT. */
#define EG_COMMON_CHAINS(PLAIN, FOLD)                                                                        \
  EG_COMMON_CHAINS_ROWS(PLAIN, FOLD) EG_COMMON_CHAINS_SAMPLES(PLAIN, FOLD) EG_CHAINS_CHANNELS(PLAIN, FOLD)
#define EG_RARE_CHAINS(PLAIN, FOLD)                                                                          \
  EG_CHAINS_ROWS(PLAIN, FOLD) EG_CHAINS_SAMPLES(PLAIN, FOLD) EG_CHAINS_ROOT(PLAIN, FOLD) EG_CHAINS_SDE(PLAIN, FOLD) \
  EG_CHAINS_LOG_TIME(PLAIN) EG_CHAINS_LANGEVIN(PLAIN) EG_CHAINS_LANGEVIN_LAWS(PLAIN) EG_SCHEMES_CHOLESKY(PLAIN)  \
  EG_CHAINS_SYMROOT(PLAIN)

/* Compiled for the CPU, and for the GPU when they are asked for (NVRTC), not ahead. */
#if EG_SERVES_SCHEMES && EG_CAPS_NOISE_DRIFT && EG_CAPS_DIAGONAL
#define EG_SCHEMES_DIAGONAL(PLAIN) PLAIN(milstein_diagonal, EG_DIM, 0) PLAIN(heun_diagonal, EG_DIM, 0)
#else
#define EG_SCHEMES_DIAGONAL(PLAIN)
#endif

#if EG_SERVES_SCHEMES && EG_CAPS_NOISE_DRIFT && EG_CAPS_CHANNELS
#define EG_SCHEMES_HEUN(PLAIN) PLAIN(heun_channels, EG_CHANNELS, 0)
#else
#define EG_SCHEMES_HEUN(PLAIN)
#endif

#if EG_SERVES_SCHEMES && EG_CAPS_NOISE_DRIFT && EG_CAPS_CHANNELS_SLOPE
#define EG_SCHEMES_MILSTEIN(PLAIN) PLAIN(milstein_channels, EG_CHANNELS, 0)
#else
#define EG_SCHEMES_MILSTEIN(PLAIN)
#endif

#if EG_SERVES_SRK2_DIAGONAL
#define EG_SCHEMES_SRK2_DIAGONAL(PLAIN) PLAIN(srk2_diagonal, EG_SRK2_DIAGONAL, 0)
#else
#define EG_SCHEMES_SRK2_DIAGONAL(PLAIN)
#endif

#if EG_SERVES_SRK2_CHANNELS
#define EG_SCHEMES_SRK2_CHANNELS(PLAIN) PLAIN(srk2_channels, EG_SRK2_CHANNELS, 0)
#else
#define EG_SCHEMES_SRK2_CHANNELS(PLAIN)
#endif

#define EG_SCHEMES(PLAIN)                                                                                    \
  EG_SCHEMES_DIAGONAL(PLAIN)                                                                                 \
  EG_SCHEMES_HEUN(PLAIN)                                                                                     \
  EG_SCHEMES_MILSTEIN(PLAIN)                                                                                 \
  EG_SCHEMES_SRK2_DIAGONAL(PLAIN)                                                                            \
  EG_SCHEMES_SRK2_CHANNELS(PLAIN)

/* Steppers that know the time and may pull draws (core/pull.h): TIMED(name, normals, extra). */
#if EG_CAPS_TIMED && !defined(EG_TEAM)
#define EG_TIMED_EXACT(TIMED) TIMED(exact_at, 1, EG_OWN)
#else
#define EG_TIMED_EXACT(TIMED)
#endif

#define EG_TIMED(TIMED) EG_TIMED_EXACT(TIMED)

#define EG_STEPPERS(PLAIN, FOLD)                                                                             \
  EG_LIST_FLOW(PLAIN, FOLD)                                                                                  \
  EG_LIST_DIAGONAL(PLAIN, FOLD)                                                                              \
  EG_LIST_SGD_CHANNELS(PLAIN, FOLD)                                                                          \
  EG_LIST_CHANNELS(PLAIN, FOLD)                                                                              \
  EG_LIST_SAMPLES(PLAIN, FOLD)                                                                               \
  EG_LIST_FACTOR(PLAIN, FOLD)                                                                                \
  EG_LIST_ROWS(PLAIN, FOLD)                                                                                  \
  EG_LIST_COVARIANCE(PLAIN, FOLD)                                                                            \
  EG_LIST_EXACT(PLAIN, FOLD)

#endif
