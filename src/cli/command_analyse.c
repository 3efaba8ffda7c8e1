/* ensgrad analyse: the analyses of a result again, from what it stores. */
#include <stdlib.h>

#include "cli/cli.h"

static const cli_option options[] = {
    {"set", '\0', "KEY=VALUE", "other analyses than the study's, e.g. --set 'analyse={weak-error: {reference: exact}}';\n"
                               "keys of the section analyse only; may be repeated",
     true},
    {"output", 'o', "FILE", "write the whole result with its new analyses to FILE; default: in place", false},
    {"force", '\0', NULL, "replace FILE if it is there", false},
    {"data", '\0', "FILE", "the data file, if it is not where it was; its contents must be the same", false},
    {"model", '\0', "FILE", "the model file, if the result was made with one: it is compiled and run;\nits contents must be the same", false},
    {NULL, '\0', NULL, NULL, false},
};

static eg_status analyse(cli_program *program, const cli_args *args) {
  char *const command_line = cli_command_line(program, NULL);
  const char *const output = cli_value(args, "output");
  eg_analyse_options analyses;
  eg_analyse_options_default(&analyses);
  analyses.overrides = args->list;
  analyses.n_overrides = args->n_list;
  analyses.output = output;
  analyses.force = cli_flag(args, "force");
  analyses.data = cli_value(args, "data");
  analyses.model = cli_value(args, "model");
  analyses.command_line = command_line;
  eg_status status = eg_analyse(program->ctx, args->operands[0], &analyses);
  free(command_line);
  char *text = NULL;
  if (status == EG_OK) {
    status = eg_result_table(program->ctx, output != NULL ? output : args->operands[0], &text);
  }
  return cli_print_owned(program, status, text);
}

const cli_command cli_command_analyse = {
    .name = "analyse",
    .operands = "FILE.h5",
    .least = 1,
    .most = 1,
    .summary = "make the analyses of a result anew, from its stored sums",
    .details = "Replaces the group /analysis of the result, nothing else, and prints its table. No trajectory is\n"
               "advanced: an analysis is a function of the sums that the file holds, so a statistic that was not\n"
               "asked for in the run cannot be analysed afterwards.\n",
    .options = options,
    .run = analyse,
};
