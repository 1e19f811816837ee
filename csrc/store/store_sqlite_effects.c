/* The SQLite backend: what a handler's run leaves behind, and the small values it reads. */
#include "store/store_sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"

struct effect {
  struct mv_store *store;
  const json_t *object;
  int64_t now;
  struct mv_store_finished *out;
};

static int malformed(struct mv_error *err, const char *op, const char *member,
                     const char *expected) {
  return mv_error_set(err, MV_ERROR_USAGE, "effect %s: %s must be %s", op, member, expected);
}

/* A non-empty string member, or NULL and `err`. */
static const char *string_of(const struct effect *effect, const char *op, const char *member,
                             struct mv_error *err) {
  const char *text = json_string_value(json_object_get(effect->object, member));
  if (text && *text)
    return text;
  malformed(err, op, member, "a string that is not empty");
  return NULL;
}

/* The JSON text of a member (absent: null) to be freed, or NULL. */
static char *value_of(const struct effect *effect, const char *member, struct mv_error *err) {
  const json_t *value = json_object_get(effect->object, member);
  char *text = value ? mv_json_text(value) : mv_strdup("null");
  if (!text)
    mv_error_set(err, MV_ERROR_USAGE, "effect: %s cannot be written as JSON", member);
  return text;
}

static int broken_if(struct mv_store *store, int failed) {
  return failed ? mv_store_break(store) : 0;
}

/* --- kv and once --- */

static int kv_set(const struct effect *effect, struct mv_error *err) {
  const char *key = string_of(effect, "kv_set", "key", err);
  const json_t *ttl = json_object_get(effect->object, "ttl");
  if (!key)
    return -1;
  if (ttl && !json_is_null(ttl) && !(json_number_value(ttl) > 0 && json_number_value(ttl) < 1e11))
    return malformed(err, "kv_set", "ttl", "a number of seconds above 0");
  char *value = value_of(effect, "value", err);
  if (!value)
    return -1;
  int64_t expires =
      json_is_number(ttl) ? effect->now + (int64_t)(json_number_value(ttl) * 1000) : 0;
  int failed = mv_sql_run(effect->store->sql, err,
                          "INSERT INTO kv (key, value, expires_at) VALUES (?,?,?) ON CONFLICT (key)"
                          " DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at",
                          "ssi", key, value, expires);
  free(value);
  return broken_if(effect->store, failed);
}

static int kv_delete(const struct effect *effect, struct mv_error *err) {
  const char *key = string_of(effect, "kv_delete", "key", err);
  if (!key)
    return -1;
  return broken_if(effect->store,
                   mv_sql_run(effect->store->sql, err, "DELETE FROM kv WHERE key = ?", "s", key));
}

/* `old` + `by`, a new reference; integers stay exact. NULL and `err`. */
static json_t *sum(const json_t *old, const json_t *by, const char *key, struct mv_error *err) {
  if (json_is_integer(by) && (!old || json_is_integer(old))) {
    json_int_t total;
    if (!__builtin_add_overflow(old ? json_integer_value(old) : 0, json_integer_value(by), &total))
      return json_integer(total);
    mv_error_set(err, MV_ERROR_USAGE, "effect kv_add: \"%s\" would leave 64 bits", key);
    return NULL;
  }
  if (json_is_number(by) && (!old || json_is_number(old)))
    return json_real((old ? json_number_value(old) : 0) + json_number_value(by));
  if (old && !json_is_number(old))
    mv_error_set(err, MV_ERROR_USAGE,
                 "effect kv_add: \"%s\" holds no number; set it to one before adding", key);
  else
    malformed(err, "kv_add", "by", "a number");
  return NULL;
}

static int read_number(const struct effect *effect, const char *key, json_t **value,
                       struct mv_error *err) {
  char *text = NULL;
  int found = mv_store_kv_get(effect->store, key, effect->now, &text, err);
  if (found < 0)
    return mv_store_break(effect->store);
  if (found == 0)
    return 0;
  *value = mv_json_parse(text, strlen(text), err);
  free(text);
  return *value ? 1 : -1;
}

static int kv_add(const struct effect *effect, struct mv_error *err) {
  const char *key = string_of(effect, "kv_add", "key", err);
  json_t *old = NULL;
  int found = key ? read_number(effect, key, &old, err) : -1;
  if (found < 0)
    return -1;
  json_t *total = sum(old, json_object_get(effect->object, "by"), key, err);
  json_decref(old);
  char *text = total ? mv_json_text(total) : NULL;
  json_decref(total);
  if (!text)
    return total ? mv_error_set(err, MV_ERROR_USAGE, "effect kv_add: no finite number") : -1;
  /* an expired row's time must not cling to the new value */
  int failed =
      mv_sql_run(effect->store->sql, err,
                 "INSERT INTO kv (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET"
                 " value = excluded.value, expires_at = iif(?3, expires_at, 0)",
                 "ssi", key, text, (int64_t)found);
  free(text);
  return broken_if(effect->store, failed);
}

/* The result is there: that it began needs no mark any more. */
static int once(const struct effect *effect, struct mv_error *err) {
  const char *key = string_of(effect, "once", "key", err);
  char *value = key ? value_of(effect, "value", err) : NULL;
  if (!value)
    return -1;
  int failed = mv_store_once_set(effect->store, key, value, effect->now, err);
  free(value);
  return failed;
}

static int once_clear(const struct effect *effect, struct mv_error *err) {
  const char *key = string_of(effect, "once_clear", "key", err);
  return key ? mv_store_once_clear(effect->store, key, err) : -1;
}

/* --- Jobs --- */

/* An optional string or number as text; *failed when it is neither. */
static char *optional_text(const struct effect *effect, const char *member, bool *failed,
                           struct mv_error *err) {
  const json_t *value = json_object_get(effect->object, member);
  if (!value || json_is_null(value))
    return NULL;
  char *text = mv_json_scalar_text(value);
  if (!text) {
    *failed = true;
    malformed(err, "event", member, "a string or a number");
  }
  return text;
}

/* An event with the effect's key, id, due time and, from `body`, its body. */
static struct mv_event *new_event(const struct effect *effect, enum mv_event_source source,
                                  const char *name, const char *body, struct mv_error *err) {
  const json_t *due = json_object_get(effect->object, "due");
  struct mv_event *event = mv_event_new();
  if (!event)
    return NULL;
  bool failed = false;
  event->source = source;
  event->name = mv_strdup(name);
  event->key = optional_text(effect, "key", &failed, err);
  event->dedupe = optional_text(effect, "id", &failed, err);
  event->body = value_of(effect, body, err);
  if (json_is_number(due) && json_number_value(due) >= 0 && json_number_value(due) < 1e15)
    event->due_at = (int64_t)json_number_value(due);
  else if (due && !json_is_null(due))
    failed = malformed(err, "event", "due", "milliseconds since 1970") != 0;
  event->elapsed = json_is_true(json_object_get(effect->object, "elapsed"));
  if (failed || !event->body) {
    mv_event_free(event);
    return NULL;
  }
  event->body_length = strlen(event->body);
  return event;
}

static int accept(const struct effect *effect, struct mv_event *event, struct mv_error *err) {
  if (!event)
    return -1;
  struct mv_store_accepted accepted;
  int failed = mv_store_accept(effect->store, event, effect->now, false, &accepted, err);
  if (!failed) {
    effect->out->wake_at = mv_store_earlier(effect->out->wake_at, accepted.wake_at);
    effect->out->jobs += !accepted.duplicate;
  }
  mv_event_free(event);
  return failed;
}

static int job(const struct effect *effect, struct mv_error *err) {
  const char *name = string_of(effect, "job", "name", err);
  return name ? accept(effect, new_event(effect, MV_SOURCE_JOB, name, "args", err), err) : -1;
}

/* As if the platform had brought it: the same key, the same dedupe. */
static int webhook(const struct effect *effect, struct mv_error *err) {
  if (!string_of(effect, "webhook", "id", err))
    return -1;
  return accept(effect, new_event(effect, MV_SOURCE_WEBHOOK, "", "body", err), err);
}

/* --- All of them --- */

static const struct {
  const char *op;
  int (*apply)(const struct effect *effect, struct mv_error *err);
} kinds[] = {
    {"kv_set", kv_set}, {"kv_delete", kv_delete},     {"kv_add", kv_add},
    {"once", once},     {"once_clear", once_clear}, {"job", job},
    {"webhook", webhook},
};

static int apply_one(const struct effect *effect, struct mv_error *err) {
  const char *op = json_string_value(json_object_get(effect->object, "op"));
  for (size_t i = 0; op && i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i].op, op) == 0)
      return kinds[i].apply(effect, err);
  return mv_error_set(err, MV_ERROR_USAGE,
                      "effect: op is \"%s\", expected kv_set, kv_delete, kv_add, once, once_clear,"
                      " job or webhook",
                      op ? op : "(no string)");
}

int mv_store_apply(struct mv_store *store, const json_t *effects, int64_t now,
                   struct mv_store_finished *out, struct mv_error *err) {
  size_t index;
  json_t *object;
  json_array_foreach(effects, index, object) {
    const char *op = json_string_value(json_object_get(object, "op"));
    if (out->cancelled && (!op || strncmp(op, "once", 4) != 0))
      continue;
    struct effect effect = {.store = store, .object = object, .now = now, .out = out};
    if (apply_one(&effect, err))
      return -1;
  }
  return 0;
}

/* --- Reading --- */

int mv_store_kv_get(struct mv_store *store, const char *key, int64_t now, char **value,
                    struct mv_error *err) {
  *value = NULL;
  mv_store_enter(store);
  int found = mv_sql_one_text(store->sql, value, err,
                              "SELECT value FROM kv WHERE key = ?"
                              " AND (expires_at = 0 OR expires_at > ?)",
                              "si", key, now);
  mv_store_leave(store);
  return found;
}

int mv_store_known(struct mv_store *store, enum mv_event_source source, const char *name,
                   const char *dedupe, int64_t now, struct mv_error *err) {
  int64_t event;
  mv_store_enter(store);
  int found = mv_sql_one_int(store->sql, &event, err,
                             "SELECT event FROM dedupe"
                             " WHERE value = ? AND name = ? AND source = ? AND at >= ?",
                             "ssii", dedupe, name, (int64_t)source,
                             now - store->dedupe_window);
  mv_store_leave(store);
  return found;
}

int mv_store_last_accepted(struct mv_store *store, int64_t *at, struct mv_error *err) {
  *at = 0;
  mv_store_enter(store);
  int found = mv_sql_one_int(store->sql, at, err,
                             "SELECT coalesce((SELECT accepted_at FROM events e WHERE e.id = p.id), bare_at)"
                             " FROM payloads p ORDER BY id DESC LIMIT 1", "");
  mv_store_leave(store);
  return found < 0 ? -1 : 0;
}
