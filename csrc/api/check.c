#include "api/check.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/text.h"

enum { SHOWN = 48 }; /* bytes of a value told in a message */

/* ---- messages ---- */

/* "get_history: " or "load_clients: item 3: ". */
int mv_check_locate(const struct mv_place *at) {
  if (at->item) {
    return mv_error_prefix(at->err, "%s: item %zu", at->action->name, at->item);
  }
  return mv_error_prefix(at->err, "%s", at->action->name);
}

/* What was given, short and in one line. */
static const char *shown(const json_t *value, char *out, size_t size) {
  char text[SHOWN];
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return "a table";
  case JSON_ARRAY:
    return "a list";
  case JSON_NULL:
    return "null";
  case JSON_TRUE:
    return "true";
  case JSON_FALSE:
    return "false";
  case JSON_STRING:
    mv_text_line(text, sizeof text, json_string_value(value), json_string_length(value));
    snprintf(out, size, "\"%s\"", text);
    return out;
  case JSON_INTEGER:
    snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return out;
  default:
    snprintf(out, size, "%.17g", json_real_value(value));
    return out;
  }
}

/* "limit" or, for an element, "client_ids" item 3. */
static const char *label(const struct mv_param *param, size_t element, char *out, size_t size) {
  if (element) {
    snprintf(out, size, "item %zu of \"%s\"", element, param->name);
  } else {
    snprintf(out, size, "\"%s\"", param->name);
  }
  return out;
}

/* `element`: which of a list's, from 1; 0 for the parameter itself. */
static int wrong(const struct mv_place *at, const struct mv_param *param, size_t element,
                 const char *takes, const json_t *value) {
  char what[128], got[SHOWN + 16];
  mv_error_set(at->err, MV_ERROR_USAGE, "%s takes %s, got %s",
               label(param, element, what, sizeof what), takes, shown(value, got, sizeof got));
  return mv_check_locate(at);
}

/* ---- texts that stand for other types ---- */

static bool is_whole(const char *text, long long *number) {
  char *end;
  errno = 0;
  if (!isdigit((unsigned char)text[text[0] == '-'])) {
    return false;
  }
  *number = strtoll(text, &end, 10);
  return *end == '\0' && errno == 0;
}

/* Decimal only: strtod alone would take "0x1F", "inf" and blanks before. */
static bool is_decimal(const char *text, double *number) {
  char *end;
  if (text[0] == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)) {
    return false;
  }
  *number = strtod(text, &end);
  return *end == '\0' && isfinite(*number);
}

static bool is_word_of(const char *word, size_t length, const char *words) {
  while (*words) {
    size_t size = strcspn(words, " ");
    if (size == length && memcmp(word, words, size) == 0) {
      return true;
    }
    words += size + (words[size] == ' ');
  }
  return false;
}

/* A string without NUL inside: what numbers, dates and choices must be. */
static const char *plain(const json_t *value) {
  const char *text = json_string_value(value);
  return text && strlen(text) == json_string_length(value) ? text : NULL;
}

/* ---- dates ---- */

/* The number of `count` digits at `text`, or -1 (so a shorter text is never read past its end). */
static int digits(const char *text, int count) {
  int number = 0;
  for (int i = 0; i < count; i++) {
    if (!isdigit((unsigned char)text[i])) {
      return -1;
    }
    number = number * 10 + (text[i] - '0');
  }
  return number;
}

static bool is_day(int year, int month, int day) {
  static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] &&
         (month != 2 || day < 29 || leap);
}

/* dd.mm.yyyy */
static bool is_date(const char *text) {
  return strlen(text) == 10 && text[2] == '.' && text[5] == '.' &&
         is_day(digits(text + 6, 4), digits(text + 3, 2), digits(text, 2));
}

/* yyyy-mm-dd hh:mm:ss */
static bool is_datetime(const char *text) {
  if (strlen(text) != 19 || text[4] != '-' || text[7] != '-' || text[10] != ' ' ||
      text[13] != ':' || text[16] != ':' ||
      !is_day(digits(text, 4), digits(text + 5, 2), digits(text + 8, 2))) {
    return false;
  }
  int hour = digits(text + 11, 2), minute = digits(text + 14, 2), second = digits(text + 17, 2);
  return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

/* ---- one check for each type ---- */

typedef int check(const struct mv_place *at, const struct mv_param *param, size_t element,
                  const json_t *value);

static int check_id(const struct mv_place *at, const struct mv_param *param, size_t element,
                    const json_t *value) {
  if (json_is_integer(value) ||
      (json_is_string(value) && (json_string_length(value) > 0 || param->may_be_empty))) {
    return 0;
  }
  return wrong(at, param, element, "an id (an integer, or a string that is not empty)", value);
}

static int check_range(const struct mv_place *at, const struct mv_param *param, double number,
                       const json_t *value) {
  char takes[64];
  if (number < (double)param->least) {
    snprintf(takes, sizeof takes, "at least %ld", param->least);
    return wrong(at, param, 0, takes, value);
  }
  if (param->limit && number > (double)param->limit) {
    snprintf(takes, sizeof takes, "at most %ld", param->limit);
    return wrong(at, param, 0, takes, value);
  }
  return 0;
}

static int check_integer(const struct mv_place *at, const struct mv_param *param, size_t element,
                         const json_t *value) {
  const char *text = plain(value);
  long long number = json_integer_value(value);
  if (!json_is_integer(value) && !(text && is_whole(text, &number))) {
    return wrong(at, param, element, "a whole number", value);
  }
  return check_range(at, param, (double)number, value);
}

static int check_number(const struct mv_place *at, const struct mv_param *param, size_t element,
                        const json_t *value) {
  const char *text = plain(value);
  double number = json_number_value(value);
  if (!json_is_number(value) && !(text && is_decimal(text, &number))) {
    return wrong(at, param, element, "a number", value);
  }
  return check_range(at, param, number, value);
}

static int check_string(const struct mv_place *at, const struct mv_param *param, size_t element,
                        const json_t *value) {
  bool good = json_is_string(value) || json_is_number(value);
  return good ? 0 : wrong(at, param, element, "a string", value);
}

static int check_boolean(const struct mv_place *at, const struct mv_param *param, size_t element,
                         const json_t *value) {
  json_int_t number = json_integer_value(value);
  const char *text = plain(value);
  if (json_is_boolean(value) || (json_is_integer(value) && (number == 0 || number == 1)) ||
      (text && is_word_of(text, strlen(text), "true false True False 0 1"))) {
    return 0;
  }
  return wrong(at, param, element, "true or false", value);
}

static int check_scalar(const struct mv_place *at, const struct mv_param *param, size_t element,
                        const json_t *value) {
  bool good = json_is_string(value) || json_is_number(value) || json_is_boolean(value);
  return good ? 0 : wrong(at, param, element, "a string, a number or a boolean", value);
}

static int check_object(const struct mv_place *at, const struct mv_param *param, size_t element,
                        const json_t *value) {
  /* An empty list is let through: in Lua it is the same as an empty table. */
  bool good = json_is_object(value) || (json_is_array(value) && json_array_size(value) == 0);
  return good ? 0 : wrong(at, param, element, "a table of names and values", value);
}

static int check_date(const struct mv_place *at, const struct mv_param *param, size_t element,
                      const json_t *value) {
  const char *text = plain(value);
  bool good = text && is_date(text);
  return good ? 0 : wrong(at, param, element, "a day that exists, as \"31.12.2026\"", value);
}

static int check_datetime(const struct mv_place *at, const struct mv_param *param, size_t element,
                          const json_t *value) {
  const char *text = plain(value);
  bool good = text && is_datetime(text);
  return good ? 0
              : wrong(at, param, element, "a date and time that exist, as \"2026-12-31 23:59:59\"",
                      value);
}

static int check_choice(const struct mv_place *at, const struct mv_param *param, size_t element,
                        const json_t *value) {
  const char *text = plain(value);
  char takes[160];
  if (text && text[0] && is_word_of(text, strlen(text), param->choices)) {
    return 0;
  }
  snprintf(takes, sizeof takes, "%s%s", strchr(param->choices, ' ') ? "one of " : "only ",
           param->choices);
  return wrong(at, param, element, takes, value);
}

/* The operator's operand is not looked into: what it is compared with is the platform's business.
 */
static bool is_operator(const char *name, const json_t *operand) {
  bool list = strcmp(name, "_in") == 0 || strcmp(name, "_not_in") == 0;
  bool empty = json_is_object(operand) && json_object_size(operand) == 0; /* of Lua */
  return list ? json_is_array(operand) || empty : strcmp(name, "_not") == 0;
}

static bool is_condition(const json_t *value) {
  const char *name;
  json_t *operand;
  bool good = json_is_object(value) ? json_object_size(value) > 0 : !json_is_array(value);
  json_object_foreach((json_t *)value, name, operand) {
    good = good && is_operator(name, operand);
  }
  return good;
}

/* {name: value, name: {_in: [...]}, name: {_not_in: [...]}, name: {_not: value}} */
static int check_conditions(const struct mv_place *at, const struct mv_param *param, size_t element,
                            const json_t *value) {
  const char *name;
  json_t *condition;
  char line[SHOWN];
  if (check_object(at, param, element, value)) {
    return -1;
  }
  json_object_foreach((json_t *)value, name, condition) {
    if (!is_condition(condition)) {
      mv_error_set(
          at->err, MV_ERROR_USAGE,
          "\"%s\" in \"%s\" takes a value, {_in = list}, {_not_in = list} or {_not = value}",
          mv_text_line(line, sizeof line, name, strlen(name)), param->name);
      return mv_check_locate(at);
    }
  }
  return 0;
}

/* {hint, buttons: [{...}]} or the list alone. */
static int check_buttons(const struct mv_place *at, const struct mv_param *param, size_t element,
                         const json_t *value) {
  const json_t *list = json_is_object(value) ? json_object_get(value, "buttons") : value;
  bool good = json_is_array(list);
  for (size_t i = 0; good && i < json_array_size(list); i++) {
    good = json_is_object(json_array_get(list, i));
  }
  return good ? 0
              : wrong(at, param, element, "a list of buttons (tables) or {hint, buttons = list}",
                      value);
}

static int check_list(const struct mv_place *at, const struct mv_param *param, const json_t *value,
                      const char *takes, check *each) {
  size_t count = json_array_size(value);
  if (json_is_object(value) && json_object_size(value) == 0) {
    return 0; /* an empty Lua table */
  }
  if (!json_is_array(value)) {
    return wrong(at, param, 0, takes, value);
  }
  if (param->limit && count > (size_t)param->limit) {
    mv_error_set(at->err, MV_ERROR_USAGE,
                 "\"%s\" takes at most %ld ids, got %zu; split them with bot:in_batches",
                 param->name, param->limit, count);
    return mv_check_locate(at);
  }
  for (size_t i = 0; i < count; i++) {
    if (each(at, param, i + 1, json_array_get(value, i))) {
      return -1;
    }
  }
  return 0;
}

static int check_ids(const struct mv_place *at, const struct mv_param *param, size_t element,
                     const json_t *value) {
  (void)element;
  return check_list(at, param, value, "a list of ids", check_id);
}

static int check_strings(const struct mv_place *at, const struct mv_param *param, size_t element,
                         const json_t *value) {
  (void)element;
  return check_list(at, param, value, "a list of strings", check_string);
}

static int check_items(const struct mv_place *at, const struct mv_param *param, size_t element,
                       const json_t *value) {
  (void)element;
  return check_list(at, param, value, "a list of tables", check_object);
}

static check *const checks[] = {
    [MV_ID] = check_id,
    [MV_INTEGER] = check_integer,
    [MV_NUMBER] = check_number,
    [MV_STRING] = check_string,
    [MV_BOOLEAN] = check_boolean,
    [MV_SCALAR] = check_scalar,
    [MV_ID_LIST] = check_ids,
    [MV_STRING_LIST] = check_strings,
    [MV_OBJECT] = check_object,
    [MV_BUTTONS] = check_buttons,
    [MV_ITEMS] = check_items,
    [MV_DATE] = check_date,
    [MV_CHOICE] = check_choice,
    [MV_DATETIME] = check_datetime,
    [MV_CONDITIONS] = check_conditions,
};

int mv_check_value(const struct mv_place *at, const struct mv_param *param, const json_t *value) {
  return checks[param->type](at, param, 0, value);
}
