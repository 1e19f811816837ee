#include "time/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "time/calendar.h"
#include "time/zone_parts.h"

/* Moments outside this range are asked by nobody in earnest; it keeps sums far from overflow. */
#define LATEST (INT64_C(1) << 50)

static struct mv_zone *new_zone(const char *name, struct mv_error *err) {
  struct mv_zone *zone = calloc(1, sizeof *zone);
  if (zone && (zone->name = mv_strdup(name)))
    return zone;
  mv_zone_free(zone);
  mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  return NULL;
}

void mv_zone_free(struct mv_zone *zone) {
  if (!zone)
    return;
  free(zone->name);
  free(zone->moments);
  free(zone->indexes);
  free(zone->types);
  free(zone->names);
  free(zone);
}

const char *mv_zone_name(const struct mv_zone *zone) {
  return zone->name;
}

/* Letters, digits, "_+-" and single slashes inside: nothing that leaves the folder. */
static bool safe_name(const char *name) {
  size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
  return name[length] == '\0' && length > 0 && length < 128 && *name != '/' &&
         name[length - 1] != '/' && !strstr(name, "//");
}

static struct mv_zone *from_rule(const char *name, const char *text, struct mv_error *err) {
  struct mv_zone *zone = new_zone(name, err);
  if (!zone || mv_zone_rule_parse(text, strlen(text), &zone->rule) == 0)
    return zone;
  mv_zone_free(zone);
  return NULL;
}

static struct mv_zone *from_file(const char *name, const char *path, struct mv_error *err) {
  struct mv_zone *zone = new_zone(name, err);
  if (!zone || mv_zone_read(path, zone, err) == 0)
    return zone;
  mv_zone_free(zone);
  return NULL;
}

static struct mv_zone *unknown(const char *name, struct mv_error *err) {
  bool any = false;
  char *nearest = mv_zone_nearest(name, &any);
  if (!any)
    mv_error_set(err, MV_ERROR_NOT_FOUND,
                 "time zone \"%.60s\" is not known: there are no zone files in %.200s; install the "
                 "package tzdata, or use UTC",
                 name, mv_zone_directory());
  else
    mv_error_set(err, MV_ERROR_NOT_FOUND,
                 "time zone \"%.60s\" is not known; %s%s%sa name such as Europe/Oslo or UTC is expected",
                 name, nearest ? "did you mean \"" : "", nearest ? nearest : "",
                 nearest ? "\"? " : "");
  free(nearest);
  return NULL;
}

static struct mv_zone *by_name(const char *name, struct mv_error *err) {
  char path[512];
  struct mv_error reason = {0};
  if (!safe_name(name))
    return unknown(name, err);
  snprintf(path, sizeof path, "%.300s/%s", mv_zone_directory(), name);
  struct mv_zone *zone = from_file(name, path, &reason);
  if (zone)
    return zone;
  if (reason.kind == MV_ERROR_NOT_FOUND)
    return unknown(name, err);
  mv_error_set(err, reason.kind, "time zone \"%s\": %s", name, reason.text);
  return NULL;
}

/* The zone of /etc/localtime, named by where the link leads. */
static struct mv_zone *of_machine(struct mv_error *err) {
  char target[256];
  ssize_t length = readlink("/etc/localtime", target, sizeof target - 1);
  const char *name = NULL;
  if (length > 0) {
    target[length] = '\0';
    char *found = strstr(target, "zoneinfo/");
    name = found ? found + strlen("zoneinfo/") : NULL;
  }
  if (access("/etc/localtime", R_OK))
    return from_rule("UTC", "UTC0", err);
  return from_file(name && safe_name(name) ? name : "localtime", "/etc/localtime", err);
}

/* TZ as the C library takes it: a zone's name, a file, or a rule, with or without a colon. */
static struct mv_zone *of_variable(const char *tz, struct mv_error *err) {
  tz += *tz == ':';
  if (*tz == '/')
    return from_file(tz, tz, err);
  struct mv_error ignored;
  struct mv_zone *zone = safe_name(tz) ? by_name(tz, &ignored) : NULL;
  if (!zone)
    zone = from_rule(tz, tz, err);
  return zone ? zone : by_name(tz, err);
}

static bool is_utc(const char *name) {
  return strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0 || strcmp(name, "GMT") == 0;
}

struct mv_zone *mv_zone_load(const char *name, struct mv_error *err) {
  const char *tz = name && *name ? name : getenv("TZ");
  if (tz && is_utc(tz))
    return from_rule(tz, "UTC0", err);
  if (name && *name)
    return by_name(name, err);
  return tz && *tz ? of_variable(tz, err) : of_machine(err);
}

/* How many of the table's changes are at or before `utc`. */
static size_t changes_until(const struct mv_zone *zone, int64_t utc) {
  size_t low = 0, high = zone->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (zone->moments[middle] <= utc)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int32_t mv_zone_offset(const struct mv_zone *zone, int64_t utc, const char **abbreviation) {
  if (utc > LATEST)
    utc = LATEST;
  size_t before = changes_until(zone, utc);
  if (before == zone->count && zone->rule.given)
    return mv_zone_rule_offset(&zone->rule, utc < -LATEST ? -LATEST : utc, abbreviation);
  const struct mv_zone_type *type = &zone->types[before > 0 ? zone->indexes[before - 1] : 0];
  if (abbreviation)
    *abbreviation = type->name;
  return type->offset;
}

/* The next moment at which anything may change, also only the abbreviation. */
static int64_t next_step(const struct mv_zone *zone, int64_t utc) {
  size_t before = changes_until(zone, utc);
  if (before < zone->count)
    return zone->moments[before];
  return zone->rule.given ? mv_zone_rule_next(&zone->rule, utc) : INT64_MAX;
}

/* All-year rules step twice a year without changing anything, hence the limit. */
int64_t mv_zone_next_change(const struct mv_zone *zone, int64_t utc) {
  int32_t offset = mv_zone_offset(zone, utc, NULL);
  if (utc < -LATEST)
    utc = -LATEST;
  for (size_t i = 0; i < zone->count + 8 && utc <= LATEST; i++) {
    utc = next_step(zone, utc);
    if (utc == INT64_MAX || mv_zone_offset(zone, utc, NULL) != offset)
      return utc;
  }
  return INT64_MAX;
}

int mv_zone_moments(const struct mv_zone *zone, int64_t local, int64_t out[2]) {
  if (local > LATEST || local < -LATEST) {
    out[0] = local > 0 ? INT64_MAX : INT64_MIN;
    return 1;
  }
  int count = 0;
  int64_t gap = INT64_MAX;
  int64_t from = local - 2 * MV_DAY;
  while (from <= local + 2 * MV_DAY && count < 2) {
    int32_t offset = mv_zone_offset(zone, from, NULL);
    int64_t change = mv_zone_next_change(zone, from), moment = local - offset;
    if (moment >= from && moment < change)
      out[count++] = moment;
    else if (gap == INT64_MAX && moment >= change && local - mv_zone_offset(zone, change, NULL) < change)
      gap = change;
    from = change;
  }
  if (count == 0)
    out[0] = gap;
  return count;
}
