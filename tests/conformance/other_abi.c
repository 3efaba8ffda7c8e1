/* A plug-in of another version, as an old installation would leave it. */
#include "plugin.h"

extern const eg_cuda_plugin ensgrad_cuda_plugin;
__attribute__((visibility("default"))) const eg_cuda_plugin ensgrad_cuda_plugin = {
    .abi = EG_CUDA_PLUGIN_ABI + 1000,
    .launch_bytes = sizeof(eg_launch),
    .job_bytes = sizeof(eg_cuda_job),
    .result_bytes = sizeof(eg_cuda_result)};
