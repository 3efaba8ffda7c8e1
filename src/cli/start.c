/* The program `ensgrad`; ensgrad-mpi has another start (src/mpi/start.c). */
#include "cli/cli.h"

int main(int argc, char **argv) {
  return cli_main(argc, argv);
}
