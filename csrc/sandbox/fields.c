#include "sandbox/fields.h"

#include <string.h>

#include "base/bytes.h"

static int hex(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static json_t *decode(const char *text, size_t length, struct mv_error *err) {
  struct mv_bytes out = {0};
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      int high = i + 2 < length ? hex(text[i + 1]) : -1;
      int low = i + 2 < length ? hex(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        mv_error_set(err, MV_ERROR_DECODE, "broken escape \"%%\" in a form or query");
        mv_bytes_free(&out);
        return NULL;
      }
      c = (char)(unsigned char)(high << 4 | low);
      i += 2;
    }
    mv_bytes_putc(&out, c);
  }
  json_t *value = json_stringn(out.data ? out.data : "", out.length);
  if (!value) {
    mv_error_set(err, MV_ERROR_DECODE, "a form or query is not UTF-8");
  }
  mv_bytes_free(&out);
  return value;
}

/* The array or object under a name, made if there is none of that type. */
static json_t *container(json_t *object, const char *name, bool array) {
  json_t *there = json_object_get(object, name);
  if (array ? json_is_array(there) : json_is_object(there)) {
    return there;
  }
  json_object_set_new(object, name, array ? json_array() : json_object());
  return json_object_get(object, name);
}

/* "c[]" and "d[k]"; deeper brackets are part of the name. */
static void put(json_t *object, json_t *name, json_t *value) {
  const char *text = json_string_value(name);
  const char *open = strchr(text, '[');
  size_t length = strlen(text);
  if (!open || open == text || text[length - 1] != ']' || strchr(open + 1, '[')) {
    json_object_set(object, text, value);
    return;
  }
  json_t *outer = json_stringn(text, (size_t)(open - text));
  json_t *inner = json_stringn(open + 1, length - 2 - (size_t)(open - text));
  json_t *to = outer && inner
                   ? container(object, json_string_value(outer), !json_string_length(inner))
                   : NULL;
  if (json_is_array(to)) {
    json_array_append(to, value);
  } else if (to) {
    json_object_set(to, json_string_value(inner), value);
  }
  json_decref(outer);
  json_decref(inner);
}

static int put_pair(json_t *object, const char *pair, size_t length, struct mv_error *err) {
  const char *equals = memchr(pair, '=', length);
  size_t name_length = equals ? (size_t)(equals - pair) : length;
  json_t *name = decode(pair, name_length, err);
  json_t *value = !name    ? NULL
                  : equals ? decode(equals + 1, length - name_length - 1, err)
                           : json_string("");
  if (name && value && *json_string_value(name)) {
    put(object, name, value);
  }
  int result = name && value ? 0 : -1;
  json_decref(name);
  json_decref(value);
  return result;
}

json_t *mv_fields_parse(const char *text, size_t length, struct mv_error *err) {
  json_t *object = json_object();
  const char *end = text + length;
  while (object && text < end) {
    const char *amp = memchr(text, '&', (size_t)(end - text));
    const char *stop = amp ? amp : end;
    if (put_pair(object, text, (size_t)(stop - text), err)) {
      json_decref(object);
      return NULL;
    }
    text = amp ? amp + 1 : end;
  }
  return object;
}
