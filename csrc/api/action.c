#include "api/action.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */

/* actions.def is read once for each list; lists end with an empty entry, for C has no empty ones.
 */

#define ACTION(name_, ...) static const struct mv_param params_##name_[] = {
#define PARAM(name_, type_, ...) {.name = #name_, .type = MV_##type_, .doc = __VA_ARGS__},
#define ITEM(...)
#define RULE(...)
#define END {.name = NULL}};
#include "api/actions.def"

#define ACTION(name_, ...) static const struct mv_param items_##name_[] = {
#define PARAM(...)
#define ITEM(name_, type_, ...) {.name = #name_, .type = MV_##type_, .doc = __VA_ARGS__},
#define RULE(...)
#define END {.name = NULL}};
#include "api/actions.def"

#define ACTION(name_, ...) static const struct mv_rule rules_##name_[] = {
#define PARAM(...)
#define ITEM(...)
#define RULE(kind_, names_) {.kind = MV_RULE_##kind_, .names = (names_)},
#define END {.names = NULL}};
#include "api/actions.def"

#define PERMISSION_R MV_READ_CLIENTS
#define PERMISSION_W MV_WRITE_CLIENTS
#define PERMISSION_X MV_DELETE_CLIENTS
#define PERMISSION_CR MV_READ_CRM
#define PERMISSION_CW MV_WRITE_CRM

#define ACTION(name_, method_, permission_, retry_, ...)                                           \
  {.name = #name_,                                                                                 \
   .method = MV_##method_,                                                                         \
   .permission = PERMISSION_##permission_,                                                         \
   .retry = MV_##retry_,                                                                           \
   .subject = SUBJECT,                                                                             \
   .params = params_##name_,                                                                       \
   .param_count = COUNT(params_##name_) - 1,                                                       \
   .item_params = items_##name_,                                                                   \
   .item_param_count = COUNT(items_##name_) - 1,                                                   \
   .rules = rules_##name_,                                                                         \
   .rule_count = COUNT(rules_##name_) - 1,                                                         \
   __VA_ARGS__
#define PARAM(...)
#define ITEM(...)
#define RULE(...)
#define END },
static const struct mv_action actions[] = {
#include "api/actions.def"
};

/* clang-format on */

/* The rows by name: made once from the table, never changed. */
static struct {
  pthread_once_t once;
  const char *names[COUNT(actions)];
  const struct mv_action *rows[COUNT(actions)];
} sorted = {.once = PTHREAD_ONCE_INIT};

static int by_name(const void *a, const void *b) {
  return strcmp((*(const struct mv_action *const *)a)->name,
                (*(const struct mv_action *const *)b)->name);
}

static void sort_rows(void) {
  for (size_t i = 0; i < COUNT(actions); i++) {
    sorted.rows[i] = &actions[i];
  }
  qsort(sorted.rows, COUNT(actions), sizeof(const void *), by_name);
  for (size_t i = 0; i < COUNT(actions); i++) {
    sorted.names[i] = sorted.rows[i]->name;
  }
}

size_t mv_action_count(void) {
  return COUNT(actions);
}

const struct mv_action *mv_action_at(size_t index) {
  return index < COUNT(actions) ? &actions[index] : NULL;
}

/* As strcmp, of a `name` that has a length instead of a NUL. */
static int compare(const char *name, size_t length, const char *known) {
  size_t known_length = strlen(known);
  int order = memcmp(name, known, length < known_length ? length : known_length);
  return order != 0 ? order : (length > known_length) - (length < known_length);
}

const struct mv_action *mv_action_find(const char *name, size_t length) {
  size_t low = 0, high = COUNT(actions);
  pthread_once(&sorted.once, sort_rows);
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = compare(name, length, sorted.names[middle]);
    if (order == 0) {
      return sorted.rows[middle];
    }
    if (order > 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NULL;
}

const char *mv_action_nearest(const char *name) {
  pthread_once(&sorted.once, sort_rows);
  return mv_nearest(name, sorted.names, COUNT(actions));
}

const struct mv_param *mv_action_param(const struct mv_action *action, const char *name) {
  for (size_t i = 0; i < action->param_count; i++) {
    const char *known = action->params[i].name;
    if (*known == *name && strcmp(known, name) == 0) {
      return &action->params[i];
    }
  }
  return NULL;
}

enum mv_retry_class mv_action_retry_class(const struct mv_action *action, const json_t *params) {
  const json_t *value;
  if (!action->idempotent_if) {
    return action->retry;
  }
  value = json_object_get(params, action->idempotent_if);
  if (!value || json_is_null(value) || (json_is_string(value) && !json_string_length(value))) {
    return action->retry;
  }
  return MV_IDEMPOTENT;
}
