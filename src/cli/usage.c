/* Help texts, made from the tables of the commands, and the message of wrong use. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"

enum { COLUMN = 26 };

const cli_option cli_help_option = {"help", 'h', NULL, "print this text", false};
const char cli_first_steps[] = "  ensgrad new weak-error           write the example weak-error.yaml\n"
                               "  ensgrad run weak-error.yaml      run it into weak-error.h5 and print the table\n";

void cli_print_overview(cli_program *program) {
  cli_print(program, "ensgrad: ensembles of SGD and SDE trajectories, on GPUs and CPUs\n\n"
                     "usage: ensgrad COMMAND [ARGUMENTS]\n\ncommands:\n");
  for (size_t i = 0; cli_commands[i] != NULL; i++) {
    cli_print(program, "  %-10s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
  }
  cli_print(
      program,
      "\n"
      "`ensgrad help COMMAND` explains a command, `ensgrad help study` the keys of a study file,\n"
      "`ensgrad help dynamics` what can be simulated, `ensgrad models` with which models,\n"
      "`ensgrad help statistics` what can be measured,\n"
      "`ensgrad --version [--json]` says what this program is made of.\n\n"
      "First steps:\n%s\n"
      "Exit codes: 0 done; 1 internal error; 2 wrong use; 3 study, model or data wrong; 4 finished, but\n"
      "not as required; 5 output cannot be written; 6 device cannot be used; 7 result file damaged;\n"
      "8 results overlap; 75 stopped early, the same command continues; 130, 143 second signal.\n",
      cli_first_steps);
}

static void print_option(cli_program *program, const cli_option *option) {
  char left[80];
  const char *const argument = option->argument != NULL ? option->argument : "";
  const char *const blank = option->argument != NULL ? " " : "";
  if (option->letter != '\0') {
    (void)snprintf(left, sizeof left, "-%c, --%s%s%s", option->letter, option->name, blank, argument);
  } else {
    (void)snprintf(left, sizeof left, "    --%s%s%s", option->name, blank, argument);
  }
  cli_print(program, "  %-*s ", COLUMN, left);
  for (const char *c = option->help; *c != '\0'; c++) {
    cli_print(program, "%c", *c);
    if (*c == '\n') {
      cli_print(program, "%*s", COLUMN + 3, "");
    }
  }
  cli_print(program, "\n");
}

void cli_print_help(cli_program *program, const cli_command *command) {
  const char *const blank = command->operands[0] != '\0' ? " " : "";
  cli_print(program, "ensgrad %s: %s\n\nusage: ensgrad %s%s%s [options]\n\noptions:\n", command->name,
            command->summary, command->name, blank, command->operands);
  for (const cli_option *option = command->options; option->name != NULL; option++) {
    print_option(program, option);
  }
  print_option(program, &cli_help_option);
  if (command->details[0] != '\0') {
    cli_print(program, "\n%s", command->details);
  }
}

eg_status cli_fail_usage(cli_program *program, const cli_command *command, const char *format, ...) {
  char text[600];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args); /* a longer text is cut */
  va_end(args);
  cli_print_error(program, EG_ERR_USAGE, text);
  const bool is_program = command == &cli_command_program;
  const char *const blank = is_program || command->operands[0] == '\0' ? "" : " ";
  fprintf(stderr, "usage: ensgrad %s%s%s%s\n`ensgrad help%s%s` explains%s\n", command->name, blank,
          command->operands, is_program ? " [ARGUMENTS]" : " [options]", is_program ? "" : " ", command->name,
          is_program ? ":" : " all options");
  for (size_t i = 0; is_program && cli_commands[i] != NULL; i++) {
    fprintf(stderr, "  %-10s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
  }
  return EG_ERR_USAGE;
}
