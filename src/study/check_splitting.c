/* splitting: what `ensgrad split` does. Whether a run can be split is judged by the plan. */
#include "study/checker.h"

void eg_check_splitting(eg_checker *c) {
  const eg_yaml_node *const key = eg_yaml_key(c->root, "splitting"), *const node = eg_yaml_get(c->root, "splitting");
  eg_study_splitting s = {.replicas = 128, .kill = 0.1, .repeats = 64, .burn_in = 1000, .count = 10000};
  const size_t errors_before = c->errors->count;
  if (node == NULL || !eg_expect(c, eg_schema_find("splitting"), node, EG_YAML_MAP)) {
    return;
  }
  s.mark = key->place.mark;
  eg_check_keys(c, node, "splitting", NULL);
  (void)eg_get_number(c, node, "splitting.low", &s.low); /* absent or reported, as those below */
  (void)eg_get_number(c, node, "splitting.high", &s.high);
  (void)eg_get_number(c, node, "splitting.replicas", &s.replicas);
  (void)eg_get_number(c, node, "splitting.kill", &s.kill);
  (void)eg_get_number(c, node, "splitting.repeats", &s.repeats);
  (void)eg_get_number(c, node, "splitting.burn_in", &s.burn_in);
  (void)eg_get_number(c, node, "splitting.count", &s.count);
  if (eg_get_text(c, node, "splitting.feature", &s.feature) && s.low == s.high && c->errors->count == errors_before) {
    eg_error_add(c->errors, key->place, "'splitting.low' and 'high' are equal: there is nothing between A and B");
  }
  if (c->errors->count == errors_before) {
    c->study->splitting = s;
  }
}
