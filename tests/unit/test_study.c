/* The study parser: numbers, messages word for word with their places, overrides, canonical text, templates.
 */
#include <locale.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"
#include "study/number.h"
#include "study/quote.h"
#include "study/study.h"

#define BASE                                                                                                 \
  "seed: 1\n"                                                                                                \
  "model: quadratic\n"                                                                                       \
  "learning_rate: 1/8\n"                                                                                     \
  "steps: 8\n"                                                                                               \
  "dynamics: gradient-flow\n"                                                                                \
  "realisations: 16\n"                                                                                       \
  "observe: {at: {linear: 2}, features: [x]}\n"

static const char diabetes[] =
    "title: Weak error of SGD against its modified equations, diabetes regression\n"
    "seed: 2026\n"
    "model: {name: linear-regression, data: diabetes.h5, standardize: true, ridge: 0.0}\n"
    "start: {point: 0.0}                       # or points: [[..],[..]]\n"
    "horizon: 0.5                              # algorithmic time\n"
    "sweep: {learning_rate: [1/8, 1/16, 1/32, 1/64, 1/128]}\n"
    "dynamics:\n"
    "  - {name: sgd, batch_size: 4, sampling: replacement}\n"
    "  - {name: gradient-flow}\n"
    "  - {name: sme1, batch_size: 4, factor: pair, scheme: strang, substeps: 2}\n"
    "  - {name: sme2, batch_size: 4, factor: pair, scheme: strang, substeps: 2}\n"
    "realisations: 2^24\n"
    "observe:\n"
    "  at: {linear: 4}\n"
    "  features: [norm2, x, loss]\n"
    "  statistics: [moments, covariance]\n"
    "analyse:\n"
    "  - weak-error: {reference: exact, features: [norm2, x]}\n";

/* The study, or NULL; the message is in the context. */
static eg_study *parse_with(eg_context *ctx, const char *text, const char *const *overrides, size_t n) {
  eg_study *study = NULL;
  const eg_status status = eg_study_parse(ctx, "dir/t.yaml", text, strlen(text), overrides, n, &study);
  CHECK((status == EG_OK) == (study != NULL));
  CHECK(status == EG_OK || status == EG_ERR_STUDY);
  return study;
}

static void check_fails(const char *text, const char *want) {
  eg_context *ctx = eg_context_create();
  eg_study *study = parse_with(ctx, text, NULL, 0);
  CHECK(study == NULL);
  CHECK_TEXT(eg_context_message(ctx), want);
  eg_study_free(study);
  eg_context_free(ctx);
}

static void check_says(const char *text, const char *fragment) {
  eg_context *ctx = eg_context_create();
  eg_study *study = parse_with(ctx, text, NULL, 0);
  CHECK(study == NULL);
  CHECK_HAS(eg_context_message(ctx), fragment);
  eg_study_free(study);
  eg_context_free(ctx);
}

static eg_study *parse_good(eg_context *ctx, const char *text, const char *const *overrides, size_t n) {
  eg_study *study = parse_with(ctx, text, overrides, n);
  if (study == NULL) {
    fprintf(stderr, "%s\n", eg_context_message(ctx));
  }
  CHECK(study != NULL);
  return study;
}

static void check_number(const char *text, double want) {
  double got = -12345.0;
  CHECK(eg_number_parse(text, &got) == EG_NUMBER_GOOD);
  if (got != want) {
    fprintf(stderr, "number %s\n", text);
  }
  CHECK(got == want);
}

static void test_numbers(void) {
  static const char *const malformed[] = {"",    "-",        ".",     "1e",   "1e+",   "0x10", "inf",
                                          "nan", ".inf",     "1/",    "/2",   "2^",    "2^x",  "1 2",
                                          "--1", "2*-3",     "1_000", "1,5",  "2^1.5", "fast", "1/2x",
                                          "+",   "infinity", "2^^2",  "1e5.0"};
  static const char *const beyond[] = {"1e999",  "1e-400",   "2^1024",       "2^-1080",
                                       "10^400", "1e308*10", "1e-300/1e300", "2^9999999999"};
  double value = 7.0;
  check_number("12", 12.0);
  check_number("-3", -3.0);
  check_number("+3", 3.0);
  check_number("0.125", 0.125);
  check_number(".5", 0.5);
  check_number("5.", 5.0);
  check_number("1e6", 1e6);
  check_number("1E-3", 1e-3);
  check_number("1/8", 0.125);
  check_number("1/3", 1.0 / 3.0);
  check_number("1 / 8", 0.125);
  check_number("-1/8", -0.125);
  check_number("2^24", 16777216.0);
  check_number("2^-7", 0.0078125);
  check_number("-2^2", -4.0);
  check_number("3*2^10", 3072.0);
  check_number("10^-3", 1e-3);
  check_number("2^-1074", 0x1p-1074);
  check_number("0.1", 0.1);
  check_number("9007199254740992", 0x1p53);
  check_number("0/5", 0.0);
  CHECK(eg_number_parse("-0", &value) == EG_NUMBER_GOOD && !signbit(value));
  value = 7.0;
  for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
    CHECK(eg_number_parse(malformed[i], &value) == EG_NUMBER_MALFORMED);
  }
  for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
    CHECK(eg_number_parse(beyond[i], &value) == EG_NUMBER_BEYOND_DOUBLE);
  }
  CHECK(eg_number_parse("1/0", &value) == EG_NUMBER_BY_ZERO);
  CHECK(eg_number_parse("0^-1", &value) == EG_NUMBER_BY_ZERO);
  CHECK(value == 7.0); /* untouched by failures */
}

static void test_seeds(void) {
  uint64_t seed = 0;
  CHECK(eg_seed_parse("18446744073709551615", &seed) && seed == UINT64_MAX);
  CHECK(eg_seed_parse("9007199254740993", &seed) && seed == 9007199254740993u); /* not through a double */
  CHECK(eg_seed_parse("2^40", &seed) && seed == (uint64_t)1 << 40);
  CHECK(!eg_seed_parse("18446744073709551616", &seed));
  CHECK(!eg_seed_parse("-1", &seed) && !eg_seed_parse("1.5", &seed) && !eg_seed_parse("", &seed));
}

/* A program that has set a locale with a decimal comma gets the same numbers. Runs where such a locale
 * exists. */
static void test_locale(void) {
  const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
  for (size_t i = 0; i < 4 && setlocale(LC_ALL, names[i]) == NULL; i++) {
  }
  check_number("0.125", 0.125);
  CHECK_TEXT(EG_NUMBER_TEXT(0.1), "0.1");
  (void)setlocale(LC_ALL, "C");
}

static void test_number_text(void) {
  CHECK_TEXT(EG_NUMBER_TEXT(0.1), "0.1");
  CHECK_TEXT(EG_NUMBER_TEXT(1.0 / 3.0), "0.3333333333333333");
  CHECK_TEXT(EG_NUMBER_TEXT(0x1p50), "1125899906842624");
  CHECK_TEXT(EG_NUMBER_TEXT(-2.5), "-2.5");
  double back = 0.0;
  for (int i = 0; i < 1000; i++) { /* every text gives its double back */
    const double value = ldexp(sin((double)i + 0.5), i - 500);
    CHECK(eg_number_parse(EG_NUMBER_TEXT(value), &back) == EG_NUMBER_GOOD && back == value);
  }
}

static void test_nearest(void) {
  const char *const names[] = {"steps", "seed", "learning_rate", "x"};
  CHECK_TEXT(eg_nearest_name("stpes", names, 4), "steps");
  CHECK_TEXT(eg_nearest_name("learningrate", names, 4), "learning_rate");
  CHECK_TEXT(eg_nearest_name("sed", names, 4), "seed");
  CHECK(eg_nearest_name("observe", names, 4) == NULL);
  CHECK(eg_nearest_name("y", names, 4) == NULL);
  CHECK(eg_nearest_name("", names, 4) == NULL);
}

static void test_design_example(void) {
  eg_context *ctx = eg_context_create();
  eg_study *study = parse_good(ctx, diabetes, NULL, 0);
  if (study != NULL) {
    CHECK_TEXT(study->path, "dir/t.yaml");
    CHECK_TEXT(study->text, diabetes);
    CHECK(study->seed == 2026);
    CHECK_TEXT(study->model.name, "linear-regression");
    CHECK_TEXT(study->model.data, "dir/diabetes.h5");
    CHECK(study->model.data_mark.line == 3 && study->model.data_mark.column == 40);
    CHECK_TEXT(study->model.inputs, "X");
    CHECK_TEXT(study->model.target, "y");
    CHECK(study->model.standardize && study->model.ridge == 0.0);
    CHECK(study->start.kind == EG_START_POINTS && study->start.n_points == 1 && study->start.width == 1);
    CHECK(study->horizon == 0.5 && isnan(study->steps) && isnan(study->learning_rate));
    CHECK(study->n_sweep == 1 && study->sweep[0].values.n == 5 &&
          study->sweep[0].values.values[4] == 1.0 / 128);
    CHECK(study->sweep[0].target == EG_SWEEP_LEARNING_RATE);
    CHECK(study->n_dynamics == 4 && study->dynamics[3].id == EG_SME2 &&
          study->dynamics[3].scheme == EG_STRANG);
    CHECK(study->dynamics[0].batch_size == 4.0 && study->dynamics[2].factor == EG_FACTOR_PAIR);
    CHECK(study->dynamics[2].substeps == 2.0);
    CHECK_TEXT(study->dynamics[1].label, "gradient-flow");
    CHECK(study->realisations == 16777216.0 && study->realisations_mark.line == 12);
    CHECK(study->noise == EG_NOISE_GAUSSIAN && !study->noise_common && !study->float_state);
    CHECK(study->observe.at.kind == EG_AT_LINEAR && study->observe.at.n == 4 && study->observe.n_features == 3);
    CHECK(study->observe.statistics == (EG_STAT_MOMENTS | EG_STAT_COVARIANCE));
    CHECK(study->observe.feature_marks[1].line == 15 && study->observe.feature_marks[1].column == 21);
    CHECK(study->n_weak_error == 1 && study->weak_error[0].n_features == 2);
    CHECK_TEXT(study->weak_error[0].reference, "exact");
  }
  eg_study_free(study);
  eg_context_free(ctx);
}

static void test_forms(void) {
  eg_context *ctx = eg_context_create();
  eg_study *study = parse_good(
      ctx,
      "{\"seed\": 18446744073709551615, \"model\": {\"file\": \"my.h\", \"a\": [1, 2], \"b\": 3},\n"
      " \"time_step\": 1e-3, \"steps\": 1000, \"dynamics\": [\"sde\", {\"name\": \"sde\", \"label\": "
      "\"sde#2\"}, \"sde\"],\n"
      " \"start\": {\"points\": [[1, 2], [3, 4], [5, 6]]}, \"realisations\": 10, \"noise\": "
      "{\"kind\": \"table5\", \"common\": true},\n"
      " \"observe\": {\"at\": {\"steps\": [0, 10, 1000]}, \"features\": \"x\", \"statistics\": "
      "\"msd\"}, \"state\": \"float\"}",
      NULL, 0);
  if (study != NULL) {
    CHECK(study->seed == UINT64_MAX && study->uses_time_step && study->learning_rate == 1e-3);
    CHECK_TEXT(study->model.file, "dir/my.h");
    CHECK(study->model.n_params == 2 && study->model.params[0].value.n == 2);
    CHECK(study->start.n_points == 3 && study->start.width == 2 && study->start.points[5] == 6.0);
    CHECK_TEXT(study->dynamics[0].label, "sde");
    CHECK_TEXT(study->dynamics[1].label, "sde#2");
    CHECK_TEXT(study->dynamics[2].label, "sde#3");
    CHECK(study->noise == EG_NOISE_TABLE5 && study->noise_common && study->float_state);
    CHECK(study->observe.at.kind == EG_AT_STEPS && study->observe.at.list.n == 3);
    CHECK(study->observe.n_features == 2 && strcmp(study->observe.features[1], "displacement2") == 0);
  }
  eg_study_free(study);
  study = parse_good(
      ctx, BASE "sweep: {start.std: [1, 2], model.noise: 1/4}\nstart: {normal: {mean: 3}}\nnoise: common\n",
      NULL, 0);
  if (study != NULL) {
    CHECK(study->start.kind == EG_START_NORMAL && study->start.mean == 3.0);
    CHECK(study->n_sweep == 2 && study->sweep[1].target == EG_SWEEP_PARAM);
    CHECK_TEXT(study->sweep[1].param, "noise");
    CHECK(study->noise_common && study->noise == EG_NOISE_GAUSSIAN);
  }
  eg_study_free(study);
  eg_context_free(ctx);
}

static void test_yaml_errors(void) {
  check_fails("", "dir/t.yaml:1:1: error: the study is empty; `ensgrad new KIND` writes an example\n"
                  "    1 | \n"
                  "      | ^");
  check_fails("- 1\n", "dir/t.yaml:1:1: error: a study is a mapping of keys to values, this is a list\n"
                       "    1 | - 1\n"
                       "      | ^");
  check_fails("seed: [1, 2\nmodel: x\n", "dir/t.yaml:2:6: error: did not find expected ',' or ']' while "
                                         "parsing a flow sequence that starts at line 1\n"
                                         "    2 | model: x\n"
                                         "      |      ^");
  check_fails("seed: 1\n\tmodel: x\n", "dir/t.yaml:2:1: error: found a tab character that violates "
                                       "indentation while scanning a plain scalar that starts at "
                                       "line 1; indent with blanks, a tab is not allowed here\n"
                                       "    2 |  model: x\n"
                                       "      | ^");
  check_fails("seed: 1\ntitle: a\x80z\n",
              "dir/t.yaml:2:9: error: invalid leading UTF-8 octet; a study is plain UTF-8 text\n"
              "    2 | title: a?z\n"
              "      |         ^");
  check_says(BASE "seed: 2\n",
             "dir/t.yaml:8:1: error: duplicate key 'seed' (first at line 1)\n    8 | seed: 2\n      | ^~~~");
  check_says(BASE "title: &a x\n", "dir/t.yaml:8:8: error: anchors ('&a') are not supported");
  check_says(BASE "title: *a\n", "dir/t.yaml:8:8: error: aliases ('*a') are not supported");
  check_says(BASE "title: !t x\n", "dir/t.yaml:8:8: error: tags ('!t') are not supported");
  check_says(BASE "---\na: 1\n", "dir/t.yaml:8:1: error: a second document starts here");
  check_says(BASE "title: [[[[[[[[[[[[[[[[[[[[\n", "dir/t.yaml:8:23: error: nested deeper than 16 levels");
  check_says(BASE "title: \"a\\0b\"\n", "8:8: error: a text must not contain the character NUL");
  check_says(BASE "[a]: b\n", "8:1: error: a key must be a word");
}

static void test_key_errors(void) {
  check_fails(BASE "titel: a\n", "dir/t.yaml:8:1: error: unknown key 'titel'; did you mean 'title'?\n"
                                 "    8 | titel: a\n"
                                 "      | ^~~~~");
  check_fails("model: quadratic\nlearning_rate: 1\nsteps: 1\ndynamics: gradient-flow\nrealisations: 1\n"
              "observe:\n  at: 1\n  feature: x\n",
              "dir/t.yaml:1:1: error: missing required key 'seed'\n"
              "    1 | model: quadratic\n"
              "      | ^\n"
              "dir/t.yaml:7:3: error: missing required key 'observe.features'\n"
              "    7 |   at: 1\n"
              "      |   ^\n"
              "dir/t.yaml:8:3: error: unknown key 'observe.feature'; did you mean 'observe.features'?\n"
              "    8 |   feature: x\n"
              "      |   ^~~~~~~");
  check_says(BASE "groups: {label: a, members: [gradient-flow, gradient-flow], antithetic: true}\n", "already a member of the group 'a'");
  check_says(BASE "multilevel: {feature: x, stderr: 1}\n", "missing required key 'multilevel.levels'");
  check_says(BASE "multilevel: {levels: 2, feature: x}\n", "'multilevel' needs 'stderr' or 'relative'");
  check_says(BASE "multilevel: {levels: 2, feature: x, stderr: 1}\n", "8:1: error: 'multilevel' refines substeps, and gradient-flow has none");
  check_says(BASE "splitting: {feature: x0, low: 1, high: 1}\n", "8:1: error: 'splitting.low' and 'high' are equal");
  check_says(BASE "splitting: {feature: x0, low: 1}\n", "missing required key 'splitting.high'");
  check_says(BASE "until: {feature: x}\n", "8:8: error: 'until' needs 'stderr' or 'relative'");
  check_says(BASE "until: {feature: x, stderr: 1, relative: 0.1}\n", "'until.relative'");
  check_says(BASE "until: {stderr: 1}\n", "'until' needs 'feature' or 'variable'");
  check_says(BASE "until: {feature: x, relative: 0}\n", "'until.relative' = 0");
  check_says(BASE "until: {feature: x, stderr: 1, statistic: median}\n", "allowed: mean, variance");
  check_says(BASE "until: {feature: x, stderr: 1, dynamics: gd}\n", "'until.dynamics': 'gd' is not the label of a dynamics");
  check_says(BASE "form: lanes\n", "8:7: error: 'form' = 'lanes' is not known; did you mean 'lane'? allowed: auto, lane, team");
  check_says("model: {name: linear-regression, data: a.h5, columns: [2, 0, 2]}\n",
             "1:55: error: 'model.columns' names column 2 twice");
  check_says("model: {name: quadratic, columns: [1]}\n", "'model.columns' is not for 'quadratic', which takes no data");
  check_says(BASE "zzzzzz: 1\n", "unknown key 'zzzzzz'; known here: title, seed, model, ");
  check_says(BASE "horizon: 1\n", "8:1: error: 'steps' and 'horizon' exclude each other");
  check_says(BASE "time_step: 1\n",
             "8:1: error: 'quadratic' is a loss model: it takes 'learning_rate', not 'time_step'");
  check_says("model: ornstein-uhlenbeck\nlearning_rate: 1\n",
             "2:1: error: 'ornstein-uhlenbeck' is a process: it takes 'time_step', not 'learning_rate'");
  check_says("model: ornstein-uhlenbeck\n",
             "1:1: error: missing required key 'time_step' (or sweep: {time_step: [..]})");
  check_says("model: ornstein-uhlenbeck\n", "1:1: error: missing required key 'horizon' (or 'steps')");
}

static void test_value_errors(void) {
  check_fails(BASE "diverged_limit: fast\n",
              "dir/t.yaml:8:17: error: 'diverged_limit' must be a number, got 'fast'\n"
              "    8 | diverged_limit: fast\n"
              "      |                 ^~~~");
  check_fails(BASE "diverged_limit: \"0.5\"\n",
              "dir/t.yaml:8:17: error: 'diverged_limit' must be a number, got the text \"0.5\"\n"
              "    8 | diverged_limit: \"0.5\"\n"
              "      |                 ^~~~~");
  check_fails(BASE "diverged_limit: 1.5\n",
              "dir/t.yaml:8:17: error: 'diverged_limit' = 1.5 is out of range [0, 1]\n"
              "    8 | diverged_limit: 1.5\n"
              "      |                 ^~~");
  check_fails(
      BASE "noise: gausian\n",
      "dir/t.yaml:8:8: error: 'noise' = 'gausian' is not known; did you mean 'gaussian'? allowed: gaussian, "
      "gaussian-fast, gaussian64, table5, table8, table10, two-point, three-point, common\n"
      "    8 | noise: gausian\n"
      "      |        ^~~~~~~");
  check_fails(BASE "title:\n", "dir/t.yaml:8:7: error: 'title' has no value; it must be text\n"
                               "    8 | title:\n"
                               "      |       ^");
  check_says("learning_rate: [1, 2]\n",
             "'learning_rate' must be a number, got a list; to run several values, sweep it");
  check_says(BASE "title: [a]\n", "8:8: error: 'title' must be text, got a list");
  check_says(BASE "start: 3\n", "8:8: error: 'start' must be a mapping, got '3'");
  check_says(BASE "diverged_limit: .inf\n", "must be a number, got '.inf'");
  check_says(BASE "diverged_limit: 1e999\n", "'diverged_limit' = 1e999 is beyond what a double can hold");
  check_says(BASE "diverged_limit: 1/0\n", "'diverged_limit' = 1/0 divides by zero");
  check_says("seed: -1\n", "1:7: error: 'seed' = -1 is out of range [0, 18446744073709551615]");
  check_says("seed: 18446744073709551616\n", "is out of range [0, 18446744073709551615]");
  check_says("seed: x\n", "1:7: error: 'seed' must be a whole number, got 'x'");
  check_says("realisations: 0\n", "1:15: error: 'realisations' = 0 is out of range [1, 1125899906842624]");
  check_says("realisations: 1.5\n", "1:15: error: 'realisations' must be a whole number, got '1.5'");
  check_says("horizon: 0\n", "1:10: error: 'horizon' = 0 is out of range (0, inf)");
  check_says(BASE "title: \"\x1b[31m\n",
             "   8 | title: \"?[31m"); /* no escape sequence reaches the terminal */
}

static void test_model_errors(void) {
  check_says("model: quadratc\n",
             "1:8: error: 'model.name' = 'quadratc' is not known; did you mean 'quadratic'? allowed: ");
  check_says("model: {name: quadratic, curvatur: 1}\n",
             "1:26: error: unknown key 'model.curvatur'; did you mean 'model.curvature'?");
  check_says("model: {name: quadratic, noise: [1, -2]}\n",
             "1:37: error: 'model.noise' = -2 is out of range [0, ");
  check_says("model: {name: quadratic, ridge: 1}\n",
             "'model.ridge' is not for 'quadratic', which takes no data");
  check_says("model: {name: ornstein-uhlenbeck, rate: [1, 2]}\n",
             "'model.rate' must be a number, got a list; to run several values, sweep it");
  check_says("model: {file: \"\"}\n", "1:15: error: 'model.file' is empty; it must be a path");
  check_says("model: {name: linear-regression}\n",
             "missing required key 'model.data': 'linear-regression' needs a data file");
  check_says("model: {name: quadratic, file: a.h}\n", "'model.name' and 'model.file' exclude each other");
  check_says("model: {}\n", "missing required key 'model.name' (or 'model.file')");
  check_says("model: {name: quadratic, curvature: [1, 2]}\nstart: {point: [1, 2, 3]}\n",
             "2:16: error: 'start' has 3 components, but 'curvature' has 2");
  check_says("start: {points: [[1, 2], [3]]}\n",
             "1:26: error: this point has 1 components, the first one has 2");
}

static void test_dynamics_errors(void) {
  check_says("dynamics: [sgd]\n",
             "1:12: error: 'sgd' needs 'batch_size' (here, or sweep: {batch_size: [..]})");
  check_says("dynamics: {name: sgd, factor: pair}\n",
             "1:23: error: 'sgd' has no 'factor'; only for: sme1 sme2 smf1 smf2");
  check_says("dynamics: [sdg]\n",
             "'dynamics.name' = 'sdg' is not known; did you mean 'sgd'? allowed: sgd, gradient-flow, ");
  check_says("model: linear-regression\ndynamics: [sde]\n",
             "2:12: error: 'sde' cannot be used with the model 'linear-regression'; it has: sgd");
  check_says("dynamics: [{name: sde, label: a}, {name: sde, label: a}]\n", "the label 'a' is used twice");
  check_says("dynamics: {name: sde, label: exact}\n", "1 to 64 printable characters, and not 'exact'");
  check_says("dynamics: []\n", "'dynamics' has 0 entries; allowed: 1 to 256");
  check_says("dynamics: [[]]\n", "'dynamics' must be text or a mapping, got an empty list");
}

static void test_sweep_errors(void) {
  check_says("sweep: {learning_rate: [1, 0.5, 1/2]}\n",
             "1:33: error: 'sweep.learning_rate' has the value 0.5 twice");
  check_says("sweep: {learning_rate: [1, 0]}\n",
             "1:28: error: 'sweep.learning_rate' = 0 is out of range (0, inf)");
  check_says("sweep: {learning_rate: []}\n", "'sweep.learning_rate' needs at least one value");
  check_says("sweep: {steps: [1]}\n", "1:9: error: 'steps' cannot be swept");
  check_says("sweep: {learning_rat: [1]}\n",
             "unknown key 'sweep.learning_rat'; did you mean 'sweep.learning_rate'?");
  check_says("model: quadratic\nsweep: {curvature: [1]}\n", "did you mean 'sweep.model.curvature'?");
  check_says(BASE "sweep: {learning_rate: [1]}\n",
             "3:1: error: 'learning_rate' is swept; remove it here or in the sweep");
  check_says(BASE "sweep: {batch_size: [1]}\n",
             "'sweep.batch_size' has no effect: no dynamics of this study has 'batch_size'");
  check_says(BASE "sweep: {start.mean: [1]}\n",
             "'sweep.start.mean' has no effect: it needs start: {normal: {}}");
  check_says("sweep: {ridge: [1], model.ridge: [2]}\n",
             "'sweep.ridge' and 'sweep.model.ridge' exclude each other");
  eg_text text = {0};
  eg_text_append(&text, "%s", BASE "sweep:\n  model.noise: [0");
  for (int i = 1; i < 70; i++) {
    eg_text_append(&text, ", %d", i);
  }
  eg_text_append(&text, "]\n  start.point: [0");
  for (int i = 1; i < 70; i++) {
    eg_text_append(&text, ", %d", i);
  }
  eg_text_append(&text, "]\n");
  check_says(
      eg_text_string(&text),
      "9:3: error: 4900 runs (1 dynamics x 70 start.point x 70 model.noise) are too many; at most 4096");
  eg_text_free(&text);
}

static void test_observe_and_analyse_errors(void) {
  check_says("steps: 8\nobserve: {at: {steps: [1, 9]}, features: x}\n",
             "2:27: error: 'observe.at.steps' = 9 is behind the end: 'steps' = 8");
  check_says("observe: {at: [1, 0.5]}\n", "1:19: error: 'observe.at' must increase: 0.5 follows 1");
  check_says("observe: {at: {}}\n", "'observe.at' needs a list of times or one of 'linear', 'steps'");
  check_says("observe: {at: {linear: 2, steps: 3}}\n",
             "'observe.at.linear' and 'observe.at.steps' exclude each other");
  check_says("steps: 8\nobserve: {at: {steps: {log: 9}}}\n",
             "'observe.at.steps.log' asks for 9 distinct steps out of 8");
  check_says("observe: {features: [x, x]}\n", "1:25: error: the feature 'x' is listed twice");
  check_says("observe: {features: [los]}\n", "'observe.features' = 'los' is not known; did you mean 'loss'?");
  check_says("model: ornstein-uhlenbeck\nobserve: {features: [loss]}\n",
             "'ornstein-uhlenbeck' is a process: it has no 'loss'");
  check_says(BASE "analyse: [{flow: {}}]\n", "8:12: error: 'analyse.flow' needs 'observe.paths' with the statistic distance and 0 among its powers");
  check_says(BASE "analyse: [{stationary: {tail: norm2}}]\n",
             "'analyse.stationary.tail' = 'norm2' is not the name of one of 'observe.histograms'");
  check_says(BASE "analyse: [{scaling-rule: {}}]\n", "'analyse.scaling-rule' needs 'norm2' among 'observe.features'");
  check_says(BASE "analyse: [{stationary: {tail_from: 2}}]\n", "'analyse.stationary.tail_from' needs 'tail'");
  check_says(BASE "analyse: [{stationary: {from: -1}}]\n", "'analyse.stationary.from'");
  check_says(BASE "analyse: [{escape: {}}]\n", "8:12: error: 'analyse.escape' needs 'observe.monitors' with the operation crossing");
  check_says(BASE "analyse: [{diffusion: {}}]\n", "8:12: error: 'analyse.diffusion' needs 'observe.paths' with the statistic msd");
  check_says(BASE "analyse: [{difusion: {}}]\n", "8:12: error: unknown analysis 'difusion'; did you mean 'diffusion'?");
  check_says(BASE "analyse: [{weak-eror: {}}]\n", "unknown analysis 'weak-eror'; did you mean 'weak-error'?");
  check_says(BASE "analyse: [{weak-error: {}}]\n",
             "'analyse.weak-error' needs 'learning_rate' swept over at least 3 values");
  check_says(BASE "analyse: [{weak-error: {reference: gradient-flo}}]\n",
             "'gradient-flo' is neither 'exact' nor the label of a dynamics; did you mean 'gradient-flow'?");
  check_says(BASE "analyse: [{weak-error: {features: [loss]}}]\n", "'loss' is not among 'observe.features'");
}

#define HISTOGRAMS "observe: {at: {linear: 2}, features: [x, norm2], histograms: "

static void test_histogram_errors(void) {
  check_says(HISTOGRAMS "[{feature: los}]}\n", "'observe.histograms.feature' = 'los' is not known; did you mean 'loss'?");
  check_says(HISTOGRAMS "[{feature: loss}]}\n",
             "1:73: error: a histogram of 'loss', which is not among 'observe.features': add it there");
  check_says(HISTOGRAMS "[{feature: x}, {feature: x}]}\n", "two histograms of 'x'; one is stored under that name");
  check_says(HISTOGRAMS "[{bins: 3}]}\n", "missing required key 'observe.histograms.feature'");
  check_says(HISTOGRAMS "{feature: x, bins: 5000}}\n", "'observe.histograms.bins' = 5000 is out of range [1, 4096]");
  check_says(HISTOGRAMS "{feature: x, binz: 5}}\n", "did you mean 'observe.histograms.bins'?");
  check_says(HISTOGRAMS "{feature: x, scale: lin}}\n", "'observe.histograms.scale' = 'lin' is not known");
  check_says(HISTOGRAMS "{feature: x, low: 1}}\n",
             "'observe.histograms' needs both 'low' and 'high', or neither of them");
  check_says(HISTOGRAMS "{feature: x, low: 1, high: 1}}\n", "'observe.histograms.high' = 1 is not above 'low' = 1");
  check_says(HISTOGRAMS "{feature: x, scale: log, low: 0, high: 1}}\n", "'scale: log' needs 'low' > 0, got 0");
  check_says(HISTOGRAMS "{feature: x, low: 0, high: 1e301}}\n", "the limits of a histogram are at most 1e300");
  check_says(HISTOGRAMS "{feature: x, low: 1, high: 1.00000000001}}\n", "narrower than a double tells apart safely");
  check_says(HISTOGRAMS "{feature: x, low: 0, high: 1e-300}}\n", "narrower than a double tells apart safely");
  check_says(HISTOGRAMS "[]}\nkeep: 3\n", "unknown key 'keep'");
  check_says("observe: {at: {linear: 2}, features: x, keep: 3}\n", "'observe.keep' must be a mapping, got '3'");
  check_says("observe: {at: {linear: 2}, features: x, keep: {of: x}}\n",
             "missing required key 'observe.keep.realisations'");
  check_says("observe: {at: {linear: 2}, features: x, keep: {realisations: 0}}\n", "is out of range [1, 1000000]");
  check_says("observe: {at: {linear: 2}, features: x, keep: {realisations: 1, of: [norm2]}}\n",
             "paths of 'norm2', which is not among 'observe.features': add it there");
  check_says("observe: {at: {linear: 2}, features: x, keep: {realisations: 1, of: [x, x]}}\n", "'x' is listed twice");
}

static void test_histograms(void) {
  eg_context *ctx = eg_context_create();
  eg_study *study = parse_good(ctx,
                               "seed: 1\nmodel: quadratic\nlearning_rate: 1/8\nsteps: 8\ndynamics: gradient-flow\n"
                               "realisations: 16\nobserve:\n  at: {linear: 2}\n  features: [x, norm2]\n  histograms:\n"
                                          "    - {feature: x1, bins: 3, low: -1, high: 2}\n"
                                          "    - {feature: norm2, scale: log}\n  keep: {realisations: 5, of: norm2}\n",
                               NULL, 0);
  if (study != NULL) {
    const eg_study_observe *o = &study->observe;
    CHECK(o->n_histograms == 2 && o->kept == 5 && o->n_kept_features == 1);
    CHECK_TEXT(o->histograms[0].feature, "x");
    CHECK(o->histograms[0].component == 1 && o->histograms[0].bins == 3 && !o->histograms[0].is_log);
    CHECK(o->histograms[0].low == -1 && o->histograms[0].high == 2);
    CHECK(o->histograms[1].component == -1 && o->histograms[1].bins == 64 && o->histograms[1].is_log);
    CHECK(isnan(o->histograms[1].low) && isnan(o->histograms[1].high));
    CHECK_HAS(study->canonical, "observe.histograms x1 3 linear -1 2\nobserve.histograms norm2 64 log automatic\n"
                                "observe.keep.realisations 5\nobserve.keep.of norm2\n");
  }
  eg_study_free(study);
  eg_context_free(ctx);
}

static void test_many_errors(void) {
  eg_text text = {0};
  for (int i = 0; i < 60; i++) {
    eg_text_append(&text, "k%d: 1\n", i);
  }
  check_says(eg_text_string(&text), "dir/t.yaml:50:1: error: unknown key 'k49'");
  check_says(eg_text_string(&text), "\ndir/t.yaml: error: and 17 more"); /* 60 keys, 7 missing ones */
  eg_text_free(&text);
}

static void check_override_fails(const char *override, const char *want) {
  eg_context *ctx = eg_context_create();
  eg_study *study = parse_with(ctx, BASE, &override, 1);
  CHECK(study == NULL);
  CHECK_TEXT(eg_context_message(ctx), want);
  eg_study_free(study);
  eg_context_free(ctx);
}

static void test_overrides(void) {
  const char *const good[] = {"realisations=2^20",
                              "model.curvature=[1, 2]",
                              "noise.kind=table5",
                              "dynamics={name: sgd}",
                              "sweep.batch_size=[1, 2]",
                              "sweep.model.noise=1/2",
                              "seed=7",
                              "seed=8",
                              "dynamics.label=my sgd"};
  eg_context *ctx = eg_context_create();
  eg_study *study = parse_good(ctx, BASE, good, sizeof good / sizeof good[0]);
  if (study != NULL) {
    CHECK(study->realisations == 1048576.0 && study->realisations_mark.line == 0);
    CHECK(study->model.n_params == 1 && study->model.params[0].value.n == 2);
    CHECK(study->noise == EG_NOISE_TABLE5 && study->seed == 8);
    CHECK(study->n_sweep == 2 && isnan(study->dynamics[0].batch_size));
    CHECK_TEXT(study->dynamics[0].label, "my sgd");
    CHECK_TEXT(study->text, BASE);
  }
  eg_study_free(study);
  eg_context_free(ctx);
  check_override_fails(
      "realizations=3",
      "--set realizations=3: error: unknown key 'realizations'; did you mean 'realisations'?");
  check_override_fails(
      "realisations=0",
      "--set realisations=0: error: 'realisations' = 0 is out of range [1, 1125899906842624]");
  check_override_fails("title=", "--set title=: error: 'title' has no value; it must be text");
  check_override_fails("seed.x=3", "--set seed.x=3: error: 'seed' is not a mapping: replace it as a whole");
  check_override_fails("seed", "--set seed: error: there is no '='; wanted: key=value");
  check_override_fails("=3", "--set =3: error: the key is not a dotted name; wanted: key=value");
  check_override_fails("a..b=3", "--set a..b=3: error: the key is not a dotted name; wanted: key=value");
  check_override_fails(
      "title=[a", "--set title=[a: error: did not find expected ',' or ']' while parsing a flow sequence");
}

static void check_same(const char *left, const char *right, bool is_same) {
  eg_context *ctx = eg_context_create();
  eg_study *a = parse_good(ctx, left, NULL, 0);
  eg_study *b = parse_good(ctx, right, NULL, 0);
  if (a != NULL && b != NULL) {
    CHECK((strcmp(a->canonical, b->canonical) == 0) == is_same);
    if (is_same) {
      CHECK_TEXT(a->canonical, b->canonical);
    }
  }
  eg_study_free(a);
  eg_study_free(b);
  eg_context_free(ctx);
}

static void test_canonical(void) {
  check_same(BASE,
             "# comment\ntitle: other\nobserve: {features: x, at: {linear: 2.0}, statistics: [moments]}\n"
             "realisations: 2^4\ndynamics: [{name: gradient-flow}]\nsteps: 8\nlearning_rate: 0.125\n"
             "model: {name: quadratic}\nseed: 01\nnoise: gaussian\nstart: {point: -0}\n",
             true);
  check_same(BASE "sweep: {model.noise: [1, 2], start.point: 1}\n",
             BASE "sweep: {start.point: [1], model.noise: [1, 2]}\n", true);
  check_same(BASE "noise: common\n", BASE "noise: {common: true}\n", true);
  check_same(BASE "noise: common\n", BASE, false);
  check_same(BASE "start: {point: 1}\n", BASE, false);
  check_same(BASE "start: {point: 0.1}\n", BASE "start: {point: 0.10000000000000001}\n", true);
  check_same(BASE "start: {point: 0.1}\n", BASE "start: {point: 0.10000000000000002}\n", false);
  check_same(BASE "sweep: {start.point: [1, 2]}\n", BASE "sweep: {start.point: [2, 1]}\n", false);
  check_same(BASE "state: float\n", BASE "state: double\n", false);
  check_same(BASE "form: auto\n", BASE, true);
  check_same(BASE "form: lane\n", BASE "form: team\n", false);
}

static void test_messages_later(void) {
  eg_context *ctx = eg_context_create();
  eg_study *study = parse_good(ctx, BASE, NULL, 0);
  if (study != NULL) {
    CHECK(eg_study_fail_at(ctx, study, study->realisations_mark, "too many: %d", 16) == EG_ERR_STUDY);
    CHECK_TEXT(eg_context_message(ctx), "dir/t.yaml:6:15: error: too many: 16\n"
                                        "    6 | realisations: 16\n"
                                        "      |               ^~");
    CHECK(eg_study_fail_at(ctx, study, (eg_mark){0, 0}, "no place") == EG_ERR_STUDY);
    CHECK_TEXT(eg_context_message(ctx), "dir/t.yaml: error: no place");
    eg_study_warn_at(ctx, study, study->dynamics[0].mark, "slow");
    CHECK_TEXT(eg_context_warnings(ctx), "dir/t.yaml:5:11: warning: slow\n"
                                         "    5 | dynamics: gradient-flow\n"
                                         "      |           ^~~~~~~~~~~~~\n");
    for (int line = 0; line < 12; line++) { /* no mark is out of bounds */
      for (int column = 0; column < 300; column += 7) {
        CHECK(eg_study_fail_at(ctx, study, (eg_mark){line, column}, "x") == EG_ERR_STUDY);
      }
    }
  }
  eg_study_free(study);
  eg_context_free(ctx);
}

static void test_long_line(void) {
  eg_text text = {0};
  eg_text_append(&text, "title: ");
  for (int i = 0; i < 500; i++) {
    eg_text_append(&text, "\xC3\xA9"); /* two bytes, one column */
  }
  eg_text quoted = {0};
  eg_quote_line(&quoted, text.data, text.length, (eg_mark){1, 200}, 3);
  CHECK_HAS(eg_text_string(&quoted), "    1 | ...\xC3\xA9");
  CHECK_HAS(eg_text_string(&quoted), "\n      |                                            ^~~");
  CHECK_HAS(eg_text_string(&quoted), "\xC3\xA9...\n");
  eg_text_free(&quoted);
  eg_text_free(&text);
}

static void test_files(void) {
  eg_context *ctx = eg_context_create();
  eg_study *study = NULL;
  char path[] = "/tmp/ensgrad_study_XXXXXX";
  const int fd = mkstemp(path);
  CHECK(fd >= 0);
  FILE *file = fdopen(fd, "w");
  CHECK(file != NULL && fputs("\xEF\xBB\xBF" BASE, file) >= 0 && fclose(file) == 0);
  CHECK(eg_study_load(ctx, path, NULL, 0, &study) == EG_OK && study != NULL);
  eg_study_free(study);
  study = NULL;
  (void)unlink(path);
  CHECK(eg_study_load(ctx, path, NULL, 0, &study) == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), "error: cannot be opened: ");
  CHECK(eg_study_load(ctx, "/tmp", NULL, 0, &study) == EG_ERR_STUDY);
  CHECK_HAS(eg_context_message(ctx), "/tmp: error: cannot be read: ");
  CHECK(eg_study_load(ctx, "-", NULL, 0, &study) == EG_ERR_STUDY);
  char *large = calloc(1, (1 << 20) + 1);
  if (large != NULL) {
    memset(large, '#', (1 << 20) + 1);
    CHECK(eg_study_parse(ctx, "t", large, (1 << 20) + 1, NULL, 0, &study) == EG_ERR_STUDY);
    CHECK_TEXT(eg_context_message(ctx), "t: error: larger than 1 MiB: this is not a study");
  }
  free(large);
  CHECK(study == NULL);
  eg_context_free(ctx);
}

static void test_templates_and_schema(void) {
  eg_context *ctx = eg_context_create();
  const char *const kinds[] = {"weak-error", "diffusion", "ornstein-uhlenbeck"};
  for (size_t i = 0; i < 3; i++) {
    const char *text = eg_study_template(kinds[i]);
    CHECK(text != NULL);
    CHECK_HAS(eg_study_template_kinds(), kinds[i]);
    if (text != NULL) {
      CHECK(text[0] == '#');
      eg_study_free(parse_good(ctx, text, NULL, 0));
    }
  }
  CHECK(eg_study_template("") == NULL && eg_study_template("weak") == NULL);
  char *schema = NULL;
  CHECK(eg_study_schema_text(ctx, &schema) == EG_OK);
  if (schema != NULL) {
    CHECK_HAS(schema, "\nseed: a whole number, range [0, 18446744073709551615], required\n");
    CHECK_HAS(schema, "\n  dynamics.batch_size: a whole number, range [1, 2147483647]");
    CHECK_HAS(schema, "    only for: sgd sme1 sme2 smf1 smf2 svag noisy-gd adam adamw rmsprop signsgd rmsprop-sde adam-sde signsgd-sde levy langevin log-time\n");
    CHECK_HAS(schema, "one of: x, norm2, loss, gradient_norm2, displacement2, clock, noise_trace, velocity\n");
  }
  free(schema);
  eg_context_free(ctx);
}

static void test_names(void) {
  CHECK_TEXT(eg_dynamics_name(EG_SDE), "sde");
  CHECK_TEXT(eg_scheme_name(EG_SCHEME_DEFAULT), "default");
  CHECK_TEXT(eg_scheme_name(EG_EXACT), "exact");
  CHECK_TEXT(eg_factor_name(EG_FACTOR_SYMMETRIC_ROOT), "symmetric-root");
  CHECK_TEXT(eg_noise_name(EG_NOISE_THREE_POINT), "three-point");
}

int main(void) {
  test_numbers();
  test_seeds();
  test_locale();
  test_number_text();
  test_nearest();
  test_names();
  test_design_example();
  test_forms();
  test_yaml_errors();
  test_key_errors();
  test_value_errors();
  test_model_errors();
  test_dynamics_errors();
  test_sweep_errors();
  test_observe_and_analyse_errors();
  test_histogram_errors();
  test_histograms();
  test_many_errors();
  test_overrides();
  test_canonical();
  test_messages_later();
  test_long_line();
  test_files();
  test_templates_and_schema();
  return check_report();
}
