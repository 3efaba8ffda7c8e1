/* May a file be opened as the CUDA plug-in, and is what it holds the right table? */
#ifndef EG_BACKEND_PLUGIN_CHECK_H
#define EG_BACKEND_PLUGIN_CHECK_H

#include <sys/stat.h>

#include "base/context.h"

/* A plug-in that was found, not named: a regular file that only its owner (or the owner's group) can write, who is root, this user or
   the owner of the program's folder. Opening a library runs its code. NULL if so, else what is wrong with it in plain words. */
const char *eg_plugin_objection(const struct stat *file, const struct stat *program_folder);

/* The table of a plug-in, an eg_cuda_plugin; NULL: the library has none. EG_ERR_DEVICE if it is of another version. */
EG_NODISCARD eg_status eg_plugin_check_table(eg_context *ctx, const void *table);

#endif
