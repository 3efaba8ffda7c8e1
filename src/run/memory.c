#include "run/memory.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* The first line of a file; false if there is none. */
static bool read_line(const char *path, char *line, size_t size) {
  FILE *const f = fopen(path, "re");
  if (f == NULL) {
    return false;
  }
  const bool is_read = fgets(line, (int)size, f) != NULL;
  (void)fclose(f); /* only read */
  return is_read;
}

/* Bytes of the address space, and of those in memory. */
static void own_bytes(const char *root, double *space, double *resident) {
  char path[PATH_BYTES], line[128];
  uint64_t pages[2] = {0, 0};
  (void)snprintf(path, sizeof path, "%s/proc/self/statm", root);
  if (!read_line(path, line, sizeof line) || sscanf(line, "%" SCNu64 " %" SCNu64, &pages[0], &pages[1]) != 2) {
    pages[0] = pages[1] = 0; /* nothing is known to be used: a smaller need is assumed */
  }
  *space = (double)pages[0] * (double)sysconf(_SC_PAGESIZE);
  *resident = (double)pages[1] * (double)sysconf(_SC_PAGESIZE);
}

static void take(eg_memory *tightest, double limit, double used, const char *name) {
  if (limit - used < tightest->limit - tightest->used || tightest->name == NULL) {
    *tightest = (eg_memory){limit, used, name};
  }
}

static double physical_bytes(const char *root) {
  char path[PATH_BYTES], line[256];
  double kilobytes = 0;
  (void)snprintf(path, sizeof path, "%s/proc/meminfo", root);
  if (!read_line(path, line, sizeof line) || sscanf(line, "MemTotal: %lf kB", &kilobytes) != 1) { /* it is the first one */
    return INFINITY;
  }
  return 1024 * kilobytes;
}

/* The number in `file` of the group's folder and of all folders above it, the smallest; "max" is none. */
static double group_limit(const char *mount, const char *group, const char *file) {
  char folder[PATH_BYTES], path[PATH_BYTES + 64], line[64];
  double least = INFINITY;
  const size_t top = strlen(mount);
  if ((size_t)snprintf(folder, sizeof folder, "%s%s", mount, group) >= sizeof folder) {
    return INFINITY;
  }
  for (;;) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    if (read_line(path, line, sizeof line) && line[0] >= '0' && line[0] <= '9') {
      least = fmin(least, strtod(line, NULL));
    }
    char *const slash = strrchr(folder, '/');
    if (strlen(folder) <= top || slash == NULL) {
      return least;
    }
    *slash = '\0';
  }
}

/* Lines are "0::/GROUP" in version 2 and "NUMBER:CONTROLLERS:/GROUP" in version 1. */
static double groups_limit(const char *root) {
  char path[PATH_BYTES], line[PATH_BYTES];
  double least = INFINITY;
  (void)snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  FILE *const f = fopen(path, "re");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    char *const controllers = strchr(line, ':'), *const group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL) {
      continue;
    }
    line[strcspn(line, "\n")] = '\0';
    *group = '\0';
    if (controllers[1] == '\0') {
      (void)snprintf(path, sizeof path, "%s/sys/fs/cgroup", root);
      least = fmin(least, group_limit(path, group + 1, "memory.max"));
    } else if (strcmp(controllers + 1, "memory") == 0) {
      (void)snprintf(path, sizeof path, "%s/sys/fs/cgroup/memory", root);
      least = fmin(least, group_limit(path, group + 1, "memory.limit_in_bytes"));
    }
  }
  if (f != NULL) {
    (void)fclose(f); /* only read */
  }
  return least;
}

static double stack_bytes(void) {
  pthread_attr_t attributes;
  size_t size = 0;
  if (pthread_attr_init(&attributes) != 0) {
    return 0;
  }
  (void)pthread_attr_getstacksize(&attributes, &size); /* stays 0 where it fails */
  (void)pthread_attr_destroy(&attributes);
  return (double)size;
}

eg_memory eg_memory_at_hand(const char *root, int n_threads) {
  eg_memory tightest = {INFINITY, 0, NULL};
  struct rlimit space_limit;
  double space = 0, resident = 0;
  own_bytes(root, &space, &resident);
  take(&tightest, physical_bytes(root), resident, "physical memory");
  take(&tightest, groups_limit(root), resident, "the memory limit of its control group");
  if (getrlimit(RLIMIT_AS, &space_limit) == 0 && space_limit.rlim_cur != RLIM_INFINITY) {
    take(&tightest, (double)space_limit.rlim_cur, space + n_threads * stack_bytes(), "the limit of its address space (ulimit -v)");
  }
  return tightest;
}
