/* The list of statistics and analyses with the keys that ask for them: `ensgrad help statistics`. */
#include <string.h>

#include "base/text.h"
#include "ensgrad/study.h"
#include "study/checker.h"

typedef struct line {
  const char *word, *meaning;
} line;

static const char introduction[] =
    "What a study can ask for. All is summed where the trajectories run, in constant memory, and merges exactly;\n"
    "every estimate has a standard error. `ensgrad help study` has the keys and ranges, docs/statistics.md formulas\n"
    "and tests, `ensgrad check` the memory.\n";

static const line observe[] = {
    {"moments", "observe.statistics: mean, variance, skewness, kurtosis of every feature at every observation"},
    {"covariance", "observe.statistics: of all pairs of features"},
    {"msd", "observe.statistics: mean squared displacement from the start at every observation"},
    {"histograms", "observe.histograms: counts in linear or log bins; observe.joint_histograms: of two together"},
    {"keep", "observe.keep: the first few trajectories in full"},
    {NULL, NULL}};

static const line monitors[] = { /* observe.monitors.operation */
    {"sum", "of a feature times the step"},
    {"mean", "of a feature over a window"},
    {"minimum", "of a feature"},
    {"maximum", "of a feature"},
    {"crossing", "first passage of a feature through a level: whether, when, at which step; several with one `exit` are a set, `absorbing` "
                 "ones stop the trajectory, `noise` corrects the level of a diffusion"},
    {NULL, NULL}};

static const line paths[] = { /* observe.paths.statistic */
    {"msd", "|x(t) - x(s)|^2 from the start or an origin, log-spaced lags, covariance between lags"},
    {"moments", "its powers: spectrum, non-Gaussian parameter"},
    {"velocity", "product of displacements: autocorrelation of the velocity"},
    {"time-averaged-msd", "mean over the windows of a trajectory, its distribution, ergodicity breaking"},
    {"two-time", "covariance of a feature between times"},
    {"m-point", "covariance of a feature between points and times"},
    {"product", "E f(x_p) g(x_q) of two features between points, or times"},
    {"distance", "powers, or the logarithm, of the distance between points"},
    {"characteristic", "E exp(i u f)"},
    {"tail", "the largest values: Hill's exponent, share of the largest in the sum"},
    {"time-average", "of a feature, a ratio or a covariance over a window of any length, with batch-means errors"},
    {"correlator", "f(t) f(t + lag) at multiple-tau lags, any length"},
    {"correlator-msd", "|x(t + lag) - x(t)|^2 at multiple-tau lags, any length"},
    {NULL, NULL}};

static const line analyses[] = { /* analyse */
    {"diffusion", "exponent and prefactor of an msd with intervals, window, crossover"},
    {"weak-error", "error of every expectation against exact means, a run, or a Richardson extrapolation, and its order"},
    {"escape", "rate, survival and incidence of a crossing or an exit, beside Kramers and power law"},
    {"quantiles", "of a histogram, or of the values of a path statistic"},
    {"stationary", "covariance against theory, fluctuation-dissipation, equipartition, currents, tail"},
    {"scaling-rule", "noise to signal, what an SDE can be close to, linear and square-root rules"},
    {"flow", "Lyapunov and moment exponents of distances, against a reference"},
    {NULL, NULL}};

static const line keys[] = {
    {"until", "run until a standard or relative error of any number is reached"},
    {"groups", "runs on one noise: paired differences, antithetic pairs, Richardson extrapolation"},
    {"noise", "common: one noise for a whole sweep, errors of differences"},
    {"multilevel", "multilevel Monte Carlo over the step, realisations allocated by variance and cost"},
    {"splitting", "adaptive multilevel splitting of rare escapes (ensgrad split)"},
    {NULL, NULL}};

enum { INDENT = 23, WIDTH = 86 };

/* A meaning in lines of at most WIDTH. */
static void append_wrapped(eg_text *out, const char *text) {
  while (strlen(text) > WIDTH) {
    int n = WIDTH;
    while (n > 0 && text[n] != ' ') {
      n--;
    }
    eg_text_append(out, "%.*s\n%*s", n, text, INDENT, "");
    text += n + 1;
  }
  eg_text_append(out, "%s\n", text);
}

static void append_lines(eg_text *out, const char *heading, const line *lines) {
  eg_text_append(out, "\n%s\n", heading);
  for (; lines->word != NULL; lines++) {
    eg_text_append(out, "  %-20s ", lines->word);
    append_wrapped(out, lines->meaning);
  }
}

eg_status eg_study_statistics_text(eg_context *ctx, char **text) {
  eg_text out = {0};
  eg_text_append(&out, "%s", introduction);
  append_lines(&out, "At observations", observe);
  append_lines(&out, "Over every integrator step (observe.monitors, operation)", monitors);
  append_lines(&out, "Of whole paths (observe.paths, statistic)", paths);
  append_lines(&out, "Analyses of the stored sums (analyse; again at any time: ensgrad analyse FILE)", analyses);
  append_lines(&out, "Other keys: how long, and with less variance", keys);
  if (out.is_broken) {
    eg_text_free(&out);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  *text = out.data;
  return EG_OK;
}
