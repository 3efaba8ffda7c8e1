/* The study that a result file holds, and whether its plan is still the one that was run. */
#ifndef EG_RUN_STORED_STUDY_H
#define EG_RUN_STORED_STUDY_H

#include "io/labelled.h"
#include "plan/plan.h"

/* Files that the user names. */
typedef struct eg_named_files {
  const char *data;  /* another place of the data file; NULL: the recorded one */
  const char *model; /* the model file that may be compiled and run; NULL: none, whatever the result says */
} eg_named_files;

/* The stored text with its overrides, and `more` behind them; the recorded data by its full name. path: of the result, for
   messages. A study with a model file needs one in `files`, which is the user's or root's and has the contents of the result's. */
EG_NODISCARD eg_status eg_stored_study(eg_context *ctx, const char *path, const eg_labelled *file, eg_named_files files,
                                       const char *const *more, size_t n_more, eg_study **study);

/* Does the plan simulate what the file holds? Analyses may differ. */
EG_NODISCARD eg_status eg_stored_check(eg_context *ctx, const char *path, const eg_labelled *file, const eg_plan *plan);

#endif
