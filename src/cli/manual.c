/* The manual page, made from the tables of the commands: `ensgrad help --as man`. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* Text as roff prints it unchanged: dashes that can be pasted, no requests at the start of a line. */
static void print_literal(cli_program *program, const char *text) {
  bool is_line_start = true;
  for (const char *c = text; *c != '\0'; c++) {
    if (is_line_start && (*c == '.' || *c == '\'')) {
      cli_print(program, "\\&");
    }
    if (*c == '-') {
      cli_print(program, "\\-");
    } else if (*c == '\\') {
      cli_print(program, "\\e");
    } else {
      cli_print(program, "%c", *c);
    }
    is_line_start = *c == '\n';
  }
}

/* A block whose lines stay as they are. */
static void print_block(cli_program *program, const char *text) {
  const size_t length = strlen(text);
  cli_print(program, ".nf\n");
  print_literal(program, text);
  cli_print(program, "%s.fi\n", length > 0 && text[length - 1] == '\n' ? "" : "\n");
}

static void print_option(cli_program *program, const cli_option *option) {
  cli_print(program, ".TP\n");
  if (option->letter != '\0') {
    cli_print(program, "\\fB\\-%c\\fR, ", option->letter);
  }
  cli_print(program, "\\fB\\-\\-");
  print_literal(program, option->name);
  cli_print(program, "\\fR");
  if (option->argument != NULL) {
    cli_print(program, " \\fI");
    print_literal(program, option->argument);
    cli_print(program, "\\fR");
  }
  cli_print(program, "\n");
  print_literal(program, option->help);
  cli_print(program, "\n");
}

static void print_options(cli_program *program, const cli_command *command) {
  for (const cli_option *option = command->options; option->name != NULL; option++) {
    print_option(program, option);
  }
  print_option(program, &cli_help_option);
}

static void print_command(cli_program *program, const cli_command *command) {
  cli_print(program, ".SS ensgrad %s %s%s[options]\n", command->name, command->operands,
            command->operands[0] == '\0' ? "" : " ");
  print_literal(program, command->summary);
  cli_print(program, ".\n");
  print_options(program, command);
  if (command->details[0] != '\0') {
    cli_print(program, ".PP\n");
    print_block(program, command->details);
  }
}

static void print_exit_codes(cli_program *program) {
  static const eg_status statuses[] = {
#define STATUS(name, exit_code, text) name,
      EG_STATUS_LIST(STATUS)
#undef STATUS
  };
  cli_print(program, ".SH EXIT STATUS\n");
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    cli_print(program, ".TP\n%d\n", eg_status_exit_code(statuses[i]));
    print_literal(program, eg_status_text(statuses[i]));
    cli_print(program, "\n");
  }
  cli_print(program, ".TP\n130, 143\nended by a second signal\n");
}

/* Everything that the program reads from its environment; a test compares this with the sources. */
static void print_environment(cli_program *program) {
  static const char *const variables[][2] = {
      {"CC", "the C compiler for models of one's own, and for kernels that are not linked in; default: cc"},
      {"CI", "if set, progress is printed as rare lines"},
      {"ENSGRAD_CACHE", "folder where kernels compiled at run time are kept; default: XDG_CACHE_HOME or "
                        "~/.cache, ensgrad in it"},
      {"ENSGRAD_ISA", "CPU kernels to use, v3 (AVX2) or v4 (AVX-512); the result does not depend on it"},
      {"ENSGRAD_KERNEL_OPT", "0 to 3: optimisation of kernels compiled at run time for the CPU; the result does not depend on "
                             "it"},
      {"ENSGRAD_KERNELS", "folder of the kernel sources for what is compiled at run time; default: those that were "
                          "installed with the program"},
      {"ENSGRAD_NVRTC", "the NVRTC library, and no other is tried"},
      {"ENSGRAD_PLUGIN_PATH", "the CUDA plug-in, or its folder; nothing else is tried then"},
      {"HOME", "see ENSGRAD_CACHE"},
      {"NO_COLOR", "if set, messages have no colours"},
      {"SLURM_ARRAY_TASK_COUNT", "see SLURM_ARRAY_TASK_ID"},
      {"SLURM_ARRAY_TASK_ID", "element of the job array: which shard, for --shard slurm"},
      {"SLURM_ARRAY_TASK_MAX", "see SLURM_ARRAY_TASK_ID"},
      {"SLURM_ARRAY_TASK_MIN", "see SLURM_ARRAY_TASK_ID"},
      {"SLURM_JOB_ID", "stored in the provenance of the result"},
      {"SLURM_NTASKS", "tasks of the job: --shard slurm refuses a script that should have started them with srun"},
      {"SLURM_PROCID", "task of srun: which shard, for --shard slurm"},
      {"SLURM_STEP_NUM_TASKS", "how many tasks srun started"},
      {"TERM", "dumb: messages have no colours"},
      {"TMPDIR", "where what is compiled at run time lies while it is compiled; default: /tmp"},
      {"XDG_CACHE_HOME", "see ENSGRAD_CACHE"},
  };
  cli_print(program, ".SH ENVIRONMENT\n");
  for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
    cli_print(program, ".TP\n.B %s\n", variables[i][0]);
    print_literal(program, variables[i][1]);
    cli_print(program, "\n");
  }
}

static eg_status print_schema(cli_program *program) {
  char *text = NULL;
  const eg_status status = eg_study_schema_text(program->ctx, &text);
  if (status != EG_OK) {
    return cli_report(program, status);
  }
  cli_print(program, ".SH STUDY FILE\n");
  print_block(program, text);
  free(text);
  return EG_OK;
}

eg_status cli_print_manual(cli_program *program) {
  char *version = NULL;
  const eg_status status = eg_version_text(program->ctx, 0, &version);
  if (status != EG_OK) {
    return cli_report(program, status);
  }
  cli_print(program,
            ".\\\" made by `ensgrad help --as man`\n"
            ".TH ENSGRAD 1 \"\" \"%.*s\" \"User Commands\"\n"
            ".SH NAME\nensgrad \\- %s\n"
            ".SH SYNOPSIS\n.B ensgrad\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n"
            ".SH DESCRIPTION\n"
            "A study file goes in; millions to billions of independent trajectories of stochastic gradient descent, or of "
            "the\nstochastic differential equations that model it, are advanced in parallel and reduced where they run; a\n"
            "labelled HDF5 file comes out, with an error bar beside every number and, where one exists, the exact value.\n"
            ".SH COMMANDS\n",
            (int)strcspn(version, "\n"), version, cli_command_program.summary);
  free(version);
  for (size_t i = 0; cli_commands[i] != NULL; i++) {
    print_command(program, cli_commands[i]);
  }
  cli_print(program, ".SH OPTIONS\n");
  print_options(program, &cli_command_program);
  cli_print(program, ".SH EXAMPLES\n");
  print_block(program, cli_first_steps);
  const eg_status schema_status = print_schema(program);
  print_exit_codes(program);
  print_environment(program);
  return schema_status;
}
