/* Values of a result file by name and place, for the texts that are made of it. */
#ifndef EG_RUN_RESULT_VALUES_H
#define EG_RUN_RESULT_VALUES_H

#include "io/labelled.h"

/* Read a result; EG_ERR_DAMAGED if it is sealed, but no result of a study. */
EG_NODISCARD eg_status eg_result_open(eg_context *ctx, const char *path, eg_labelled **file);

/* Is this the mean of an observable? Those, and nothing else at the top, are averages over realisations. */
bool eg_result_is_observable(const eg_variable *v);

/* The variable `name` with a suffix, NULL: there is none. Numbers of a place: NaN where there is none. */
const eg_variable *eg_result_find(const eg_labelled *file, const char *group, const char *name, const char *suffix);
double eg_result_at(const eg_variable *v, size_t i);
const char *eg_result_word(const eg_variable *v, size_t i);
static inline double eg_result_value(const eg_labelled *file, const char *name, const char *suffix, size_t i) {
  return eg_result_at(eg_result_find(file, "/", name, suffix), i);
}
/* Of group /analysis. */
static inline const eg_variable *eg_analysis_find(const eg_labelled *file, const char *name, const char *suffix) {
  return eg_result_find(file, "/analysis", name, suffix);
}
static inline double eg_analysis_value(const eg_labelled *file, const char *name, const char *suffix, size_t i) {
  return eg_result_at(eg_analysis_find(file, name, suffix), i);
}

/* An attribute of a variable: a word, "" where there is none; a number, NaN. */
const char *eg_result_attribute_text(const eg_variable *v, const char *name);
double eg_result_attribute_number(const eg_variable *v, const char *name);

/* Attributes of the file. */
const char *eg_result_group_text(const eg_labelled *file, const char *name);
double eg_result_group_number(const eg_labelled *file, const char *name);

/* Sizes of (run, point, time, component) of an observable. */
typedef struct eg_result_shape {
  size_t runs, points, times, components;
} eg_result_shape;
eg_result_shape eg_result_shape_of(const eg_variable *v);
size_t eg_result_index(eg_result_shape s, size_t run, size_t point, size_t time, size_t component);

const char *eg_result_step_name(const eg_labelled *file); /* "learning_rate" or "time_step" */
/* A coordinate of a schedule: "time" or "step". */
const eg_variable *eg_result_axis(const eg_labelled *file, const char *name, const char *schedule);
/* schedule: what stands behind "time" and "step" in the names of their coordinates: "" or "_2", .. */
double eg_result_time(const eg_labelled *file, const char *schedule, size_t run, size_t t, size_t n_times);
size_t eg_result_last_time(const eg_labelled *file, const char *schedule, size_t run, size_t n_times); /* with a record */
/* The description of a run: its label and all swept values; .. */
void eg_result_run_name(const eg_labelled *file, size_t run, char *out, size_t size);
/* .. without learning rate or time step, for tables that have a column of them. */
void eg_result_run_label(const eg_labelled *file, size_t run, char *out, size_t size);

#endif
