#include "host/schedules.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "time/calendar.h"

static const char *text(json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

/* "queue" to its number; -1 if unknown. */
static int overlap_of(const char *name) {
  static const char *const names[] = {"allow", "skip", "queue", "cancel"};
  static const enum mv_overlap values[] = {MV_OVERLAP_ALLOW, MV_OVERLAP_SKIP, MV_OVERLAP_QUEUE,
                                           MV_OVERLAP_CANCEL};
  for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i]) == 0)
      return (int)values[i];
  }
  return name ? -1 : MV_OVERLAP_SKIP;
}

static int read_choices(struct mv_schedule_entry *entry, json_t *source, struct mv_error *err) {
  int missed = mv_missed_of(text(source, "missed")), overlap = overlap_of(text(source, "overlap"));
  if (missed < 0)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "missed is \"one\", \"skip\" or \"all\", not \"%.40s\"",
                        text(source, "missed"));
  if (overlap < 0)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "overlap is \"skip\", \"queue\", \"allow\" or \"cancel\", not \"%.40s\"",
                        text(source, "overlap"));
  entry->missed = (enum mv_missed)missed;
  entry->overlap = (enum mv_overlap)overlap;
  return 0;
}

/* A share of the jitter that depends on nothing but the name (FNV-1a). */
static int64_t share_of(const char *name, int64_t jitter) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (; *name; name++)
    hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
  return jitter > 0 ? (int64_t)(hash % (uint64_t)jitter) : 0;
}

/* ms of a number of seconds or a duration; 0: there is none. */
static double span_of(json_t *source, const char *name) {
  json_t *span = json_object_get(source, name);
  struct mv_error ignored;
  return json_is_string(span) ? (double)mv_duration_parse(json_string_value(span), &ignored)
                              : json_number_value(span) * 1000;
}

static int read_jitter(struct mv_schedule_entry *entry, json_t *source, struct mv_error *err) {
  double most = span_of(source, "jitter");
  if (!(most >= 0 && most <= (double)MV_DAY * 1000 * 366))
    return mv_error_set(err, MV_ERROR_USAGE, "jitter is a duration such as \"5m\", a year at most");
  entry->jitter = share_of(entry->name, (int64_t)most);
  return 0;
}

static int read_expect(struct mv_schedule_entry *entry, json_t *source, struct mv_error *err) {
  double most = span_of(source, "expect");
  if (json_object_get(source, "expect") && !(most >= 1000 && most <= (double)MV_DAY * 1000 * 366))
    return mv_error_set(err, MV_ERROR_USAGE,
                        "expect is a duration such as \"25h\", from a second to a year");
  entry->expect = (int64_t)most;
  entry->look = INT64_MAX;
  return 0;
}

/* "cron 0 9 * * * Europe/Oslo"; a blank at the end stands for the machine's zone. */
static char *definition_of(const char *kind, const char *expression, const char *zone) {
  struct mv_bytes text = {0};
  mv_bytes_printf(&text, "%s %s %s", kind, expression, zone ? zone : "");
  return mv_bytes_steal(&text, NULL);
}

int mv_schedules_parse(const char *definition, struct mv_schedule *schedule, struct mv_error *err) {
  char *kind = mv_strdup(definition);
  char *expression = kind ? strchr(kind, ' ') : NULL;
  char *zone = expression ? strrchr(expression + 1, ' ') : NULL;
  int failed;
  memset(schedule, 0, sizeof *schedule);
  if (zone) {
    *expression++ = *zone++ = '\0';
    failed = mv_schedule_init(schedule, kind, expression, *zone ? zone : NULL, err);
  } else {
    failed = mv_error_set(err, MV_ERROR_SYSTEM, "\"%.80s\" defines no schedule", definition);
  }
  free(kind);
  return failed;
}

static int read_entry(struct mv_schedule_entry *entry, json_t *source, struct mv_error *err) {
  const char *name = text(source, "name"), *kind = text(source, "kind");
  const char *expression = text(source, "expression"), *zone = text(source, "timezone");
  if (!name || !kind || !expression)
    return mv_error_set(err, MV_ERROR_USAGE, "a schedule needs name, kind and expression");
  entry->definition = definition_of(kind, expression, zone);
  entry->name = mv_strdup(name);
  entry->source = json_incref(source);
  if (!entry->definition || !entry->name)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  if (mv_schedule_init(&entry->schedule, kind, expression, zone, err) ||
      read_choices(entry, source, err) || read_expect(entry, source, err))
    return -1;
  return read_jitter(entry, source, err);
}

/* "shop.lua:12: schedule \"morning\": …" */
static int at_place(json_t *source, struct mv_error *err) {
  const char *name = text(source, "name"), *file = text(source, "file");
  return mv_error_prefix(err, "%.80s:%d: schedule \"%.80s\"", file ? file : "?",
                         (int)json_integer_value(json_object_get(source, "line")),
                         name ? name : "?");
}

/* `names`: those that are taken, with their lines. */
static int check_unique(json_t *names, const struct mv_schedule_entry *entry,
                        struct mv_error *err) {
  json_t *taken = json_object_get(names, entry->name);
  if (taken)
    return mv_error_set(err, MV_ERROR_USAGE, "the name is taken by the schedule in line %d; give "
                        "one of them another name", (int)json_integer_value(taken));
  json_t *line = json_object_get(entry->source, "line");
  return json_object_set_new(names, entry->name, line ? json_incref(line) : json_integer(0));
}

static int read_all(struct mv_schedules *schedules, json_t *list, struct mv_error *err) {
  json_t *names = json_object(), *source;
  size_t index;
  int failed = 0;
  json_array_foreach(list, index, source) {
    struct mv_schedule_entry *entry = &schedules->entries[schedules->count++];
    failed = read_entry(entry, source, err) || check_unique(names, entry, err);
    if (failed) {
      at_place(source, err);
      break;
    }
  }
  json_decref(names);
  return failed ? -1 : 0;
}

int mv_schedules_read(struct mv_schedules *schedules, json_t *definitions, struct mv_error *err) {
  json_t *list = json_object_get(definitions, "schedules");
  memset(schedules, 0, sizeof *schedules);
  schedules->entries = calloc(json_array_size(list) + 1, sizeof *schedules->entries);
  if (!schedules->entries)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  int failed = read_all(schedules, list, err);
  if (failed)
    mv_schedules_free(schedules);
  return failed;
}

static void free_entry(struct mv_schedule_entry *entry) {
  mv_schedule_free(&entry->schedule);
  json_decref(entry->source);
  free(entry->definition);
  free(entry->name);
}

void mv_schedules_check(json_t *definitions, void (*fault)(void *owner, const char *text),
                        void *owner) {
  json_t *source, *names = json_object();
  size_t index;
  json_array_foreach(json_object_get(definitions, "schedules"), index, source) {
    struct mv_schedule_entry entry = {0};
    struct mv_error err = {0};
    if (read_entry(&entry, source, &err) || check_unique(names, &entry, &err)) {
      at_place(source, &err);
      fault(owner, err.text);
    }
    free_entry(&entry);
  }
  json_decref(names);
}

void mv_schedules_free(struct mv_schedules *schedules) {
  mv_timers_free(&schedules->timers);
  for (size_t i = 0; i < schedules->count; i++)
    free_entry(&schedules->entries[i]);
  free(schedules->entries);
  memset(schedules, 0, sizeof *schedules);
}
