#include "io/disk_stale.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

uint32_t eg_disk_place(void) {
  char host[256] = "", numbers[64] = "";
  const bool is_named = gethostname(host, sizeof host - 1) == 0;
  const bool is_numbered = readlink("/proc/self/ns/pid", numbers, sizeof numbers - 1) > 0;
  const uint64_t hash = eg_hash_text(eg_hash_text(EG_HASH_START, is_named ? host : ""), is_numbered ? numbers : "");
  return (uint32_t)(hash ^ hash >> 32);
}

static bool is_hexadecimal(const char *text, size_t n) {
  return strspn(text, "0123456789abcdef") == n && text[n] == '\0';
}

/* Is `name` TARGET.tmp.PID.PLACERANDOM of this place, with a process that is gone? */
static bool is_left_behind(const char *name, const char *target, uint32_t place) {
  const size_t length = strlen(target);
  if (strncmp(name, target, length) != 0 || strncmp(name + length, ".tmp.", 5) != 0) {
    return false;
  }
  const char *const digits = name + length + 5;
  char *end = NULL;
  errno = 0;
  const long process = strtol(digits, &end, 10);
  if (errno != 0 || digits[0] < '1' || digits[0] > '9' || process > INT_MAX || *end != '.' ||
      !is_hexadecimal(end + 1, 16)) {
    return false;
  }
  const uint64_t number = strtoull(end + 1, NULL, 16);
  return (uint32_t)(number >> 32) == place && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

void eg_disk_remove_stale(const char *folder, const char *target) {
  const char *const slash = strrchr(target, '/');
  DIR *const list = opendir(folder);
  const struct dirent *entry;
  if (list == NULL) { /* a folder that may be written but not read */
    return;
  }
  const uint32_t place = eg_disk_place();
  while ((entry = readdir(list)) != NULL) {
    struct stat info;
    if (is_left_behind(entry->d_name, slash == NULL ? target : slash + 1, place) &&
        fstatat(dirfd(list), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
        info.st_uid == geteuid()) {
      (void)unlinkat(dirfd(list), entry->d_name, 0); /* see above */
    }
  }
  (void)closedir(list); /* only read */
}
