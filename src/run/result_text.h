/* What the texts made from a result file share. */
#ifndef EG_RUN_RESULT_TEXT_H
#define EG_RUN_RESULT_TEXT_H

#include "base/text.h"
#include "io/labelled.h"

/* Read a result; EG_ERR_DAMAGED if it is sealed, but no result of a study. */
EG_NODISCARD eg_status eg_result_open(eg_context *ctx, const char *path, eg_labelled **file);

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
/* A CSV field, quoted where it must be (RFC 4180). */
void eg_result_append_quoted(eg_text *text, const char *field);

/* A table of the diffusion analyses; nothing if there are none. */
void eg_result_diffusion_text(eg_text *text, const eg_labelled *file);

/* The same of the escape analyses. */
void eg_result_escape_text(eg_text *text, const eg_labelled *file);

/* The same of the stationary analyses. */
void eg_result_stationary_text(eg_text *text, const eg_labelled *file);

/* The same of tails. */
void eg_result_tail_text(eg_text *text, const eg_labelled *file);
/* Lines about time averages. */
void eg_result_averages_text(eg_text *text, const eg_labelled *file);

/* The same of the scaling-rule analyses. */
void eg_result_scaling_text(eg_text *text, const eg_labelled *file);

/* The same of the flow analyses. */
void eg_result_flow_text(eg_text *text, const eg_labelled *file);

/* The same of multilevel Monte Carlo. */
void eg_result_multilevel_text(eg_text *text, const eg_labelled *file);

/* Lines about histograms and kept paths for the printed table; nothing if there are none. */
void eg_result_histograms_text(eg_text *text, const eg_labelled *file);

#endif
