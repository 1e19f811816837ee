#include "sandbox/params.h"

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

/* `where`: "" or "items[3]." for the message. A wrong value is answered. */
static int check_one(struct mv_ask *ask, const char *where, const struct mv_param *param,
                     const json_t *raw, json_t *out) {
  json_t *given = json_object_get(raw, param->name);
  bool empty = json_is_string(given) && !json_string_length(given) && !param->may_be_empty;
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
  if (is_too_deep(value, 0)) {
    json_decref(value);
    mv_answer_fail(ask, 400, "Parameter \"%s%s\" is nested deeper than %d levels", where,
                   param->name, DEEPEST);
    return -1;
  }
  if (json_is_array(value) && param->limit && json_array_size(value) > (size_t)param->limit) {
    json_decref(value);
    mv_answer_fail(ask, 400, "Parameter \"%s%s\" takes at most %ld elements", where, param->name,
                   param->limit);
    return -1;
  }
  json_object_set_new(out, param->name, value);
  return 0;
}

/* The objects of load_clients; they keep what they were given: the answer echoes it. */
static int check_items(struct mv_ask *ask) {
  const struct mv_action *action = ask->action;
  for (size_t p = 0; p < action->param_count; p++) {
    json_t *list = json_object_get(ask->params, action->params[p].name);
    for (size_t i = 0; action->params[p].type == MV_ITEMS && i < json_array_size(list); i++) {
      char where[64];
      snprintf(where, sizeof where, "%s[%zu].", action->params[p].name, i);
      json_t *checked = json_object();
      int bad = 0;
      for (size_t m = 0; !bad && m < action->item_param_count; m++) {
        bad = check_one(ask, where, &action->item_params[m], json_array_get(list, i), checked);
      }
      json_decref(checked);
      if (bad) {
        return -1;
      }
    }
  }
  return 0;
}

/* How many of the names (separated by spaces) were given, and how many there are. */
static int given_of(const struct mv_ask *ask, const char *names, int *all, bool *first) {
  int given = 0;
  *all = 0;
  for (const char *p = names; *p;) {
    size_t length = strcspn(p, " ");
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, p);
    json_t *value = json_object_get(ask->params, name);
    bool there =
        value && !json_is_false(value) && !(json_is_string(value) && !json_string_length(value));
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

static int sort_extras(struct mv_ask *ask, const json_t *raw) {
  const struct mv_action *action = ask->action;
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)raw, name, value) {
    if (!mv_action_param(action, name) && !is_too_deep(value, 0)) {
      json_object_set(ask->extras, name, value);
    }
  }
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
  for (size_t i = 0; i < ask->action->param_count; i++) {
    if (check_one(ask, "", &ask->action->params[i], raw, ask->params)) {
      return -1;
    }
  }
  if (sort_extras(ask, raw) || check_items(ask)) {
    return -1;
  }
  for (size_t i = 0; i < ask->action->rule_count; i++) {
    if (check_rule(ask, &ask->action->rules[i])) {
      return -1;
    }
  }
  return 0;
}

json_t *mv_param(const struct mv_ask *ask, const char *name) {
  return json_object_get(ask->params, name);
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
