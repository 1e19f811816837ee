#include "host/filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/bytes.h"
#include "host/schedule.h"
#include "net/form.h"
#include "time/moment.h"

#define STATES "available, running, retryable, done, dead, skipped and cancelled"
#define MOST 1000
#define FURTHEST 253402300799 /* the last second of the year 9999 */

const char *const mv_filter_list[] = {"state", "handler", "name",  "key", "since",
                                      "until", "cursor",  "limit", NULL};
const char *const mv_filter_bulk[] = {"state", "handler", "name",  "key",     "since", "until",
                                      "after", "last",    "limit", "dry_run", NULL};
const char *const mv_filter_page[] = {"cursor", "limit", NULL};

static int check_names(json_t *fields, const char *const *known, struct mv_error *err) {
  size_t count = 0;
  const char *name;
  json_t *value;
  while (known[count])
    count++;
  json_object_foreach(fields, name, value) {
    bool found = false;
    for (size_t i = 0; i < count; i++)
      found |= strcmp(known[i], name) == 0;
    const char *nearest = found ? NULL : mv_nearest(name, known, count);
    if (!found && nearest)
      return mv_error_set(err, MV_ERROR_USAGE, "unknown parameter \"%.40s\"; did you mean \"%s\"?", name,
                          nearest);
    if (!found)
      return mv_error_set(err, MV_ERROR_USAGE, "unknown parameter \"%.40s\"", name);
  }
  return 0;
}

/* Absent: *out stays. */
static int read_text(json_t *fields, const char *name, const char **out, struct mv_error *err) {
  json_t *value = json_object_get(fields, name);
  if (!value || json_is_null(value))
    return 0;
  *out = json_string_value(value);
  if (*out && strlen(*out) == json_string_length(value))
    return 0;
  return mv_error_set(err, MV_ERROR_USAGE, "%s takes a text%s", name, *out ? " without NUL" : "");
}

static bool is_number(const char *text, int64_t *out) {
  char *end;
  if (!isdigit((unsigned char)*text))
    return false;
  errno = 0;
  *out = strtoll(text, &end, 10);
  return !*end && !errno;
}

static int read_number(json_t *fields, const char *name, int64_t low, int64_t high, int64_t *out,
                       struct mv_error *err) {
  json_t *value = json_object_get(fields, name);
  const char *text = json_string_value(value);
  int64_t number = json_is_integer(value) ? json_integer_value(value) : -1;
  if (!value || json_is_null(value))
    return 0;
  if (text && !is_number(text, &number))
    number = -1;
  if (number < low || number > high)
    return high == INT64_MAX
               ? mv_error_set(err, MV_ERROR_USAGE, "%s takes a whole number of %lld or more%s%.40s%s",
                              name, (long long)low, text ? ", not \"" : "", text ? text : "",
                              text ? "\"" : "")
               : mv_error_set(err, MV_ERROR_USAGE, "%s takes a whole number from %lld to %lld%s%.40s%s",
                              name, (long long)low, (long long)high, text ? ", not \"" : "",
                              text ? text : "", text ? "\"" : "");
  *out = number;
  return 0;
}

static int read_switch(json_t *fields, const char *name, bool *out, struct mv_error *err) {
  json_t *value = json_object_get(fields, name);
  const char *text = json_string_value(value);
  *out = json_is_true(value) || (text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0));
  if (!value || *out || json_is_false(value) || json_is_null(value) ||
      (text && (strcmp(text, "0") == 0 || strcmp(text, "false") == 0)))
    return 0;
  return mv_error_set(err, MV_ERROR_USAGE, "%s takes true or false", name);
}

static int add_state(const char *word, unsigned *states, struct mv_error *err) {
  const char *names[MV_EVENT_STATES];
  int state = mv_event_state_of(word);
  if (state >= 0) {
    *states |= 1U << state;
    return 0;
  }
  for (int i = 0; i < MV_EVENT_STATES; i++)
    names[i] = mv_event_state_name((enum mv_event_state)i);
  const char *nearest = mv_nearest(word, names, MV_EVENT_STATES);
  if (nearest)
    return mv_error_set(err, MV_ERROR_USAGE, "\"%.40s\" is not a state; did you mean \"%s\"?", word,
                        nearest);
  return mv_error_set(err, MV_ERROR_USAGE, "\"%.40s\" is not a state; states are " STATES, word);
}

static int read_states(json_t *fields, unsigned *states, struct mv_error *err) {
  const char *text = NULL;
  if (read_text(fields, "state", &text, err))
    return -1;
  if (!text)
    return 0;
  char *copy = mv_strdup(text), *rest = copy, *word;
  int failed = copy ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  while (!failed && (word = strsep(&rest, ",")))
    failed = add_state(word, states, err);
  free(copy);
  return failed;
}

int mv_filter_time(const char *text, const struct mv_zone *zone, int64_t now, int64_t *ms,
                   struct mv_error *err) {
  struct mv_error reason = {0};
  int64_t utc;
  if (mv_moment_parse(text, zone, &utc, &reason) == 0) {
    *ms = utc * 1000;
    return 0;
  }
  int64_t ago = mv_duration_parse(text, NULL);
  if (ago < 0)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "takes a time such as 2026-03-29T02:30Z, \"2026-03-29 02:30\", seconds since "
                        "1970, or how long ago, such as 2h; not \"%.40s\"", text);
  *ms = now - ago;
  return 0;
}

static int read_time(json_t *fields, const char *name, int64_t now, int64_t *ms,
                     struct mv_error *err) {
  const json_t *value = json_object_get(fields, name);
  const char *text = json_string_value(value);
  if (!value || json_is_null(value))
    return 0;
  json_int_t seconds = json_integer_value(value);
  if (json_is_integer(value) && seconds >= -FURTHEST && seconds <= FURTHEST) {
    *ms = seconds * 1000;
    return 0;
  }
  if (!text)
    return mv_error_set(err, MV_ERROR_USAGE, "%s takes a time, such as \"2h\" or seconds since 1970", name);
  struct mv_zone *zone = mv_zone_load("UTC", err);
  int failed = zone ? mv_filter_time(text, zone, now, ms, err) : -1;
  mv_zone_free(zone);
  if (!failed)
    return 0;
  mv_error_prefix(err, "%s", name);
  return -1;
}

static int read_all(struct mv_filter *filter, const char *const *known, int64_t now,
                    struct mv_error *err) {
  json_t *fields = filter->fields;
  struct mv_store_filter *store = &filter->store;
  int64_t limit = 0, last = INT64_MAX;
  if (check_names(fields, known, err) || read_states(fields, &store->states, err) ||
      read_text(fields, "handler", &store->handler, err) ||
      read_text(fields, "name", &store->name, err) || read_text(fields, "key", &store->key, err) ||
      read_time(fields, "since", now, &store->since, err) ||
      read_time(fields, "until", now, &store->until, err) ||
      read_number(fields, "cursor", 0, INT64_MAX, &store->cursor, err) ||
      read_number(fields, "after", 0, INT64_MAX, &store->after, err) ||
      read_number(fields, "last", 1, INT64_MAX - 1, &last, err) ||
      read_number(fields, "limit", 1, MOST, &limit, err) ||
      read_switch(fields, "dry_run", &filter->dry_run, err))
    return -1;
  store->limit = (int)limit;
  if (last < INT64_MAX)
    store->cursor = last + 1;
  return 0;
}

int mv_filter_read(struct mv_filter *filter, json_t *fields, const char *const *known, int64_t now,
                   struct mv_error *err) {
  *filter = (struct mv_filter){.fields = fields};
  if (!json_is_object(fields))
    return mv_error_set(err, MV_ERROR_USAGE, "the parameters are to be a JSON object");
  return read_all(filter, known, now, err);
}

int mv_filter_query(struct mv_filter *filter, const char *query, const char *const *known, int64_t now,
                    struct mv_error *err) {
  *filter = (struct mv_filter){0};
  json_t *fields = mv_form_fields(query, strlen(query), err);
  return fields ? mv_filter_read(filter, fields, known, now, err) : -1;
}

void mv_filter_free(struct mv_filter *filter) {
  json_decref(filter->fields);
  filter->fields = NULL;
}
