/*
 * A study: the text file that says what to simulate, checked against one schema table.
 *
 *   eg_study *study = NULL;
 *   const char *overrides[] = {"realisations=2^20", "noise=table5"};
 *   if (eg_study_load(ctx, "study.yaml", overrides, 2, &study) != EG_OK) { ... eg_context_message(ctx) ... }
 */
#ifndef ENSGRAD_STUDY_H
#define ENSGRAD_STUDY_H

#include <stddef.h>

#include "ensgrad/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default) /* what stands here is exported by the shared library, and nothing else */
#endif

typedef struct eg_study eg_study;

/**
 * Read and check a study file (YAML, or JSON as a subset of it).
 *
 * path       the file; "-" is not accepted; at most 1 MiB
 * overrides  n texts "key=value" that replace or add values, keys dotted ("model.ridge=0.1"); value is YAML
 * study      out: owned by the caller, free with eg_study_free
 *
 * Fails with EG_ERR_STUDY; the message holds every error found, each with file:line:column and the quoted line.
 */
EG_NODISCARD eg_status eg_study_load(eg_context *ctx, const char *path, const char *const *overrides, size_t n,
                                     eg_study **study);

/* The same from memory; `name` stands for the path in messages and its folder resolves relative paths. */
EG_NODISCARD eg_status eg_study_parse(eg_context *ctx, const char *name, const char *text, size_t length,
                                      const char *const *overrides, size_t n, eg_study **study);
void eg_study_free(eg_study *study);

/* The schema as text for `ensgrad help study`: every key with type, default, range and meaning.
   Owned by the caller (free()). */
EG_NODISCARD eg_status eg_study_schema_text(eg_context *ctx, char **text);

/* Every dynamics, scheme and factor as text for `ensgrad help dynamics`: equation, order, source, keys and their ranges, models.
   Owned by the caller (free()). */
EG_NODISCARD eg_status eg_study_dynamics_text(eg_context *ctx, char **text);

/* Every statistic and analysis that a study can ask for, a line each, for `ensgrad help statistics`. Owned by the caller (free()). */
EG_NODISCARD eg_status eg_study_statistics_text(eg_context *ctx, char **text);

/* A commented example study for `ensgrad new KIND`; NULL if the kind is unknown. Kinds: eg_study_template_kinds(). */
const char *eg_study_template(const char *kind);
const char *eg_study_template_kinds(void); /* separated by blanks */

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
