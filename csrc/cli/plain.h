/* Printing text from outside on a terminal; see base/plain.h. */
#ifndef MV_CLI_PLAIN_H
#define MV_CLI_PLAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/plain.h"

/* Prints `text` (NULL: nothing) as mv_plain_put has it. */
void mv_plain_print(FILE *stream, const char *text, size_t columns, bool lines);

/* A line of JSON, in which nothing steers a terminal either. */
void mv_plain_print_json(FILE *stream, const json_t *value);

/* Columns of the terminal behind `stream`; 100 when unknown. */
size_t mv_plain_columns(FILE *stream);

#endif
