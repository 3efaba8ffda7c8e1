/* The kernel text inside the plug-in, for NVRTC. generated/cuda_source_list.h has a row X(number, name, path) for each
   file. */
#include <stddef.h>

#include "compile.h"

#define X(number, name, path)                                                                                \
  __asm__(".pushsection .rodata\n"                                                                           \
          ".local kernel_source_" #number "\nkernel_source_" #number ":\n"                                   \
          ".incbin \"" path "\"\n.byte 0\n"                                                                  \
          ".popsection\n");                                                                                  \
  extern const char kernel_source_##number[] __attribute__((visibility("hidden")));
#include "cuda_source_list.h"
#undef X

const eg_nvrtc_source eg_kernel_sources[] = {
#define X(number, name, path) {name, kernel_source_##number},
#include "cuda_source_list.h"
#undef X
    {NULL, NULL}};
