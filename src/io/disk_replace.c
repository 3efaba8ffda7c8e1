/* One file replaced by another without a moment in which neither is whole. HDF5 never sees a file descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "io/disk.h"
#include "io/disk_stale.h"

typedef struct replacement {
  char *target; /* `path` with links followed: rename would replace a link, not the file behind it */
  char *folder;
  char *temporary; /* NULL while it does not exist */
  int descriptor;  /* -1 while closed */
} replacement;

static eg_status take_text(eg_context *ctx, eg_text *text, char **out) {
  if (text->is_broken || text->data == NULL) {
    eg_text_free(text);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  free(*out);
  *out = text->data;
  return EG_OK;
}

static eg_status folder_of(eg_context *ctx, const char *path, char **out) {
  char *copy = NULL;
  char *folder = NULL;
  EG_TRY(eg_copy_string(ctx, path, &copy));
  const eg_status status = eg_copy_string(ctx, dirname(copy), &folder);
  free(copy);
  if (status == EG_OK) {
    free(*out);
    *out = folder;
  }
  return status;
}

/* One link further: `target` becomes what the link says, relative to the folder of the link. */
static eg_status follow_link(eg_context *ctx, replacement *r) {
  char content[PATH_MAX];
  const ssize_t n = readlink(r->target, content, sizeof content - 1);
  if (n < 0) {
    return eg_disk_fail(ctx, r->target, "the link cannot be read", errno);
  }
  content[n] = '\0';
  EG_TRY(folder_of(ctx, r->target, &r->folder));
  eg_text text = {0};
  if (content[0] != '/') {
    eg_text_append(&text, "%s/", r->folder);
  }
  eg_text_append(&text, "%s", content);
  return take_text(ctx, &text, &r->target);
}

static eg_status resolve(eg_context *ctx, const char *path, replacement *r, bool *exists) {
  struct stat info;
  if (path[0] == '\0') {
    return eg_fail(ctx, EG_ERR_OUTPUT, "the name of the output file is empty");
  }
  EG_TRY(eg_copy_string(ctx, path, &r->target));
  for (int links = 0; lstat(r->target, &info) == 0 && S_ISLNK(info.st_mode); links++) {
    if (links == 40) {
      return eg_disk_fail(ctx, path, "cannot be written", ELOOP);
    }
    EG_TRY(follow_link(ctx, r));
  }
  *exists = lstat(r->target, &info) == 0;
  if (!*exists && errno != ENOENT) {
    return eg_disk_fail(ctx, path, "cannot be written", errno);
  }
  const bool is_folder = *exists ? S_ISDIR(info.st_mode) : r->target[strlen(r->target) - 1] == '/';
  if (is_folder || (*exists && !S_ISREG(info.st_mode))) {
    return eg_fail(ctx, EG_ERR_OUTPUT, "%s: is %s: give the name of a file", path,
                   is_folder ? "a folder" : "a device or a pipe");
  }
  return folder_of(ctx, r->target, &r->folder);
}

static uint64_t random_bits(void) {
  uint64_t bits = 0;
  if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* O_EXCL guards; the name is only unlikely to be taken */
    bits = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
  }
  return bits;
}

static eg_status create_temporary(eg_context *ctx, const char *path, replacement *r) {
  for (int attempt = 0; attempt < 100; attempt++) {
    eg_text name = {0};
    eg_text_append(&name, "%s.tmp.%ld.%08" PRIx32 "%08" PRIx32, r->target, (long)getpid(), eg_disk_place(),
                   (uint32_t)random_bits());
    EG_TRY(take_text(ctx, &name, &r->temporary));
    r->descriptor = open(r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (r->descriptor >= 0) {
      return EG_OK;
    }
    const int error_number = errno;
    free(r->temporary);
    r->temporary = NULL;
    if (error_number != EEXIST && error_number != EINTR) {
      return eg_disk_fail(ctx, path, "no file can be created in its folder", error_number);
    }
  }
  return eg_disk_fail(ctx, path, "no temporary file can be created beside it", EEXIST);
}

static eg_status write_all(eg_context *ctx, const char *path, int descriptor, const unsigned char *bytes,
                           size_t n) {
  const size_t most = (size_t)1 << 30; /* below the limit of write() on every system */
  for (size_t done = 0; done < n;) {
    const size_t rest = n - done;
    const ssize_t written = write(descriptor, bytes + done, rest < most ? rest : most);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return eg_disk_fail(ctx, path, "cannot be written", written < 0 ? errno : EIO);
    }
    done += (size_t)written;
  }
  return EG_OK;
}

/* Bytes on the disk before the rename: else a power cut could leave the new name with no content. */
static eg_status finish_temporary(eg_context *ctx, const char *path, replacement *r) {
  while (fsync(r->descriptor) != 0) {
    if (errno != EINTR) {
      return eg_disk_fail(ctx, path, "cannot be brought to the disk (fsync)", errno);
    }
  }
  const int closed = close(r->descriptor);
  r->descriptor = -1;
  if (closed != 0 && errno != EINTR) {
    return eg_disk_fail(ctx, path, "cannot be written (close)", errno);
  }
  return EG_OK;
}

/* The rename itself on the disk. Some file systems cannot fsync a folder (EINVAL); a folder may be
 * unreadable. */
static eg_status sync_folder(eg_context *ctx, const char *path, const char *folder) {
  const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return errno == EACCES ? EG_OK : eg_disk_fail(ctx, path, "its folder cannot be opened for fsync", errno);
  }
  int result = fsync(descriptor);
  while (result != 0 && errno == EINTR) {
    result = fsync(descriptor);
  }
  const int error_number = result == 0 ? 0 : errno;
  (void)close(descriptor); /* a folder opened for reading has nothing to lose */
  if (error_number != 0 && error_number != EINVAL && error_number != ENOTSUP) {
    return eg_disk_fail(ctx, path, "written, but its folder cannot be brought to the disk (fsync)",
                        error_number);
  }
  return EG_OK;
}

static void release(replacement *r) {
  if (r->descriptor >= 0) {
    (void)close(r->descriptor); /* the file is about to be removed */
  }
  if (r->temporary != NULL) {
    (void)unlink(r->temporary); /* nothing better can be done; the failure before it is what counts */
  }
  free(r->temporary);
  free(r->folder);
  free(r->target);
}

/* In a folder with the sticky bit (/tmp) nobody may replace another user's file: find out before the run. */
static eg_status check_sticky(eg_context *ctx, const char *path, const replacement *r) {
  struct stat folder;
  struct stat file;
  if (stat(r->folder, &folder) != 0 || lstat(r->target, &file) != 0) {
    return eg_disk_fail(ctx, path, "cannot be examined", errno);
  }
  const uid_t me = geteuid();
  if ((folder.st_mode & S_ISVTX) != 0 && me != 0 && file.st_uid != me && folder.st_uid != me) {
    return eg_fail(ctx, EG_ERR_OUTPUT,
                   "%s: belongs to another user and cannot be replaced; choose another name", path);
  }
  return EG_OK;
}

eg_status eg_disk_replace(eg_context *ctx, const char *path, const void *bytes, size_t n) {
  eg_status status = EG_OK;
  bool exists = false;
  replacement r = {.descriptor = -1};
  EG_TRY_DONE(resolve(ctx, path, &r, &exists));
  EG_TRY_DONE(create_temporary(ctx, path, &r));
  EG_TRY_DONE(write_all(ctx, path, r.descriptor, bytes, n));
  EG_TRY_DONE(finish_temporary(ctx, path, &r));
  if (rename(r.temporary, r.target) != 0) {
    status = eg_disk_fail(ctx, path, "the new file cannot take its name (rename)", errno);
    goto done;
  }
  free(r.temporary);
  r.temporary = NULL;
  status = sync_folder(ctx, path, r.folder);
done:
  release(&r);
  return status;
}

eg_status eg_disk_probe(eg_context *ctx, const char *path, bool *exists) {
  eg_status status = EG_OK;
  bool found = false;
  replacement r = {.descriptor = -1};
  EG_TRY_DONE(resolve(ctx, path, &r, &found));
  eg_disk_remove_stale(r.folder, r.target);
  EG_TRY_DONE(create_temporary(ctx, path, &r));
  if (found) {
    EG_TRY_DONE(check_sticky(ctx, path, &r));
  }
  *exists = found;
done:
  release(&r);
  return status;
}
