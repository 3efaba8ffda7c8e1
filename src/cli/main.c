/* ensgrad: the program. Finds the subcommand, runs it, and turns its status into the exit code. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define CLI_ADDRESS(name) &cli_command_##name,
const cli_command *const cli_commands[] = {CLI_COMMANDS(CLI_ADDRESS) NULL};
#undef CLI_ADDRESS

const cli_command *cli_find_command(const char *name) {
  for (size_t i = 0; cli_commands[i] != NULL; i++) {
    if (strcmp(cli_commands[i]->name, name) == 0) {
      return cli_commands[i];
    }
  }
  return NULL;
}

static const cli_option program_options[] = {
    {"version", 'V', NULL, "print version, commit, compiler and libraries", false},
    {"json", '\0', NULL, "with --version: as JSON", false},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status run_program(cli_program *program, const cli_args *args) {
  if (!cli_flag(args, "version")) {
    return cli_fail_usage(program, &cli_command_program,
                          "--json alone does nothing; the command comes first");
  }
  char *text = NULL;
  const eg_status status = eg_version_text(program->ctx, cli_flag(args, "json"), &text);
  return cli_print_owned(program, status, text);
}

const cli_command cli_command_program = {
    .name = "",
    .operands = "COMMAND",
    .least = 0,
    .most = 0,
    .summary = "ensembles of SGD and SDE trajectories",
    .details = "",
    .options = program_options,
    .run = run_program,
};

static eg_status run_command(cli_program *program, const cli_command *command, int argc, char **argv) {
  cli_args args;
  eg_status status = cli_parse(program, command, argc, argv, &args);
  if (status == EG_OK && args.wants_help && command == &cli_command_program) {
    cli_print_overview(program);
  } else if (status == EG_OK && args.wants_help) {
    cli_print_help(program, command);
  } else if (status == EG_OK) {
    status = command->run(program, &args);
  }
  cli_args_free(&args);
  return status;
}

static eg_status fail_unknown_command(cli_program *program, const char *name) {
  const char *names[32];
  size_t n = 0;
  for (; cli_commands[n] != NULL; n++) {
    names[n] = cli_commands[n]->name;
  }
  const char *const nearest = cli_nearest(name, names, n);
  if (nearest != NULL) {
    return cli_fail_usage(program, &cli_command_program, "unknown command '%s'; did you mean '%s'?", name,
                          nearest);
  }
  return cli_fail_usage(program, &cli_command_program, "unknown command '%s'", name);
}

static eg_status dispatch(cli_program *program) {
  if (program->argc < 2) {
    return cli_fail_usage(program, &cli_command_program, "which command?");
  }
  const char *const name = program->argv[1];
  if (name[0] == '-') {
    return run_command(program, &cli_command_program, program->argc, program->argv);
  }
  const cli_command *const command = cli_find_command(name);
  if (command == NULL) {
    return fail_unknown_command(program, name);
  }
  return run_command(program, command, program->argc - 1, program->argv + 1);
}

/* A closed descriptor 0, 1 or 2 would be given to the next file that is opened, and messages would go into
   it. What is opened here refuses writes, so a closed stdout is noticed at the end. */
static void fill_closed_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) == -1) {
      (void)open("/dev/null", O_RDONLY); /* takes the lowest free number; without /dev/null nothing is lost */
    }
  }
}

int cli_main(int argc, char **argv) {
  fill_closed_descriptors();
  cli_ignore_write_signals();
  cli_catch_crashes();
  cli_program program = {.ctx = eg_context_create(), .argc = argc, .argv = argv};
  if (program.ctx == NULL) {
    fputs("ensgrad: error: out of memory\n", stderr);
    return eg_status_exit_code(EG_ERR_MEMORY);
  }
  const eg_status status = cli_finish_output(&program, dispatch(&program));
  eg_context_free(program.ctx);
  return eg_status_exit_code(status);
}
