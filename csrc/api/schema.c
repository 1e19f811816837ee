/* A recursive descent over the notation; each function leaves `p` behind what it has read. */
#include "api/schema.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

struct reader {
  const char *start, *p;
  struct mv_error *err;
};

static json_t *fail(struct reader *r, const char *expected) {
  mv_error_set(r->err, MV_ERROR_USAGE, "character %zu of the notation: %s expected at \"%.20s\"",
               (size_t)(r->p - r->start) + 1, expected, r->p);
  return NULL;
}

static void skip_blanks(struct reader *r) {
  r->p += strspn(r->p, " ");
}

static bool take(struct reader *r, char c) {
  skip_blanks(r);
  if (*r->p != c) {
    return false;
  }
  r->p++;
  return true;
}

static json_t *read_choice(struct reader *r);

/* ---- one of a union ---- */

static json_t *read_word(struct reader *r) {
  static const char *const types[] = {"integer", "string", "boolean", "number", "null"};
  size_t length = strspn(r->p, "abcdefghijklmnopqrstuvwxyz");
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (strlen(types[i]) == length && strncmp(r->p, types[i], length) == 0) {
      r->p += length;
      return json_pack("{s:s}", "type", types[i]);
    }
  }
  if (length == 3 && strncmp(r->p, "any", 3) == 0) {
    r->p += length;
    return json_object();
  }
  return fail(r, "a type");
}

/* What a regular expression gives a meaning. */
static bool is_special(char c) {
  return c != '\0' && strchr(".^$()[]{}|+?\\", c);
}

/* "order * not found" as a pattern. */
static json_t *pattern_of(const char *text, size_t length) {
  struct mv_bytes pattern = {0};
  mv_bytes_putc(&pattern, '^');
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '*') {
      mv_bytes_puts(&pattern, ".*");
    } else {
      mv_bytes_printf(&pattern, "%s%c", is_special(text[i]) ? "\\" : "", text[i]);
    }
  }
  mv_bytes_putc(&pattern, '$');
  json_t *schema =
      pattern.failed ? NULL : json_pack("{s:s, s:s}", "type", "string", "pattern", pattern.data);
  mv_bytes_free(&pattern);
  return schema;
}

/* 'success', or 'order * not found' */
static json_t *read_text(struct reader *r) {
  const char *text = r->p;
  size_t length = strcspn(text, "'");
  if (text[length] != '\'') {
    return fail(r, "a text that ends with '");
  }
  r->p += length + 1;
  if (memchr(text, '*', length)) {
    return pattern_of(text, length);
  }
  return json_pack("{s:o}", "const", json_stringn(text, length));
}

static json_t *read_array(struct reader *r) {
  json_t *items = read_choice(r);
  if (items && !take(r, ']')) {
    json_decref(items);
    return fail(r, "]");
  }
  return items ? json_pack("{s:s, s:o}", "type", "array", "items", items) : NULL;
}

/* "name?: type" into the two lists. */
static int read_member(struct reader *r, json_t *properties, json_t *required) {
  char name[64];
  skip_blanks(r);
  size_t length = strspn(r->p, "abcdefghijklmnopqrstuvwxyz_0123456789");
  if (!length || length >= sizeof name) {
    fail(r, "the name of a member");
    return -1;
  }
  memcpy(name, r->p, length);
  name[length] = '\0';
  r->p += length;
  bool optional = take(r, '?');
  if (!take(r, ':')) {
    fail(r, ":");
    return -1;
  }
  json_t *type = read_choice(r);
  if (type && !optional) {
    json_array_append_new(required, json_string(name));
  }
  return type ? json_object_set_new(properties, name, type) : -1;
}

static int read_members(struct reader *r, json_t *properties, json_t *required) {
  do {
    if (read_member(r, properties, required)) {
      return -1;
    }
  } while (take(r, ','));
  if (!take(r, '}')) {
    fail(r, ", or }");
    return -1;
  }
  return 0;
}

static json_t *read_object(struct reader *r) {
  if (take(r, '}')) {
    return json_pack("{s:s}", "type", "object");
  }
  json_t *properties = json_object(), *required = json_array();
  json_t *schema = json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties,
                             "required", required);
  if (!schema || read_members(r, properties, required)) {
    json_decref(schema);
    return NULL;
  }
  if (!json_array_size(required)) {
    json_object_del(schema, "required");
  }
  return schema;
}

static json_t *read_one(struct reader *r) {
  skip_blanks(r);
  if (take(r, '{')) {
    return read_object(r);
  }
  if (take(r, '[')) {
    return read_array(r);
  }
  return take(r, '\'') ? read_text(r) : read_word(r);
}

/* ---- unions ---- */

static bool is_plain(const json_t *schema) {
  return json_object_size(schema) == 1 && json_object_get(schema, "type");
}

/* integer|null is one type of two names. A new reference, or NULL when they are more than names. */
static json_t *joined(const json_t *choices) {
  json_t *types = json_array(), *choice;
  size_t i;
  json_array_foreach(choices, i, choice) {
    if (!is_plain(choice)) {
      json_decref(types);
      return NULL;
    }
    json_array_append(types, json_object_get(choice, "type"));
  }
  return json_pack("{s:o}", "type", types);
}

static json_t *read_choice(struct reader *r) {
  json_t *first = read_one(r);
  if (!first || !take(r, '|')) {
    return first;
  }
  json_t *choices = json_pack("[o]", first);
  do {
    json_t *next = read_one(r);
    if (!next) {
      json_decref(choices);
      return NULL;
    }
    json_array_append_new(choices, next);
  } while (take(r, '|'));
  json_t *schema = joined(choices);
  if (!schema) {
    return json_pack("{s:o}", "anyOf", choices);
  }
  json_decref(choices);
  return schema;
}

json_t *mv_schema_of(const char *notation, struct mv_error *err) {
  struct reader r = {notation, notation, err};
  if (strcmp(notation, "ok") == 0) {
    return json_pack("{s:s}", "const", "ok");
  }
  json_t *schema = read_choice(&r);
  skip_blanks(&r);
  if (schema && *r.p) {
    json_decref(schema);
    return fail(&r, "the end");
  }
  return schema;
}
