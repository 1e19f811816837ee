/* Values against the schemas that schema.c makes. */
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/schema.h"
#include "base/json.h"

/* Where we are; lives on the stack of those who walk. */
struct place {
  const struct place *up; /* NULL: the whole value */
  const char *member;     /* NULL: an element */
  size_t index;
};

static size_t write_place(const struct place *at, char *out, size_t size) {
  if (!at) {
    return (size_t)snprintf(out, size, "$");
  }
  size_t used = write_place(at->up, out, size);
  if (used >= size) {
    return used;
  }
  int more = at->member ? snprintf(out + used, size - used, ".%.60s", at->member)
                        : snprintf(out + used, size - used, "[%zu]", at->index);
  return used + (size_t)more;
}

static int wrong(const struct place *at, struct mv_error *err, const char *what) {
  char path[256];
  write_place(at, path, sizeof path);
  return mv_error_set(err, MV_ERROR_DECODE, "%s: %s", path, what);
}

static const char *type_of(const json_t *value) {
  static const char *const names[] = {
      [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
      [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
      [JSON_FALSE] = "boolean",   [JSON_NULL] = "null"};
  return names[json_typeof(value)];
}

static bool is_type(const json_t *value, const char *type) {
  const char *own = type_of(value);
  return strcmp(own, type) == 0 || (strcmp(type, "number") == 0 && strcmp(own, "integer") == 0);
}

static int check_type(const struct place *at, const json_t *type, const json_t *value,
                      struct mv_error *err) {
  bool good = json_is_string(type) && is_type(value, json_string_value(type));
  for (size_t i = 0; !good && i < json_array_size(type); i++) {
    good = is_type(value, json_string_value(json_array_get(type, i)));
  }
  if (good) {
    return 0;
  }
  char *takes = mv_json_text(type), what[200];
  snprintf(what, sizeof what, "%s expected, is %s", takes ? takes : "another type", type_of(value));
  free(takes);
  return wrong(at, err, what);
}

static int check_pattern(const struct place *at, const json_t *pattern, const json_t *value,
                         struct mv_error *err) {
  regex_t regex;
  const char *text = json_string_value(value);
  if (regcomp(&regex, json_string_value(pattern), REG_EXTENDED | REG_NOSUB)) {
    return wrong(at, err, "its schema has a pattern that cannot be read");
  }
  bool good = text && regexec(&regex, text, 0, NULL, 0) == 0;
  regfree(&regex);
  return good ? 0 : wrong(at, err, json_string_value(pattern));
}

static int check(const struct place *at, const json_t *schema, const json_t *value,
                 struct mv_error *err);

static int check_members(const struct place *at, const json_t *properties, const json_t *value,
                         struct mv_error *err) {
  const char *name;
  json_t *member;
  json_object_foreach((json_t *)value, name, member) {
    const struct place inside = {at, name, 0};
    const json_t *schema = json_object_get(properties, name);
    if (!schema) {
      return wrong(&inside, err, "not in the table");
    }
    if (check(&inside, schema, member, err)) {
      return -1;
    }
  }
  return 0;
}

static int check_required(const struct place *at, const json_t *required, const json_t *value,
                          struct mv_error *err) {
  for (size_t i = 0; i < json_array_size(required); i++) {
    const struct place inside = {at, json_string_value(json_array_get(required, i)), 0};
    if (!json_object_get(value, inside.member)) {
      return wrong(&inside, err, "is missing");
    }
  }
  return 0;
}

static int check_items(const struct place *at, const json_t *items, const json_t *value,
                       struct mv_error *err) {
  for (size_t i = 0; i < json_array_size(value); i++) {
    const struct place inside = {at, NULL, i};
    if (check(&inside, items, json_array_get(value, i), err)) {
      return -1;
    }
  }
  return 0;
}

/* The error tells of every choice why it is not that one. */
static int check_any(const struct place *at, const json_t *choices, const json_t *value,
                     struct mv_error *err) {
  struct mv_error all = {0}, one;
  size_t used = 0;
  for (size_t i = 0; i < json_array_size(choices); i++) {
    if (check(at, json_array_get(choices, i), value, &one) == 0) {
      return 0;
    }
    if (used < sizeof all.text) {
      used += (size_t)snprintf(all.text + used, sizeof all.text - used, "%s%s", i ? "; or " : "",
                               one.text);
    }
  }
  return mv_error_set(err, MV_ERROR_DECODE, "%s", all.text);
}

static int check_const(const struct place *at, const json_t *expected, const json_t *value,
                       struct mv_error *err) {
  if (json_equal(expected, value)) {
    return 0;
  }
  char what[160];
  snprintf(what, sizeof what, "\"%.120s\" expected", json_string_value(expected));
  return wrong(at, err, what);
}

static int check(const struct place *at, const json_t *schema, const json_t *value,
                 struct mv_error *err) {
  static const struct {
    const char *keyword;
    int (*run)(const struct place *at, const json_t *operand, const json_t *value,
               struct mv_error *err);
  } keywords[] = {{"type", check_type},         {"const", check_const},
                  {"pattern", check_pattern},   {"properties", check_members},
                  {"required", check_required}, {"items", check_items},
                  {"anyOf", check_any}};
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
    const json_t *operand = json_object_get(schema, keywords[i].keyword);
    if (operand && keywords[i].run(at, operand, value, err)) {
      return -1;
    }
  }
  return 0;
}

int mv_schema_check(const json_t *schema, const json_t *value, struct mv_error *err) {
  return check(NULL, schema, value, err);
}
