/* Options and operands of a subcommand, by getopt_long from the command's table. Long options are never
   abbreviated: a script that says --snap would break when a second option of that beginning comes. */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { CODE_BASE = 256, CODE_HELP = CODE_BASE + CLI_MAX_OPTIONS, OPERAND = 1 };

typedef struct option_tables {
  struct option longs[CLI_MAX_OPTIONS + 2];
  char shorts[2 * CLI_MAX_OPTIONS + 4];
  const char *names[CLI_MAX_OPTIONS + 1];
  size_t n;
} option_tables;

static void fill_tables(const cli_option *options, option_tables *tables) {
  memset(tables, 0, sizeof *tables);
  char *letter = tables->shorts;
  *letter++ = '-'; /* operands are handed over in their place, as code 1 */
  *letter++ = ':'; /* a missing argument is told from an unknown option */
  *letter++ = 'h';
  size_t i = 0;
  for (; options[i].name != NULL; i++) {
    assert(i < CLI_MAX_OPTIONS);
    const bool has_argument = options[i].argument != NULL;
    tables->longs[i] = (struct option){options[i].name, has_argument ? required_argument : no_argument, NULL,
                                       CODE_BASE + (int)i};
    tables->names[i] = options[i].name;
    if (options[i].letter != '\0') {
      *letter++ = options[i].letter;
      *letter = has_argument ? ':' : '\0';
      letter += has_argument;
    }
  }
  tables->longs[i] = (struct option){"help", no_argument, NULL, CODE_HELP};
  tables->names[i] = "help";
  tables->n = i + 1;
}

/* Index of the option with that letter. */
static size_t index_of_letter(const cli_option *options, int letter) {
  size_t i = 0;
  while (options[i].name != NULL && options[i].letter != letter) {
    i++;
  }
  return i;
}

static eg_status fail_unknown_option(cli_program *program, const cli_command *command,
                                     const option_tables *tables, const char *word) {
  char name[64];
  (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="),
                 word + 2); /* a cut name is no option */
  const char *const nearest = cli_nearest(name, tables->names, tables->n);
  if (nearest != NULL) {
    return cli_fail_usage(program, command, "unknown option '--%s'; did you mean '--%s'?", name, nearest);
  }
  return cli_fail_usage(program, command, "unknown option '--%s'", name);
}

/* What getopt_long answered with '?' or ':'. `word` is the element of argv it was looking at. */
static eg_status fail_option(cli_program *program, const cli_command *command, const option_tables *tables,
                             int code, const char *word) {
  const bool is_long = strncmp(word, "--", 2) == 0;
  if (code == ':') {
    return is_long ? cli_fail_usage(program, command, "option '%s' needs a value", word)
                   : cli_fail_usage(program, command, "option '-%c' needs a value", optopt);
  }
  if (is_long && optopt >= CODE_BASE) {
    return cli_fail_usage(program, command, "option '%.*s' takes no value", (int)strcspn(word, "="), word);
  }
  return is_long ? fail_unknown_option(program, command, tables, word)
                 : cli_fail_usage(program, command, "unknown option '-%c'", optopt);
}

static void store(cli_args *args, size_t option, const char *value) {
  args->values[option] = value == NULL ? "" : value;
  if (args->options[option].is_list) {
    args->list[args->n_list++] = value;
  }
}

static eg_status scan(cli_program *program, const cli_command *command, int argc, char **argv,
                      cli_args *args) {
  option_tables tables;
  fill_tables(command->options, &tables);
  opterr = 0;
  optind = 1;
  for (;;) {
    const char *const word = optind < argc ? argv[optind] : "";
    const int code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
    if (code == -1) {
      break;
    }
    if (code == '?' || code == ':') {
      return fail_option(program, command, &tables, code, word);
    }
    if (code >= CODE_BASE &&
        strcspn(word + 2, "=") !=
            strlen(tables.names[code == CODE_HELP ? tables.n - 1 : (size_t)code - CODE_BASE])) {
      return fail_unknown_option(program, command, &tables, word);
    }
    if (code == OPERAND) {
      args->operands[args->n_operands++] = optarg;
    } else if (code == 'h' || code == CODE_HELP) {
      args->wants_help = true;
    } else {
      store(args, code >= CODE_BASE ? (size_t)(code - CODE_BASE) : index_of_letter(args->options, code),
            optarg);
    }
  }
  while (optind < argc) { /* behind "--" */
    args->operands[args->n_operands++] = argv[optind++];
  }
  return EG_OK;
}

static eg_status check_operands(cli_program *program, const cli_command *command, const cli_args *args) {
  if (args->wants_help) {
    return EG_OK;
  }
  if (args->n_operands < command->least) {
    const int length = (int)strcspn(command->operands, " ");
    return cli_fail_usage(program, command, "%.*s is missing", length, command->operands);
  }
  if (args->n_operands > command->most) {
    return cli_fail_usage(program, command, "'%s' is one argument too many", args->operands[command->most]);
  }
  return EG_OK;
}

eg_status cli_parse(cli_program *program, const cli_command *command, int argc, char **argv, cli_args *args) {
  memset(args, 0, sizeof *args);
  args->options = command->options;
  args->operands = calloc((size_t)argc, sizeof *args->operands);
  args->list = calloc((size_t)argc, sizeof *args->list);
  if (args->operands == NULL || args->list == NULL) {
    cli_print_error(program, EG_ERR_MEMORY, "out of memory");
    return EG_ERR_MEMORY;
  }
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0;
       i++) { /* early: errors of later options are JSON, too */
    program->is_json =
        program->is_json || (strcmp(argv[i], "--json") == 0 && command != &cli_command_program);
  }
  const eg_status status = scan(program, command, argc, argv, args);
  return status != EG_OK ? status : check_operands(program, command, args);
}

void cli_args_free(cli_args *args) {
  free(args->operands);
  free(args->list);
}

const char *cli_value(const cli_args *args, const char *option) {
  for (size_t i = 0; args->options[i].name != NULL; i++) {
    if (strcmp(args->options[i].name, option) == 0) {
      return args->values[i];
    }
  }
  assert(false && "an option that is not in the command's table");
  return NULL;
}

bool cli_flag(const cli_args *args, const char *option) {
  return cli_value(args, option) != NULL;
}
