/* The study that a result file holds, and whether its plan is still the one that was run. */
#ifndef EG_RUN_STORED_STUDY_H
#define EG_RUN_STORED_STUDY_H

#include "io/labelled.h"
#include "plan/plan.h"

/* The stored text with its overrides, and `more` behind them; the recorded files by their full names. data: another place
   of the data file, NULL: the recorded one. path: of the result, for messages. */
EG_NODISCARD eg_status eg_stored_study(eg_context *ctx, const char *path, const eg_labelled *file, const char *data,
                                       const char *const *more, size_t n_more, eg_study **study);

/* Does the plan simulate what the file holds? Analyses may differ. */
EG_NODISCARD eg_status eg_stored_check(eg_context *ctx, const char *path, const eg_labelled *file, const eg_plan *plan);

#endif
