/* A text into a file, all of it or a message. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

bool cli_is_same_file(const char *a, const char *b) {
  struct stat of_a, of_b;
  return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

static eg_status fail(cli_program *program, const char *path, const char *what, int error_number) {
  char text[600];
  (void)snprintf(text, sizeof text, "%.400s: %s: %s", path, what, strerror(error_number)); /* cut if longer */
  cli_print_error(program, EG_ERR_OUTPUT, text);
  return EG_ERR_OUTPUT;
}

/* 0, or the errno. */
static int write_all(int descriptor, const char *bytes, size_t n) {
  while (n > 0) {
    const ssize_t written = write(descriptor, bytes, n);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return written < 0 ? errno : EIO;
    }
    bytes += written;
    n -= (size_t)written;
  }
  return 0;
}

eg_status cli_write_text(cli_program *program, const char *path, const char *text, bool is_forced) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (is_forced ? O_TRUNC : O_EXCL);
  const int descriptor = open(path, flags, 0666);
  if (descriptor < 0) {
    return errno == EEXIST ? fail(program, path, "not replaced", errno)
                           : fail(program, path, "cannot be created", errno);
  }
  const int write_error = write_all(descriptor, text, strlen(text));
  const int close_error = close(descriptor) != 0 ? errno : 0; /* some file systems complain only now */
  if (write_error != 0 || close_error != 0) {
    return fail(program, path, "not completely written", write_error != 0 ? write_error : close_error);
  }
  return EG_OK;
}
