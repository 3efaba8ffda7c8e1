/*
 * The analyses of a result again, from its stored sums alone.
 *
 *   eg_analyse_options options;
 *   eg_analyse_options_default(&options);
 *   if (eg_analyse(ctx, "result.h5", &options) == EG_OK) { ... }
 */
#ifndef ENSGRAD_ANALYSE_H
#define ENSGRAD_ANALYSE_H

#include <stddef.h>

#include "ensgrad/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default) /* what stands here is exported by the shared library, and nothing else */
#endif

typedef struct eg_analyse_options {
  const char *const *overrides; /* (n_overrides) "key=value", of the section `analyse` only */
  size_t n_overrides;
  const char *output;           /* another file, which gets the whole result; NULL: the result itself */
  int force;                    /* replace `output` */
  const char *data;             /* data file instead of the recorded one; NULL: that one */
  const char *model;            /* model file to compile and run, of the result's contents; NULL: none */
  const char *command_line;     /* for /provenance; may be NULL */
} eg_analyse_options;

void eg_analyse_options_default(eg_analyse_options *options); /* the study's own analyses, into the result itself */

/**
 * Replace group /analysis of a result, also of a partial one, by the analyses of its study or by those of `overrides`.
 * Everything else keeps its bits, the file its seal; it is replaced atomically. /provenance has analyse_command_line.
 *
 * Fails with EG_ERR_STUDY (an override is wrong or touches what was simulated; the data or model file is missing or
 * changed; this version reads the study differently), EG_ERR_OUTPUT (`output` is there, or cannot be written),
 * EG_ERR_DAMAGED.
 */
EG_NODISCARD eg_status eg_analyse(eg_context *ctx, const char *path, const eg_analyse_options *options);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
