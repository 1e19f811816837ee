#include "host/form.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

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

/* An escape that is none stands for itself, as browsers have it. */
static char *decode(const char *text, size_t length, size_t *size) {
  struct mv_bytes out = {0};
  for (size_t i = 0; i < length; i++) {
    unsigned char c = text[i] == '+' ? ' ' : (unsigned char)text[i];
    if (c == '%' && i + 2 < length && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      c = (unsigned char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    }
    mv_bytes_append(&out, &c, 1);
  }
  return mv_bytes_steal(&out, size);
}

static char *decode_name(const struct part *part, size_t *size) {
  return decode(part->start, part->name, size);
}

static char *decode_value(const struct part *part, size_t *size) {
  bool bare = part->name == part->length;
  const char *start = bare ? "" : part->start + part->name + 1;
  return decode(start, bare ? 0 : part->length - part->name - 1, size);
}

static bool named(const struct part *part, const char *name) {
  char *decoded = decode_name(part, NULL);
  bool same = decoded && strcmp(decoded, name) == 0;
  free(decoded);
  return same;
}

static void put_part(json_t *form, const struct part *part) {
  size_t name_size = 0, value_size = 0;
  char *name = decode_name(part, &name_size);
  char *value = decode_value(part, &value_size);
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
  while (next_part(&at, end, &part)) {
    if (named(&part, name))
      return decode_value(&part, NULL);
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
