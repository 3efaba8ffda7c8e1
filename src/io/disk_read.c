#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/disk.h"

static const char *advice(int error_number) {
  static const struct {
    int number;
    const char *text;
  } table[] = {
      {ENOSPC, "free some space or choose another folder"},
      {EDQUOT, "your quota is used up: remove files or choose another folder"},
      {EFBIG, "it would pass the file-size limit: raise it (ulimit -f) or choose another file system"},
      {EIO, "the disk or the network reports a failure: choose another folder and check the device"},
      {EACCES, "check the permissions of the file and its folder"},
      {EPERM, "check the owner and the permissions of the file and its folder"},
      {EROFS, "choose a folder that can be written"},
      {ENOENT, "check the name, and create the folder if it is missing"},
      {ENOTDIR, "a part of the path is a file, not a folder"},
      {EISDIR, "give the name of a file, not of a folder"},
      {ENAMETOOLONG, "choose a shorter name"},
      {ELOOP, "symbolic links lead in a circle"},
      {EMFILE, "raise the number of open files (ulimit -n)"},
      {ENOMEM, "the machine is out of memory"},
      {ESTALE, "the network file system lost the file: try again"},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    if (table[i].number == error_number) {
      return table[i].text;
    }
  }
  return NULL;
}

eg_status eg_disk_fail(eg_context *ctx, const char *path, const char *what, int error_number) {
  const char *hint = advice(error_number);
  return eg_fail(ctx, EG_ERR_OUTPUT, "%s: %s: %s%s%s", path, what, strerror(error_number),
                 hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
}

eg_status eg_disk_open(eg_context *ctx, const char *path, eg_disk_file *file) {
  struct stat info;
  /* O_NONBLOCK: opening a named pipe must not wait for a writer. */
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return eg_disk_fail(ctx, path, "cannot be opened", errno);
  }
  if (fstat(descriptor, &info) != 0) {
    const int error_number = errno;
    (void)close(descriptor); /* only read */
    return eg_disk_fail(ctx, path, "cannot be examined", error_number);
  }
  if (!S_ISREG(info.st_mode)) {
    (void)close(descriptor); /* only read */
    return eg_fail(ctx, EG_ERR_OUTPUT, "%s: is %s, not a file", path,
                   S_ISDIR(info.st_mode) ? "a folder" : "a device or a pipe");
  }
  *file = (eg_disk_file){.path = path, .descriptor = descriptor, .size = (uint64_t)info.st_size};
  return EG_OK;
}

void eg_disk_close(eg_disk_file *file) {
  (void)close(file->descriptor); /* only read: nothing can be lost */
  file->descriptor = -1;
}

eg_status eg_disk_read(eg_context *ctx, const eg_disk_file *file, uint64_t offset, void *bytes, size_t n) {
  unsigned char *place = bytes;
  for (size_t done = 0; done < n;) {
    const ssize_t got = pread(file->descriptor, place + done, n - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return eg_disk_fail(ctx, file->path, "cannot be read", errno);
    }
    if (got == 0) {
      return eg_fail(ctx, EG_ERR_DAMAGED, "%s: truncated while it was read", file->path);
    }
    done += (size_t)got;
  }
  return EG_OK;
}
