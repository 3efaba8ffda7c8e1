#include "study/arena.h"

#include <stdlib.h>
#include <string.h>

/* One block per request: slower than chunks, but the address sanitizer then sees every overrun. */
struct eg_arena_block {
  eg_arena_block *next;
  max_align_t data[];
};

void *eg_arena_get(eg_arena *arena, size_t count, size_t size) {
  const size_t limit = (size_t)-1 / 2;
  if (size != 0 && count > limit / size) {
    arena->is_broken = true;
    return NULL;
  }
  eg_arena_block *block = calloc(1, sizeof *block + count * size);
  if (block == NULL) {
    arena->is_broken = true;
    return NULL;
  }
  block->next = arena->blocks;
  arena->blocks = block;
  return block->data;
}

char *eg_arena_copy(eg_arena *arena, const char *bytes, size_t length) {
  char *copy = eg_arena_get(arena, length + 1, 1);
  if (copy != NULL && length > 0) {
    memcpy(copy, bytes, length);
  }
  return copy;
}

void eg_arena_free(eg_arena *arena) {
  eg_arena_block *block = arena->blocks;
  while (block != NULL) {
    eg_arena_block *next = block->next;
    free(block);
    block = next;
  }
  *arena = (eg_arena){0};
}
