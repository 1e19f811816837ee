#include "sandbox/convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

json_t *mv_convert_number(const json_t *value) {
  const char *text = plain(value);
  return text ? mv_cell_number(text) : NULL;
}

static json_t *to_number(const struct mv_param *param, json_t *value) {
  json_t *number = json_is_number(value) ? json_incref(value) : mv_convert_number(value);
  if (json_is_number(number) && json_number_value(number) < (double)param->least) {
    json_decref(number);
    return NULL;
  }
  return number;
}

/* Beyond its bounds a number is refused, or cut to the limit where the table says so. Takes it. */
static json_t *limited(const struct mv_param *param, json_t *number) {
  json_int_t value = json_integer_value(number);
  bool over = number && param->limit && value > param->limit;
  if (!number || (!over && value >= param->least)) {
    return number;
  }
  json_decref(number);
  return over && param->cut ? json_integer(param->limit) : NULL;
}

static json_t *to_integer(const struct mv_param *param, json_t *value) {
  json_t *number = json_is_integer(value) ? json_incref(value) : whole(value);
  if (!number) {
    number = mv_convert_number(value);
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

json_t *mv_convert(const struct mv_param *param, json_t *value) {
  return types[param->type].to(param, value);
}

const char *mv_convert_takes(enum mv_type type) {
  return types[type].takes;
}
