/* The inside of a zone, shared by the files that read and ask it. */
#ifndef MV_TIME_ZONE_PARTS_H
#define MV_TIME_ZONE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* No place is farther from UTC than this many seconds (RFC 9636, 3.2: less than 26 hours). */
#define MV_ZONE_FARTHEST (26 * 3600)

/* A day of the year on which a rule changes the offset. */
struct mv_zone_day {
  char kind;             /* 'M' month.week.weekday, 'J' 1-365 without leap days, 'N' 0-365 */
  int month, week, day;  /* 'J' and 'N' use `day` alone */
  int32_t time;          /* seconds of local time after that day's midnight; may be negative */
};

/* A POSIX TZ string: "CET-1CEST,M3.5.0,M10.5.0/3". */
struct mv_zone_rule {
  bool given;
  bool dst;                        /* has a second half */
  int32_t standard, daylight;      /* seconds east of UTC */
  char standard_name[16], daylight_name[16];
  struct mv_zone_day start, end;   /* of daylight time */
};

struct mv_zone_type {
  int32_t offset;
  const char *name; /* inside `names` */
};

struct mv_zone {
  char *name;
  size_t count;         /* changes */
  int64_t *moments;     /* ascending */
  uint8_t *indexes;     /* the type from that moment on */
  size_t type_count;    /* at least 1; the first holds before all changes */
  struct mv_zone_type *types;
  char *names;          /* abbreviations, each NUL-terminated */
  struct mv_zone_rule rule; /* for moments after the last change */
};

/* Reads the TZif file at `path` (any version) into an empty zone. 0 or -1. */
int mv_zone_read(const char *path, struct mv_zone *zone, struct mv_error *err);

/* Reads the same from memory. */
int mv_zone_read_data(const unsigned char *data, size_t size, struct mv_zone *zone,
                      struct mv_error *err);

/* Parses a POSIX TZ string; 0, or -1 when it is none. */
int mv_zone_rule_parse(const char *text, size_t length, struct mv_zone_rule *rule);

/* Seconds east of UTC at a moment by the rule alone. */
int32_t mv_zone_rule_offset(const struct mv_zone_rule *rule, int64_t utc, const char **name);

/* The first moment after `utc` at which the rule may change the offset, or INT64_MAX. */
int64_t mv_zone_rule_next(const struct mv_zone_rule *rule, int64_t utc);

/* The folder of the zone files: TZDIR or the system's. */
const char *mv_zone_directory(void);

/* The known zone nearest to a mistyped name, to be freed with free(); NULL when none is near.
 * `any` tells whether there are zone files at all. */
char *mv_zone_nearest(const char *name, bool *any);

#endif
