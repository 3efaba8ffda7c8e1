/* The registry of embedded fatbins; generated/cuda_fatbin_list.h has a row X(file, model, dim) for each, and the
   build gives the folder of the files as EG_FATBIN_DIR. .incbin is the one way to embed bytes that costs
   no compile time. */
#include "fatbins.h"

#include <stddef.h>

#define EG_EMBED(symbol)                                                                                     \
  __asm__(".pushsection .rodata\n"                                                                           \
          ".balign 64\n"                                                                                     \
          ".local " #symbol "\n" #symbol ":\n"                                                               \
          ".incbin \"" EG_FATBIN_DIR "/" #symbol ".fatbin\"\n"                                               \
          ".popsection\n");                                                                                  \
  extern const unsigned char symbol[] __attribute__((visibility("hidden")));

#define X(file, model, dim) EG_EMBED(file)
#include "cuda_fatbin_list.h"
#undef X
EG_EMBED(stats)

static const eg_fatbin fatbins[] = {
#define X(file, model, dim) {#model, dim, file},
#include "cuda_fatbin_list.h"
#undef X
};

/* File names have '_' where studies write '-'. */
static int is_same_name(const char *a, const char *b) {
  for (; *a != 0 && *b != 0; a++, b++) {
    if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b)) {
      return 0;
    }
  }
  return *a == *b;
}

const void *eg_fatbin_of_unit(const char *model, int dim) {
  for (size_t i = 0; i < sizeof fatbins / sizeof fatbins[0]; i++) {
    if (fatbins[i].dim == dim && is_same_name(fatbins[i].model, model)) {
      return fatbins[i].code;
    }
  }
  return NULL;
}

const void *eg_fatbin_of_statistics(void) {
  return stats;
}
