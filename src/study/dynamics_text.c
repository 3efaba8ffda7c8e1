/* The lists of dynamics, schemes, factors and samplings with the keys they take: `ensgrad help dynamics`. */
#include <string.h>

#include "ensgrad/study.h"
#include "model/catalogue.h"
#include "study/checker.h"

static const char introduction[] =
    "Names for `dynamics`, the keys that each takes and the models that have it. In the equations g_B is the mean\n"
    "gradient of B samples, Sigma(x) the covariance of the gradient of one, eta the learning rate; orders are weak ones.\n";

static void append_models(eg_text *out, const char *dynamics) {
  eg_text_append(out, "  models:  ");
  for (size_t i = 0; i < eg_model_count(); i++) {
    if (eg_has_word(eg_model_at(i)->dynamics, dynamics)) {
      eg_text_append(out, " %s", eg_model_at(i)->name);
    }
  }
  eg_text_append(out, "\n");
}

static const char *key_of(const eg_schema_row *row, const char *dynamics) {
  const bool has = row->only != NULL && (dynamics == NULL || eg_has_word(row->only, dynamics));
  return has ? eg_schema_key_below(row, "dynamics") : NULL;
}

static void append_keys(eg_text *out, const char *dynamics) {
  eg_text_append(out, "  keys:    ");
  for (size_t i = 0; i < eg_schema_count(); i++) {
    const char *const key = key_of(eg_schema_at(i), dynamics);
    if (key != NULL) {
      eg_text_append(out, " %s", key);
    }
  }
  eg_text_append(out, "\n");
}

static void append_dynamics(eg_text *out, const char *name, const char *equation, const char *order, const char *source) {
  eg_text_append(out, "\n%s\n  equation: %s\n  order:    %s\n  source:   %s\n", name, equation, order, source);
  append_keys(out, name);
  append_models(out, name);
}

/* Key, type, range, default, meaning: from the schema. */
static void append_key_table(eg_text *out) {
  eg_text_append(out, "\nKeys\n");
  for (size_t i = 0; i < eg_schema_count(); i++) {
    const eg_schema_row *const row = eg_schema_at(i);
    if (key_of(row, NULL) == NULL) {
      continue;
    }
    eg_text range = {0};
    eg_schema_describe_range(row, &range);
    eg_text_append(out, "  %-15s ", key_of(row, NULL));
    eg_schema_describe_type(row, out);
    eg_text_append(out, "%s%s, default: %s\n%18s%s\n", range.length > 0 ? " in " : "", eg_text_string(&range), row->fallback != NULL ? row->fallback : "none", "",
                   row->doc);
    out->is_broken = out->is_broken || range.is_broken;
    eg_text_free(&range);
  }
}

/* tests/cli/test_form.sh tries every word of these lines, and every other one. */
static const char team_form[] =
    "\nAbove 16 dimensions (softmax-regression: 12), to 4096: the team form, of linear-regression, logistic-regression and\n"
    "softmax-regression; `form: team` asks for it in fewer. It is without\n"
    "  dynamics             rmsprop-sde adam-sde signsgd-sde log-time\n"
    "  factors              cholesky symmetric-root nodes joint-cholesky\n"
    "  schemes              srk2, which is for cholesky here\n"
    "  gradient noise       gaussian-decoupled constant\n"
    "  groups               members whose steps differ\n";

eg_status eg_study_dynamics_text(eg_context *ctx, char **text) {
  eg_text out = {0};
  eg_text_append(&out, "%s", introduction);
#define DYNAMICS(id, word, is_chain, equation, order, source) append_dynamics(&out, word, equation, order, source);
#define SCHEME(id, word, step, order, source)                                                                \
  eg_text_append(&out, "  %-20s %s\n%23s%s; %s\n", word, step, "", order, source);
#define MEANING(id, word, meaning) eg_text_append(&out, "  %-20s %s\n", word, meaning);
  EG_DYNAMICS_LIST(DYNAMICS)
  append_key_table(&out);
  eg_text_append(&out, "\nSchemes: a step of h = learning_rate / substeps\n");
  EG_SCHEME_LIST(SCHEME)
  eg_text_append(&out, "\nFactors: the noise of one step\n");
  EG_FACTOR_LIST(MEANING)
  eg_text_append(&out, "\nSampling of data rows\n");
  EG_SAMPLING_LIST(MEANING)
  eg_text_append(&out, "%s", team_form);
  if (out.is_broken) {
    eg_text_free(&out);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  *text = out.data;
  return EG_OK;
}
