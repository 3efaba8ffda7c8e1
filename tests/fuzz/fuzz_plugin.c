/*
 * libFuzzer on what is read of code that others may have put there: a file of the cache of compiled kernels, the file and the
 * table of a plug-in. Each answer is held against the rule, written anew here. Input: what is tried, mode bits, repairs that a
 * stranger could make too (magic, key, length, checksum), then the bytes of the file or the table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cuda_plugin/plugin.h"
#include "backend/plugin_check.h"
#include "base/code_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { HEAD = 40 }; /* magic 8, key 16, length 8, checksum 8 */
static char folder[64], path[160];
static const eg_cache_key key = {{0x0123456789abcdefu, 0xfedcba9876543210u}};

static void must(int is_true) {
  if (!is_true) {
    abort();
  }
}

static void remove_folder(void) {
  (void)unlink(path);
  (void)rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  (void)snprintf(folder, sizeof folder, "/tmp/ensgrad-fuzz-XXXXXX");
  must(mkdtemp(folder) != NULL && setenv("ENSGRAD_CACHE", folder, 1) == 0 && atexit(remove_folder) == 0);
  (void)snprintf(path, sizeof path, "%s/%016llx%016llx.so", folder, (unsigned long long)key.word[0],
                 (unsigned long long)key.word[1]);
  return 0;
}

/* FNV-1a, 64 bits: the checksum of the cache, written anew. */
static uint64_t checksum_of(const uint8_t *bytes, size_t n) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < n; i++) {
    hash = (hash ^ bytes[i]) * 1099511628211u;
  }
  return hash;
}

static void try_cache(const uint8_t *data, size_t size) {
  const unsigned repairs = data[0];
  const mode_t mode = 0400 | (data[1] & 0377), folder_mode = (repairs & 32) != 0 ? 0700 | (data[2] & 077) : 0700;
  uint8_t *const bytes = malloc(size - 3 + 1);
  const size_t n = size - 3;
  void *code = NULL;
  size_t found = 0;
  must(bytes != NULL);
  memcpy(bytes, data + 3, n);
  if (n >= HEAD) {
    const uint64_t length = n - HEAD, checksum = checksum_of(bytes + HEAD, n - HEAD);
    if ((repairs & 1) != 0) {
      memcpy(bytes, "EGCODE1", 8);
    }
    if ((repairs & 2) != 0) {
      memcpy(bytes + 8, &key, sizeof key);
    }
    if ((repairs & 4) != 0) {
      memcpy(bytes + 24, &length, sizeof length);
    }
    if ((repairs & 8) != 0) {
      memcpy(bytes + 32, &checksum, sizeof checksum);
    }
  }
  (void)unlink(path);
  if ((repairs & 16) != 0 && (repairs & 64) != 0) { /* a link, a pipe, or a folder in its place */
    must((data[2] % 3 == 0 ? symlink("/etc/passwd", path) : data[2] % 3 == 1 ? mkfifo(path, 0600) : mkdir(path, 0700)) == 0);
    must(!eg_cache_load(key, "so", &code, &found));
    must(unlink(path) == 0 || rmdir(path) == 0);
    free(bytes);
    return;
  }
  FILE *const file = fopen(path, "wb");
  must(file != NULL && fwrite(bytes, 1, n, file) == n && fclose(file) == 0 && chmod(path, mode) == 0 && chmod(folder, folder_mode) == 0);
  const int is_private = (mode & 077) == 0 && (folder_mode & 077) == 0;
  int is_right = is_private && n > HEAD && memcmp(bytes, "EGCODE1", 8) == 0 && memcmp(bytes + 8, &key, sizeof key) == 0;
  if (is_right) {
    uint64_t length = 0, checksum = 0;
    memcpy(&length, bytes + 24, sizeof length);
    memcpy(&checksum, bytes + 32, sizeof checksum);
    is_right = length == n - HEAD && checksum == checksum_of(bytes + HEAD, n - HEAD);
  }
  must(eg_cache_load(key, "so", &code, &found) == is_right);
  must(!is_right || (found == n - HEAD && memcmp(code, bytes + HEAD, found) == 0));
  must(chmod(folder, 0700) == 0);
  free(code);
  free(bytes);
}

static void try_plugin(const uint8_t *data, size_t size) {
  struct stat file, own;
  eg_cuda_plugin table;
  memset(&file, 0, sizeof file);
  memset(&own, 0, sizeof own);
  memset(&table, 0, sizeof table);
  file.st_mode = (data[0] & 3) == 0 ? S_IFDIR : S_IFREG;
  file.st_mode |= data[1] | (data[0] & 4) << 6;
  file.st_uid = data[2] % 4 == 0 ? 0 : data[2] % 4 == 1 ? geteuid() : data[2];
  own.st_uid = data[2] % 5 == 0 ? data[2] : 12345;
  const int is_known = file.st_uid == 0 || file.st_uid == geteuid() || file.st_uid == own.st_uid;
  must((eg_plugin_objection(&file, &own) == NULL) == (S_ISREG(file.st_mode) && is_known && (file.st_mode & 02) == 0));

  memcpy(&table, data + 3, size - 3 < sizeof table ? size - 3 : sizeof table);
  table.abi = (data[0] & 8) != 0 ? EG_CUDA_PLUGIN_ABI : table.abi;
  table.launch_bytes = (data[0] & 16) != 0 ? sizeof(eg_launch) : table.launch_bytes;
  table.job_bytes = (data[0] & 32) != 0 ? sizeof(eg_cuda_job) : table.job_bytes;
  table.result_bytes = (data[0] & 64) != 0 ? sizeof(eg_cuda_result) : table.result_bytes;
  const int is_right = table.abi == EG_CUDA_PLUGIN_ABI && table.launch_bytes == sizeof(eg_launch) &&
                       table.job_bytes == sizeof(eg_cuda_job) && table.result_bytes == sizeof(eg_cuda_result);
  eg_context *const ctx = eg_context_create();
  const eg_status status = eg_plugin_check_table(ctx, &table);
  must((status == EG_OK) == is_right && (is_right || eg_context_message(ctx)[0] != '\0'));
  must(eg_plugin_check_table(ctx, NULL) == EG_ERR_DEVICE);
  eg_context_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= 4) {
    (data[0] % 2 == 0 ? try_cache : try_plugin)(data + 1, size - 1);
  }
  return 0;
}
