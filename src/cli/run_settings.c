#include "cli/run_settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 4096 };

eg_status cli_check_overrides(cli_program *program, const cli_command *command, const cli_args *args) {
  for (size_t i = 0; i < args->n_list; i++) {
    const char *const equals = strchr(args->list[i], '=');
    if (equals == NULL || equals == args->list[i]) {
      return cli_fail_usage(program, command, "--set '%s' is not KEY=VALUE, as in --set realisations=2^20",
                            args->list[i]);
    }
  }
  return EG_OK;
}

eg_status cli_check_backend(cli_program *program, const cli_command *command, const char *name, bool has_all) {
  static const char *const names[] = {"auto", "cpu", "cuda", "all"};
  const size_t n = sizeof names / sizeof names[0] - (has_all ? 0 : 1);
  for (size_t i = 0; i < n; i++) {
    if (name == NULL || strcmp(name, names[i]) == 0) {
      return EG_OK;
    }
  }
  const char *const nearest = cli_nearest(name, names, n);
  return cli_fail_usage(program, command, "unknown backend '%s'; %s%s%sallowed: auto, cpu, cuda%s", name,
                        nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'? " : "", has_all ? ", all" : "");
}

/* --devices 0,2: numbers, each once. */
static eg_status read_devices(cli_program *program, const cli_command *command, const char *text, cli_run_settings *settings) {
  eg_run_options *const run = &settings->run;
  const char *at = text;
  while (at != NULL) {
    char *end = NULL;
    errno = 0;
    const long value = strtol(at, &end, 10);
    bool is_new = run->n_devices < CLI_MOST_DEVICES;
    for (size_t i = 0; i < run->n_devices; i++) {
      is_new = is_new && settings->devices[i] != value;
    }
    if (*at < '0' || *at > '9' || errno != 0 || value > 1023 || (*end != ',' && *end != '\0') || !is_new) {
      return cli_fail_usage(program, command, "--devices '%s' is no list of GPUs, each once, as in --devices 0,2; 'ensgrad devices' "
                            "lists them", text);
    }
    settings->devices[run->n_devices++] = (int)value;
    at = *end == ',' ? end + 1 : NULL;
  }
  run->devices = settings->devices;
  return EG_OK;
}

eg_status cli_read_threads(cli_program *program, const cli_command *command, const char *text, int *threads) {
  if (text == NULL) {
    return EG_OK;
  }
  char *end = NULL;
  errno = 0;
  const long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || value < 1 || value > MAX_THREADS) {
    return cli_fail_usage(program, command, "--threads '%s' is not a number from 1 to %d", text, MAX_THREADS);
  }
  *threads = (int)value;
  return EG_OK;
}

eg_status cli_read_study(cli_program *program, const cli_command *command, const cli_args *args, int *threads,
                         eg_study **study) {
  eg_status status = cli_check_overrides(program, command, args);
  status = status != EG_OK ? status : cli_read_threads(program, command, cli_value(args, "threads"), threads);
  if (status != EG_OK) {
    return status;
  }
  status = eg_study_load(program->ctx, args->operands[0], args->list, args->n_list, study);
  return status != EG_OK ? cli_report(program, status) : EG_OK;
}

static eg_status read_check_tiles(cli_program *program, const cli_command *command, const char *text, uint64_t *every) {
  if (text == NULL) {
    return EG_OK;
  }
  char *end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  if (strchr("0123456789", text[0]) == NULL || text[0] == '\0' || *end != '\0' || errno != 0) {
    return cli_fail_usage(program, command, "--check-tiles '%s' is no whole number; 1: every tile, 1000: one in a thousand, "
                          "0: none", text);
  }
  *every = value;
  return EG_OK;
}

static eg_status read_duration(cli_program *program, const cli_command *command, const cli_args *args,
                               const char *option, double *seconds) {
  const char *const text = cli_value(args, option);
  if (text != NULL && !cli_parse_duration(text, seconds)) {
    return cli_fail_usage(program, command,
                          "--%s '%s' is no positive time; write seconds, or 90s, 55m, 2h, 1h30m", option,
                          text);
  }
  return EG_OK;
}

eg_status cli_read_times(cli_program *program, const cli_command *command, const cli_args *args, double *snapshot,
                         double *max_time) {
  const eg_status status = read_duration(program, command, args, "snapshot", snapshot);
  return status != EG_OK ? status : read_duration(program, command, args, "max-time", max_time);
}

/* The study's name without folder and ending, with .h5. */
static char *default_output(const char *study) {
  static const char *const endings[] = {".yaml", ".yml", ".json"};
  const char *const slash = strrchr(study, '/');
  const char *const name = slash != NULL ? slash + 1 : study;
  size_t length = strlen(name);
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    const size_t n = strlen(endings[i]);
    if (length > n && strcmp(name + length - n, endings[i]) == 0) {
      length -= n;
      break;
    }
  }
  char *const output = malloc(length + sizeof ".h5");
  if (output != NULL) {
    memcpy(output, name, length);
    memcpy(output + length, ".h5", sizeof ".h5");
  }
  return output;
}

static eg_status choose_output(cli_program *program, const cli_command *command, const cli_args *args,
                               char **output) {
  const char *const given = cli_value(args, "output");
  const char *const study = args->operands[0];
  if (given != NULL && given[0] == '\0') {
    return cli_fail_usage(program, command, "the name of the output file is empty");
  }
  if (given != NULL && cli_is_same_file(given, study)) {
    return cli_fail_usage(program, command, "'%s' is the study; the result needs a file of its own", given);
  }
  char *const chosen = given != NULL ? strdup(given) : default_output(study);
  if (chosen == NULL) {
    cli_print_error(program, EG_ERR_MEMORY, "out of memory");
    return EG_ERR_MEMORY;
  }
  *output = chosen;
  return EG_OK;
}

eg_status cli_name_shard(cli_program *program, cli_run_settings *settings) {
  static const char ending[] = ".h5";
  const char *const name = settings->output;
  const size_t size = strlen(name), tail = sizeof ending - 1, room = size + 64;
  const bool has_ending = size > tail && strcmp(name + size - tail, ending) == 0;
  char *const full = malloc(room);
  if (full == NULL) {
    cli_print_error(program, EG_ERR_MEMORY, "out of memory");
    return EG_ERR_MEMORY;
  }
  (void)snprintf(full, room, "%.*s.shard-%" PRIu64 "-of-%" PRIu64 "%s", (int)(has_ending ? size - tail : size), name,
                 settings->run.shard, settings->run.n_shards, has_ending ? ending : "");
  free(settings->output);
  settings->output = full;
  return EG_OK;
}

eg_status cli_run_settings_common(cli_program *program, const cli_command *command, const cli_args *args,
                                  cli_run_settings *settings) {
  memset(settings, 0, sizeof *settings);
  eg_run_options *const run = &settings->run;
  eg_run_options_default(run);
  const char *const backend = cli_value(args, "backend");
  run->backend = backend != NULL ? backend : run->backend;
  run->force = cli_flag(args, "force");
  settings->is_quiet = cli_flag(args, "quiet");
  eg_status status = cli_check_backend(program, command, backend, true);
  status = status != EG_OK ? status : read_devices(program, command, cli_value(args, "devices"), settings);
  status = status != EG_OK ? status : cli_check_overrides(program, command, args); /* none where it is no option */
  status =
      status != EG_OK ? status : cli_read_threads(program, command, cli_value(args, "threads"), &run->threads);
  status = status != EG_OK ? status : read_duration(program, command, args, "device-timeout", &run->device_timeout);
  status = status != EG_OK ? status : read_check_tiles(program, command, cli_value(args, "check-tiles"), &run->check_tiles);
  return status != EG_OK ? status : cli_read_times(program, command, args, &run->snapshot_seconds, &run->max_time);
}

eg_status cli_run_settings_read(cli_program *program, const cli_command *command, const cli_args *args,
                                cli_run_settings *settings) {
  eg_status status = cli_run_settings_common(program, command, args, settings);
  status = status != EG_OK ? status : cli_read_shard(program, command, cli_value(args, "shard"), &settings->run);
  status = status != EG_OK ? status : choose_output(program, command, args, &settings->output);
  if (status == EG_OK && settings->run.n_shards > 1) {
    status = cli_name_shard(program, settings);
    if (status != EG_OK) {
      cli_run_settings_free(settings);
    }
  }
  return status;
}

void cli_run_settings_free(cli_run_settings *settings) {
  free(settings->output);
}
