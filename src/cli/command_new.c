/* ensgrad new: a commented example study. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const cli_option options[] = {
    {"output", 'o', "FILE", "file to write; default KIND.yaml, - for standard output", false},
    {NULL, '\0', NULL, NULL, false},
};

enum { MAX_KINDS = 16, KIND_BYTES = 48 };

static eg_status fail_unknown_kind(cli_program *program, const char *kind) {
  char kinds[MAX_KINDS][KIND_BYTES];
  const char *names[MAX_KINDS];
  size_t n = 0;
  for (const char *at = eg_study_template_kinds(); *at != '\0' && n < MAX_KINDS; n++) {
    const size_t length = strcspn(at, " ");
    (void)snprintf(kinds[n], KIND_BYTES, "%.*s", (int)length, at); /* longer kinds are not suggested */
    names[n] = kinds[n];
    at += length + strspn(at + length, " ");
  }
  const char *const nearest = cli_nearest(kind, names, n);
  if (nearest != NULL) {
    return cli_fail_usage(program, &cli_command_new, "unknown kind '%s'; did you mean '%s'? Kinds: %s", kind,
                          nearest, eg_study_template_kinds());
  }
  return cli_fail_usage(program, &cli_command_new, "unknown kind '%s'; kinds: %s", kind,
                        eg_study_template_kinds());
}

static eg_status write_study(cli_program *program, const cli_args *args) {
  if (args->n_operands == 0) {
    return cli_fail_usage(program, &cli_command_new, "KIND is missing; kinds: %s", eg_study_template_kinds());
  }
  const char *const kind = args->operands[0];
  const char *const text = eg_study_template(kind);
  if (text == NULL) {
    return fail_unknown_kind(program, kind);
  }
  const char *path = cli_value(args, "output");
  if (path != NULL && strcmp(path, "-") == 0) {
    cli_print(program, "%s", text);
    return EG_OK;
  }
  char name[KIND_BYTES + 8];
  (void)snprintf(name, sizeof name, "%s.yaml", kind); /* kinds of the library are short */
  path = path != NULL ? path : name;
  const eg_status status = cli_write_text(program, path, text, false);
  if (status == EG_OK) {
    cli_print(program, "%s written; next: ensgrad run %s\n", path, path);
  }
  return status;
}

const cli_command cli_command_new = {
    .name = "new",
    .operands = "KIND",
    .least = 0, /* its absence is told with the list of kinds */
    .most = 1,
    .summary = "write a commented example study (weak-error, diffusion, ..)",
    .details = "A file that is there is never replaced. `ensgrad new` lists the kinds, `ensgrad help study` "
               "explains\n"
               "every key.\n",
    .options = options,
    .run = write_study,
};
