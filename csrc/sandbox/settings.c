#include "sandbox/settings.h"

#include <stdio.h>
#include <string.h>

#include "api/action.h"
#include "sandbox/facts.h"
#include "time/zone.h"

struct setting {
  const char *name;
  const char *standard; /* JSON: the default */
  bool (*valid)(const json_t *value);
  const char *takes;
  const char *doc;
};

static bool is_url(const json_t *value) {
  const char *text = json_string_value(value);
  const char *host = !text                                ? NULL
                     : strncmp(text, "http://", 7) == 0  ? text + 7
                     : strncmp(text, "https://", 8) == 0 ? text + 8
                                                         : NULL;
  return host && *host && !strchr("/?#:", *host) && !strpbrk(text, " \t\r\n") &&
         strlen(text) == json_string_length(value);
}

static bool one_of(const json_t *value, const char *a, const char *b) {
  const char *text = json_string_value(value);
  return text && (strcmp(text, a) == 0 || strcmp(text, b) == 0);
}

static bool is_ok_body(const json_t *value) {
  return one_of(value, "text", "json");
}

static bool is_date_style(const json_t *value) {
  return one_of(value, "integer", "text");
}

static bool is_timeout(const json_t *value) {
  double seconds = json_number_value(value);
  return json_is_number(value) && seconds > 0 && seconds <= 600;
}

static bool is_rate(const json_t *value) {
  double rate = json_number_value(value);
  return json_is_number(value) && rate >= 0.001 && rate <= 1e6;
}

static bool is_timezone(const json_t *value) {
  struct mv_error err;
  const char *name = json_string_value(value);
  struct mv_zone *zone = name && *name ? mv_zone_load(name, &err) : NULL;
  mv_zone_free(zone);
  return zone != NULL;
}

static bool is_numbers(const json_t *value) {
  bool good = json_is_array(value);
  for (size_t i = 0; good && i < json_array_size(value); i++) {
    const json_t *number = json_array_get(value, i);
    good = json_is_string(number) || json_is_integer(number);
  }
  return good;
}

static bool is_followers(const json_t *value) {
  const char *login;
  json_t *names;
  bool good = json_is_object(value);
  json_object_foreach((json_t *)value, login, names) {
    good = good && json_is_array(names);
    for (size_t i = 0; good && i < json_array_size(names); i++) {
      good = json_is_string(json_array_get(names, i));
    }
  }
  return good;
}

static const struct setting settings[] = {
    {"webhook_url", "null", is_url, "a URL (http or https) or null",
     "where every message is told; null: nowhere"},
    {"webhook_timeout", "15", is_timeout, "seconds, up to 600",
     "how long a receiver may take to answer a webhook"},
    {"ok_body", "\"text\"", is_ok_body, "\"text\" or \"json\"",
     "what the callbacks, message, whatsapp_message, broadcast and save_variables answer: ok, or "
     "{\"status\":\"success\"}"},
    {"date_style", "\"integer\"", is_date_style, "\"integer\" or \"text\"",
     "created_at and updated_at of get_clients: unix seconds, or \"2026-09-09 10:25:47.198713\""},
    {"rate_limit", "null", is_rate, "calls a second, or null",
     "beyond, calls (not save_variables) get 429 with Retry-After; by the sandbox's clock"},
    {"timezone", "\"Europe/Moscow\"", is_timezone, "the name of a time zone, as \"Europe/Oslo\"",
     "what send_time is in"},
    {"whatsapp_numbers", "null", is_numbers, "an array of phone numbers, or null",
     "which numbers, besides the clients', have WhatsApp for check_whatsapp; null: all of 10 to 15 "
     "digits"},
    {"instagram_followers", "{}", is_followers, "{login: [user names]}",
     "who follows which connected account, for check_insta_subscription"},
};

enum { COUNT = sizeof settings / sizeof *settings };

static const struct setting *find(const char *name) {
  for (size_t i = 0; i < COUNT; i++) {
    if (strcmp(settings[i].name, name) == 0) {
      return &settings[i];
    }
  }
  return NULL;
}

static json_t *standard(const struct setting *setting) {
  return json_loads(setting->standard, JSON_DECODE_ANY, NULL);
}

static json_t *stored(struct mv_work *work, const struct setting *setting) {
  struct mv_stmt *row =
      mv_db_query(work->db, "SELECT value FROM settings WHERE project = ? AND name = ?", "it",
                  work->project, setting->name);
  json_t *value = NULL;
  if (mv_db_step(work->db, row)) {
    value = mv_db_json(row, 0);
    mv_db_reset(row);
  }
  return value ? value : standard(setting);
}

json_t *mv_settings_get(struct mv_work *work, const char *name) {
  const struct setting *setting = find(name);
  size_t number = (size_t)(setting - settings);
  json_t *value = mv_facts_setting(work->facts, work->project, number);
  if (!value) {
    value = stored(work, setting);
    mv_facts_keep_setting(work->facts, work->project, number, value);
  }
  return value;
}

bool mv_settings_is(struct mv_work *work, const char *name, const char *wanted) {
  const char *known =
      json_string_value(mv_facts_peek(work->facts, work->project, (size_t)(find(name) - settings)));
  if (known) {
    return strcmp(known, wanted) == 0;
  }
  json_t *value = mv_settings_get(work, name);
  const char *text = json_string_value(value);
  bool is = text && strcmp(text, wanted) == 0;
  json_decref(value);
  return is;
}

json_t *mv_settings_all(struct mv_work *work) {
  json_t *all = json_object();
  for (size_t i = 0; i < COUNT; i++) {
    json_object_set_new(all, settings[i].name, mv_settings_get(work, settings[i].name));
  }
  return all;
}

json_t *mv_settings_describe(void) {
  json_t *all = json_object();
  for (size_t i = 0; i < COUNT; i++) {
    const struct setting *s = &settings[i];
    json_object_set_new(
        all, s->name,
        json_pack("{s:o, s:s, s:s}", "default", standard(s), "takes", s->takes, "doc", s->doc));
  }
  return all;
}

static int unknown(const char *name, struct mv_error *err) {
  const char *names[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    names[i] = settings[i].name;
  }
  const char *near = mv_nearest(name, names, COUNT);
  return mv_error_set(err, MV_ERROR_USAGE, "%s: there is no such setting%s%s%s", name,
                      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int check(const json_t *values, struct mv_error *err) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)values, name, value) {
    const struct setting *setting = find(name);
    if (!setting) {
      return unknown(name, err);
    }
    if (!json_is_null(value) && !setting->valid(value)) {
      return mv_error_set(err, MV_ERROR_USAGE, "%s: takes %s", name, setting->takes);
    }
  }
  return 0;
}

int mv_settings_set(struct mv_work *work, const json_t *values, struct mv_error *err) {
  if (check(values, err)) {
    return -1;
  }
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)values, name, value) {
    if (json_is_null(value)) {
      mv_db_run(work->db, "DELETE FROM settings WHERE project = ? AND name = ?", "it",
                work->project, name);
    } else {
      mv_db_run(work->db, "INSERT OR REPLACE INTO settings (project, name, value) VALUES (?, ?, ?)",
                "itj", work->project, name, value);
    }
  }
  return work->db->failed ? mv_error_set(err, MV_ERROR_SYSTEM, "%s", work->db->error.text) : 0;
}
