/* The system's C compiler on a unit's text, at run time: users' models, and built-in steppers that are not compiled ahead. */
#ifndef EG_MODEL_COMPILER_H
#define EG_MODEL_COMPILER_H

#include "base/context.h"
#include "core/unit_table.h"

typedef struct eg_compilation {
  const char *what;                        /* names what is compiled in messages: "model 'mine.h'" */
  const char *compiler;                    /* $CC, else cc */
  const char *optimisation;                /* "-O3"; ENSGRAD_KERNEL_OPT=1 gives -O1, and the same bits */
  char folder[512];                        /* in $TMPDIR, else /tmp; removed at the end, with what is in it */
  char source[528], library[528], dependencies[528];
  char kernels[3200];
} eg_compilation;

/* Find the kernel sources and make a folder of mode 0700 with an unpredictable name. EG_ERR_DEVICE if they are not found. */
EG_NODISCARD eg_status eg_compilation_begin(eg_context *ctx, const char *what, eg_compilation *c);

/* Compile `text` into c->library for the instruction set `isa`, with the flags of the units that are linked in. The rule in
   c->dependencies lists the files that were read, system headers left out. EG_ERR_DEVICE if there is no compiler (names `cc`
   and CC), EG_ERR_STUDY with its messages if the text does not compile. */
EG_NODISCARD eg_status eg_compilation_run(eg_context *ctx, const eg_compilation *c, const char *isa, const char *text);

/* Open c->library and take the unit that it exports as `symbol`. *library is for dlclose. EG_ERR_STUDY if it does not fit. */
EG_NODISCARD eg_status eg_compilation_load(eg_context *ctx, const eg_compilation *c, const char *symbol, void **library,
                                           const eg_unit **unit);

/* Remove the folder; a loaded library stays mapped. */
void eg_compilation_end(eg_compilation *c);

#endif
