#include "backend/plugin_check.h"

#include <stddef.h>
#include <unistd.h>

#include "backend/cuda_plugin/plugin.h"

const char *eg_plugin_objection(const struct stat *file, const struct stat *program_folder) {
  if (!S_ISREG(file->st_mode)) {
    return "is no file";
  }
  if (file->st_uid != 0 && file->st_uid != geteuid() && file->st_uid != program_folder->st_uid) {
    return "belongs to another user";
  }
  return (file->st_mode & S_IWOTH) != 0 ? "can be written by everybody" : NULL;
}

eg_status eg_plugin_check_table(eg_context *ctx, const void *found) {
  const eg_cuda_plugin *const table = found;
  if (table == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "the file " EG_CUDA_PLUGIN_FILE " is not ensgrad's CUDA plug-in");
  }
  if (table->abi != EG_CUDA_PLUGIN_ABI || table->launch_bytes != sizeof(eg_launch) ||
      table->job_bytes != sizeof(eg_cuda_job) || table->result_bytes != sizeof(eg_cuda_result)) {
    return eg_fail(
        ctx, EG_ERR_DEVICE,
        "the CUDA plug-in is of another version (interface %u, this program has %d): install both from one "
        "build",
        table->abi, EG_CUDA_PLUGIN_ABI);
  }
  return EG_OK;
}
