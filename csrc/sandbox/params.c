#include "sandbox/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "sandbox/cell.h"

/* A value made into a type: a new reference, or NULL when it cannot be. */
typedef json_t *(*convert)(const struct mv_param *param, json_t *value);

static json_t *whole(const json_t *value) {
  double real = json_real_value(value);
  if (json_is_real(value) && fabs(real) <= 9007199254740992.0 && floor(real) == real) {
    return json_integer((json_int_t)real);
  }
  return NULL;
}

/* An embedded NUL would hide the rest of the text from SQLite and from comparisons. */
static const char *plain(const json_t *value) {
  const char *text = json_string_value(value);
  return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static json_t *to_id(const struct mv_param *param, json_t *value) {
  const char *text = plain(value);
  if (json_is_integer(value) || (text && (*text || param->may_be_empty))) {
    return json_incref(value);
  }
  return whole(value);
}

static json_t *number_of(const json_t *value) {
  const char *text = plain(value);
  return text ? mv_cell_number(text) : NULL;
}

static json_t *to_number(const struct mv_param *param, json_t *value) {
  json_t *number = json_is_number(value) ? json_incref(value) : number_of(value);
  if (json_is_number(number) && json_number_value(number) < (double)param->least) {
    json_decref(number);
    return NULL;
  }
  return number;
}

/* Cut to the documented limit; below the least one it is refused. */
static json_t *limited(const struct mv_param *param, json_t *number) {
  if (json_is_integer(number) && param->limit && json_integer_value(number) > param->limit) {
    json_decref(number);
    return json_integer(param->limit);
  }
  if (json_is_integer(number) && json_integer_value(number) < param->least) {
    json_decref(number);
    return NULL;
  }
  return number;
}

static json_t *to_integer(const struct mv_param *param, json_t *value) {
  json_t *number = json_is_integer(value) ? json_incref(value) : whole(value);
  if (!number) {
    number = number_of(value);
  }
  if (number && !json_is_integer(number)) {
    json_decref(number);
    return NULL;
  }
  return limited(param, number);
}

static json_t *to_text(const struct mv_param *param, json_t *value) {
  (void)param;
  if (json_is_string(value)) {
    return plain(value) ? json_incref(value) : NULL;
  }
  char *text = json_is_number(value) ? mv_json_scalar_text(value) : NULL;
  json_t *string = text ? json_string(text) : NULL;
  free(text);
  return string;
}

static json_t *to_boolean(const struct mv_param *param, json_t *value) {
  (void)param;
  static const char *const words[] = {"0", "false", "False", "1", "true", "True"};
  if (json_is_boolean(value)) {
    return json_incref(value);
  }
  if (json_is_integer(value) && (json_integer_value(value) | 1) == 1) {
    return json_boolean(json_integer_value(value));
  }
  const char *text = plain(value);
  for (size_t i = 0; text && i < 6; i++) {
    if (strcmp(text, words[i]) == 0) {
      return json_boolean(i >= 3);
    }
  }
  return NULL;
}

static json_t *to_scalar(const struct mv_param *param, json_t *value) {
  (void)param;
  bool good = json_is_string(value) || json_is_number(value) || json_is_boolean(value);
  return good ? json_incref(value) : NULL;
}

/* Forms and queries write arrays and objects as JSON text. */
static json_t *structure(json_t *value) {
  const char *text = plain(value);
  if (text && (*text == '[' || *text == '{')) {
    return mv_json_parse(text, strlen(text), NULL);
  }
  return json_incref(value);
}

/* Forms of PHP number the elements of a list: a[0]=x&a[1]=y. In Lua and PHP empty lists and objects
 * are the same, so either is taken for the other. */
static json_t *unnumbered(json_t *given) {
  json_t *list = json_is_object(given) ? json_array() : NULL;
  const char *name;
  json_t *element;
  json_object_foreach(given, name, element) {
    char index[24];
    snprintf(index, sizeof index, "%zu", json_array_size(list));
    if (!list || strcmp(index, name) != 0) {
      json_decref(list);
      return given;
    }
    json_array_append(list, element);
  }
  if (!list) {
    return given;
  }
  json_decref(given);
  return list;
}

static json_t *to_list(const struct mv_param *param, json_t *value, convert each) {
  json_t *given = unnumbered(structure(value));
  json_t *list = json_is_array(given) ? json_array() : NULL;
  for (size_t i = 0; list && i < json_array_size(given); i++) {
    json_t *element = each(param, json_array_get(given, i));
    if (!element || json_array_append_new(list, element)) {
      json_decref(list);
      list = NULL;
    }
  }
  json_decref(given);
  return list;
}

static json_t *to_ids(const struct mv_param *param, json_t *value) {
  return to_list(param, value, to_id);
}

static json_t *to_texts(const struct mv_param *param, json_t *value) {
  return to_list(param, value, to_text);
}

static json_t *to_object(const struct mv_param *param, json_t *value) {
  (void)param;
  json_t *given = structure(value);
  if (json_is_object(given)) {
    return given;
  }
  bool empty = json_is_array(given) && !json_array_size(given);
  json_decref(given);
  return empty ? json_object() : NULL;
}

static json_t *to_items(const struct mv_param *param, json_t *value) {
  return to_list(param, value, to_object);
}

/* {hint, buttons: […]} or the bare list, of objects. */
static json_t *to_buttons(const struct mv_param *param, json_t *value) {
  json_t *given = structure(value);
  json_t *list = json_is_object(given) ? json_object_get(given, "buttons") : given;
  json_t *good = to_list(param, list ? list : json_null(), to_object);
  json_decref(good);
  if (!good) {
    json_decref(given);
    return NULL;
  }
  return given;
}

static json_t *to_choice(const struct mv_param *param, json_t *value) {
  const char *text = plain(value);
  size_t length = text ? strlen(text) : 0;
  for (const char *word = param->choices; length && word; word = strchr(word, ' ')) {
    word += *word == ' ';
    if (strncmp(word, text, length) == 0 && (word[length] == ' ' || !word[length])) {
      return json_incref(value);
    }
  }
  return NULL;
}

/* Digits where the pattern has 9, itself elsewhere. Whether the day exists is asked by who uses it.
 */
static bool fits(const char *text, const char *pattern) {
  for (; *pattern && *text; text++, pattern++) {
    bool digit = *text >= '0' && *text <= '9';
    if (*pattern == '9' ? !digit : *text != *pattern) {
      return false;
    }
  }
  return !*pattern && !*text;
}

static json_t *to_date(const struct mv_param *param, json_t *value) {
  (void)param;
  const char *text = plain(value);
  return text && fits(text, "99.99.9999") ? json_incref(value) : NULL;
}

static json_t *to_datetime(const struct mv_param *param, json_t *value) {
  (void)param;
  const char *text = plain(value);
  return text && fits(text, "9999-99-99 99:99:99") ? json_incref(value) : NULL;
}

static const struct type {
  convert to;
  const char *takes;
} types[] = {
    [MV_ID] = {to_id, "an id: an integer or a text"},
    [MV_INTEGER] = {to_integer, "an integer"},
    [MV_NUMBER] = {to_number, "a number"},
    [MV_STRING] = {to_text, "a text (without NUL)"},
    [MV_BOOLEAN] = {to_boolean, "true or false"},
    [MV_SCALAR] = {to_scalar, "a text, a number or a boolean"},
    [MV_ID_LIST] = {to_ids, "an array of ids"},
    [MV_STRING_LIST] = {to_texts, "an array of texts"},
    [MV_OBJECT] = {to_object, "an object of names and values"},
    [MV_CONDITIONS] = {to_object, "an object of names and values"},
    [MV_BUTTONS] = {to_buttons, "an array of buttons, or an object with one under \"buttons\""},
    [MV_ITEMS] = {to_items, "an array of objects"},
    [MV_DATE] = {to_date, "a date: dd.mm.yyyy"},
    [MV_DATETIME] = {to_datetime, "a date and time: yyyy-mm-dd hh:mm:ss"},
    [MV_CHOICE] = {to_choice, "one of"},
};

static int refuse_type(struct mv_ask *ask, const char *where, const struct mv_param *param) {
  mv_answer_fail(ask, 400, "Parameter \"%s%s\" takes %s%s%s", where, param->name,
                 types[param->type].takes, param->choices ? " " : "",
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
  json_t *value = types[param->type].to(param, given);
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

static int check_rule(struct mv_ask *ask, const struct mv_rule *rule) {
  int all;
  bool first = false;
  int given = given_of(ask, rule->names, &all, &first);
  const char *complaint = NULL;
  switch (rule->kind) {
  case MV_RULE_ANY:
    complaint = given > 0 ? NULL : "One of the parameters is required";
    break;
  case MV_RULE_ONE: /* with none of them the action decides */
    complaint = given <= 1 ? NULL : "Only one of the parameters may be given";
    break;
  case MV_RULE_ALL:
    complaint = given == 0 || given == all ? NULL : "All or none of the parameters are required";
    break;
  case MV_RULE_NEEDS:
    complaint = !first || given == all ? NULL : "The first parameter needs the others";
    break;
  case MV_RULE_FORBIDS:
    complaint = !first || given == 1 ? NULL : "The first parameter does not go with the others";
    break;
  }
  if (complaint) {
    mv_answer_fail(ask, 400, "%s: %s", complaint, rule->names);
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
  json_t *number = json_is_integer(value) ? json_incref((json_t *)value) : number_of(value);
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
