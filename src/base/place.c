#include "base/place.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line of /proc/self/maps, "from-to modes offset device inode   path": its path if the mapping holds `address`. */
static const char *path_of_mapping(const char *line, uintptr_t address) {
  uintptr_t from, to;
  if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) != 2 || address < from || address >= to) {
    return NULL;
  }
  return strchr(line, '/'); /* nothing before the path has a slash */
}

/* The kernel's own list of mappings and not dladdr: that gives argv[0] for the program, which may be relative to a folder
   that was left since. */
bool eg_place_folder(char *folder, size_t size) {
  FILE *const maps = fopen("/proc/self/maps", "re");
  const char *path = NULL;
  char *line = NULL;
  size_t capacity = 0;
  if (maps == NULL) {
    return false;
  }
  while (path == NULL && getline(&line, &capacity, maps) > 0) {
    path = path_of_mapping(line, (uintptr_t)&eg_place_folder);
  }
  const char *const slash = path == NULL ? NULL : strrchr(path, '/');
  const int length = slash == NULL ? -1 : snprintf(folder, size, "%.*s", (int)(slash - path), path);
  free(line);
  (void)fclose(maps); /* only read */
  return length >= 0 && (size_t)length < size;
}

bool eg_place_shared(const char *name, char *path, size_t size) {
  static const char *const places[] = {"", "/..", "/../.."};
  char folder[3072];
  if (!eg_place_folder(folder, sizeof folder)) {
    return false;
  }
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    const int length = snprintf(path, size, "%s%s/share/ensgrad/%s", folder, places[i], name);
    if (length > 0 && (size_t)length < size && access(path, R_OK) == 0) {
      return true;
    }
  }
  return false;
}
