#include "study/schema.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "stats/histogram.h"
#include "stats/largest.h"
#include "stats/streams.h"
#include "study/number.h"

#define ANY_NUMBER   -INFINITY, INFINITY
#define NO_RANGE     0.0, 0.0
#define MAX_BATCH    2147483647.0
#define MAX_SUBSTEPS 1048576.0
#define MAX_COUNT    0x1p50 /* steps and realisations: far inside the whole numbers that a double holds */

/* What stands below a key that says when. */
#define AT_ROWS(path)                                                                                        \
  {path ".linear", EG_WHOLE, NULL, 1, 1000000, NULL, NULL, "n: times horizon k / n, k = 1..n"},              \
      {path ".steps", EG_WHOLE | EG_LIST | EG_MAP, NULL, 0, MAX_COUNT, NULL, NULL,                           \
       "increasing step numbers, or one of log, linear"},                                                    \
      {path ".steps.log", EG_WHOLE, NULL, 1, 1000000, NULL, NULL, "n steps from 1 to the last, log-spaced"}, \
      {path ".steps.linear", EG_WHOLE, NULL, 1, 1000000, NULL, NULL, "n: last step k / n, k = 1..n"}

#define CHAINS     "sgd svag adam adamw rmsprop signsgd"
#define LAWS       "sgd sme1 sme2 smf1 smf2 svag noisy-gd adam adamw rmsprop signsgd"
#define ADAPTIVE   "rmsprop-sde adam-sde"
#define WITH_BATCH LAWS " " ADAPTIVE " signsgd-sde langevin levy log-time"
#define WITH_L     "svag adam adamw rmsprop signsgd"
#define VELOCITY   "sgd svag signsgd"
#define MOMENTUM   VELOCITY " langevin sme1"
#define DIFFUSIONS "sme1 sme2 smf1 smf2 sde levy"

static const eg_schema_row rows[] = {
    {"title", EG_TEXT, "none", NO_RANGE, NULL, NULL, "shown in tables, reports and the result file"},
    {"seed", EG_SEED | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "64 bits; results are a function of the study and its seed alone"},

    {"model", EG_TEXT | EG_MAP | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "what is simulated: the name of a built-in model, or a mapping"},
    {"model.name", EG_TEXT, NULL, NO_RANGE, NULL, NULL,
     "a built-in model; `ensgrad models` lists them with their parameters"},
    {"model.file", EG_TEXT, NULL, NO_RANGE, NULL, NULL,
     "instead of name: a model file (C header) of your own, relative to the study"},
    {"model.dimension", EG_WHOLE, "from parameters, start or data", 1, 1048576, NULL, NULL,
     "components of the state"},
    {"model.shape", EG_WHOLE | EG_LIST, "the model's", 1, 16, NULL, NULL,
     "of models made of layers: their widths, which fix the dimension (`ensgrad models` says in what order)"},
    {"model.data", EG_TEXT, NULL, NO_RANGE, NULL, NULL,
     "HDF5 file of a finite-data model, relative to the study"},
    {"model.rows", EG_LISTS, NULL, ANY_NUMBER, NULL, NULL,
     "instead of data: a list of rows, each the inputs and, last, the target"},
    {"model.inputs", EG_TEXT, "X", NO_RANGE, NULL, NULL, "dataset (rows, columns) in that file"},
    {"model.target", EG_TEXT, "y", NO_RANGE, NULL, NULL, "dataset (rows) in that file"},
    {"model.columns", EG_WHOLE | EG_LIST, "all", 0, 1048575, NULL, NULL,
     "columns of the inputs to use, numbered from 0"},
    {"model.standardize", EG_FLAG, "true", NO_RANGE, NULL, NULL,
     "shift and scale inputs and target (but no labels) to mean 0 and variance 1"},
    {"model.ridge", EG_NUMBER, "0", 0, INFINITY, NULL, NULL, "adds ridge |x|^2 / 2 to the loss"},
    {"model.<parameter>", EG_NUMBER | EG_LIST, "the model's", ANY_NUMBER, NULL, NULL,
     "a parameter of the model; of a vector parameter a list, or one number for all components"},

    {"start", EG_MAP, "point 0", NO_RANGE, NULL, NULL,
     "where trajectories begin; one of point, points, normal"},
    {"start.point", EG_NUMBER | EG_LIST, "0", ANY_NUMBER, NULL, NULL,
     "one start point; a single number sets all components"},
    {"start.points", EG_LISTS, NULL, ANY_NUMBER, NULL, NULL,
     "several start points that every realisation moves with the same noise"},
    {"start.normal", EG_MAP, NULL, NO_RANGE, NULL, NULL, "independent normal components"},
    {"start.normal.mean", EG_NUMBER, "0", ANY_NUMBER, NULL, NULL, "mean of every component"},
    {"start.normal.std", EG_NUMBER, "1", 0, INFINITY, NULL, NULL, "standard deviation of every component"},

    {"horizon", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "algorithmic time of the end: steps x learning_rate; either horizon or steps"},
    {"steps", EG_WHOLE, NULL, 1, MAX_COUNT, NULL, NULL, "number of steps instead of a horizon"},
    {"learning_rate", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "step size of a loss model, here or in the sweep"},
    {"time_step", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "step size of a process (drift and diffusion), here or in the sweep"},

    {"sweep", EG_MAP, "none", NO_RANGE, NULL, NULL,
     "keys with lists of values: one run for every combination"},
    {"sweep.learning_rate", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see learning_rate"},
    {"sweep.time_step", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see time_step"},
    {"sweep.batch_size", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see dynamics.batch_size"},
    {"sweep.substeps", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see dynamics.substeps"},
    {"sweep.horizon", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see horizon"},
    {"sweep.ridge", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "the same as sweep.model.ridge"},
    {"sweep.model.ridge", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see model.ridge"},
    {"sweep.start.point", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "each value sets all components"},
    {"sweep.start.mean", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see start.normal.mean"},
    {"sweep.start.std", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see start.normal.std"},
    {"sweep.l", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see dynamics.l"},
    {"sweep.momentum", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see dynamics.momentum"},
    {"sweep.weight_decay", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see dynamics.weight_decay"},
    {"sweep.tail_index", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL, "see dynamics.tail_index"},
    {"sweep.model.<parameter>", EG_NUMBER | EG_LIST, NULL, NO_RANGE, NULL, NULL,
     "each value sets all components of the parameter"},

    {"dynamics", EG_TEXT | EG_MAP | EG_MAPS | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "how the state moves: one name or mapping, or a list of them"},
    {"dynamics.name", EG_WORD | EG_REQUIRED, NULL, NO_RANGE, eg_dynamics_words, NULL, "which dynamics"},
    {"dynamics.label", EG_TEXT, "the name", NO_RANGE, NULL, NULL, "what it is called in results; distinct"},
    {"dynamics.batch_size", EG_WHOLE, "1 for sme and smf", 1, MAX_BATCH, NULL, WITH_BATCH,
     "samples in one gradient; chains need it here or in the sweep"},
    {"dynamics.sampling", EG_WORD, "replacement", NO_RANGE, eg_sampling_words, CHAINS,
     "how a batch is drawn; without-replacement: a fresh subset a step; shuffle: anew every epoch"},
    {"dynamics.gradient_noise", EG_WORD | EG_MAP, "chains: minibatch; noisy-gd, SDEs: gaussian-exact", NO_RANGE,
     eg_gradient_noise_words, LAWS " " ADAPTIVE " signsgd-sde levy langevin log-time", "law of the gradient's noise: its name, or a mapping"},
    {"dynamics.gradient_noise.law", EG_WORD | EG_REQUIRED, NULL, NO_RANGE, eg_gradient_noise_words, NULL,
     "minibatch: true samples; Gaussian with the covariance at x, with 2 loss x Hessian / batch, or constant"},
    {"dynamics.gradient_noise.covariance", EG_NUMBER | EG_LIST | EG_LISTS, NULL, ANY_NUMBER, NULL, NULL,
     "constant: that of one sample: a matrix, its diagonal, or a number times the identity"},
    {"dynamics.gradient_noise.at", EG_NUMBER | EG_LIST, NULL, ANY_NUMBER, NULL, NULL,
     "constant: instead of covariance the exact one at this point"},
    {"dynamics.gradient_noise.hessian", EG_NUMBER | EG_LIST | EG_LISTS, "the model's, if constant", ANY_NUMBER, NULL,
     NULL, "gaussian-decoupled: Hessian at the minimum, written like a covariance"},
    {"dynamics.gradient_noise.loss_offset", EG_NUMBER, "0", ANY_NUMBER, NULL, NULL,
     "gaussian-decoupled: added to the loss; where the sum is negative there is no noise"},
    {"dynamics.factor", EG_WORD, "the model's", NO_RANGE, eg_factor_words, "sme1 sme2 smf1 smf2 noisy-gd",
     "which square root of the noise covariance; models with samples: pair"},
    {"dynamics.nodes", EG_WHOLE, "2", 2, 65536, NULL, "sme1 sme2 smf1 smf2", "factor nodes: fresh samples in one increment"},
    {"dynamics.scheme", EG_WORD, "strang; sde, levy: euler-maruyama; langevin: baoab", NO_RANGE, eg_scheme_words, DIFFUSIONS " langevin",
     "integrator; docs/schemes.md has their orders"},
    {"dynamics.substeps", EG_WHOLE, "1", 1, MAX_SUBSTEPS, NULL, DIFFUSIONS " " ADAPTIVE " signsgd-sde langevin log-time",
     "integrator steps in one learning_rate or time_step"},
    {"dynamics.l", EG_WHOLE, "1", 1, 1024, NULL, WITH_L,
     "SVAG: noise amplified so that l (adaptive and sign chains: l^2) iterations replace one step"},
    {"dynamics.momentum", EG_NUMBER, "0", 0, 1, NULL, MOMENTUM,
     "weight of the last velocity, below 1; of sme1: of the SVAG whose limit it is, rate / (1 - momentum)"},
    {"dynamics.momentum_limit", EG_WORD, "overdamped", NO_RANGE, eg_momentum_limit_words, "svag",
     "overdamped: momentum stays as l grows; underdamped: 1 - momentum falls as 1/l, the learning rate as 1/l^2"},
    {"dynamics.dampening", EG_NUMBER, "0", 0, 1, NULL, VELOCITY, "the velocity takes 1 - dampening of the gradient"},
    {"dynamics.nesterov", EG_FLAG, "false", NO_RANGE, NULL, VELOCITY, "move by gradient + momentum x velocity"},
    {"dynamics.beta1", EG_NUMBER, "0.9", 0, 1, NULL, "adam adamw adam-sde", "weight of the last mean gradient, below 1"},
    {"dynamics.beta2", EG_NUMBER, "0.999; rmsprop: 0.99", 0, 1, NULL, "adam adamw rmsprop " ADAPTIVE,
     "weight of the last mean squared gradient, below 1"},
    {"dynamics.epsilon", EG_NUMBER, "1e-8", 0, INFINITY, NULL, "adam adamw rmsprop " ADAPTIVE,
     "added to the root of the mean squared gradient"},
    {"dynamics.start_square", EG_NUMBER, "0", 0, INFINITY, NULL, "adam adamw rmsprop " ADAPTIVE,
     "mean squared gradient to begin with"},
    {"dynamics.bias_correction", EG_FLAG, "true; rmsprop: false", NO_RANGE, NULL, "adam adamw rmsprop",
     "divide the means by 1 - beta^k"},
    {"dynamics.preconditioner", EG_WORD, "after", NO_RANGE, eg_preconditioner_words, "rmsprop",
     "divide by the mean squared gradient after or before the new gradient joins it"},
    {"dynamics.start_velocity", EG_WORD, "matched", NO_RANGE, eg_start_velocity_words, "langevin",
     "matched: -(gradient) / (1 + momentum), as order 2 against SGD needs; zero"},
    {"dynamics.tail_index", EG_NUMBER, "1.5", 0.05, 2, NULL, "levy",
     "alpha of the increments, P(|S| > s) ~ s^-alpha below 2; below 0.5 noise: gaussian64 is needed"},
    {"dynamics.weight_decay", EG_NUMBER, "0", 0, INFINITY, NULL, CHAINS " langevin", "adds weight_decay x to the gradient"},
    {"dynamics.decoupled", EG_FLAG, "false; adamw: true", NO_RANGE, NULL, CHAINS,
     "weight decay shrinks x by itself instead: x (1 - learning_rate weight_decay)"},
    {"dynamics.clip", EG_NUMBER | EG_POSITIVE, "none", 0, INFINITY, NULL, CHAINS,
     "largest norm of a batch gradient; longer ones are scaled down to it"},
    {"dynamics.input_noise", EG_NUMBER, "0", 0, INFINITY, NULL, CHAINS,
     "standard deviation of fresh normal noise on the inputs of every drawn data row"},
    {"dynamics.label_noise", EG_NUMBER, "0", 0, INFINITY, NULL, CHAINS,
     "standard deviation of fresh normal noise on the target of every drawn data row"},
    {"dynamics.batch_schedule", EG_MAP, "constant", NO_RANGE, NULL, CHAINS,
     "batch_size times a factor of the step, rounded to a whole number of at least 1"},
    {"dynamics.batch_schedule.kind", EG_WORD, "constant", NO_RANGE, eg_schedule_words, NULL, "see dynamics.schedule.kind"},
    {"dynamics.batch_schedule.period", EG_NUMBER | EG_POSITIVE, NULL, 0, MAX_COUNT, NULL, NULL,
     "length in steps; every kind but constant needs it"},
    {"dynamics.batch_schedule.gamma", EG_NUMBER, "0.1", 0, INFINITY, NULL, NULL, "step: factor of one period; 2 doubles"},
    {"dynamics.batch_schedule.last", EG_NUMBER, "0", 0, MAX_BATCH, NULL, NULL,
     "factor at the end of the period (cyclic: in its middle); above 1 the batch grows"},
    {"dynamics.batch_schedule.power", EG_NUMBER, "1", 0, 64, NULL, NULL, "polynomial: exponent"},
    {"dynamics.batch_schedule.warm_up", EG_NUMBER, "0", 0, MAX_COUNT, NULL, NULL,
     "steps over which the factor rises linearly first"},
    {"dynamics.schedule", EG_MAP, "constant", NO_RANGE, NULL, CHAINS, "learning_rate times a factor of the step"},
    {"dynamics.schedule.kind", EG_WORD, "constant", NO_RANGE, eg_schedule_words, NULL,
     "step: gamma^floor(k/period); polynomial, cosine: down to last over period; cyclic: triangle"},
    {"dynamics.schedule.period", EG_NUMBER | EG_POSITIVE, NULL, 0, MAX_COUNT, NULL, NULL,
     "length in steps; every kind but constant needs it"},
    {"dynamics.schedule.gamma", EG_NUMBER, "0.1", 0, INFINITY, NULL, NULL, "step: factor of one period"},
    {"dynamics.schedule.last", EG_NUMBER, "0", 0, 1, NULL, NULL, "smallest factor"},
    {"dynamics.schedule.power", EG_NUMBER, "1", 0, 64, NULL, NULL, "polynomial: exponent"},
    {"dynamics.schedule.warm_up", EG_NUMBER, "0", 0, MAX_COUNT, NULL, NULL,
     "steps over which the factor rises linearly first"},

    {"groups", EG_MAP | EG_MAPS, "none", NO_RANGE, NULL, NULL,
     "runs advanced together on one noise, for differences per realisation: a mapping or a list of them"},
    {"groups.label", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "what it is called in results; distinct; the group's noise depends on it"},
    {"groups.members", EG_TEXT | EG_LIST | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "labels of dynamics; the differences are each one minus the last; with across one label"},
    {"groups.across", EG_WORD, "none", NO_RANGE, eg_across_words, NULL,
     "the swept values of one dynamics are the members; the differences are each one minus the next finer"},
    {"groups.antithetic", EG_FLAG, "false", NO_RANGE, NULL, NULL,
     "of one member: adds its twin, moved by the same increments with the other sign; the result has the mean of both"},
    {"groups.extrapolate", EG_WHOLE, "none", 1, 8, NULL, NULL,
     "weak order p of the scheme: Richardson extrapolation of neighbours, with across: substeps or time_step"},

    {"realisations", EG_WHOLE | EG_REQUIRED, NULL, 1, MAX_COUNT, NULL, NULL,
     "independent draws of all randomness"},
    {"noise", EG_WORD | EG_MAP, "gaussian", NO_RANGE, eg_noise_or_common_words, NULL,
     "how increments are made; common: gaussian, and all runs of the sweep share it"},
    {"noise.kind", EG_WORD, "gaussian", NO_RANGE, eg_noise_words, NULL, "how increments are made"},
    {"noise.common", EG_FLAG, "false", NO_RANGE, NULL, NULL, "all runs of the sweep share the noise"},
    {"state", EG_WORD, "double", NO_RANGE, eg_state_words, NULL, "precision of the state"},
    {"form", EG_WORD, "auto", NO_RANGE, eg_form_words, NULL,
     "lane: states up to 16 components, team: up to 4096; auto: lane where it is large enough"},
    {"diverged_limit", EG_NUMBER, "0.01", 0, 1, NULL, NULL,
     "fraction of trajectories that may become non-finite before the run counts as failed"},

    {"observe", EG_MAP | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL, "what is measured, and when"},
    {"observe.at", EG_NUMBER | EG_LIST | EG_MAP | EG_REQUIRED, NULL, 0, INFINITY, NULL, NULL,
     "increasing times, or one of linear, steps"},
    AT_ROWS("observe.at"),
    {"observe.features", EG_WORD | EG_LIST | EG_REQUIRED, NULL, NO_RANGE, eg_feature_words, NULL,
     "values computed from the state; loss, gradient_norm2 and noise_trace, the trace of the covariance of one sample's gradient, need a "
     "loss model, clock log-time, velocity momentum or langevin"},
    {"observe.statistics", EG_WORD | EG_LIST, "moments", NO_RANGE, eg_statistic_words, NULL,
     "over realisations; moments are always kept, msd adds the feature displacement2"},
    {"observe.monitors", EG_MAP | EG_MAPS, "none", NO_RANGE, NULL, NULL,
     "up to 4 features looked at after every integrator step; each is one more observable, a crossing two"},
    {"observe.monitors.name", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "in the result; of a crossing NAME is 1 once it has happened, NAME_time the stopped time min(T, t)"},
    {"observe.monitors.feature", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "norm2, loss, gradient_norm2, displacement2, or a component: x0, x1, .."},
    {"observe.monitors.operation", EG_WORD | EG_REQUIRED, NULL, NO_RANGE, eg_operation_words, NULL,
     "sum, mean: over the window passed so far; extrema: since the start (included); first crossing"},
    {"observe.monitors.from", EG_NUMBER, "0", 0, INFINITY, NULL, NULL,
     "of sum and mean: the window begins behind this time"},
    {"observe.monitors.to", EG_NUMBER | EG_POSITIVE, "the end", 0, INFINITY, NULL, NULL,
     "of sum and mean: last time of the window"},
    {"observe.monitors.level", EG_NUMBER, NULL, ANY_NUMBER, NULL, NULL, "of a crossing, which needs it"},
    {"observe.monitors.direction", EG_WORD, "any", NO_RANGE, eg_direction_words, NULL,
     "of a crossing; a trajectory that starts beyond the level has not crossed it"},
    {"observe.monitors.exit", EG_TEXT, "none", NO_RANGE, NULL, NULL,
     "of a crossing: it competes with those of the same exit; NAME_first is 1 where it came first, EXIT_time when any came"},
    {"observe.monitors.noise", EG_NUMBER | EG_POSITIVE, "none", 0, 1e12, NULL, NULL,
     "of a crossing up or down by a diffusion: noise of the feature at the level, per square root of time; the level is shifted by "
     "0.5826 noise sqrt(h) towards the start, for what steps do not see. Chains keep their level"},
    {"observe.monitors.absorbing", EG_FLAG, "false", NO_RANGE, NULL, NULL,
     "of a crossing: it stops the trajectory, the first of several does. Everything observed later is that of the stopped process; "
     "sums and means end there, and so does NAME_time of other crossings. Oracles know nothing of it"},

    {"observe.histograms", EG_MAP | EG_MAPS, "none", NO_RANGE, NULL, NULL,
     "counts of features in bins at every observation: a mapping or a list of them"},
    {"observe.histograms.feature", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "one of observe.features; x: every component has its own, x0, x1, ..: of that component; or a monitor, as NAME_time"},
    {"observe.histograms.bins", EG_WHOLE, "64", 1, EG_MAX_BINS, NULL, NULL, "bins between low and high"},
    {"observe.histograms.scale", EG_WORD, "linear", NO_RANGE, eg_grid_words, NULL,
     "bins of equal width in the value or in its logarithm"},
    {"observe.histograms.low", EG_NUMBER, "from tile 0 of each run", ANY_NUMBER, NULL, NULL,
     "lower edge of the first bin; low and high together or neither"},
    {"observe.histograms.high", EG_NUMBER, "from tile 0 of each run", ANY_NUMBER, NULL, NULL,
     "upper edge of the last bin"},
    {"observe.histograms.at", EG_NUMBER | EG_LIST | EG_MAP, "observe.at", 0, INFINITY, NULL, NULL,
     "when this feature is counted; it need not be among observe.features then"},
    AT_ROWS("observe.histograms.at"),
    {"observe.joint_histograms", EG_MAP | EG_MAPS, "none", NO_RANGE, NULL, NULL,
     "counts in the bins of two of observe.histograms together: a mapping or a list of them"},
    {"observe.joint_histograms.of", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "the first: its feature, or x0, x1, .."},
    {"observe.joint_histograms.with", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL, "the second"},
    {"observe.keep", EG_MAP, "none", NO_RANGE, NULL, NULL,
     "store single paths at the observations; at most 1000000 values in all"},
    {"observe.keep.realisations", EG_WHOLE | EG_REQUIRED, NULL, 1, 1000000, NULL, NULL,
     "how many: the first ones of every run"},
    {"observe.keep.of", EG_WORD | EG_LIST, "all observed", NO_RANGE, eg_feature_words, NULL,
     "which of observe.features; with times of their own any feature"},
    {"observe.keep.at", EG_NUMBER | EG_LIST | EG_MAP, "observe.at", 0, INFINITY, NULL, NULL, "when paths are kept"},
    AT_ROWS("observe.keep.at"),

    {"observe.paths", EG_MAP | EG_MAPS, "none", NO_RANGE, NULL, NULL,
     "up to 8 statistics of whole paths, each made of several observations of one trajectory"},
    {"observe.paths.statistic", EG_WORD | EG_REQUIRED, NULL, NO_RANGE, eg_path_words, NULL,
     "squared displacements, their powers, velocity products, window averages, one feature at all times, one at all "
     "points and times, products of two, distances between points, E exp(i u f), or the largest values of one; fed between "
     "observations: time averages with batch-means errors, autocorrelations and squared displacements by multiple tau"},
    {"observe.paths.name", EG_TEXT, "the statistic", NO_RANGE, NULL, NULL, "in the result: path_NAME; distinct"},
    {"observe.paths.origin", EG_WHOLE, "the start; of velocity all windows", 0, MAX_COUNT, NULL, NULL,
     "of msd, moments, velocity: an observed step to count lags from; of product: where the second feature is taken; of tail: "
     "where the feature is taken, else at the last"},
    {"observe.paths.powers", EG_NUMBER | EG_LIST, "1/2, 1, 3/2, 2, 3, 4; of distance 2", 0, 16, NULL, NULL,
     "of moments: mean of |displacement|^q; of distance: of |x - y|^q, for 0 of its logarithm; else at least 1/16"},
    {"observe.paths.lags", EG_WHOLE | EG_LIST, "from the observations", 0, MAX_COUNT, NULL, NULL,
     "of time-averaged-msd and velocity: lags in steps"},
    {"observe.paths.feature", EG_TEXT, "x0", NO_RANGE, NULL, NULL,
     "of two-time, m-point, product, characteristic, tail, time-average, correlator: norm2, loss, gradient_norm2, displacement2, noise_trace, or a component: "
     "x0, .."},
    {"observe.paths.with", EG_TEXT, "the feature", NO_RANGE, NULL, NULL, "of product, time-average: the second feature"},
    {"observe.paths.combine", EG_WORD, "product", NO_RANGE, eg_combine_words, NULL,
     "of time-average: the mean of the product (or of one feature), the ratio of both means, the covariance of both over the window"},
    {"observe.paths.arguments", EG_NUMBER | EG_LIST, NULL, -1e6, 1e6, NULL, NULL,
     "of characteristic, needed: the u of E exp(i u f), increasing"},
    {"observe.paths.at", EG_NUMBER | EG_LIST | EG_MAP, "observe.at", 0, INFINITY, NULL, NULL,
     "what the paths of this statistic are made of: increasing times, or one of linear, steps"},
    AT_ROWS("observe.paths.at"),
    {"observe.paths.largest", EG_WHOLE, "1000", 100, EG_MOST_LARGEST, NULL, NULL, "of tail: how many of the largest values"},
    {"observe.paths.side", EG_WORD, "both", NO_RANGE, eg_side_words, NULL, "of tail: of f, -f or |f|"},
    {"observe.paths.histogram", EG_FLAG, "false", NO_RANGE, NULL, NULL,
     "of msd, moments, time-averaged-msd, correlator-msd: count the values of trajectories in 128 bins an octave, from 2^-64 to 2^64"},
    {"observe.paths.every", EG_WHOLE, "1", 1, MAX_COUNT, NULL, NULL,
     "of time-average, correlator, correlator-msd: steps from one sample to the next"},
    {"observe.paths.from", EG_NUMBER, "0", 0, INFINITY, NULL, NULL, "of the same: samples are taken at times from < t <= to"},
    {"observe.paths.to", EG_NUMBER | EG_POSITIVE, "the last observation", 0, INFINITY, NULL, NULL, "of the same"},
    {"observe.paths.values", EG_WHOLE, "16; of correlator-msd 16, 8 or 4, with at most 64 lags", 4, EG_MOST_STREAM_VALUES, NULL, NULL,
     "of correlator, correlator-msd: lags of a level, even; more: finer lags and less bias"},

    {"analyse", EG_MAP | EG_MAPS, "none", NO_RANGE, NULL, NULL, "list of {analysis: {..}}"},
    {"analyse.diffusion", EG_MAP, NULL, NO_RANGE, NULL, NULL,
     "exponent and prefactor of a mean squared displacement, fitted with the covariance of its lags"},
    {"analyse.diffusion.of", EG_TEXT, "the first msd or time-averaged-msd", NO_RANGE, NULL, NULL,
     "name of one of observe.paths"},
    {"analyse.diffusion.from", EG_NUMBER, "the first lag", 0, INFINITY, NULL, NULL, "shortest lag of the fit, as a time"},
    {"analyse.diffusion.to", EG_NUMBER | EG_POSITIVE, "the last lag", 0, INFINITY, NULL, NULL,
     "longest lag; without from and to a shorter window is taken where no power law fits all lags"},
    {"analyse.escape", EG_MAP, NULL, NO_RANGE, NULL, NULL,
     "rate of first crossings with its interval, survival, and predictions beside it"},
    {"analyse.escape.of", EG_TEXT, "the first crossing", NO_RANGE, NULL, NULL, "name of a monitor that is a crossing, or of an exit: out of it by any of its crossings"},
    {"analyse.escape.from", EG_NUMBER, "0", 0, INFINITY, NULL, NULL,
     "an observed time: only what happens behind it counts for the rate, so that a transient does not"},
    {"analyse.escape.minimum_curvature", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "of both predictions: second derivative of the loss at the minimum"},
    {"analyse.escape.saddle_curvature", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "of both predictions: the same at the saddle, without its sign"},
    {"analyse.escape.barrier", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "of Kramers' prediction: loss of the saddle above the minimum"},
    {"analyse.escape.diffusion", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "of Kramers' prediction: half the noise variance per unit time"},
    {"analyse.escape.loss_ratio", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "of the power-law prediction: loss at the saddle over loss at the minimum"},
    {"analyse.escape.temperature", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL,
     "of the power-law prediction: learning_rate x curvature / batch_size"},
    {"analyse.quantiles", EG_MAP, NULL, NO_RANGE, NULL, NULL,
     "quantiles of a histogram at every observation, from its counts"},
    {"analyse.quantiles.of", EG_TEXT, "the first histogram", NO_RANGE, NULL, NULL,
     "name of one of observe.histograms: its feature, or x0, x1, ..; or of one of observe.paths with a histogram"},
    {"analyse.quantiles.probabilities", EG_NUMBER | EG_LIST | EG_POSITIVE, "0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99", 0,
     0.999999999, NULL, NULL, "increasing"},
    {"analyse.stationary", EG_MAP, NULL, NO_RANGE, NULL, NULL,
     "covariance of x against theory, fluctuation-dissipation, energies of modes, currents, tails; x must be observed"},
    {"analyse.stationary.from", EG_NUMBER, "the last observation", 0, INFINITY, NULL, NULL,
     "the observations from this time on are taken together"},
    {"analyse.stationary.tail", EG_TEXT, "none", NO_RANGE, NULL, NULL,
     "histogram on a log scale, by its feature (loss, norm2): exponent of its upper tail at the last observation"},
    {"analyse.stationary.tail_from", EG_NUMBER | EG_POSITIVE, "the lowest that fits", 0, INFINITY, NULL, NULL,
     "value where the tail begins"},
    {"analyse.scaling-rule", EG_MAP, NULL, NO_RANGE, NULL, NULL,
     "noise to signal, what an SDE and the linear rule can do at most, closeness of runs that the rules connect"},
    {"analyse.scaling-rule.from", EG_NUMBER, "the last observation", 0, INFINITY, NULL, NULL,
     "the observations from this time on are taken together"},
    {"analyse.scaling-rule.closeness", EG_NUMBER, "sqrt 2", 1, 1000, NULL, NULL,
     "C: two processes are close when R, G and N agree within factors of 1/C to C"},
    {"analyse.scaling-rule.against", EG_TEXT, "none", NO_RANGE, NULL, NULL,
     "label of a dynamics that stands for the SDE (sme1, svag with a large l): runs of equal rate and batch are compared with it"},
    {"analyse.flow", EG_MAP, NULL, NO_RANGE, NULL, NULL,
     "Lyapunov exponent and growth of powers of the distance between points, and both beside a reference"},
    {"analyse.flow.of", EG_TEXT, "the first distance", NO_RANGE, NULL, NULL,
     "name of one of observe.paths, a distance with 0 among its powers"},
    {"analyse.flow.from", EG_NUMBER, "the start, or of random starts the first observation", 0, INFINITY, NULL, NULL,
     "rates are from the first observation not before this time to the last"},
    {"analyse.flow.reference", EG_TEXT, "none", NO_RANGE, NULL, NULL,
     "label of a dynamics: distances and exponents of all others minus its own (sgd, to see what sme and smf miss)"},
    {"analyse.weak-error", EG_MAP, NULL, NO_RANGE, NULL, NULL,
     "error of every expectation against a reference, and its order in the swept step size"},
    {"analyse.weak-error.reference", EG_TEXT, "exact", NO_RANGE, NULL, NULL,
     "exact, or the label of a dynamics"},
    {"analyse.weak-error.richardson", EG_MAP, "none", NO_RANGE, NULL, NULL,
     "the reference is extrapolated to steps of length 0, from it and a run of the same law with longer steps"},
    {"analyse.weak-error.richardson.coarse", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "label of the dynamics that differs from the reference in fewer substeps alone"},
    {"analyse.weak-error.richardson.order", EG_WHOLE | EG_REQUIRED, NULL, 1, 8, NULL, NULL, "weak order p of the scheme of both"},
    {"analyse.weak-error.over", EG_WORD, "learning_rate", NO_RANGE, eg_over_words, NULL,
     "what is swept: learning_rate (or time_step); l: powers of 1/l, against an sme1; substeps: of 1/substeps"},
    {"analyse.weak-error.features", EG_WORD | EG_LIST, "all observed", NO_RANGE, eg_feature_words, NULL,
     "which of observe.features"},

    {"until", EG_MAP | EG_MAPS, "none", NO_RANGE, NULL, NULL,
     "a run stops once these errors are all reached, at 2^k x 64 tiles; realisations is the most it makes"},
    {"until.feature", EG_TEXT, NULL, NO_RANGE, NULL, NULL,
     "one of observe.features, a component x0, x1, .., or a monitor; or variable"},
    {"until.statistic", EG_WORD, "mean", NO_RANGE, eg_until_words, NULL, "of the feature: whose standard error is meant"},
    {"until.variable", EG_TEXT, NULL, NO_RANGE, NULL, NULL,
     "a variable of the result that has an error bar: diffusion_exponent, weak_error_slope, escape_rate, x_difference, .."},
    {"until.where", EG_MAP, "all", NO_RANGE, NULL, NULL,
     "which values of the variable: {DIMENSION: VALUE, ..}, for its dimensions beside run, point and time"},
    {"until.stderr", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL, "largest standard error; or relative"},
    {"until.relative", EG_NUMBER | EG_POSITIVE, NULL, 0, 1, NULL, NULL, "largest standard error, of the estimate's size"},
    {"until.dynamics", EG_TEXT, "all", NO_RANGE, NULL, NULL, "the label of a dynamics; the others make all realisations"},
    {"until.point", EG_WHOLE, "0", 0, 1000000, NULL, NULL, "of several start points, numbered from 0"},
    {"until.time", EG_NUMBER, "the last observation", 0, INFINITY, NULL, NULL, "an observation"},

    {"multilevel", EG_MAP, "none", NO_RANGE, NULL, NULL,
     "multilevel Monte Carlo over the integrator's step: coupled pairs of steps, realisations by their variances and costs"},
    {"multilevel.dynamics", EG_TEXT, "the only one", NO_RANGE, NULL, NULL,
     "label of the dynamics that is level 0, with substeps; it belongs to no group"},
    {"multilevel.levels", EG_WHOLE | EG_REQUIRED, NULL, 1, 16, NULL, NULL, "refinements of level 0"},
    {"multilevel.least_levels", EG_WHOLE, "levels", 2, 16, NULL, NULL,
     "refinements to begin with: more are added, up to levels, until the bias is small; the error asked for is then the root mean "
     "square error, half of its square for the bias"},
    {"multilevel.ratio", EG_WHOLE, "2", 2, 16, NULL, NULL, "substeps of a level in one of the level before"},
    {"multilevel.feature", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "one of observe.features, a component x0, x1, .., or a monitor: its mean decides how many realisations each level makes"},
    {"multilevel.stderr", EG_NUMBER | EG_POSITIVE, NULL, 0, INFINITY, NULL, NULL, "largest standard error; or relative"},
    {"multilevel.relative", EG_NUMBER | EG_POSITIVE, NULL, 0, 1, NULL, NULL, "largest standard error, of the estimate's size"},
    {"multilevel.point", EG_WHOLE, "0", 0, 1000000, NULL, NULL, "of several start points, numbered from 0"},
    {"multilevel.time", EG_NUMBER, "the last observation", 0, INFINITY, NULL, NULL, "an observation"},

    {"splitting", EG_MAP, "none", NO_RANGE, NULL, NULL,
     "what `ensgrad split` does: rare escapes from A to B by adaptive multilevel splitting; other commands leave it alone"},
    {"splitting.feature", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "the score: one of observe.features but displacement2, or a component x0, x1, .."},
    {"splitting.low", EG_NUMBER | EG_REQUIRED, NULL, ANY_NUMBER, NULL, NULL, "A: scores up to low (from low on, where high is below it)"},
    {"splitting.high", EG_NUMBER | EG_REQUIRED, NULL, ANY_NUMBER, NULL, NULL, "B: scores from high on (up to high)"},
    {"splitting.replicas", EG_WHOLE, "128", 2, 65536, NULL, NULL, "paths of a repeat"},
    {"splitting.kill", EG_NUMBER | EG_POSITIVE, "0.1", 0, 0.9, NULL, NULL, "share of them that is killed in a round, at least one"},
    {"splitting.repeats", EG_WHOLE, "64", 2, 100000, NULL, NULL, "independent repeats, for the error"},
    {"splitting.burn_in", EG_WHOLE, "1000", 0, MAX_COUNT, NULL, NULL, "integrator steps before exits from A are counted"},
    {"splitting.count", EG_WHOLE, "10000", 1, MAX_COUNT, NULL, NULL, "integrator steps of 64 trajectories that count them"},

    {"expect", EG_MAP | EG_MAPS, "none", NO_RANGE, NULL, NULL,
     "values known by other means: the verdict takes them in the oracle's place; a mapping or a list of them"},
    {"expect.feature", EG_TEXT | EG_REQUIRED, NULL, NO_RANGE, NULL, NULL,
     "one of observe.features, a component x0, x1, .., or a monitor; its mean is meant"},
    {"expect.value", EG_NUMBER | EG_REQUIRED, NULL, ANY_NUMBER, NULL, NULL, "what the mean should be"},
    {"expect.dynamics", EG_TEXT, "all", NO_RANGE, NULL, NULL, "the label of a dynamics: all of its runs"},
    {"expect.point", EG_WHOLE, "0", 0, 1000000, NULL, NULL, "of several start points, numbered from 0"},
    {"expect.time", EG_NUMBER, "the last observation", 0, INFINITY, NULL, NULL, "an observation"},
    {"expect.source", EG_TEXT, "none", NO_RANGE, NULL, NULL, "where the value comes from; for readers"},
};

size_t eg_schema_count(void) {
  return sizeof rows / sizeof rows[0];
}

const eg_schema_row *eg_schema_at(size_t i) {
  return &rows[i];
}

const eg_schema_row *eg_schema_find(const char *path) {
  for (size_t i = 0; i < eg_schema_count(); i++) {
    if (strcmp(rows[i].path, path) == 0) {
      return &rows[i];
    }
  }
  return NULL;
}

const char *eg_schema_key_below(const eg_schema_row *row, const char *prefix) {
  const size_t length = strlen(prefix);
  const char *key = row->path;
  if (length > 0) {
    if (strncmp(key, prefix, length) != 0 || key[length] != '.') {
      return NULL;
    }
    key += length + 1;
  }
  /* Keys of the sweep are dotted themselves. */
  const bool is_direct = strcmp(prefix, "sweep") == 0 || strchr(key, '.') == NULL;
  return is_direct && strchr(key, '<') == NULL ? key : NULL;
}

eg_schema_row eg_schema_item(const eg_schema_row *row) {
  eg_schema_row item = *row;
  item.accepts &= ~(unsigned)(EG_LIST | EG_LISTS | EG_MAPS);
  if ((row->accepts & EG_MAPS) == 0) {
    item.accepts &= ~(unsigned)EG_MAP;
  }
  return item;
}

static const struct {
  unsigned bit;
  const char *one, *list;
} type_names[] = {
    {EG_TEXT, "text", "a list of texts"},
    {EG_WORD, "a word", "a list of words"},
    {EG_NUMBER, "a number", "a list of numbers"},
    {EG_WHOLE, "a whole number", "a list of whole numbers"},
    {EG_SEED, "a whole number", "a list of whole numbers"},
    {EG_FLAG, "true or false", "a list of flags"},
    {EG_LISTS, "a list of lists of numbers", NULL},
    {EG_MAP, "a mapping", NULL},
    {EG_MAPS, "a list of them", NULL},
};

void eg_schema_describe_type(const eg_schema_row *row, eg_text *out) {
  const char *parts[2 * sizeof type_names / sizeof type_names[0]];
  size_t n = 0;
  for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++) {
    if ((row->accepts & type_names[i].bit) != 0) {
      parts[n++] = type_names[i].one;
      if ((row->accepts & EG_LIST) != 0 && type_names[i].list != NULL) {
        parts[n++] = type_names[i].list;
      }
    }
  }
  for (size_t i = 0; i < n; i++) {
    eg_text_append(out, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", parts[i]);
  }
}

void eg_schema_describe_range(const eg_schema_row *row, eg_text *out) {
  if ((row->accepts & EG_SEED) != 0) {
    eg_text_append(out, "[0, 18446744073709551615]");
  } else if ((row->accepts & (EG_NUMBER | EG_WHOLE)) != 0 && row->low < row->high &&
             (row->low > -DBL_MAX || row->high < DBL_MAX)) {
    /* A model's table has no "positive": the smallest doubles stand for it. */
    const bool is_positive = (row->accepts & EG_POSITIVE) != 0 || (row->low > 0.0 && row->low < 1e-300);
    const char *low = row->low <= -DBL_MAX ? "(-inf" : is_positive ? "(0" : "[";
    eg_text_append(out, "%s", low);
    if (low[0] == '[') {
      eg_text_append(out, "%s", EG_NUMBER_TEXT(row->low));
    }
    if (row->high >= DBL_MAX) {
      eg_text_append(out, ", inf)");
    } else {
      eg_text_append(out, ", %s]", EG_NUMBER_TEXT(row->high));
    }
  }
}

void eg_schema_list_words(const char *const *words, eg_text *out) {
  for (size_t i = 0; words[i] != NULL; i++) {
    eg_text_append(out, "%s%s", i > 0 ? ", " : "", words[i]);
  }
}
