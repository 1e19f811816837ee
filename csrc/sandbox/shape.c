#include "sandbox/shape.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "api/action.h"

enum { MOST_SHAPES = 32, LONGEST_NAME = 60 };

static void put_place(const struct mv_place *at, char *out, size_t size) {
  if (!at) {
    return;
  }
  put_place(at->up, out, size);
  size_t used = strlen(out);
  const char *dot = used ? "." : "";
  if (at->index >= 0) {
    snprintf(out + used, size - used, "%s%s[%ld]", dot, at->name, at->index);
  } else {
    snprintf(out + used, size - used, "%s%s", dot, at->name);
  }
}

/* So many bytes of a name are told; not a part of a character. */
static int cut(const char *name) {
  size_t length = strlen(name);
  if (length > LONGEST_NAME) {
    for (length = LONGEST_NAME; length > 0 && (name[length] & 0xC0) == 0x80; length--) {
    }
  }
  return (int)length;
}

int mv_shape_fault(const struct mv_place *at, const char *member, struct mv_error *err,
                   const char *format, ...) {
  char path[256] = "", text[256];
  va_list args;
  put_place(at, path, sizeof path);
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  bool dot = *path && member;
  return mv_error_set(err, MV_ERROR_USAGE, "%s%s%.*s: %s", path, dot ? "." : "",
                      member ? cut(member) : 0, member ? member : "", text);
}

static bool is_key(const json_t *value) {
  return json_is_integer(value) || (json_is_string(value) && json_string_length(value) > 0);
}

static bool is_objects(const json_t *value) {
  bool good = json_is_array(value);
  for (size_t i = 0; good && i < json_array_size(value); i++) {
    good = json_is_object(json_array_get(value, i));
  }
  return good;
}

static bool is_files(const json_t *value) {
  bool good = json_is_array(value);
  for (size_t i = 0; good && i < json_array_size(value); i++) {
    const json_t *one = json_array_get(value, i);
    const json_t *url = json_is_object(one) ? json_object_get(one, "attachment_url") : one;
    good = json_is_string(url) && json_string_length(url) > 0;
  }
  return good;
}

/* A NUL would cut the text off somewhere. */
static bool is_plain_text(const json_t *value) {
  return !json_is_string(value) || strlen(json_string_value(value)) == json_string_length(value);
}

/* In Lua an empty list and an empty table are the same, so either is taken for the other. */
static bool is_empty(const json_t *value) {
  return json_array_size(value) + json_object_size(value) == 0 &&
         (json_is_array(value) || json_is_object(value));
}

static bool is_between(const json_t *value, int64_t least, int64_t most) {
  return json_is_integer(value) && json_integer_value(value) >= least &&
         json_integer_value(value) <= most;
}

static bool fits(enum mv_shape_type type, const json_t *value) {
  switch (type) {
  case MV_SHAPE_TEXT:
    return json_is_string(value);
  case MV_SHAPE_INTEGER:
    return json_is_integer(value);
  case MV_SHAPE_ID:
    return is_between(value, 1, INT64_MAX / 2);
  case MV_SHAPE_SMALL:
    return is_between(value, 0, INT16_MAX);
  case MV_SHAPE_TIME:
    return is_between(value, 0, INT64_C(253402300799));
  case MV_SHAPE_NUMBER:
    return json_is_number(value);
  case MV_SHAPE_BOOLEAN:
    return json_is_boolean(value);
  case MV_SHAPE_OBJECT:
    return json_is_object(value) || is_empty(value);
  case MV_SHAPE_LIST:
    return json_is_array(value) || is_empty(value);
  case MV_SHAPE_OBJECTS:
    return is_objects(value) || is_empty(value);
  case MV_SHAPE_KEY:
    return is_key(value);
  case MV_SHAPE_SCALAR:
    return json_is_string(value) || json_is_number(value);
  case MV_SHAPE_FILES:
    return is_files(value) || is_empty(value);
  case MV_SHAPE_BUTTONS:
    return is_objects(value) || is_objects(json_object_get(value, "buttons")) || is_empty(value);
  case MV_SHAPE_ANY:
    return true;
  }
  return false;
}

static const char *const takes[] = {
    [MV_SHAPE_TEXT] = "a text",
    [MV_SHAPE_INTEGER] = "an integer",
    [MV_SHAPE_ID] = "an integer from 1 to 4611686018427387903",
    [MV_SHAPE_SMALL] = "an integer from 0 to 32767",
    [MV_SHAPE_TIME] = "unix seconds, from 0 to 253402300799",
    [MV_SHAPE_NUMBER] = "a number",
    [MV_SHAPE_BOOLEAN] = "true or false",
    [MV_SHAPE_OBJECT] = "an object",
    [MV_SHAPE_LIST] = "a list",
    [MV_SHAPE_OBJECTS] = "a list of objects",
    [MV_SHAPE_KEY] = "an integer or a text that is not empty",
    [MV_SHAPE_SCALAR] = "a text or a number",
    [MV_SHAPE_FILES] = "a list of addresses or of {attachment_url, attachment_type}",
    [MV_SHAPE_BUTTONS] = "a list of buttons, or an object with one under \"buttons\"",
    [MV_SHAPE_ANY] = "anything",
};

static const struct mv_shape *find(const struct mv_shape *shapes, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(shapes[i].name, name) == 0) {
      return &shapes[i];
    }
  }
  return NULL;
}

static int unknown(const struct mv_place *at, const char *name, const struct mv_shape *shapes,
                   size_t count, struct mv_error *err) {
  const char *names[MOST_SHAPES];
  for (size_t i = 0; i < count && i < MOST_SHAPES; i++) {
    names[i] = shapes[i].name;
  }
  const char *near = mv_nearest(name, names, count < MOST_SHAPES ? count : MOST_SHAPES);
  return mv_shape_fault(at, name, err, "unknown%s%s%s", near ? "; did you mean \"" : "",
                        near ? near : "", near ? "\"?" : "");
}

static bool is_word_of(const char *word, const char *words) {
  size_t length = strlen(word);
  for (const char *next = words; length && next; next = strchr(next, ' ')) {
    next += *next == ' ';
    if (strncmp(next, word, length) == 0 && (next[length] == ' ' || !next[length])) {
      return true;
    }
  }
  return false;
}

static int not_a_word(const struct mv_place *at, const char *name, const char *words,
                      struct mv_error *err) {
  char list[128] = "";
  for (size_t used = 0; *words && used + 3 < sizeof list; words++) {
    if (*words == ' ') {
      list[used++] = ',';
    }
    list[used++] = *words;
  }
  return mv_shape_fault(at, name, err, "takes one of %s", list);
}

/* Whether the members `name` of the objects in `list` are absent or one of `words`. */
static int check_words(const struct mv_place *up, const char *list_name, const json_t *list,
                       const char *name, const char *words, struct mv_error *err) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const struct mv_place at = {up, list_name, (long)i};
    const json_t *value = json_object_get(json_array_get(list, i), name);
    if (!value || json_is_null(value)) {
      continue;
    }
    const char *word = json_string_value(value);
    if (!word || !is_plain_text(value) || !is_word_of(word, words)) {
      return not_a_word(&at, name, words, err);
    }
  }
  return 0;
}

/* As the action has them that sends one. */
static const char *file_types(void) {
  return mv_action_param(mv_action_find("message", strlen("message")), "attachment_type")->choices;
}

int mv_shape_check_types(const struct mv_place *at, const char *name, enum mv_shape_type type,
                         const json_t *value, struct mv_error *err) {
  if (type == MV_SHAPE_FILES) {
    return check_words(at, name, value, "attachment_type", file_types(), err);
  }
  if (type == MV_SHAPE_BUTTONS && json_is_object(value)) {
    const struct mv_place inside = {at, name, -1};
    return check_words(&inside, "buttons", json_object_get(value, "buttons"), "type",
                       MV_BUTTON_TYPES, err);
  }
  return type == MV_SHAPE_BUTTONS ? check_words(at, name, value, "type", MV_BUTTON_TYPES, err) : 0;
}

int mv_shape_check(const struct mv_place *at, const json_t *object, const struct mv_shape *shapes,
                   size_t count, struct mv_error *err) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)object, name, value) {
    const struct mv_shape *shape = find(shapes, count, name);
    if (!shape) {
      return unknown(at, name, shapes, count, err);
    }
    if (!json_is_null(value) && (!fits(shape->type, value) || !is_plain_text(value))) {
      return mv_shape_fault(at, name, err, "takes %s", takes[shape->type]);
    }
    if (mv_shape_check_types(at, name, shape->type, value, err)) {
      return -1;
    }
  }
  for (size_t i = 0; i < count; i++) {
    value = json_object_get(object, shapes[i].name);
    if (shapes[i].required && (!value || json_is_null(value))) {
      return mv_shape_fault(at, shapes[i].name, err, "required: %s", takes[shapes[i].type]);
    }
  }
  return 0;
}
