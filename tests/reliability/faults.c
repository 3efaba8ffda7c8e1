/*
 * LD_PRELOAD: let one call fail. Environment:
 *   FAULT_KIND  count   nothing fails, the numbers of calls go to standard error at the end: "calls N allocations M"
 *               kill    SIGKILL instead of the n-th call
 *               torn    half of a write, then SIGKILL; of any other call the call itself, then SIGKILL
 *               short   a write, read or pread does half of what was asked, the others are left alone
 *               enospc  from the n-th call on, what makes or writes files fails with ENOSPC
 *               eio     from the n-th call on, all fail with EIO
 *               memory  the n-th allocation fails
 *               plant   before a temporary file of the program (NAME.tmp.*) is made, a link to FAULT_FILE is put in its place, the first
 *                       n times
 *               sites   nothing fails; the number of the first allocation of every distinct call path (the innermost DEPTH
 *                       return addresses) goes to the file FAULT_FILE, one a line
 *   FAULT_AT    n, from 1
 * Calls: open, read, pread, write, pwrite, fsync, ftruncate, rename, unlink and close on regular files and folders, not on
 * standard streams. Allocations: malloc, calloc, realloc, aligned_alloc of the program (not those inside libc).
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

typedef enum kind { NOTHING, COUNT, KILL, TORN, SHORT, NO_SPACE, IO, MEMORY, PLANT, SITES } kind;

static atomic_long n_calls, n_allocations;
static kind chosen;
static long at;

enum { DEPTH = 8, MOST_SITES = 1 << 16 };
static uint64_t sites[MOST_SITES]; /* hash table with open addressing; 0: free */
static atomic_flag sites_lock = ATOMIC_FLAG_INIT;
static _Thread_local bool is_tracing;
static FILE *site_file;

__attribute__((constructor)) static void begin(void) {
  static const char *const names[] = {"", "count", "kill", "torn", "short", "enospc", "eio", "memory", "plant", "sites"};
  const char *const name = getenv("FAULT_KIND"), *const number = getenv("FAULT_AT");
  for (int i = 1; name != NULL && i < 10; i++) {
    chosen = strcmp(name, names[i]) == 0 ? (kind)i : chosen;
  }
  at = number != NULL ? atol(number) : 0;
  if (chosen == SITES) {
    void *addresses[DEPTH];
    is_tracing = true;
    (void)backtrace(addresses, DEPTH); /* loads what it needs */
    const char *const path = getenv("FAULT_FILE");
    site_file = path == NULL ? NULL : fopen(path, "w");
    is_tracing = false;
    if (site_file == NULL) {
      perror("FAULT_FILE");
      _exit(1);
    }
  }
}

__attribute__((destructor)) static void end(void) {
  if (chosen == COUNT) {
    fprintf(stderr, "calls %ld allocations %ld\n", atomic_load(&n_calls), atomic_load(&n_allocations));
  }
}

typedef enum fault { NONE, DIE_BEFORE, DIE_AFTER, HALF, FAIL } fault;

/* What happens to a call, errno set for FAIL. */
static fault next(bool makes_or_writes) {
  const long n = atomic_fetch_add(&n_calls, 1) + 1;
  if (chosen == NO_SPACE && n >= at && makes_or_writes) {
    errno = ENOSPC;
    return FAIL;
  }
  if (chosen == IO && n >= at) {
    errno = EIO;
    return FAIL;
  }
  if (n != at) {
    return NONE;
  }
  return chosen == KILL ? DIE_BEFORE : chosen == TORN ? DIE_AFTER : chosen == SHORT ? HALF : NONE;
}

static void die(void) {
  (void)kill(getpid(), SIGKILL);
  for (;;) {
    (void)pause();
  }
}

static bool is_ours(int descriptor) {
  struct stat info;
  return descriptor > 2 && fstat(descriptor, &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
}

/* The function behind this one; object to function pointer as POSIX says. */
#define REAL(name)                                                                                           \
  static __typeof__(&name) real;                                                                             \
  if (real == NULL) {                                                                                        \
    *(void **)&real = dlsym(RTLD_NEXT, #name);                                                               \
  }

/* A call that is not cut in halves. */
#define WHOLE(makes_or_writes, is_counted, call)                                                             \
  const fault f = (is_counted) ? next(makes_or_writes) : NONE;                                               \
  if (f == DIE_BEFORE) {                                                                                     \
    die();                                                                                                   \
  }                                                                                                          \
  if (f == FAIL) {                                                                                           \
    return -1;                                                                                               \
  }                                                                                                          \
  const int result = (call);                                                                                 \
  if (f == DIE_AFTER) {                                                                                      \
    die();                                                                                                   \
  }                                                                                                          \
  return result;

int open(const char *path, int flags, ...) {
  REAL(open)
  va_list args;
  va_start(args, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? (mode_t)va_arg(args, int) : 0;
  va_end(args);
  static atomic_long n_planted;
  const char *const victim = getenv("FAULT_FILE");
  if (chosen == PLANT && victim != NULL && (flags & O_CREAT) != 0 && strstr(path, ".tmp.") != NULL && atomic_fetch_add(&n_planted, 1) < at &&
      symlink(victim, path) != 0) {
    perror(path);
    _exit(1);
  }
  const bool is_system = strncmp(path, "/proc", 5) == 0 || strncmp(path, "/sys", 4) == 0;
  WHOLE((flags & O_CREAT) != 0, !is_system, real(path, flags, mode))
}

int close(int descriptor) {
  REAL(close)
  const bool is_counted = is_ours(descriptor);
  const fault f = is_counted ? next(true) : NONE;
  if (f == DIE_BEFORE) {
    die();
  }
  const int result = real(descriptor); /* closed even where it fails, as on Linux */
  if (f == DIE_AFTER) {
    die();
  }
  if (f == FAIL) {
    errno = chosen == IO ? EIO : ENOSPC;
    return -1;
  }
  return result;
}

int fsync(int descriptor) {
  REAL(fsync)
  WHOLE(true, true, real(descriptor))
}

int ftruncate(int descriptor, off_t length) {
  REAL(ftruncate)
  WHOLE(true, true, real(descriptor, length))
}

int rename(const char *from, const char *to) {
  REAL(rename)
  WHOLE(true, true, real(from, to))
}

int unlink(const char *path) {
  REAL(unlink)
  WHOLE(false, true, real(path))
}

/* A call on n bytes. */
#define PIECE(makes_or_writes, n, call_n)                                                                    \
  size_t m = (n);                                                                                            \
  const fault f = is_ours(descriptor) ? next(makes_or_writes) : NONE;                                        \
  if (f == DIE_BEFORE) {                                                                                     \
    die();                                                                                                   \
  }                                                                                                          \
  if (f == FAIL) {                                                                                           \
    return -1;                                                                                               \
  }                                                                                                          \
  if ((f == HALF || f == DIE_AFTER) && m > 1) {                                                              \
    m /= 2;                                                                                                  \
  }                                                                                                          \
  const ssize_t result = (call_n);                                                                           \
  if (f == DIE_AFTER) {                                                                                      \
    die();                                                                                                   \
  }                                                                                                          \
  return result;

ssize_t read(int descriptor, void *bytes, size_t n) {
  REAL(read)
  PIECE(false, n, real(descriptor, bytes, m))
}

ssize_t pread(int descriptor, void *bytes, size_t n, off_t offset) {
  REAL(pread)
  PIECE(false, n, real(descriptor, bytes, m, offset))
}

ssize_t write(int descriptor, const void *bytes, size_t n) {
  REAL(write)
  PIECE(true, n, real(descriptor, bytes, m))
}

ssize_t pwrite(int descriptor, const void *bytes, size_t n, off_t offset) {
  REAL(pwrite)
  PIECE(true, n, real(descriptor, bytes, m, offset))
}

/* ---- allocations: glibc's own names, since dlsym allocates itself ---- */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

__attribute__((noinline)) static void note_site(long n) {
  void *addresses[DEPTH + 3];
  uint64_t hash = 14695981039346656037u;
  is_tracing = true;
  const int depth = backtrace(addresses, DEPTH + 3);
  for (int i = 3; i < depth; i++) { /* behind note_site, is_refused and the allocation itself */
    hash = (hash ^ (uint64_t)(uintptr_t)addresses[i]) * 1099511628211u;
  }
  hash += hash == 0;
  while (atomic_flag_test_and_set(&sites_lock)) {
  }
  size_t place = hash % MOST_SITES, tries = 0;
  while (sites[place] != 0 && sites[place] != hash && tries++ < MOST_SITES) {
    place = (place + 1) % MOST_SITES;
  }
  if (sites[place] != hash) {
    sites[place] = hash;
    fprintf(site_file, "%ld\n", n);
    fflush(site_file);
  }
  atomic_flag_clear(&sites_lock);
  is_tracing = false;
}

__attribute__((noinline)) static bool is_refused(void) {
  if (is_tracing) {
    return false;
  }
  const long n = atomic_fetch_add(&n_allocations, 1) + 1;
  if (chosen == MEMORY && n == at) {
    errno = ENOMEM;
    return true;
  }
  if (chosen == SITES && site_file != NULL) {
    note_site(n);
  }
  return false;
}

void *malloc(size_t n) {
  return is_refused() ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t n) {
  return is_refused() ? NULL : __libc_calloc(count, n);
}

void *realloc(void *memory, size_t n) {
  return is_refused() ? NULL : __libc_realloc(memory, n);
}

void *aligned_alloc(size_t alignment, size_t n) {
  return is_refused() ? NULL : __libc_memalign(alignment, n);
}
