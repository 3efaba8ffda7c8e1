/*
 * Machine code compiled at run time, kept on disk: in $ENSGRAD_CACHE, else $XDG_CACHE_HOME/ensgrad, else ~/.cache/ensgrad, a
 * folder and files that are this user's alone (0700), else they are not used. A file is written beside its place and renamed,
 * and holds its key and a checksum. The cache only saves time: whatever goes wrong with it is passed over.
 */
#ifndef EG_BASE_CODE_CACHE_H
#define EG_BASE_CODE_CACHE_H

#include <stddef.h>
#include <stdint.h>

typedef struct eg_cache_key { /* hashes of all that the code was made from */
  uint64_t word[2];
} eg_cache_key;

/* 1 and the code (free()) if the cache has it, else 0. `ending`: of the file's name, without a dot. */
int eg_cache_load(eg_cache_key key, const char *ending, void **code, size_t *size);
void eg_cache_store(eg_cache_key key, const char *ending, const void *code, size_t size);

#endif
