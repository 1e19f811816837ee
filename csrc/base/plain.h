/* Text from outside on a terminal: what would steer it is shown, not obeyed. */
#ifndef MV_BASE_PLAIN_H
#define MV_BASE_PLAIN_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/json.h"

/* Appends `length` bytes of `text` (a NUL behind them) with control characters, marks that turn the
 * direction of writing, and bytes that are no UTF-8 as \n, \x1b, \u202e; in at most `columns` of
 * the terminal, "…" for the rest (0: all). With `lines` line ends stay. Returns the columns taken.
 */
size_t mv_plain_append(struct mv_bytes *out, const char *text, size_t length, size_t columns,
                       bool lines);

/* The same of a text up to its NUL. NULL: nothing. */
size_t mv_plain_put(struct mv_bytes *out, const char *text, size_t columns, bool lines);

/* A line of JSON, in which nothing steers a terminal either. */
void mv_plain_put_json(struct mv_bytes *out, const json_t *value);

#endif
