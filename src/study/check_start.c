/* start: one point, several points moved by the same realisation, or a normal distribution. */
#include <string.h>

#include "study/checker.h"

static void set_points(eg_checker *c, double *points, size_t n_points, size_t width, eg_mark mark) {
  c->study->start = (eg_study_start){.kind = EG_START_POINTS,
                                     .n_points = n_points,
                                     .width = width,
                                     .points = points,
                                     .std = 0.0,
                                     .mark = mark};
}

static void read_point(eg_checker *c, const eg_yaml_node *node) {
  eg_number_list point = {0};
  if (eg_read_numbers(c, eg_schema_find("start.point"), node, &point)) {
    set_points(c, point.values, 1, point.n, point.mark);
  }
}

/* Rows of equal length; a bare number is a row of one. */
static void read_points(eg_checker *c, const eg_yaml_node *node) {
  const eg_schema_row *row = eg_schema_find("start.points");
  eg_schema_row item = *row;
  item.accepts = EG_NUMBER | EG_LIST;
  if (!eg_expect(c, row, node, EG_YAML_LIST)) {
    return;
  }
  if (node->n == 0) {
    eg_error_add(c->errors, node->place, "'start.points' needs at least one point");
    return;
  }
  double *points = NULL;
  size_t width = 0;
  for (size_t i = 0; i < node->n; i++) {
    eg_number_list point = {0};
    if (!eg_read_numbers(c, &item, node->items[i], &point)) {
      return;
    }
    if (points == NULL) {
      width = point.n;
      points = eg_arena_get(c->memory, node->n, width * sizeof *points);
    } else if (point.n != width) {
      eg_error_add(c->errors, node->items[i]->place, "this point has %zu components, the first one has %zu",
                   point.n, width);
      return;
    }
    if (points == NULL) {
      return;
    }
    memcpy(points + i * width, point.values, width * sizeof *points);
  }
  set_points(c, points, node->n, width, node->place.mark);
}

static void read_normal(eg_checker *c, const eg_yaml_node *map) {
  const eg_yaml_node *node = eg_get_map(c, map, "start.normal");
  if (node == NULL) {
    return;
  }
  eg_study_start start = {
      .kind = EG_START_NORMAL, .n_points = 1, .width = 1, .std = 1.0, .mark = node->place.mark};
  eg_check_keys(c, node, "start.normal", NULL);
  (void)eg_get_number(c, node, "start.normal.mean", &start.mean); /* absent or reported: the default stays */
  (void)eg_get_number(c, node, "start.normal.std", &start.std);
  eg_refuse_swept(c, node, "mean", "start.mean");
  eg_refuse_swept(c, node, "std", "start.std");
  start.points = c->study->start.points;
  c->study->start = start;
}

void eg_check_start(eg_checker *c) {
  static const char *const kinds[] = {"point", "points", "normal", NULL};
  double *zero = eg_arena_get(c->memory, 1, sizeof *zero);
  set_points(c, zero, 1, 1, (eg_mark){0, 0});
  if (eg_yaml_get(c->root, "start") == NULL) {
    return;
  }
  const eg_yaml_node *map = eg_get_map(c, c->root, "start");
  if (map == NULL) {
    return;
  }
  eg_check_keys(c, map, "start", NULL);
  if (eg_check_at_most_one(c, map, "start", kinds) > 1) {
    return;
  }
  eg_refuse_swept(c, map, "point", "start.point");
  if (eg_yaml_get(map, "point") != NULL) {
    read_point(c, eg_yaml_get(map, "point"));
  } else if (eg_yaml_get(map, "points") != NULL) {
    read_points(c, eg_yaml_get(map, "points"));
  } else {
    read_normal(c, map);
  }
}
