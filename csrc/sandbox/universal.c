#include "sandbox/universal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define VALUE "value_"
#define NESTED "delimiter_value_"

/* The parameters that the documents name; the mappings of these are never variables. */
static const char *const named[] = {"client_id", "phone",   "email",        "user_id",
                                    "group_id",  "message", "client_phone", "client_email"};

/* Where an action has the second and not the first, the first's mapping is the second's. */
static const char *const aliases[][2] = {{"phone", "client_phone"}, {"email", "client_email"}};

struct mapping {
  const struct mv_action *action;
  json_t *from;    /* what came in; texts that are JSON are read if something looks into them */
  json_t *params;  /* what is to become of it */
  char *delimiter; /* or NULL */
  size_t length;   /* of the delimiter, bytes */
};

/* ---- looking for a value ---- */

static bool begins(const char *text, const char *with, size_t length) {
  return strncmp(text, with, length) == 0;
}

static json_t *element(json_t *array, const char *key, size_t length) {
  size_t index = 0;
  for (size_t i = 0; i < length; i++) {
    if (key[i] < '0' || key[i] > '9' || index > json_array_size(array)) {
      return NULL;
    }
    index = index * 10 + (size_t)(key[i] - '0');
  }
  return length ? json_array_get(array, index) : NULL;
}

static json_t *child(json_t *at, const char *key, size_t length) {
  return json_is_array(at) ? element(at, key, length) : json_object_getn(at, key, length);
}

static json_t *find(const struct mapping *m, json_t *at, const char *path);

/* Keys that hold the delimiter themselves: "key1" of "key11key2" with the delimiter 1. As a place
 * is reached by one run of keys only, no member is looked at twice. */
static json_t *find_long(const struct mapping *m, json_t *at, const char *path) {
  const char *key;
  json_t *value, *found = NULL;
  json_object_foreach(at, key, value) {
    size_t length = strlen(key);
    if (!strstr(key, m->delimiter) || !begins(path, key, length)) {
      continue;
    }
    const char *rest = path + length;
    if (!*rest) {
      return value;
    }
    found = begins(rest, m->delimiter, m->length) ? find(m, value, rest + m->length) : NULL;
    if (found) {
      return found;
    }
  }
  return NULL;
}

/* The value at the path below `at` (borrowed), or NULL. A delimiter at the end changes nothing. */
static json_t *find(const struct mapping *m, json_t *at, const char *path) {
  const char *end = strstr(path, m->delimiter);
  if (!*path) {
    return at;
  }
  json_t *next = child(at, path, end ? (size_t)(end - path) : strlen(path));
  if (next && end) {
    next = find(m, next, end + m->length);
  }
  return next ? next : find_long(m, at, path);
}

/* ---- mapping ---- */

static json_t *member_of(json_t *object, const char *prefix, const char *name) {
  char key[96];
  snprintf(key, sizeof key, "%s%.60s", prefix, name);
  return json_object_get(object, key);
}

/* Whether the action takes a value of this name itself. */
static bool is_param(const struct mapping *m, const char *name) {
  return mv_action_param(m->action, name) != NULL;
}

/* The value for the parameter `name`, as the mappings of `as` have it. Borrowed, or NULL. */
static json_t *mapped(struct mapping *m, const char *as) {
  const char *source = json_string_value(member_of(m->from, VALUE, as));
  const char *path = json_string_value(member_of(m->from, NESTED, as));
  json_t *value = source ? json_object_get(m->from, source) : NULL;
  if (value && !is_param(m, source)) { /* moved, so it is no variable of its old name */
    json_object_del(m->params, source);
  }
  if ((!value || json_is_null(value)) && path && *path) {
    value = find(m, m->from, path);
  }
  return json_is_null(value) ? NULL : value;
}

/* Under which further name a parameter may be mapped, or NULL. */
static const char *alias_of(const struct mapping *m, const char *name) {
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
    if (strcmp(aliases[i][1], name) == 0 && !is_param(m, aliases[i][0])) {
      return aliases[i][0];
    }
  }
  return NULL;
}

static void map_all(struct mapping *m) {
  for (size_t i = 0; i < m->action->param_count; i++) {
    const char *name = m->action->params[i].name;
    const char *alias = alias_of(m, name);
    json_t *value = mapped(m, name);
    if (!value && alias) {
      value = mapped(m, alias);
    }
    if (value) {
      json_object_set(m->params, name, value);
    }
  }
}

/* ---- what is no parameter of the action's ---- */

static bool is_named(const struct mapping *m, const char *name) {
  for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
    if (strcmp(named[i], name) == 0) {
      return true;
    }
  }
  return is_param(m, name);
}

static bool is_mapping(const struct mapping *m, const char *name) {
  return strcmp(name, "delimiter") == 0 || begins(name, NESTED, strlen(NESTED)) ||
         (begins(name, VALUE, strlen(VALUE)) && is_named(m, name + strlen(VALUE)));
}

static void drop_mappings(struct mapping *m) {
  const char *name;
  json_t *value;
  json_object_foreach(m->from, name, value) {
    if (is_mapping(m, name)) {
      json_object_del(m->params, name);
    }
  }
}

/* ---- the delimiter ---- */

static bool looks_inside(const json_t *params) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)params, name, value) {
    if (begins(name, NESTED, strlen(NESTED))) {
      return true;
    }
  }
  return false;
}

/* How many bytes the first character of a text (UTF-8) has. */
static size_t first_character(const char *text) {
  size_t length = *text ? 1 : 0;
  while (length && ((unsigned char)text[length] & 0xC0) == 0x80) {
    length++;
  }
  return length;
}

/* Forms carry objects as JSON text: those of the first level are read. */
static void read_texts(struct mapping *m) {
  json_t *read = json_object();
  const char *name;
  json_t *value;
  json_object_foreach(m->from, name, value) {
    const char *text = json_string_value(value);
    json_t *inside = text && (*text == '{' || *text == '[')
                         ? mv_json_parse(text, json_string_length(value), NULL)
                         : NULL;
    json_object_set_new(read, name, inside ? inside : json_incref(value));
  }
  json_decref(m->from);
  m->from = read;
}

static int read_delimiter(struct mapping *m, struct mv_error *err) {
  if (!looks_inside(m->params)) {
    return 0;
  }
  json_t *given = json_object_get(m->params, "delimiter");
  m->delimiter = given ? mv_json_scalar_text(given) : NULL;
  m->length = m->delimiter ? strlen(m->delimiter) : 0;
  if (!given) {
    return mv_error_set(err, MV_ERROR_USAGE, "Parameter \"delimiter\" required");
  }
  if (!m->length || first_character(m->delimiter) != m->length) {
    return mv_error_set(err, MV_ERROR_USAGE, "Parameter \"delimiter\" takes one character");
  }
  read_texts(m);
  return 0;
}

/* Most calls map nothing. */
static bool maps_something(const json_t *params) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)params, name, value) {
    if (begins(name, VALUE, strlen(VALUE)) || begins(name, "delimiter", strlen("delimiter"))) {
      return true;
    }
  }
  return false;
}

int mv_universal_map(const struct mv_action *action, json_t *params, struct mv_error *err) {
  if (!maps_something(params)) {
    return 0;
  }
  struct mapping m = {.action = action, .from = json_copy(params), .params = params};
  int bad = read_delimiter(&m, err);
  if (!bad) {
    map_all(&m);
    drop_mappings(&m);
  }
  json_decref(m.from);
  free(m.delimiter);
  return bad;
}
