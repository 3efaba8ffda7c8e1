/* Memory that is freed all at once: the tree and the checked study own everything through one of these. */
#ifndef EG_STUDY_ARENA_H
#define EG_STUDY_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct eg_arena_block eg_arena_block;

typedef struct eg_arena {
  eg_arena_block *blocks;
  bool is_broken; /* an allocation has failed: what was built is incomplete */
} eg_arena;

/* Zeroed array, or NULL with is_broken set. count 0 gives a valid pointer. */
void *eg_arena_get(eg_arena *arena, size_t count, size_t size);
/* Copy with a NUL behind it. */
char *eg_arena_copy(eg_arena *arena, const char *bytes, size_t length);
void eg_arena_free(eg_arena *arena);

#endif
