/* Completion of the command line for bash and zsh, made from the tables of the commands: `ensgrad help --as bash`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* What can stand in a place: words, or files whose names end so; neither: any file. */
typedef struct candidates {
  char words[1024]; /* separated by blanks; "" if there is no list */
  const char *endings;
} candidates;

static void add_word(candidates *c, const char *word, size_t length) {
  const size_t used = strlen(c->words);
  (void)snprintf(c->words + used, sizeof c->words - used, "%s%.*s", used > 0 ? " " : "", (int)length,
                 word); /* what does not fit is not offered */
}

static void add_commands(candidates *c) {
  for (size_t i = 0; cli_commands[i] != NULL; i++) {
    add_word(c, cli_commands[i]->name, strlen(cli_commands[i]->name));
  }
}

/* The list of models: what is not indented is a name. */
static eg_status add_models(cli_program *program, candidates *c) {
  char *text = NULL;
  const eg_status status = eg_models_text(program->ctx, NULL, &text);
  if (status != EG_OK) {
    return cli_report(program, status);
  }
  for (const char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n' ? 1 : 0) {
    const size_t length = strcspn(line, " \n");
    if (length > 0) {
      add_word(c, line, length);
    }
  }
  free(text);
  return EG_OK;
}

/* By what the usage line calls them. */
static eg_status find_operands(cli_program *program, const cli_command *command, candidates *c) {
  *c = (candidates){.endings = ""};
  if (strstr(command->operands, ".yaml") != NULL) {
    c->endings = "yaml yml json";
  } else if (strstr(command->operands, ".h5") != NULL) {
    c->endings = "h5";
  } else if (strstr(command->operands, "KIND") != NULL) {
    add_word(c, eg_study_template_kinds(), strlen(eg_study_template_kinds()));
  } else if (strstr(command->operands, "COMMAND") != NULL) {
    add_commands(c);
    add_word(c, "study", 5);
    add_word(c, "dynamics", 8);
    add_word(c, "statistics", 10);
  } else if (command == &cli_command_models) {
    return add_models(program, c);
  }
  return EG_OK;
}

/* NULL if the value is free text or a number; "" if it is a file; else the words. */
static const char *argument_words(const cli_option *option) {
  if (strcmp(option->name, "backend") == 0) {
    return "auto cpu cuda";
  }
  if (strcmp(option->name, "as") == 0) {
    return "man bash zsh";
  }
  if (strcmp(option->name, "what") == 0) {
    return "estimates histograms paths";
  }
  return strstr(option->argument, "FILE") != NULL ? "" : NULL;
}

/* ---- bash ---- */

static void bash_option_words(cli_program *program, const cli_command *command) {
  cli_print(program, "    options='");
  for (const cli_option *option = command->options; option->name != NULL; option++) {
    cli_print(program, "--%s ", option->name);
  }
  cli_print(program, "--%s'\n", cli_help_option.name);
}

static void bash_option_values(cli_program *program, const cli_command *command) {
  cli_print(program, "    case $previous in\n");
  for (const cli_option *option = command->options; option->name != NULL; option++) {
    if (option->argument == NULL) {
      continue;
    }
    const char *const words = argument_words(option);
    cli_print(program, "    --%s", option->name);
    if (option->letter != '\0') {
      cli_print(program, " | -%c", option->letter);
    }
    if (words == NULL) {
      cli_print(program, ") return ;;\n");
    } else if (words[0] == '\0') {
      cli_print(program, ") _ensgrad_files ''; return ;;\n");
    } else {
      cli_print(program, ") _ensgrad_words '%s'; return ;;\n", words);
    }
  }
  cli_print(program, "    *) ;;\n    esac\n");
}

static eg_status bash_command(cli_program *program, const cli_command *command) {
  candidates operands;
  const eg_status status = find_operands(program, command, &operands);
  if (status != EG_OK) {
    return status;
  }
  cli_print(program, "  %s)\n", command->name);
  bash_option_words(program, command);
  bash_option_values(program, command);
  if (command->most == 0) {
    cli_print(program, "    ;;\n");
  } else if (operands.words[0] != '\0') {
    cli_print(program, "    operands='%s'\n    ;;\n", operands.words);
  } else {
    cli_print(program, "    endings='%s'\n    ;;\n", operands.endings);
  }
  return EG_OK;
}

static const char bash_head[] =
    "# bash completion for ensgrad, made by `ensgrad help --as bash`\n"
    "\n"
    "_ensgrad_words() {\n"
    "  mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\")\n"
    "}\n"
    "\n"
    "# folders, and files with one of these endings (none: any file)\n"
    "_ensgrad_files() {\n"
    "  local ending\n"
    "  compopt -o filenames 2>/dev/null\n"
    "  if [[ -z $1 ]]; then\n"
    "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "    return\n"
    "  fi\n"
    "  mapfile -t COMPREPLY < <(compgen -d -- \"$word\"; for ending in $1; do compgen -f -X \"!*.$ending\" -- \"$word\"; done)\n"
    "}\n"
    "\n"
    "_ensgrad() {\n"
    "  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "  local options='--help' operands='' endings='none'\n"
    "  COMPREPLY=()\n";

static eg_status print_bash(cli_program *program) {
  candidates commands = {.endings = ""};
  add_commands(&commands);
  cli_print(program, "%s", bash_head);
  cli_print(program, "  if ((COMP_CWORD == 1)); then\n    _ensgrad_words '%s", commands.words);
  for (const cli_option *option = cli_command_program.options; option->name != NULL; option++) {
    cli_print(program, " --%s", option->name);
  }
  cli_print(program, " --%s'\n    return\n  fi\n  case ${COMP_WORDS[1]} in\n", cli_help_option.name);
  for (size_t i = 0; cli_commands[i] != NULL; i++) {
    const eg_status status = bash_command(program, cli_commands[i]);
    if (status != EG_OK) {
      return status;
    }
  }
  cli_print(program, "  *) return ;;\n"
                     "  esac\n"
                     "  if [[ $word == -* ]]; then\n"
                     "    _ensgrad_words \"$options\"\n"
                     "  elif [[ -n $operands ]]; then\n"
                     "    _ensgrad_words \"$operands\"\n"
                     "  elif [[ $endings != none ]]; then\n"
                     "    _ensgrad_files \"$endings\"\n"
                     "  fi\n"
                     "}\n"
                     "complete -F _ensgrad ensgrad\n");
  return EG_OK;
}

/* ---- zsh ---- */

/* Text within single quotes and within the brackets or after the colon of a specification; line ends become blanks. */
static void zsh_text(cli_program *program, const char *text) {
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '\'') {
      cli_print(program, "'\\''");
    } else if (*c == '[' || *c == ']' || *c == ':' || *c == '\\') {
      cli_print(program, "\\%c", *c);
    } else {
      cli_print(program, "%c", *c == '\n' ? ' ' : *c);
    }
  }
}

static void zsh_option(cli_program *program, const cli_option *option) {
  const char *const repeat = option->is_list ? "*" : "";
  if (option->letter != '\0') {
    cli_print(program, "      '(-%c --%s)'{-%c,--%s}'[", option->letter, option->name, option->letter, option->name);
  } else {
    cli_print(program, "      '%s--%s[", repeat, option->name);
  }
  zsh_text(program, option->help);
  cli_print(program, "]");
  if (option->argument != NULL) {
    const char *const words = argument_words(option);
    cli_print(program, ":");
    zsh_text(program, option->argument);
    cli_print(program, words == NULL ? ": " : words[0] == '\0' ? ":_files" : ":(%s)", words);
  }
  cli_print(program, "' \\\n");
}

static eg_status zsh_command(cli_program *program, const cli_command *command) {
  candidates operands;
  const eg_status status = find_operands(program, command, &operands);
  if (status != EG_OK) {
    return status;
  }
  cli_print(program, "  %s)\n    _arguments \\\n", command->name);
  for (const cli_option *option = command->options; option->name != NULL; option++) {
    zsh_option(program, option);
  }
  zsh_option(program, &cli_help_option);
  if (command->most == 0) {
    cli_print(program, "      && return\n    ;;\n");
    return EG_OK;
  }
  cli_print(program, "      '%s:", command->most > 1 ? "*" : "1");
  zsh_text(program, command->operands);
  if (operands.words[0] != '\0') {
    cli_print(program, ":(%s)' && return\n    ;;\n", operands.words);
    return EG_OK;
  }
  cli_print(program, ":_files");
  for (const char *ending = operands.endings; *ending != '\0'; ending += strspn(ending, " ")) {
    const size_t length = strcspn(ending, " ");
    cli_print(program, "%s%.*s", ending == operands.endings ? " -g \"*.(" : "|", (int)length, ending);
    ending += length;
  }
  cli_print(program, "%s' && return\n    ;;\n", operands.endings[0] != '\0' ? ")\"" : "");
  return EG_OK;
}

static eg_status print_zsh(cli_program *program) {
  cli_print(program, "#compdef ensgrad\n# zsh completion for ensgrad, made by `ensgrad help --as zsh`\n\n_ensgrad() {\n"
                     "  local -a commands\n  commands=(\n");
  for (size_t i = 0; cli_commands[i] != NULL; i++) {
    cli_print(program, "    '%s:", cli_commands[i]->name);
    zsh_text(program, cli_commands[i]->summary);
    cli_print(program, "'\n");
  }
  cli_print(program, "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
                     "  shift words\n  (( CURRENT-- ))\n  case $words[1] in\n");
  for (size_t i = 0; cli_commands[i] != NULL; i++) {
    const eg_status status = zsh_command(program, cli_commands[i]);
    if (status != EG_OK) {
      return status;
    }
  }
  cli_print(program, "  esac\n  return 1\n}\n\n_ensgrad \"$@\"\n");
  return EG_OK;
}

eg_status cli_print_completion(cli_program *program, const char *shell) {
  return strcmp(shell, "zsh") == 0 ? print_zsh(program) : print_bash(program);
}
