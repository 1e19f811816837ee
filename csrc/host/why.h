/* What became of a planned moment, or why there is none. */
#ifndef MV_HOST_WHY_H
#define MV_HOST_WHY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

/* `time`: see mv_moment_read, in the schedule's zone. `serving`: a host runs, so what is due is
 * planned. New reference:
 * {"schedule", "definition", "time": as asked for, "verdict": "done" … (the state of the moment),
 *  "missed", "unplanned", "future", "due", "before", "text": a sentence, "moment": UTC, "local",
 *  "moved"?: true (by daylight saving), "event"?, "reason"?, "earlier"?, "later"? (with "unplanned":
 *  the nearest moments)}. NULL and `err`: NOT_FOUND, a time that is none. */
json_t *mv_why(struct mv_store *reader, const char *schedule, const char *time, int64_t now,
               bool serving, struct mv_error *err);

#endif
