/* --shard K/N, or K and N from Slurm. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/run_settings.h"

/* Digits and nothing else. */
static bool read_whole(const char *text, size_t length, uint64_t *value) {
  char *end = NULL;
  if (text == NULL || length == 0 || strspn(text, "0123456789") < length) {
    return false;
  }
  errno = 0;
  *value = strtoull(text, &end, 10);
  return errno == 0 && end == text + length;
}

static bool read_text(const char *text, uint64_t *value) {
  return text != NULL && read_whole(text, strlen(text), value);
}

/* Element of a job array: from 0, and how many there are. The elements must be evenly spaced, since Slurm tells only the
   first, the last and the number. */
static eg_status read_array(cli_program *program, const cli_command *command, uint64_t *index, uint64_t *count) {
  uint64_t id = 0, first = 0, last = 0;
  *index = 0;
  *count = 1;
  if (getenv("SLURM_ARRAY_TASK_ID") == NULL) {
    return EG_OK;
  }
  if (!read_text(getenv("SLURM_ARRAY_TASK_ID"), &id) || !read_text(getenv("SLURM_ARRAY_TASK_COUNT"), count) ||
      !read_text(getenv("SLURM_ARRAY_TASK_MIN"), &first) || !read_text(getenv("SLURM_ARRAY_TASK_MAX"), &last) || *count == 0 ||
      id < first || id > last) {
    return cli_fail_usage(program, command,
                          "--shard slurm: SLURM_ARRAY_TASK_ID is set, but SLURM_ARRAY_TASK_COUNT, _MIN and _MAX do not fit "
                          "to it");
  }
  const uint64_t step = *count > 1 ? (last - first) / (*count - 1) : 1;
  if (step == 0 || first + step * (*count - 1) != last || (id - first) % step != 0) {
    return cli_fail_usage(program, command,
                          "--shard slurm: the elements of the job array are not evenly spaced (%" PRIu64 " from %" PRIu64
                          " to %" PRIu64 "); say which shard this is, as in --shard $SLURM_ARRAY_TASK_ID/100",
                          *count, first, last);
  }
  *index = (id - first) / step;
  return EG_OK;
}

/* Task of a job step that srun started: from 0, and how many there are. */
static eg_status read_tasks(cli_program *program, const cli_command *command, uint64_t *index, uint64_t *count) {
  uint64_t n = 0;
  *index = 0;
  *count = 1;
  if (read_text(getenv("SLURM_STEP_NUM_TASKS"), &n)) {
    if (n == 0 || !read_text(getenv("SLURM_PROCID"), index) || *index >= n) {
      return cli_fail_usage(program, command, "--shard slurm: SLURM_PROCID does not fit to SLURM_STEP_NUM_TASKS");
    }
    *count = n;
    return EG_OK;
  }
  if (read_text(getenv("SLURM_NTASKS"), &n) && n > 1) { /* sbatch sets it, and SLURM_PROCID to 0, for the script itself */
    return cli_fail_usage(program, command,
                          "--shard slurm: the job has %" PRIu64 " tasks, but this is none of them; start it with srun", n);
  }
  return EG_OK;
}

static eg_status read_slurm(cli_program *program, const cli_command *command, eg_run_options *run) {
  uint64_t element = 0, n_elements = 0, task = 0, n_tasks = 0;
  if (getenv("SLURM_ARRAY_TASK_ID") == NULL && getenv("SLURM_PROCID") == NULL) {
    return cli_fail_usage(program, command,
                          "--shard slurm: neither SLURM_ARRAY_TASK_ID nor SLURM_PROCID is set; this is no job of Slurm. "
                          "Write --shard K/N, K from 0 to N-1");
  }
  eg_status status = read_array(program, command, &element, &n_elements);
  status = status != EG_OK ? status : read_tasks(program, command, &task, &n_tasks);
  run->shard = element * n_tasks + task;
  run->n_shards = n_elements * n_tasks;
  return status;
}

eg_status cli_read_shard(cli_program *program, const cli_command *command, const char *text, eg_run_options *run) {
  if (text == NULL) {
    return EG_OK;
  }
  if (strcmp(text, "slurm") == 0) {
    return read_slurm(program, command, run);
  }
  const size_t n = strcspn(text, "/");
  if (text[n] != '/' || !read_whole(text, n, &run->shard) ||
      !read_whole(text + n + 1, strlen(text + n + 1), &run->n_shards) || run->n_shards == 0 ||
      run->shard >= run->n_shards) {
    return cli_fail_usage(program, command, "--shard '%s' is not K/N with K from 0 to N-1, nor 'slurm'", text);
  }
  return EG_OK;
}
