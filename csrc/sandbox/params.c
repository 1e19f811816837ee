#include "sandbox/params.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/convert.h"

static int refuse_type(struct mv_ask *ask, const char *where, const struct mv_param *param) {
  bool number = param->type == MV_INTEGER || param->type == MV_NUMBER;
  char bounds[64] = "";
  if (number && param->limit && !param->cut) {
    snprintf(bounds, sizeof bounds, " from %ld to %ld", param->least, param->limit);
  } else if (number && param->least != LONG_MIN) {
    snprintf(bounds, sizeof bounds, ", %ld or more", param->least);
  }
  mv_answer_fail(ask, 400, "Parameter \"%s%s\" takes %s%s%s%s", where, param->name,
                 mv_convert_takes(param->type), bounds, param->choices ? " " : "",
                 param->choices ? param->choices : "");
  return -1;
}

/* So that what is kept can be told again inside answers and webhooks, which are nested as well. */
enum { DEEPEST = 120 };

static bool is_too_deep(const json_t *value, int depth) {
  const char *name;
  json_t *inner;
  size_t i;
  if (depth > DEEPEST) {
    return true;
  }
  json_object_foreach((json_t *)value, name, inner) {
    if (is_too_deep(inner, depth + 1)) {
      return true;
    }
  }
  json_array_foreach(value, i, inner) {
    if (is_too_deep(inner, depth + 1)) {
      return true;
    }
  }
  return false;
}

static bool is_empty(const json_t *value) {
  return json_is_string(value) && !json_string_length(value);
}

/* That a value of the right type is not too large. */
static int check_size(struct mv_ask *ask, const char *where, const struct mv_param *param,
                      const json_t *value) {
  if (is_too_deep(value, 0)) {
    mv_answer_fail(ask, 400, "Parameter \"%s%s\" is nested deeper than %d levels", where,
                   param->name, DEEPEST);
    return -1;
  }
  if (json_is_array(value) && param->limit && json_array_size(value) > (size_t)param->limit) {
    mv_answer_fail(ask, 400, "Parameter \"%s%s\" takes at most %ld elements", where, param->name,
                   param->limit);
    return -1;
  }
  return 0;
}

/* Makes what was given (NULL: nothing) into the parameter's type: *out, a new reference or NULL.
 * `where`: "" or "items[3]." for the message. A wrong value is answered. */
static int check_one(struct mv_ask *ask, const char *where, const struct mv_param *param,
                     json_t *given, json_t **out) {
  bool empty = is_empty(given) && !param->may_be_empty;
  *out = NULL;
  if (!given || json_is_null(given) || (empty && param->type != MV_STRING)) {
    given = NULL;
  }
  if (param->required && (!given || empty)) {
    mv_answer_fail(ask, 400, "Parameter \"%s%s\" required", where, param->name);
    return -1;
  }
  if (!given) {
    return 0;
  }
  json_t *value = mv_convert(param, given);
  if (!value) {
    return refuse_type(ask, where, param);
  }
  if (check_size(ask, where, param, value)) {
    json_decref(value);
    return -1;
  }
  *out = value;
  return 0;
}

static int check_item(struct mv_ask *ask, const char *where, const json_t *item) {
  for (size_t m = 0; m < ask->action->item_param_count; m++) {
    const struct mv_param *param = &ask->action->item_params[m];
    json_t *checked;
    if (check_one(ask, where, param, json_object_get(item, param->name), &checked)) {
      return -1;
    }
    json_decref(checked);
  }
  return 0;
}

/* The objects of load_clients; they keep what they were given: the answer echoes it. */
static int check_items(struct mv_ask *ask) {
  const struct mv_action *action = ask->action;
  for (size_t p = 0; p < action->param_count; p++) {
    json_t *list = ask->params[p];
    for (size_t i = 0; action->params[p].type == MV_ITEMS && i < json_array_size(list); i++) {
      char where[64];
      snprintf(where, sizeof where, "%s[%zu].", action->params[p].name, i);
      if (check_item(ask, where, json_array_get(list, i))) {
        return -1;
      }
    }
  }
  return 0;
}

static json_t *param_of(const struct mv_ask *ask, const char *name, size_t length) {
  const struct mv_action *action = ask->action;
  for (size_t i = 0; i < action->param_count; i++) {
    const char *known = action->params[i].name;
    if (strncmp(known, name, length) == 0 && !known[length]) {
      return ask->params[i];
    }
  }
  return NULL;
}

/* How many of the names (separated by spaces) were given, and how many there are. */
static int given_of(const struct mv_ask *ask, const char *names, int *all, bool *first) {
  int given = 0;
  *all = 0;
  for (const char *p = names; *p;) {
    size_t length = strcspn(p, " ");
    const json_t *value = param_of(ask, p, length);
    bool there = value && !json_is_false(value) && !is_empty(value);
    *first = *all == 0 ? there : *first;
    given += there;
    (*all)++;
    p += length + (p[length] == ' ');
  }
  return given;
}

/* Whether the rule is broken by so many given of all the names, the first among them or not. */
static bool is_broken(enum mv_rule_kind kind, int given, int all, bool first) {
  switch (kind) {
  case MV_RULE_ANY:
    return given == 0;
  case MV_RULE_ONE: /* with none of them the action decides */
    return given > 1;
  case MV_RULE_ALL:
    return given > 0 && given < all;
  case MV_RULE_NEEDS:
    return first && given < all;
  case MV_RULE_FORBIDS:
    return first && given > 1;
  }
  return false;
}

/* "One of the parameters is required: a, b"; of some the first name stands apart. */
static void complain(struct mv_ask *ask, const struct mv_rule *rule) {
  static const char *const complaints[] = {
      [MV_RULE_ANY] = "One of the parameters is required",
      [MV_RULE_ONE] = "Only one of the parameters may be given",
      [MV_RULE_ALL] = "All or none of the parameters are required",
      [MV_RULE_NEEDS] = "is given, and needs",
      [MV_RULE_FORBIDS] = "does not go with",
  };
  const char *names = rule->names;
  char first[80] = "", list[200] = "";
  if (rule->kind == MV_RULE_NEEDS || rule->kind == MV_RULE_FORBIDS) {
    size_t length = strcspn(names, " ");
    snprintf(first, sizeof first, "Parameter \"%.*s\" ", (int)length, names);
    names += length + (names[length] == ' ');
  }
  for (size_t n = 0; *names && n + 2 < sizeof list; names++) {
    if (*names == ' ') {
      list[n++] = ',';
    }
    list[n++] = *names;
  }
  mv_answer_fail(ask, 400, "%s%s: %s", first, complaints[rule->kind], list);
}

static int check_rule(struct mv_ask *ask, const struct mv_rule *rule) {
  int all;
  bool first = false;
  int given = given_of(ask, rule->names, &all, &first);
  if (is_broken(rule->kind, given, all, first)) {
    complain(ask, rule);
    return -1;
  }
  return 0;
}

/* What is given for each parameter (borrowed); the rest are extras. */
static void sort_given(struct mv_ask *ask, const json_t *raw, json_t **given) {
  const struct mv_action *action = ask->action;
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)raw, name, value) {
    const struct mv_param *param = mv_action_param(action, name);
    if (param) {
      given[param - action->params] = value;
    } else if (!is_too_deep(value, 0)) {
      ask->extras = ask->extras ? ask->extras : json_object();
      json_object_set(ask->extras, name, value);
    }
  }
}

static int check_extras(struct mv_ask *ask) {
  const struct mv_action *action = ask->action;
  size_t count = json_object_size(ask->extras);
  if (action->extras == MV_EXTRAS_CONDITIONS &&
      (!count || (action->extras_limit && count > (size_t)action->extras_limit))) {
    mv_answer_fail(ask, 400, "Takes 1 to %d parameters, names and values of variables",
                   action->extras_limit);
    return -1;
  }
  return 0;
}

int mv_params_check(struct mv_ask *ask, const json_t *raw) {
  json_t *given[MV_ASK_PARAMS] = {0};
  assert(ask->action->param_count <= MV_ASK_PARAMS);
  sort_given(ask, raw, given);
  for (size_t i = 0; i < ask->action->param_count; i++) {
    if (check_one(ask, "", &ask->action->params[i], given[i], &ask->params[i])) {
      return -1;
    }
  }
  if (check_extras(ask) || check_items(ask)) {
    return -1;
  }
  for (size_t i = 0; i < ask->action->rule_count; i++) {
    if (check_rule(ask, &ask->action->rules[i])) {
      return -1;
    }
  }
  return 0;
}

void mv_params_free(struct mv_ask *ask) {
  for (size_t i = 0; i < MV_ASK_PARAMS; i++) {
    json_decref(ask->params[i]);
  }
  json_decref(ask->extras);
}

json_t *mv_param(const struct mv_ask *ask, const char *name) {
  const struct mv_param *param = mv_action_param(ask->action, name);
  return param ? ask->params[param - ask->action->params] : NULL;
}

const char *mv_param_text(const struct mv_ask *ask, const char *name) {
  return json_string_value(mv_param(ask, name));
}

bool mv_param_true(const struct mv_ask *ask, const char *name) {
  return json_is_true(mv_param(ask, name));
}

int64_t mv_param_integer(const struct mv_ask *ask, const char *name, int64_t absent) {
  json_t *value = mv_param(ask, name);
  return value ? json_integer_value(value) : absent;
}

bool mv_params_id_of(const json_t *value, int64_t *id) {
  json_t *number = json_is_integer(value) ? json_incref((json_t *)value) : mv_convert_number(value);
  bool good = json_is_integer(number);
  if (good) {
    *id = json_integer_value(number);
  }
  json_decref(number);
  return good;
}

int mv_param_id(struct mv_ask *ask, const char *name, int64_t *id) {
  json_t *value = mv_param(ask, name);
  if (!value) {
    return 0;
  }
  if (!mv_params_id_of(value, id)) {
    mv_answer_fail(ask, 400, "Parameter \"%s\" takes an integer or a text of one", name);
    return -1;
  }
  return 1;
}

char *mv_param_id_text(const struct mv_ask *ask, const char *name) {
  json_t *value = mv_param(ask, name);
  return value ? mv_json_scalar_text(value) : NULL;
}
