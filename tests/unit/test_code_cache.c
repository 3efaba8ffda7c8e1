/* The cache of compiled kernels: code comes back, and nothing is taken from, or written through, what another could have put there. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "base/code_cache.h"

static const eg_cache_key key = {{0x0123456789abcdefu, 0xfedcba9876543210u}};
static const char code[] = "compiled";
static char root[64], folder[128], file[256], victim[128];

static bool is_found(void) {
  void *bytes = NULL;
  size_t size = 0;
  const bool is = eg_cache_load(key, "so", &bytes, &size) != 0;
  CHECK(!is || (size == sizeof code && memcmp(bytes, code, size) == 0));
  free(bytes);
  return is;
}

static void store(void) {
  eg_cache_store(key, "so", code, sizeof code);
}

/* An empty folder of the cache with the right mode, and a file of somebody's. */
static void begin(void) {
  char command[512];
  snprintf(command, sizeof command, "rm -rf %s && mkdir -m 700 %s && echo precious >%s", folder, folder, victim);
  CHECK(system(command) == 0);
}

static bool is_victim_whole(void) {
  char text[32] = "";
  FILE *const f = fopen(victim, "r");
  CHECK(f != NULL);
  const bool is_read = f != NULL && fgets(text, sizeof text, f) != NULL;
  if (f != NULL) {
    fclose(f);
  }
  return is_read && strcmp(text, "precious\n") == 0;
}

static void test_folders(void) {
  static const mode_t bad[] = {0770, 0707, 0750, 0705, 0777, 01777};
  begin();
  store();
  CHECK(is_found());
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    CHECK(chmod(folder, bad[i]) == 0);
    CHECK(!is_found());
  }
  CHECK(chmod(folder, 0700) == 0);
  CHECK(is_found());
  CHECK(unlink(file) == 0 && chmod(folder, 0755) == 0);
  store();
  CHECK(access(file, F_OK) != 0); /* nothing is written there either */
  char elsewhere[160];
  snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", root);
  CHECK(rmdir(folder) == 0 && mkdir(elsewhere, 0700) == 0 && symlink(elsewhere, folder) == 0);
  store();
  CHECK(!is_found());
  CHECK(rmdir(elsewhere) == 0); /* it stayed empty */
  CHECK(unlink(folder) == 0);
  store(); /* makes it */
  struct stat s;
  CHECK(stat(folder, &s) == 0 && (s.st_mode & 07777) == 0700 && is_found());
}

static void test_files(void) {
  begin();
  store();
  CHECK(chmod(file, 0640) == 0 && !is_found());
  CHECK(chmod(file, 0600) == 0 && is_found());
  char away[300];
  snprintf(away, sizeof away, "%s/away", root);
  CHECK(rename(file, away) == 0 && symlink(away, file) == 0 && !is_found()); /* a right file behind a link */
  CHECK(unlink(file) == 0 && unlink(away) == 0);
}

/* The name that is written first can be told in advance: a link there is not followed, a file there not written. */
static void test_planted(void) {
  char part[300];
  snprintf(part, sizeof part, "%s.%ld", file, (long)getpid());
  begin();
  CHECK(symlink(victim, part) == 0);
  store();
  CHECK(is_victim_whole() && !is_found());
  CHECK(unlink(part) == 0 && link(victim, part) == 0);
  store();
  CHECK(is_victim_whole() && !is_found());
  CHECK(unlink(part) == 0);
  store();
  CHECK(is_found());
}

static void test_owners(void) {
  if (geteuid() != 0) {
    printf("not root: nothing of another user was tried\n");
    return;
  }
  begin();
  store();
  CHECK(is_found());
  CHECK(chown(folder, 65534, 65534) == 0 && !is_found());
  CHECK(unlink(file) == 0);
  store();
  CHECK(access(file, F_OK) != 0);
  CHECK(chown(folder, 0, 0) == 0);
  store();
  CHECK(is_found());
  CHECK(chown(file, 65534, 65534) == 0 && !is_found());
}

int main(void) {
  char command[128];
  snprintf(root, sizeof root, "/tmp/ensgrad-test-XXXXXX");
  CHECK(mkdtemp(root) != NULL);
  snprintf(folder, sizeof folder, "%s/cache", root);
  snprintf(victim, sizeof victim, "%s/victim", root);
  snprintf(file, sizeof file, "%s/%016" PRIx64 "%016" PRIx64 ".so", folder, key.word[0], key.word[1]);
  CHECK(setenv("ENSGRAD_CACHE", folder, 1) == 0);
  test_folders();
  test_files();
  test_planted();
  test_owners();
  snprintf(command, sizeof command, "rm -rf %s", root);
  CHECK(system(command) == 0);
  return check_report();
}
