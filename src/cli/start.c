/* The program `ensgrad`; ensgrad-mpi has another start (src/mpi/start.c). */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "ensgrad/run.h"

int main(int argc, char **argv) {
  const int code = cli_main(argc, argv);
  if (eg_has_lost_device()) { /* what would be cleared away at the end would wait for it */
    (void)fflush(stderr);
    _exit(code); /* stdout was flushed and checked */
  }
  return code;
}
