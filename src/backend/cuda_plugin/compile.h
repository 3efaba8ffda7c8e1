/* Device code for what is not compiled ahead: users' models, float state, the other noise kinds. */
#ifndef EG_CUDA_COMPILE_H
#define EG_CUDA_COMPILE_H

#include "base/code_cache.h"
#include "plugin.h"

/* As a kernel's name has it: "two_point". */
const char *eg_cuda_kind_name(int kind);

/*
 * compile.c: the one stepper of the job's model as machine code for `capability` (90: sm_90), from the cache on disk or
 * by NVRTC. *code lives as long as the process. EG_CUDA_REFUSED with the reason where there is no NVRTC, where it does not
 * know the device, or where the model does not compile.
 */
eg_cuda_status eg_cuda_compile(const eg_cuda_job *job, int capability, const void **code, size_t *size,
                               eg_cuda_message message);

/* nvrtc.c: the compiler itself, opened on first use and kept. */
typedef struct eg_nvrtc_source {
  const char *name, *text; /* as an #include names it */
} eg_nvrtc_source;

/* "13.0"; NULL with the reason in `message` if there is no NVRTC. */
const char *eg_nvrtc_version(eg_cuda_message message);
eg_cuda_status eg_nvrtc_compile(const char *main_text, const eg_nvrtc_source *headers, int n_headers,
                                const char *const *options, int n_options, void **code, size_t *size,
                                eg_cuda_message message);

/* sources.c: the kernel text that is part of the plug-in, ended by a NULL name. */
extern const eg_nvrtc_source eg_kernel_sources[];

#endif
