/*
 * Status codes, the context that carries messages, and the program's exit codes.
 *
 *   eg_context *ctx = eg_context_create();
 *   eg_study *study = NULL;
 *   if (eg_study_load(ctx, "study.yaml", NULL, 0, &study) != EG_OK) {
 *     fputs(eg_context_message(ctx), stderr);
 *   }
 *   eg_study_free(study);
 *   eg_context_free(ctx);
 *
 * Every function that can fail returns an eg_status and leaves its results untouched on failure. The message in
 * the context says what was wrong, where, and what is allowed. The library never prints, exits or aborts.
 */
#ifndef ENSGRAD_STATUS_H
#define ENSGRAD_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default) /* what stands here is exported by the shared library, and nothing else */
#endif

/* X(name, exit code of the program, text) */
#define EG_STATUS_LIST(X)                                                                                    \
  X(EG_OK, 0, "done")                                                                                        \
  X(EG_ERR_INTERNAL, 1, "internal error: please report it")                                                  \
  X(EG_ERR_MEMORY, 1, "out of memory")                                                                       \
  X(EG_ERR_USAGE, 2, "wrong use of the command line")                                                        \
  X(EG_ERR_STUDY, 3, "the study, the model or its data is wrong")                                            \
  X(EG_ERR_CLAIM, 4, "finished, but not as required")                                                        \
  X(EG_ERR_OUTPUT, 5, "the output cannot be written")                                                        \
  X(EG_ERR_DEVICE, 6, "the device asked for cannot be used")                                                 \
  X(EG_ERR_DAMAGED, 7, "the result file is damaged, foreign or not sealed")                                  \
  X(EG_ERR_OVERLAP, 8, "results overlap or leave a gap")                                                     \
  X(EG_STOPPED, 75, "stopped early; the same command continues")

typedef enum eg_status {
#define EG_STATUS_ENUM(name, exit_code, text) name,
  EG_STATUS_LIST(EG_STATUS_ENUM)
#undef EG_STATUS_ENUM
} eg_status;

#if defined(__GNUC__)
#define EG_NODISCARD __attribute__((warn_unused_result))
#else
#define EG_NODISCARD
#endif

typedef struct eg_context eg_context;

/* A context, or NULL when there is no memory. Contexts are independent; one context serves one thread. */
eg_context *eg_context_create(void);
void eg_context_free(eg_context *ctx);

/* The message of the last failure, "" if there was none; valid until the next call with this context. */
const char *eg_context_message(const eg_context *ctx);

/* Warnings gathered so far (one a line, "" if none); eg_context_clear_warnings forgets them. */
const char *eg_context_warnings(const eg_context *ctx);
void eg_context_clear_warnings(eg_context *ctx);

int eg_status_exit_code(eg_status status);
const char *eg_status_text(eg_status status);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
