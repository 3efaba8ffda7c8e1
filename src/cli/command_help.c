/* ensgrad help: the overview, a command, the study file, the dynamics, or the statistics. */
#include <string.h>

#include "cli/cli.h"

static const cli_option options[] = {
    {"as", '\0', "FORM", "for packages: the manual page (man) or a completion script (bash, zsh)", false},
    {NULL, '\0', NULL, NULL, false},
};

/* Topics that are no commands. */
static const struct {
  const char *name;
  eg_status (*text)(eg_context *ctx, char **text);
} topics[] = {{"study", eg_study_schema_text}, {"dynamics", eg_study_dynamics_text}, {"statistics", eg_study_statistics_text}};
enum { N_TOPICS = sizeof topics / sizeof topics[0] };

static eg_status fail_unknown_topic(cli_program *program, const char *topic) {
  const char *names[32];
  size_t n = 0;
  for (; n < N_TOPICS; n++) {
    names[n] = topics[n].name;
  }
  for (; cli_commands[n - N_TOPICS] != NULL; n++) {
    names[n] = cli_commands[n - N_TOPICS]->name;
  }
  const char *const nearest = cli_nearest(topic, names, n);
  if (nearest != NULL) {
    return cli_fail_usage(program, &cli_command_program, "no help for '%s'; did you mean '%s'?", topic,
                          nearest);
  }
  return cli_fail_usage(program, &cli_command_program,
                        "no help for '%s'; topics are the commands, 'study', 'dynamics' and 'statistics'", topic);
}

static eg_status help_as(cli_program *program, const char *form) {
  static const char *const forms[] = {"man", "bash", "zsh"};
  if (strcmp(form, "man") == 0) {
    return cli_print_manual(program);
  }
  if (strcmp(form, "bash") == 0 || strcmp(form, "zsh") == 0) {
    return cli_print_completion(program, form);
  }
  const char *const nearest = cli_nearest(form, forms, sizeof forms / sizeof forms[0]);
  return cli_fail_usage(program, &cli_command_help, "--as is '%s'; %s%s%sforms: man, bash, zsh", form,
                        nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'? " : "");
}

static eg_status help(cli_program *program, const cli_args *args) {
  const char *const topic = args->n_operands > 0 ? args->operands[0] : NULL;
  const char *const form = cli_value(args, "as");
  if (form != NULL && topic != NULL) {
    return cli_fail_usage(program, &cli_command_help, "--as has no topic: it prints all of '%s'", form);
  }
  if (form != NULL) {
    return help_as(program, form);
  }
  if (topic == NULL) {
    cli_print_overview(program);
    return EG_OK;
  }
  for (size_t i = 0; i < N_TOPICS; i++) {
    if (strcmp(topic, topics[i].name) == 0) {
      char *text = NULL;
      const eg_status status = topics[i].text(program->ctx, &text);
      return cli_print_owned(program, status, text);
    }
  }
  const cli_command *const command = cli_find_command(topic);
  if (command == NULL) {
    return fail_unknown_topic(program, topic);
  }
  cli_print_help(program, command);
  return EG_OK;
}

const cli_command cli_command_help = {
    .name = "help",
    .operands = "[COMMAND|study|dynamics|statistics]",
    .least = 0,
    .most = 1,
    .summary = "explain a command; help study: all keys of a study file; help dynamics; help statistics",
    .details = "",
    .options = options,
    .run = help,
};
