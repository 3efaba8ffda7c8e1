/* ensgrad replay: one trajectory of a result, step by step. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const cli_option options[] = {
    {"run", '\0', "RUN", "which run: its index, its description (\"sgd learning_rate=0.125\"), or its label", false},
    {"realisation", '\0', "N", "which realisation, from 0; default 0", false},
    {"point", '\0', "K", "which start point, from 0; default 0", false},
    {"steps", '\0', "A:B", "every step from A to B instead of the observations", false},
    {"every", '\0', "N", "every N-th step, of those of --steps or of all", false},
    {"csv", '\0', "FILE", "comma-separated values to FILE; -: to standard output", false},
    {"force", '\0', NULL, "replace FILE if it is there", false},
    {"data", '\0', "FILE", "the data file, if it is not where it was; its contents must be the same", false},
    {"model", '\0', "FILE", "the model file, if the result was made with one: it is compiled and run;\nits contents must be the same", false},
    {NULL, '\0', NULL, NULL, false},
};

/* Digits and nothing else. */
static bool read_whole(const char *text, size_t length, uint64_t *value) {
  char *end = NULL;
  if (length == 0 || strspn(text, "0123456789") < length) {
    return false;
  }
  errno = 0;
  *value = strtoull(text, &end, 10);
  return errno == 0 && end == text + length;
}

static eg_status read_number(cli_program *program, const cli_args *args, const char *option, uint64_t least,
                             uint64_t *value) {
  const char *const text = cli_value(args, option);
  if (text != NULL && (!read_whole(text, strlen(text), value) || *value < least)) {
    return cli_fail_usage(program, &cli_command_replay, "--%s '%s' is not a whole number from %d on", option, text,
                          (int)least);
  }
  return EG_OK;
}

static eg_status read_steps(cli_program *program, const cli_args *args, eg_replay_options *replay) {
  const char *const text = cli_value(args, "steps");
  if (text == NULL) {
    return EG_OK;
  }
  const size_t first = strcspn(text, ":");
  if (text[first] != ':' || !read_whole(text, first, &replay->first) ||
      !read_whole(text + first + 1, strlen(text + first + 1), &replay->last) || replay->first > replay->last) {
    return cli_fail_usage(program, &cli_command_replay, "--steps '%s' is not A:B with whole numbers A <= B", text);
  }
  replay->every = 1;
  return EG_OK;
}

static eg_status read_options(cli_program *program, const cli_args *args, eg_replay_options *replay) {
  eg_replay_options_default(replay);
  replay->run = cli_value(args, "run");
  replay->data = cli_value(args, "data");
  replay->model = cli_value(args, "model");
  replay->as_csv = cli_flag(args, "csv");
  eg_status status = read_number(program, args, "realisation", 0, &replay->realisation);
  status = status != EG_OK ? status : read_number(program, args, "point", 0, &replay->point);
  status = status != EG_OK ? status : read_steps(program, args, replay);
  return status != EG_OK ? status : read_number(program, args, "every", 1, &replay->every);
}

static eg_status replay_result(cli_program *program, const cli_args *args) {
  eg_replay_options replay;
  const char *const csv = cli_value(args, "csv");
  eg_status status = read_options(program, args, &replay);
  if (status != EG_OK) {
    return status;
  }
  if (csv != NULL && strcmp(csv, "-") != 0 && cli_is_same_file(csv, args->operands[0])) {
    return cli_fail_usage(program, &cli_command_replay, "'%s' is the result itself; choose another file", csv);
  }
  char *text = NULL;
  status = eg_replay(program->ctx, args->operands[0], &replay, &text);
  if (status != EG_OK || csv == NULL || strcmp(csv, "-") == 0) {
    return cli_print_owned(program, status, text);
  }
  cli_print_warnings(program);
  status = cli_write_text(program, csv, text, cli_flag(args, "force"));
  free(text);
  return status;
}

const cli_command cli_command_replay = {
    .name = "replay",
    .operands = "FILE.h5",
    .least = 1,
    .most = 1,
    .summary = "repeat one trajectory of a result, step by step",
    .details = "Repeats a trajectory from the study that the result holds, on the CPU, and prints step, time,\n"
               "state and observed features: at the observations, with the bits of the run, or at the steps asked\n"
               "for. Steps are those of the integrator (substeps x steps), as /failures counts them. A trajectory\n"
               "that became non-finite is shown to its first bad step. If /failures lists run 2, realisation 17,\n"
               "step 812:\n"
               "  ensgrad replay result.h5 --run 2 --realisation 17 --steps 800:812\n"
               "The data file must be where it was, with the same contents, or be named by --data.\n",
    .options = options,
    .run = replay_result,
};
