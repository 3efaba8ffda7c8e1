#include "base/code_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

#define MAGIC "EGCODE1"

typedef struct file_head {
  char magic[8];
  eg_cache_key key;
  uint64_t size, checksum;
} file_head;

/* Another user could put code there otherwise. */
static int is_ours(const struct stat *s) {
  return s->st_uid == geteuid() && (s->st_mode & 077) == 0;
}

/* Every folder of `path`; those that exist stay as they are. */
static void make_folders(char *path) {
  for (char *p = path + 1; *p != 0; p++) {
    if (*p == '/') {
      *p = 0;
      (void)mkdir(path, 0700); /* what is wrong shows at the last one */
      *p = '/';
    }
  }
  (void)mkdir(path, 0700);
}

/* The folder, opened; -1 if there is none that may be trusted. */
static int open_folder(void) {
  char path[PATH_MAX];
  struct stat s;
  const char *const own = getenv("ENSGRAD_CACHE"), *const base = getenv("XDG_CACHE_HOME");
  const char *const home = getenv("HOME");
  int n = -1;
  if (own != NULL && own[0] == '/') {
    n = snprintf(path, sizeof path, "%s", own);
  } else if (base != NULL && base[0] == '/') {
    n = snprintf(path, sizeof path, "%s/ensgrad", base);
  } else if (home != NULL && home[0] == '/') {
    n = snprintf(path, sizeof path, "%s/.cache/ensgrad", home);
  }
  if (n <= 1 || (size_t)n >= sizeof path) {
    return -1;
  }
  make_folders(path);
  const int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder >= 0 && (fstat(folder, &s) != 0 || !is_ours(&s))) {
    (void)close(folder);
    return -1;
  }
  return folder;
}

static void name_of(eg_cache_key key, const char *ending, char name[64]) {
  (void)snprintf(name, 64, "%016" PRIx64 "%016" PRIx64 ".%s", key.word[0], key.word[1], ending);
}

static int read_all(int file, void *to, size_t n) {
  for (size_t done = 0; done < n;) {
    const ssize_t part = read(file, (char *)to + done, n - done);
    if (part < 0 && errno == EINTR) {
      continue;
    }
    if (part <= 0) {
      return 0;
    }
    done += (size_t)part;
  }
  return 1;
}

static int write_all(int file, const void *from, size_t n) {
  for (size_t done = 0; done < n;) {
    const ssize_t part = write(file, (const char *)from + done, n - done);
    if (part < 0 && errno == EINTR) {
      continue;
    }
    if (part <= 0) {
      return 0;
    }
    done += (size_t)part;
  }
  return 1;
}

static int read_code(int file, eg_cache_key key, void **code, size_t *size) {
  file_head head;
  struct stat s;
  if (fstat(file, &s) != 0 || !S_ISREG(s.st_mode) || !is_ours(&s) || !read_all(file, &head, sizeof head) ||
      memcmp(head.magic, MAGIC, sizeof head.magic) != 0 || memcmp(&head.key, &key, sizeof key) != 0 ||
      head.size == 0 || head.size != (uint64_t)s.st_size - sizeof head) {
    return 0;
  }
  void *const bytes = malloc(head.size);
  if (bytes == NULL || !read_all(file, bytes, head.size) ||
      eg_hash_bytes(EG_HASH_START, bytes, head.size) != head.checksum) {
    free(bytes);
    return 0;
  }
  *code = bytes;
  *size = head.size;
  return 1;
}

int eg_cache_load(eg_cache_key key, const char *ending, void **code, size_t *size) {
  char name[64];
  const int folder = open_folder();
  if (folder < 0) {
    return 0;
  }
  name_of(key, ending, name);
  const int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); /* a pipe does not hold us up */
  const int found = file >= 0 && read_code(file, key, code, size);
  if (file >= 0) {
    (void)close(file);
  }
  (void)close(folder);
  return found;
}

void eg_cache_store(eg_cache_key key, const char *ending, const void *code, size_t size) {
  char name[64], part[80];
  file_head head;
  const int folder = open_folder();
  if (folder < 0) {
    return;
  }
  name_of(key, ending, name);
  (void)snprintf(part, sizeof part, "%s.%ld", name, (long)getpid());
  memset(&head, 0, sizeof head);
  memcpy(head.magic, MAGIC, sizeof head.magic);
  head.key = key;
  head.size = size;
  head.checksum = eg_hash_bytes(EG_HASH_START, code, size);
  const int file = openat(folder, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file >= 0) {
    const int is_written = write_all(file, &head, sizeof head) && write_all(file, code, size);
    if (close(file) != 0 || !is_written || renameat(folder, part, folder, name) != 0) {
      (void)unlinkat(folder, part, 0);
    }
  }
  (void)close(folder);
}
