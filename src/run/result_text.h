/* What the texts made from a result file share. */
#ifndef EG_RUN_RESULT_TEXT_H
#define EG_RUN_RESULT_TEXT_H

#include "base/text.h"
#include "run/result_values.h"

/* The text, which is the caller's then; EG_ERR_MEMORY if it is broken. */
EG_NODISCARD eg_status eg_result_finish_text(eg_context *ctx, eg_text *text, char **out);

/* A CSV field, quoted where it must be (RFC 4180). */
void eg_result_append_quoted(eg_text *text, const char *field);

enum { EG_VALUE_NAME = 96 };

/* Names component and point of a feature, where there are several; a long name, which a foreign file may have, is cut. */
void eg_result_name_value(const char *feature, size_t n_components, size_t component, size_t n_points, size_t point,
                          char what[EG_VALUE_NAME]);

/* A table of the weak-error analyses; nothing if there are none. */
void eg_result_weak_text(eg_text *text, const eg_labelled *file);

/* The same of the diffusion analyses. */
void eg_result_diffusion_text(eg_text *text, const eg_labelled *file);

/* The same of the escape analyses. */
void eg_result_escape_text(eg_text *text, const eg_labelled *file);

/* The same of the stationary analyses. */
void eg_result_stationary_text(eg_text *text, const eg_labelled *file);

/* The same of quantiles, at the last time or lag. */
void eg_result_quantiles_text(eg_text *text, const eg_labelled *file);

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

/* The same of differences on common noise. */
void eg_result_common_text(eg_text *text, const eg_labelled *file);

/* The same of currents, per unit time, in the stationary law of x, or of (x, v). */
void eg_result_currents_text(eg_text *text, const eg_labelled *file);

/* Lines about histograms and kept paths for the printed table; nothing if there are none. */
void eg_result_histograms_text(eg_text *text, const eg_labelled *file);

#endif
