/* JSON text to and from jansson's values: the one place that parses or prints.
 *
 * Exact: integers of 64 bits stay integers; larger ones become strings of their digits.
 * Strings may hold NUL; invalid UTF-8 and lone surrogates are errors that name line and column. */
#ifndef MV_BASE_JSON_H
#define MV_BASE_JSON_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/error.h"

/* Arrays and objects inside each other; deeper input is refused, on reading and on writing. */
#define MV_JSON_DEPTH 128

/* Any JSON value, scalars too. A new reference, or NULL and `err` (kind MV_ERROR_DECODE). */
json_t *mv_json_parse(const char *text, size_t length, struct mv_error *err);

/* The same for what will not be sent again: half of a surrogate pair becomes U+FFFD, and a real
 * number beyond a double (1e400) the string of its digits. */
json_t *mv_json_parse_lenient(const char *text, size_t length, struct mv_error *err);

/* Compact text appended to `out`; members in the order they were added. 0 or -1. */
int mv_json_write(struct mv_bytes *out, const json_t *value);

/* The text of one string, or of one real number, appended. 0, or -1: it is not UTF-8, not finite. */
int mv_json_put_string(struct mv_bytes *out, const char *text, size_t length);
int mv_json_put_real(struct mv_bytes *out, double number);

/* Compact text to be freed with free(), or NULL. */
char *mv_json_text(const json_t *value);

/* The same for people: members in lines of their own, two blanks a level. Free with free(). */
char *mv_json_pretty(const json_t *value);

/* The value at a dotted path ("customer.id", "items.0.sku"), borrowed, or NULL. */
json_t *mv_json_at(json_t *value, const char *path);

/* A scalar's text as a key or an id is written: strings as they are, integers in digits, reals
 * shortest exact, true/false. To be freed with free(); NULL for null, arrays and objects. */
char *mv_json_scalar_text(const json_t *value);

#endif
