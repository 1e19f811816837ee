/* Text from outside on a terminal: what would steer it is shown, not obeyed. */
#ifndef MV_CLI_PLAIN_H
#define MV_CLI_PLAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"

/* Appends `text` (NULL: nothing) with control characters, marks that turn the direction of writing,
 * and bytes that are no UTF-8 as \n, \x1b, \u202e; at most `columns` characters, "…" for the rest
 * (0: all). With `lines` line ends stay. Returns the characters appended. */
size_t mv_plain_put(struct mv_bytes *out, const char *text, size_t columns, bool lines);

/* The same, printed. */
void mv_plain_print(FILE *stream, const char *text, size_t columns, bool lines);

/* A line of JSON, in which nothing steers a terminal either. */
void mv_plain_print_json(FILE *stream, const json_t *value);

/* Columns of the terminal behind `stream`; 100 when unknown. */
size_t mv_plain_columns(FILE *stream);

#endif
