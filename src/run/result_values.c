/* Values of a result file by name and place. A file may come from a stranger: what is not there is NaN, or an empty word. */
#include "run/result_values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/result_file.h"

bool eg_result_is_observable(const eg_variable *v) {
  return strcmp(v->group, "/") == 0 && v->type == EG_TYPE_F64 && eg_variable_size(v) > 0 &&
         strcmp(eg_result_attribute_text(v, "cell_methods"), "realization: mean") == 0;
}

const eg_variable *eg_result_find(const eg_labelled *file, const char *group, const char *name, const char *suffix) {
  char full[96];
  (void)snprintf(full, sizeof full, "%s%s", name, suffix);
  return eg_labelled_find(file, group, full);
}

double eg_result_at(const eg_variable *v, size_t i) {
  if (v == NULL || i >= eg_variable_size(v)) {
    return NAN;
  }
  switch (v->type) {
  case EG_TYPE_F64:
    return ((const double *)v->data)[i];
  case EG_TYPE_I64:
    return (double)((const int64_t *)v->data)[i];
  case EG_TYPE_U64:
    return (double)((const uint64_t *)v->data)[i];
  case EG_TYPE_U8:
    return (double)((const uint8_t *)v->data)[i];
  default:
    return NAN;
  }
}

const char *eg_result_word(const eg_variable *v, size_t i) {
  return v != NULL && v->type == EG_TYPE_TEXT && i < eg_variable_size(v) ? ((char *const *)v->data)[i] : "";
}

const char *eg_result_attribute_text(const eg_variable *v, const char *name) {
  const eg_attribute *const a = eg_labelled_attribute(v, name);
  return a != NULL && a->type == EG_TYPE_TEXT && a->n == 1 ? ((char *const *)a->data)[0] : "";
}

double eg_result_attribute_number(const eg_variable *v, const char *name) {
  const eg_attribute *const a = eg_labelled_attribute(v, name);
  return a != NULL && a->type == EG_TYPE_F64 && a->n == 1 ? *(const double *)a->data : NAN;
}

const char *eg_result_group_text(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/", name);
  return a != NULL && a->type == EG_TYPE_TEXT && a->n == 1 ? ((char *const *)a->data)[0] : "";
}

double eg_result_group_number(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/", name);
  if (a == NULL || a->n != 1) {
    return NAN;
  }
  return a->type == EG_TYPE_F64 ? *(const double *)a->data : (a->type == EG_TYPE_I64 ? (double)*(const int64_t *)a->data : NAN);
}

eg_result_shape eg_result_shape_of(const eg_variable *v) {
  eg_result_shape s = {1, 1, 1, 1};
  for (int i = 0; i < v->rank; i++) {
    if (strcmp(v->dims[i], "run") == 0) {
      s.runs = v->shape[i];
    } else if (strcmp(v->dims[i], "point") == 0) {
      s.points = v->shape[i];
    } else if (strcmp(v->dims[i], "component") == 0) {
      s.components = v->shape[i];
    } else {
      s.times = v->shape[i];
    }
  }
  return s;
}

size_t eg_result_index(eg_result_shape s, size_t run, size_t point, size_t time, size_t component) {
  return ((run * s.points + point) * s.times + time) * s.components + component;
}

const char *eg_result_step_name(const eg_labelled *file) {
  return eg_labelled_find(file, "/", "learning_rate") != NULL ? "learning_rate" : "time_step";
}

const eg_variable *eg_result_axis(const eg_labelled *file, const char *name, const char *schedule) {
  char full[64];
  (void)snprintf(full, sizeof full, "%s%s", name, schedule);
  return eg_labelled_find(file, "/", full);
}

double eg_result_time(const eg_labelled *file, const char *schedule, size_t run, size_t t, size_t n_times) {
  const eg_variable *const v = eg_result_axis(file, "time", schedule);
  return v == NULL ? NAN : eg_result_at(v, v->rank == 1 ? t : run * n_times + t);
}

/* Last time with a record in this run. */
size_t eg_result_last_time(const eg_labelled *file, const char *schedule, size_t run, size_t n_times) {
  const eg_variable *const step = eg_result_axis(file, "step", schedule);
  size_t t = n_times - 1;
  while (t > 0 && step != NULL && eg_result_at(step, run * n_times + t) < 0) {
    t--;
  }
  return t;
}

void eg_result_run_name(const eg_labelled *file, size_t run, char *out, size_t size) {
  (void)snprintf(out, size, "%s", eg_result_word(eg_labelled_find(file, "/", "description"), run));
}

/* What tells a run from others of the same learning rate: its description without that item ("sgd batch_size=4"). */
void eg_result_run_label(const eg_labelled *file, size_t run, char *out, size_t size) {
  const char *const description = eg_result_word(eg_labelled_find(file, "/", "description"), run);
  const char *rate = strstr(description, " learning_rate=");
  rate = rate != NULL ? rate : strstr(description, " time_step=");
  if (rate == NULL) {
    (void)snprintf(out, size, "%s", description);
    return;
  }
  const char *const rest = strchr(rate + 1, ' ');
  (void)snprintf(out, size, "%.*s%s", (int)(rate - description), description, rest != NULL ? rest : "");
}

eg_status eg_result_open(eg_context *ctx, const char *path, eg_labelled **file) {
  EG_TRY(eg_result_read(ctx, path, file));
  if (eg_labelled_find(*file, "/", "dynamics") == NULL || eg_labelled_find(*file, "/", "step") == NULL) {
    eg_labelled_free(*file);
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: sealed, but not a result of a study", path);
  }
  return EG_OK;
}
