#include "base/hash.h"

#include <string.h>

uint64_t eg_hash_bytes(uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *const b = bytes;
  for (size_t i = 0; i < n; i++) {
    hash = (hash ^ b[i]) * 0x100000001b3ull;
  }
  return hash;
}

uint64_t eg_hash_text(uint64_t hash, const char *text) {
  return eg_hash_bytes(hash, text, strlen(text));
}
