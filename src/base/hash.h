/* FNV-1a, 64 bits: identities of runs, data and results. Not for security. */
#ifndef EG_BASE_HASH_H
#define EG_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define EG_HASH_START 0xcbf29ce484222325ull

uint64_t eg_hash_bytes(uint64_t hash, const void *bytes, size_t n);
uint64_t eg_hash_text(uint64_t hash, const char *text);

#endif
