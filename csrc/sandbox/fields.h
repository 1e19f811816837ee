/* Queries and urlencoded bodies as JSON objects of texts. */
#ifndef MV_SANDBOX_FIELDS_H
#define MV_SANDBOX_FIELDS_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* "a=1&b=x+y&c[]=1&c[]=2&d[k]=v" is {"a":"1","b":"x y","c":["1","2"],"d":{"k":"v"}}; of several
 * values of one name the last holds. A new reference, or NULL and `err` when an escape is broken or
 * a text is not UTF-8. */
json_t *mv_fields_parse(const char *text, size_t length, struct mv_error *err);

#endif
