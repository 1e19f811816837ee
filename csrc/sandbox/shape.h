/* Checking hand-written JSON: which members an object may have, and where a fault is, as a path. */
#ifndef MV_SANDBOX_SHAPE_H
#define MV_SANDBOX_SHAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Where we are, from the inside out; lives on the stack of those who walk. */
struct mv_place {
  const struct mv_place *up; /* NULL: the document */
  const char *name;          /* of a member, or of the list if index >= 0 */
  long index;                /* in the list `name`; -1: not in one */
};

enum mv_shape_type {
  MV_SHAPE_TEXT,
  MV_SHAPE_INTEGER,
  MV_SHAPE_ID,    /* 1 to 2^62 - 1: what follows is given by adding 1 */
  MV_SHAPE_SMALL, /* 0 to 32767: a type, a status */
  MV_SHAPE_TIME,  /* unix seconds, up to the end of the year 9999 */
  MV_SHAPE_NUMBER,
  MV_SHAPE_BOOLEAN,
  MV_SHAPE_OBJECT,
  MV_SHAPE_LIST,    /* of anything */
  MV_SHAPE_OBJECTS, /* a list of objects */
  MV_SHAPE_KEY,     /* integer or text that is not empty */
  MV_SHAPE_SCALAR,  /* text or number */
  MV_SHAPE_FILES,   /* a list of addresses or of {attachment_url, attachment_type} */
  MV_SHAPE_BUTTONS, /* a list of objects, or an object with one under "buttons" */
  MV_SHAPE_ANY,
};

struct mv_shape {
  const char *name;
  enum mv_shape_type type;
  bool required;
};

/* "clients[3].orders[0]: …" as an error of kind MV_ERROR_USAGE. Returns -1. */
int mv_shape_fault(const struct mv_place *at, const char *member, struct mv_error *err,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Whether the types of the attachments or buttons in `value`, the member `name`, are ones that there
 * are; null and other types pass. 0 or -1. */
int mv_shape_check_types(const struct mv_place *at, const char *name, enum mv_shape_type type,
                         const json_t *value, struct mv_error *err);

/* Whether `object` has all that is required and nothing else; null counts as absent. 0 or -1. */
int mv_shape_check(const struct mv_place *at, const json_t *object, const struct mv_shape *shapes,
                   size_t count, struct mv_error *err);

#endif
