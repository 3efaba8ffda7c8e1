/* The schema table as text: `ensgrad help study`. */
#include <stdlib.h>
#include <string.h>

#include "ensgrad/study.h"
#include "study/schema.h"

static const char introduction[] =
    "A study is a YAML (or JSON) file of these keys. Numbers may be written 0.125, 1e6, 1/8, 2^24, 3*2^10.\n"
    "`--set KEY=VALUE` replaces or adds one value; KEY is dotted as below, VALUE is YAML.\n\n";

static int depth_of(const char *path) {
  if (strncmp(path, "sweep.", 6) == 0) {
    return 1; /* keys of the sweep are dotted themselves */
  }
  int depth = 0;
  for (const char *c = path; *c != '\0'; c++) {
    depth += *c == '.' ? 1 : 0;
  }
  return depth;
}

static void append_row(eg_text *out, const eg_schema_row *row) {
  const int indent = 2 * depth_of(row->path);
  eg_text_append(out, "%*s%s: ", indent, "", row->path);
  eg_schema_describe_type(row, out);
  eg_text range = {0};
  eg_schema_describe_range(row, &range);
  if (range.length > 0) {
    eg_text_append(out, ", range %s", eg_text_string(&range));
  }
  out->is_broken = out->is_broken || range.is_broken;
  eg_text_free(&range);
  if ((row->accepts & EG_REQUIRED) != 0) {
    eg_text_append(out, ", required");
  } else if (row->fallback != NULL) {
    eg_text_append(out, ", default: %s", row->fallback);
  }
  eg_text_append(out, "\n%*s    %s\n", indent, "", row->doc);
  if (row->words != NULL) {
    eg_text_append(out, "%*s    one of: ", indent, "");
    eg_schema_list_words(row->words, out);
    eg_text_append(out, "\n");
  }
  if (row->only != NULL) {
    eg_text_append(out, "%*s    only for: %s\n", indent, "", row->only);
  }
}

eg_status eg_study_schema_text(eg_context *ctx, char **text) {
  eg_text out = {0};
  eg_text_append(&out, "%s", introduction);
  for (size_t i = 0; i < eg_schema_count(); i++) {
    append_row(&out, eg_schema_at(i));
  }
  if (out.is_broken) {
    eg_text_free(&out);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  *text = out.data;
  return EG_OK;
}
