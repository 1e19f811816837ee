/* find_clients: its conditions read, and the query asked. */
#include <string.h>

#include "sandbox/params.h"
#include "sandbox/query.h"
#include "sandbox/search.h"

enum operation { EQUAL, IN, NOT_EQUAL, NOT_IN };

static int operator_of(const char *name) {
  static const char *const names[] = {"", "_in", "_not", "_not_in"};
  for (int i = IN; i <= NOT_IN; i++) {
    if (strcmp(names[i], name) == 0) {
      return i;
    }
  }
  return -1;
}

/* -1: not a condition. */
static int read_condition(struct mv_condition *condition, json_t *value) {
  int op = EQUAL;
  if (json_is_object(value)) {
    void *member = json_object_iter(value);
    if (json_object_size(value) != 1) {
      return -1;
    }
    op = operator_of(json_object_iter_key(member));
    value = json_object_iter_value(member);
  }
  condition->negative = op == NOT_EQUAL || op == NOT_IN;
  if (op == EQUAL || op == NOT_EQUAL) {
    return mv_condition_add(condition, value);
  }
  if (op < 0 || !json_is_array(value)) {
    return -1;
  }
  for (size_t i = 0; i < json_array_size(value); i++) {
    if (mv_condition_add(condition, json_array_get(value, i))) {
      return -1;
    }
  }
  return 0;
}

static void answer(struct mv_ask *ask, struct mv_condition *conditions, size_t count) {
  struct mv_query query = {.conditions = conditions,
                           .count = count,
                           .any = json_is_false(mv_param(ask, "include_all")),
                           .in_orders = mv_param(ask, "search_in") != NULL};
  if (mv_query_is_mixed(ask->work, &query)) {
    mv_answer_fail(ask, 200, "Something went wrong");
    return;
  }
  mv_answer_clients(ask, &query);
}

void mv_search_clients(struct mv_ask *ask) {
  struct mv_condition conditions[MV_QUERY_CONDITIONS];
  size_t count = 0;
  const char *name;
  json_t *value;
  bool good = true;
  json_object_foreach(mv_param(ask, "q"), name, value) {
    if (!good || count == MV_QUERY_CONDITIONS) {
      good = false;
      break;
    }
    mv_condition_init(&conditions[count], name);
    good = !read_condition(&conditions[count++], value);
  }
  if (!good) {
    mv_answer_fail(ask, 200, "Error in parameter format");
  } else if (!count) {
    mv_answer_fail(ask, 200, "Parameter \"q\" required");
  } else {
    answer(ask, conditions, count);
  }
  for (size_t i = 0; i < count; i++) {
    mv_condition_free(&conditions[i]);
  }
}
