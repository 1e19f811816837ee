/* Errors as the library's callers get them. */
#ifndef MV_EMBED_FAILURE_H
#define MV_EMBED_FAILURE_H

#include "base/error.h"
#include "mavilua.h"

/* Puts a copy of the text into `*out` (NULL: nobody asks) and returns the status of the kind. */
int mv_failure_tell(const struct mv_error *err, char **out);

/* The same of a text and a status. */
int mv_failure_text(int status, const char *text, char **out);

/* The beginning of a function: there is no error yet. */
void mv_failure_none(char **out);

#endif
