#include "net/form.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"

/* One "name=value" of the text. */
struct part {
  const char *start;
  size_t length; /* of the whole */
  size_t name;   /* of the name */
};

/* The next part at *at, which moves behind it; false at the end. */
static bool next_part(const char **at, const char *end, struct part *part) {
  if (*at >= end)
    return false;
  const char *stop = memchr(*at, '&', (size_t)(end - *at));
  if (!stop)
    stop = end;
  part->start = *at;
  part->length = (size_t)(stop - *at);
  const char *equals = memchr(part->start, '=', part->length);
  part->name = equals ? (size_t)(equals - part->start) : part->length;
  *at = stop + 1;
  return true;
}

static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* *broken, unless NULL, is set when there is an escape that is none; it stands for itself, as
 * browsers have it. */
static char *decode(const char *text, size_t length, size_t *size, bool *broken) {
  struct mv_bytes out = {0};
  for (size_t i = 0; i < length; i++) {
    unsigned char c = text[i] == '+' ? ' ' : (unsigned char)text[i];
    if (c == '%' && i + 2 < length && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      c = (unsigned char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else if (c == '%' && broken) {
      *broken = true;
    }
    mv_bytes_append(&out, &c, 1);
  }
  return mv_bytes_steal(&out, size);
}

static char *decode_name(const struct part *part, size_t *size, bool *broken) {
  return decode(part->start, part->name, size, broken);
}

static char *decode_value(const struct part *part, size_t *size, bool *broken) {
  bool bare = part->name == part->length;
  const char *start = bare ? "" : part->start + part->name + 1;
  return decode(start, bare ? 0 : part->length - part->name - 1, size, broken);
}

static bool named(const struct part *part, const char *name) {
  char *decoded = decode_name(part, NULL, NULL);
  bool same = decoded && strcmp(decoded, name) == 0;
  free(decoded);
  return same;
}

static void put_part(json_t *form, const struct part *part) {
  size_t name_size = 0, value_size = 0;
  char *name = decode_name(part, &name_size, NULL);
  char *value = decode_value(part, &value_size, NULL);
  if (name && value && name_size == strlen(name)) /* jansson's keys end at a NUL */
    json_object_set_new(form, name, json_stringn(value, value_size));
  free(name);
  free(value);
}

json_t *mv_form_parse(const char *text, size_t length) {
  json_t *form = json_object();
  const char *at = text;
  struct part part;
  while (form && next_part(&at, text + length, &part)) {
    if (part.length)
      put_part(form, &part);
  }
  return form;
}

char *mv_form_value(const char *query, const char *name) {
  const char *at = query, *end = query + strlen(query);
  struct part part;
  size_t size = 0;
  while (next_part(&at, end, &part)) {
    if (!named(&part, name))
      continue;
    char *value = decode_value(&part, &size, NULL);
    if (value && strlen(value) == size)
      return value;
    free(value); /* cut off at its NUL it would be another value */
    return NULL;
  }
  return NULL;
}

char *mv_form_without(const char *query, const char *name) {
  struct mv_bytes out = {0};
  const char *at = query, *end = query + strlen(query);
  struct part part;
  while (next_part(&at, end, &part)) {
    if (named(&part, name))
      continue;
    if (out.length)
      mv_bytes_putc(&out, '&');
    mv_bytes_append(&out, part.start, part.length);
  }
  return mv_bytes_steal(&out, NULL);
}

/* ---- strictly, with brackets ---- */

/* How many brackets there are from `open` to the end of the name; 0 when there is something else. */
static int count_brackets(const char *open) {
  int count = 0;
  while (*open == '[') {
    const char *close = strchr(open, ']');
    if (!close || memchr(open + 1, '[', (size_t)(close - open - 1)))
      return 0;
    open = close + 1;
    count++;
  }
  return *open ? 0 : count;
}

/* The member `key` of an object, or a new element of an array. Takes the value. */
static void set(json_t *to, const char *key, json_t *value) {
  if (json_is_array(to))
    json_array_append_new(to, value);
  else
    json_object_set_new(to, key, value);
}

/* What is to hold further members (of an array: elements) under a key; made if it is not there. */
static json_t *container(json_t *to, const char *key, bool array) {
  json_t *there = json_is_object(to) ? json_object_get(to, key) : NULL;
  if (array ? json_is_array(there) : json_is_object(there))
    return there;
  json_t *made = array ? json_array() : json_object();
  set(to, key, made);
  return made;
}

/* Takes the name apart in place; the reference `value` is taken. */
static int put_field(json_t *fields, char *name, json_t *value, struct mv_error *err) {
  char *open = strchr(name, '[');
  int brackets = open && open != name ? count_brackets(open) : 0;
  if (brackets >= MV_JSON_DEPTH) {
    json_decref(value);
    return mv_error_set(err, MV_ERROR_DECODE, "a form or query is nested deeper than %d levels",
                        MV_JSON_DEPTH);
  }
  const char *key = name;
  for (; brackets && fields; brackets--) {
    char *close = strchr(open, ']');
    *open = *close = '\0'; /* ends the key before and this one */
    fields = container(fields, key, close == open + 1);
    key = open + 1;
    open = close + 1;
  }
  if (fields)
    set(fields, key, value);
  return 0;
}

static int read_field(json_t *fields, const struct part *part, struct mv_error *err) {
  bool broken = false;
  size_t name_size = 0, value_size = 0;
  char *name = decode_name(part, &name_size, &broken);
  char *text = decode_value(part, &value_size, &broken);
  json_t *key = name ? json_stringn(name, name_size) : NULL;
  json_t *value = text ? json_stringn(text, value_size) : NULL;
  int bad = 0;
  if (broken) {
    bad = mv_error_set(err, MV_ERROR_DECODE, "broken escape \"%%\" in a form or query");
  } else if (!key || !value || strlen(name) != name_size) {
    bad = mv_error_set(err, MV_ERROR_DECODE, "a form or query is not UTF-8, or names hold NUL");
  } else if (name_size) {
    bad = put_field(fields, name, json_incref(value), err);
  }
  json_decref(key);
  json_decref(value);
  free(name);
  free(text);
  return bad;
}

json_t *mv_form_fields(const char *text, size_t length, struct mv_error *err) {
  json_t *fields = json_object();
  const char *at = text;
  struct part part;
  while (fields && next_part(&at, text + length, &part)) {
    if (part.length && read_field(fields, &part, err)) {
      json_decref(fields);
      return NULL;
    }
  }
  return fields;
}
