#include "service/flag.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what texts are --------------------------------------------------------------------------- */

static bool is_number(const char *text, long low, long high, long *out) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if ((!isdigit((unsigned char)*text) && *text != '-') || *end || errno || value < low || value > high)
    return false;
  *out = value;
  return true;
}

/* "host:port", "[::1]:80", ":8080". */
static bool is_address(const char *text) {
  const char *colon = strrchr(text, ':');
  long port;
  return colon && is_number(colon + 1, 0, 65535, &port);
}

static bool is_url(const char *text) {
  return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static bool is_choice(const char *words, const char *text) {
  size_t length = strlen(text);
  for (const char *word = words; *word; word += strcspn(word, "|"), word += *word == '|')
    if (length > 0 && strcspn(word, "|") == length && memcmp(word, text, length) == 0)
      return true;
  return false;
}

/* ---- one row a type: how it is read from a text, and from a file's value ---------------------- */

static void store_whole(const struct mv_flag *flag, long value, void *field) {
  unsigned narrow = (unsigned)value;
  if (flag->size == sizeof narrow)
    memcpy(field, &narrow, sizeof narrow);
  else
    memcpy(field, &value, sizeof value);
}

static long load_whole(const struct mv_flag *flag, const void *field) {
  unsigned narrow;
  long value;
  if (flag->size != sizeof narrow) {
    memcpy(&value, field, sizeof value);
    return value;
  }
  memcpy(&narrow, field, sizeof narrow);
  return (long)narrow;
}

static bool read_switch(const struct mv_flag *flag, const char *text, void *field) {
  (void)flag;
  bool on = is_choice("1|true|yes|on", text);
  if (!on && !is_choice("0|false|no|off", text))
    return false;
  memcpy(field, &on, sizeof on);
  return true;
}

static bool read_text(const struct mv_flag *flag, const char *text, void *field) {
  bool fits = *text != '\0';
  if (flag->type == MV_FLAG_ADDRESS)
    fits = is_address(text);
  else if (flag->type == MV_FLAG_URL)
    fits = is_url(text);
  else if (flag->type == MV_FLAG_CHOICE)
    fits = is_choice(flag->value, text);
  if (fits)
    memcpy(field, &text, sizeof text);
  return fits;
}

static bool read_number(const struct mv_flag *flag, const char *text, void *field) {
  long value;
  if (!is_number(text, flag->low, flag->high, &value))
    return false;
  store_whole(flag, value, field);
  return true;
}

static bool read_size(const struct mv_flag *flag, const char *text, void *field) {
  static const char *const units[] = {"", "KiB", "MiB", "GiB"};
  char digits[24];
  size_t length = strspn(text, "0123456789");
  if (length == 0 || length >= sizeof digits)
    return false;
  memcpy(digits, text, length);
  digits[length] = '\0';
  for (int i = 0; i < 4; i++) {
    long value;
    if (strcmp(text + length, units[i]) != 0)
      continue;
    if (!is_number(digits, 0, flag->high >> (10 * i), &value) || value << (10 * i) < flag->low)
      return false;
    store_whole(flag, value << (10 * i), field);
    return true;
  }
  return false;
}

static bool store_seconds(const struct mv_flag *flag, double value, void *field) {
  if (!isfinite(value) || value < (double)flag->low || value > (double)flag->high || value <= 0)
    return false;
  memcpy(field, &value, sizeof value);
  return true;
}

static bool read_seconds(const struct mv_flag *flag, const char *text, void *field) {
  char *end;
  double value = strtod(text, &end);
  bool plain = *text && text[strspn(text, "0123456789.")] == '\0';
  return plain && !*end && store_seconds(flag, value, field);
}

static bool take_switch(const struct mv_flag *flag, const json_t *value, void *field) {
  bool on = json_is_true(value);
  (void)flag;
  if (json_is_boolean(value))
    memcpy(field, &on, sizeof on);
  return json_is_boolean(value);
}

static bool take_text(const struct mv_flag *flag, const json_t *value, void *field) {
  const char *text = json_string_value(value);
  return text && strlen(text) == json_string_length(value) && read_text(flag, text, field);
}

static bool take_number(const struct mv_flag *flag, const json_t *value, void *field) {
  json_int_t number = json_integer_value(value);
  if (!json_is_integer(value) || number < flag->low || number > flag->high)
    return false;
  store_whole(flag, (long)number, field);
  return true;
}

static bool take_size(const struct mv_flag *flag, const json_t *value, void *field) {
  return json_is_string(value) ? read_size(flag, json_string_value(value), field)
                               : take_number(flag, value, field);
}

static bool take_seconds(const struct mv_flag *flag, const json_t *value, void *field) {
  return json_is_number(value) && store_seconds(flag, json_number_value(value), field);
}

/* ---- printing --------------------------------------------------------------------------------- */

static void print_quoted(const char *text, FILE *out) {
  fputc('"', out);
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      fprintf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      fprintf(out, "\\%03u", c);
    else
      fputc(c, out);
  }
  fputc('"', out);
}

static void print_switch(const struct mv_flag *flag, const void *field, FILE *out) {
  bool on;
  (void)flag;
  memcpy(&on, field, sizeof on);
  fputs(on ? "true" : "false", out);
}

static void print_text(const struct mv_flag *flag, const void *field, FILE *out) {
  const char *text;
  memcpy(&text, field, sizeof text);
  if (!text)
    fputs("nil", out);
  else
    print_quoted(flag->traits & MV_FLAG_SECRET ? "***" : text, out);
}

static void print_number(const struct mv_flag *flag, const void *field, FILE *out) {
  fprintf(out, "%ld", load_whole(flag, field));
}

static void print_size(const struct mv_flag *flag, const void *field, FILE *out) {
  long value = load_whole(flag, field);
  if (value > 0 && value % (1L << 20) == 0)
    fprintf(out, "\"%ldMiB\"", value >> 20);
  else if (value > 0 && value % (1L << 10) == 0)
    fprintf(out, "\"%ldKiB\"", value >> 10);
  else
    fprintf(out, "%ld", value);
}

static void print_seconds(const struct mv_flag *flag, const void *field, FILE *out) {
  double value;
  (void)flag;
  memcpy(&value, field, sizeof value);
  fprintf(out, "%g", value);
}

static void print_operands(const struct mv_flag *flag, const void *field, FILE *out) {
  const char *const *list;
  (void)flag;
  memcpy(&list, field, sizeof list);
  fputs("{", out);
  for (; list && *list; list++) {
    fputc(' ', out);
    print_quoted(*list, out);
    fputs(list[1] ? "," : " ", out);
  }
  fputs("}", out);
}

/* ---- the types -------------------------------------------------------------------------------- */

static const struct type {
  const char *takes; /* in words; NULL: made by mv_flag_describe */
  bool (*read)(const struct mv_flag *flag, const char *text, void *field);
  bool (*take)(const struct mv_flag *flag, const json_t *value, void *field);
  void (*print)(const struct mv_flag *flag, const void *field, FILE *out);
} types[] = {
    [MV_FLAG_SWITCH] = {"true or false", read_switch, take_switch, print_switch},
    [MV_FLAG_TEXT] = {"a text that is not empty", read_text, take_text, print_text},
    [MV_FLAG_FILE] = {"the name of a file", read_text, take_text, print_text},
    [MV_FLAG_ADDRESS] = {"an address and a port such as 127.0.0.1:8080 (port 0: any free one)",
                         read_text, take_text, print_text},
    [MV_FLAG_URL] = {"a URL that begins with http:// or https://", read_text, take_text, print_text},
    [MV_FLAG_CHOICE] = {NULL, read_text, take_text, print_text},
    [MV_FLAG_NUMBER] = {NULL, read_number, take_number, print_number},
    [MV_FLAG_SIZE] = {NULL, read_size, take_size, print_size},
    [MV_FLAG_SECONDS] = {NULL, read_seconds, take_seconds, print_seconds},
    [MV_FLAG_OPERANDS] = {"the name of a file or a list of them", NULL, NULL, print_operands},
};

void mv_flag_describe(const struct mv_flag *flag, char *out, size_t size) {
  if (flag->type == MV_FLAG_NUMBER)
    snprintf(out, size, "a whole number from %ld to %ld", flag->low, flag->high);
  else if (flag->type == MV_FLAG_SIZE)
    snprintf(out, size, "a number of bytes from %ld on, such as 65536, 64KiB, 1MiB or 2GiB", flag->low);
  else if (flag->type == MV_FLAG_SECONDS)
    snprintf(out, size, "seconds, more than %ld and up to %ld", flag->low, flag->high);
  else if (flag->type == MV_FLAG_CHOICE)
    snprintf(out, size, "one of %s", flag->value);
  else
    snprintf(out, size, "%s", types[flag->type].takes);
}

int mv_flag_read(const struct mv_flag *flag, const char *source, const char *text, void *options,
                 struct mv_error *err) {
  char expected[128];
  if (types[flag->type].read(flag, text, (char *)options + flag->offset))
    return 0;
  mv_flag_describe(flag, expected, sizeof expected);
  if (flag->traits & MV_FLAG_SECRET)
    return mv_error_set(err, MV_ERROR_USAGE, "%s takes %s", source, expected);
  return mv_error_set(err, MV_ERROR_USAGE, "%s takes %s, not \"%.60s\"", source, expected, text);
}

/* A file's value as it may be quoted in a message. */
static void quote_value(const struct mv_flag *flag, const json_t *value, char *out, size_t size) {
  static const char *const kinds[] = {[JSON_OBJECT] = "a table",  [JSON_ARRAY] = "a list",
                                      [JSON_STRING] = "a text",   [JSON_INTEGER] = "a number",
                                      [JSON_REAL] = "a number",   [JSON_TRUE] = "true",
                                      [JSON_FALSE] = "false",     [JSON_NULL] = "nil"};
  bool secret = flag->traits & MV_FLAG_SECRET;
  if (json_is_string(value) && !secret)
    snprintf(out, size, "the text \"%.60s\"", json_string_value(value));
  else if (json_is_integer(value) && !secret)
    snprintf(out, size, "%lld", (long long)json_integer_value(value));
  else if (json_is_real(value) && !secret)
    snprintf(out, size, "%g", json_real_value(value));
  else
    snprintf(out, size, "%s", kinds[json_typeof(value)]);
}

int mv_flag_take(const struct mv_flag *flag, const char *source, const json_t *value, void *options,
                 struct mv_error *err) {
  char expected[128], got[128], name[64];
  const struct type *type = &types[flag->type];
  if (type->take && type->take(flag, value, (char *)options + flag->offset))
    return 0;
  mv_flag_describe(flag, expected, sizeof expected);
  quote_value(flag, value, got, sizeof got);
  mv_flag_setting(flag, name, sizeof name);
  return mv_error_set(err, MV_ERROR_CONFIG, "%s: %s takes %s, not %s", source, name, expected, got);
}

void mv_flag_print(const struct mv_flag *flag, const void *options, FILE *out) {
  types[flag->type].print(flag, (const char *)options + flag->offset, out);
}

void mv_flag_setting(const struct mv_flag *flag, char *out, size_t size) {
  snprintf(out, size, "%s", flag->name);
  for (char *c = out; *c; c++)
    *c = *c == '-' ? '_' : *c;
}
