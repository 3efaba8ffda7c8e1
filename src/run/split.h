/* Rare escapes of one run of a study by adaptive multilevel splitting. */
#ifndef EG_RUN_SPLIT_H
#define EG_RUN_SPLIT_H

#include "base/text.h"
#include "io/labelled.h"
#include "plan/plan.h"

/* Of one repeat; all repeats are independent. */
typedef struct eg_split_estimate {
  double flux;        /* exits from A per unit time spent between A and the last return to it */
  double probability; /* that an exit reaches B before A */
  double rate;        /* flux x probability: unbiased, as both are of the same exits */
  double rounds, steps;
} eg_split_estimate;

/* Repeat number `repeat` of a run: exits from A by direct simulation, then splitting from them. CPU. EG_STOPPED, within
   some steps, once *stop is set. */
EG_NODISCARD eg_status eg_split_repeat(eg_context *ctx, const eg_plan *plan, const eg_run *run, uint64_t repeat,
                                       const volatile int *stop, eg_split_estimate *out);

/* All repeats of a study: estimates (n_runs, n_repeats), of which those with is_done are there. */
typedef struct eg_split_work {
  const eg_plan *plan;
  size_t n_repeats;
  eg_split_estimate *estimates;
  bool *is_done;
  const char *command_line;
  int threads;
  double wall_seconds; /* of all sessions */
} eg_split_work;

/* The file of a splitting: repeats in /splitting, what they say together in /analysis (splitting_..), and a result's coordinates
   and provenance. In the order of the repeats, so that the bits are those of any number of threads. result_splitting.c */
EG_NODISCARD eg_status eg_split_file(eg_context *ctx, const eg_split_work *work, eg_labelled **file);
/* The finished repeats of a file of the same splitting: EG_ERR_OUTPUT for another one's. */
EG_NODISCARD eg_status eg_split_restore(eg_context *ctx, const eg_labelled *file, const char *path, eg_split_work *work);
bool eg_is_split_result(const eg_labelled *file);

/* Table, or one JSON object; nothing if the file holds none. result_text_splitting.c */
void eg_result_splitting_text(eg_text *text, const eg_labelled *file);
void eg_result_splitting_json(eg_text *text, const eg_labelled *file);

#endif
