/* What `ensgrad help dynamics` and `ensgrad models` say comes from the tables that the parser reads: words, keys and models
   name each other without a gap. */
#include "check.h"
#include "ensgrad/ensgrad.h"
#include "model/catalogue.h"
#include "study/checker.h"

/* Is every one of the words in the list? */
static bool are_known(const char *words, const char *const *list) {
  char copy[400];
  bool are = strlen(words) < sizeof copy;
  (void)snprintf(copy, sizeof copy, "%s", words);
  for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
    bool is_known = false;
    for (size_t i = 0; list[i] != NULL; i++) {
      is_known = is_known || strcmp(list[i], word) == 0;
    }
    if (!is_known) {
      fprintf(stderr, "'%s' is no known word\n", word);
    }
    are = are && is_known;
  }
  return are;
}

/* A line of the text that is the word alone. */
static bool has_line(const char *text, const char *word) {
  char line[80];
  (void)snprintf(line, sizeof line, "\n%s\n", word);
  return strstr(text, line) != NULL;
}

static void test_words(void) {
  CHECK(eg_count_words(eg_dynamics_words) == EG_N_DYNAMICS);
  CHECK(strcmp(eg_dynamics_name(EG_SGD), "sgd") == 0 && strcmp(eg_dynamics_name(EG_SIGNSGD), "signsgd") == 0);
  CHECK(strcmp(eg_scheme_name(EG_EXACT), "exact") == 0 && strcmp(eg_factor_name(EG_FACTOR_PAIR), "pair") == 0);
  CHECK(strcmp(eg_factor_name(EG_FACTOR_CLOSED_FORM), "closed-form") == 0);
  CHECK(eg_is_chain(EG_SGD) && eg_is_chain(EG_NOISY_GD) && !eg_is_chain(EG_SME1) && !eg_is_chain(EG_GRADIENT_FLOW));
#define TEXTS(id, word, is_chain, equation, order, source)                                                   \
  CHECK(equation[0] != '\0' && order[0] != '\0' && source[0] != '\0');
  EG_DYNAMICS_LIST(TEXTS)
}

static void test_schema(void) {
  for (size_t i = 0; i < eg_schema_count(); i++) {
    const eg_schema_row *const row = eg_schema_at(i);
    CHECK(row->only == NULL || are_known(row->only, eg_dynamics_words));
  }
}

static void test_models(void) {
  for (size_t i = 0; i < eg_model_count(); i++) {
    const eg_model_info *const m = eg_model_at(i);
    if (m->source[0] == '\0' || m->equation[0] == '\0') {
      fprintf(stderr, "%s: no source or no equation\n", m->name);
    }
    CHECK(m->source[0] != '\0' && m->equation[0] != '\0');
    CHECK(m->dynamics[0] != '\0' && are_known(m->dynamics, eg_dynamics_words));
    for (size_t k = 0; k < m->n_params; k++) {
      const eg_param_info *const p = &m->params[k];
      char path[80];
      (void)snprintf(path, sizeof path, "model.%s", p->name);
      CHECK(p->low <= p->default_value && p->default_value <= p->high && p->doc[0] != '\0');
      CHECK(eg_schema_find(path) == NULL); /* else the study could not set it */
    }
  }
}

static void test_texts(void) {
  eg_context *const ctx = eg_context_create();
  char *text = NULL, *models = NULL;
  CHECK(eg_study_dynamics_text(ctx, &text) == EG_OK && eg_models_text(ctx, NULL, &models) == EG_OK);
  for (size_t i = 0; eg_dynamics_words[i] != NULL; i++) {
    CHECK(has_line(text, eg_dynamics_words[i]));
  }
  for (size_t i = 0; eg_scheme_words[i] != NULL; i++) {
    CHECK(strstr(text, eg_scheme_words[i]) != NULL);
  }
  for (size_t i = 0; i < eg_model_count(); i++) {
    CHECK(strstr(models, eg_model_at(i)->equation) != NULL && strstr(models, eg_model_at(i)->source) != NULL);
    CHECK(strstr(text, eg_model_at(i)->name) != NULL);
  }
  CHECK(!has_line(text, "sgd2"));
  free(text);
  free(models);
  eg_context_free(ctx);
}

/* Every word of the schema has its line in `ensgrad help statistics`. */
static void test_statistics(void) {
  const char *const *const lists[] = {eg_statistic_words, eg_path_words, eg_operation_words, eg_analysis_words};
  eg_context *const ctx = eg_context_create();
  char *text = NULL;
  CHECK(eg_study_statistics_text(ctx, &text) == EG_OK);
  for (size_t i = 0; text != NULL && i < sizeof lists / sizeof lists[0]; i++) {
    for (size_t k = 0; lists[i][k] != NULL; k++) {
      char line[80];
      (void)snprintf(line, sizeof line, "\n  %-20s ", lists[i][k]);
      CHECK_HAS(text, line);
    }
  }
  free(text);
  eg_context_free(ctx);
}

int main(void) {
  test_words();
  test_schema();
  test_models();
  test_texts();
  test_statistics();
  return check_report();
}
