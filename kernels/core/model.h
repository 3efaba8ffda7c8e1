/*
 * What a model file may define. A model is one header in kernels/models/ (or a user's own file of the same form); this
 * file comes before it and fixes the types.
 *
 *   #define EG_NAME      "name"               as written in a study
 *   #define EG_EQUATION  "one line"
 *   #define EG_SOURCE    "paper"              where it comes from; of built-in models
 *   #define EG_CAPS      (EG_CAP_... | ...)   what is offered
 *   #define EG_IS_PROCESS 0 or 1              1: an SDE of its own, no loss
 *   #define EG_PARAMS(P, PV)                  P(name, default, low, high, "meaning, unit"), PV the same per dimension
 *   #define EG_STAGED    n                    doubles that the host prepares for the kernels (0: none)
 *   #define EG_CHANNELS  r                    normals of one sample (EG_CAP_CHANNELS)
 *   #define EG_SAMPLE    n                    normals of one sample (EG_CAP_SAMPLES)
 *   EG_PULLS_BACK 1                           of a process with diagonal noise: b_k(x) = rate_k (mean_k - x_k), both by
 *                                             void eg_pull_back(p, st, rate, mean); an Euler step is then made in fewer operations
 *   EG_HAS_COEFFICIENTS 1                     rows are coefficients of the loss: never standardised
 *   #define EG_SAMPLE_DEGREE n                of built-in models: degree of its gradient in them; default 2
 *   #define EG_HAS_SHAPE "what"                of built-in models: its layers have widths that the study may give (core/linear_layers.h)
 *   #define EG_DIM_MULTIPLE n                 of built-in models: dimensions are multiples of it; default 1
 *   EG_HAS_LABELS 1                           targets are labels 0 or 1: they are checked, and never standardised
 *   EG_HAS_CLASSES 1                          (with it) labels are 0 .. classes - 1; the dimension is classes x inputs
 * EG_DIM, the (padded) dimension, is given by the build, or by the model if it has only one.
 *
 * The functions, all pure; x, g, b, s, v: EG_DIM values; st: what was staged:
 *   EG_CAP_LOSS        eg_real eg_loss(p, st, x)                  R(x)
 *                      void eg_gradient(p, st, x, g)              grad R(x)
 *   EG_CAP_DRIFT       void eg_drift(p, st, correction, x, b)     b = -(I + correction Hess R(x)) grad R(x); of a process
 *                                                                 its drift (correction is 0)
 *   EG_CAP_DIAGONAL    void eg_noise_diagonal(p, st, x, s)        standard deviation of the gradient noise of one
 *                                                                 sample, per component; of a process its diffusion
 *   EG_CAP_CHANNELS    void eg_noise_channels(p, st, x, z, v)     v = sum_c b^c(x) z_c, the gradient noise of one sample
 *                                                                 as a function of x and EG_CHANNELS unit normals
 *   EG_CAP_NOISE_DRIFT void eg_noise_drift(p, st, x, q)           q = sum_c (D b^c) b^c, the noise-induced drift: what the Ito
 *                                                                 and the Stratonovich drift differ by, twice. Diagonal:
 *                                                                 q_k = s_k ds_k/dx_k, s_k a function of x_k alone; a model
 *                                                                 with channels too has one q for both
 *   EG_CAP_CHANNELS_SLOPE void eg_noise_channels_slope(p, st, x, z, y, v)  v = sum_c z_c (D b^c) y, the derivative of the
 *                                                                 channels along y. Says that the channels commute:
 *                                                                 (D b^c) b^e = (D b^e) b^c
 *   EG_CAP_CHANNEL     void eg_noise_channel(p, st, x, c, v)      v = b^c(x), one channel; c is known when compiled
 *   EG_CAP_SAMPLES     void eg_add_sample_gradient(p, st, x, z, w, acc)  acc += w grad l(x, theta), theta a fresh sample
 *                                                                 made of EG_SAMPLE unit normals
 *   EG_CAP_FACTOR      void eg_noise_factor(p, st, x, z, v)       v = S(x) z, S S^T the gradient noise covariance of one
 *                                                                 sample, EG_DIM unit normals
 *   EG_CAP_ROWS        void eg_add_row_gradient(p, st, x, row, w, acc)  acc += w grad l(x, row), without regulariser
 *                      void eg_regulariser_gradient(p, st, x, g)  the part of the gradient that no row carries
 *   EG_CAP_MARGIN      (with LOSS, DRIFT and ROWS) the loss of a row is a function of the margin s = a.x and the target y,
 *                      and the regulariser is quadratic: its gradient at v is its Hessian times v. Gradients, drift and
 *                      loss are then made by core/loss.h, without a matrix; the model defines, instead of those above,
 *                      double eg_margin_loss(p, st, s, y)
 *                      double eg_margin_slope(p, st, s, y)        its derivative in s
 *                      double eg_margin_curvature(p, st, s, y)    and the second one
 *                      double eg_regulariser_loss(p, st, x), void eg_regulariser_gradient(p, st, x, g)
 *   EG_CAP_COVARIANCE  void eg_covariance(p, st, x, C)            gradient noise covariance of one sample, lower
 *                                                                 triangle by rows: C[i (i+1) / 2 + j], j <= i
 *   EG_CAP_POPULATION  a realisation is many coupled particles: core/population.h says what the model defines instead
 *   EG_CAP_TIMED       void eg_exact_at(p, st, pull, realisation, x, z)  as eg_exact of a process whose law depends on the time or on
 *                                                                 events of its own, which are pulled (core/pull.h); behind x
 *                                                                 stand EG_OWN values of its own, 0 at the start; in double;
 *                                                                 with EG_STEP_SCALE, pull->scale is double eg_step_scale(p,
 *                                                                 from, to), made once for all trajectories of a block
 *                                                                 with EG_HAS_EVENTS what core/events.h says
 *   EG_CAP_FRACTIONAL  (with EXACT) the normals of eg_exact are fractional noise; parameter `exponent` is twice its Hurst
 *                      exponent (core/fractional.h)
 *   EG_CAP_FLOW        void eg_flow(p, st, x)                     x after the drift flow of time h/2, exactly
 *   EG_CAP_EXACT       void eg_exact(p, st, x, z)                 x after time h, drawn from the exact law
 * and, on the host only (#if !EG_DEVICE), when EG_STAGED > 0 and the model has no data rows:
 *                      void eg_prepare(p, h, correction, staged)  fills `staged` (doubles)
 */
#ifndef EG_CORE_MODEL_H
#define EG_CORE_MODEL_H

#include "core/eg_math.h"
#include "core/launch.h"
#include "core/pull.h"
#include "core/rows.h"

#ifndef EG_REAL
#define EG_REAL double
#endif
#ifndef EG_NOISE_REAL
#define EG_NOISE_REAL float
#endif
typedef EG_REAL eg_real;             /* type of the state */
typedef EG_NOISE_REAL eg_noise_real; /* type of an increment: float, moved exactly into double */

/* Macros, not enumerators: the preprocessor chooses steppers by them. */
#define EG_CAP_LOSS       1
#define EG_CAP_DRIFT      2
#define EG_CAP_DIAGONAL   4
#define EG_CAP_CHANNELS   8
#define EG_CAP_ROWS       16
#define EG_CAP_COVARIANCE 32
#define EG_CAP_FLOW       64
#define EG_CAP_EXACT      128
#define EG_CAP_FACTOR     256
#define EG_CAP_SAMPLES    512
#define EG_CAP_POPULATION 1024
#define EG_CAP_MARGIN     2048
#define EG_CAP_NOISE_DRIFT    4096
#define EG_CAP_CHANNELS_SLOPE 8192
#define EG_CAP_CHANNEL        16384
#define EG_CAP_FRACTIONAL 65536
#define EG_CAP_TIMED      131072

/* fma and sqrt in the type of the state. */
#define EG_REAL_IS_FLOAT (sizeof(eg_real) == 4)
EG_FN eg_real eg_mad(eg_real a, eg_real b, eg_real c) {
  return EG_REAL_IS_FLOAT ? (eg_real)eg_fmaf((float)a, (float)b, (float)c)
                          : (eg_real)eg_fma((double)a, (double)b, (double)c);
}
EG_FN eg_real eg_root(eg_real a) {
  return EG_REAL_IS_FLOAT ? (eg_real)eg_sqrtf((float)a) : (eg_real)eg_sqrt((double)a);
}

/* Increments and data rows of one step. On the CPU they lie EG_LANES apart in the thread's buffers, on the GPU in
   registers and in the data matrix. */
#if EG_DEVICE || defined(EG_THREAD_FORM) || defined(EG_TEAM)
#define EG_STRIDE 1
#else
#define EG_STRIDE EG_LANES
#endif

/* Lanes of the state in one vector register; EG_LANES where the compiler is to choose. */
#define EG_BITS_float      32
#define EG_BITS_double     64
#define EG_BITS_OF(type)   EG_BITS_##type
#define EG_BITS_ALSO(type) EG_BITS_OF(type)
#define EG_REAL_BITS       EG_BITS_ALSO(EG_REAL)
#define EG_NOISE_BITS      EG_BITS_ALSO(EG_NOISE_REAL)
#if defined(__AVX512F__)
#define EG_WIDE_LANES (512 / EG_REAL_BITS)
#elif defined(__AVX2__)
#define EG_WIDE_LANES (256 / EG_REAL_BITS)
#else
#define EG_WIDE_LANES EG_LANES
#endif

typedef struct eg_noise {
#if EG_STRIDE == 1
  const eg_real *z; /* already moved into the type of the state, which is exact or rounds once as below */
#else
  const eg_noise_real *z;
  const eg_real *wide; /* the same in the type of the state, EG_WIDE_LANES apart, or NULL; which, is known when compiled */
#endif
} eg_noise;
#if EG_STRIDE == 1
#define EG_Z(noise, k) ((noise).z[k])
#else
#define EG_Z(noise, k) \
  ((noise).wide != NULL ? (noise).wide[(k) * EG_WIDE_LANES] : (eg_real)(noise).z[(k) * EG_STRIDE])
#endif

typedef struct eg_row {
  const eg_real *base;
#if defined(EG_TEAM)
  eg_real target;
#elif EG_STRIDE == 1
  uint64_t n_rows, row; /* the layout of core/rows.h read in place */
#else
  int stride; /* EG_LANES where rows are transposed over lanes; 1: one row for all */
#endif
} eg_row;
#if defined(EG_TEAM)
#define EG_ROW(r, k) ((r).base[k])
#elif EG_STRIDE == 1
#define EG_ROW(r, k) ((r).base[eg_rows_at((r).n_rows, EG_DIM + 1, (r).row, (k))])
#else
#define EG_ROW(r, k) ((r).base[(k) * (r).stride])
#endif
/* Input k of a row, and its target. */
#define EG_INPUT(r, k) EG_ROW(r, k)
#if defined(EG_TEAM)
#define EG_TARGET(r) ((r).target)
#else
#define EG_TARGET(r) EG_ROW(r, EG_DIM)
#endif

#include "core/form.h"

/* The parameters of a model as a struct of doubles, in the order of its table. */
#define EG_FIELD(name, value, low, high, doc)        double name;
#define EG_FIELD_VECTOR(name, value, low, high, doc) double name[EG_DIM];
#define EG_PARAMS_STRUCT                                                                                     \
  typedef struct eg_params {                                                                                 \
    EG_PARAMS(EG_FIELD, EG_FIELD_VECTOR)                                                                     \
    double reserved; /* no struct is empty */                                                                \
    EG_TEAM_PART                                                                                             \
  } eg_params;

#endif
