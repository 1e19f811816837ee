/* application/x-www-form-urlencoded, as bodies and queries carry it. */
#ifndef MV_NET_FORM_H
#define MV_NET_FORM_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* An object of strings (of a repeated name the last counts; parts that are not UTF-8 are left out,
 * an escape that is none stands for itself). A new reference, or NULL when memory is out. */
json_t *mv_form_parse(const char *text, size_t length);

/* Strictly, and with brackets, as PHP has them: "a=1&c[]=1&c[]=2&d[k][l]=v" is
 * {"a":"1","c":["1","2"],"d":{"k":{"l":"v"}}}. Each "[]" is a further element; brackets that do not
 * close are part of the name. A new reference, or NULL and `err`: a broken escape, a text that is
 * not UTF-8, more than MV_JSON_DEPTH levels, no memory. */
json_t *mv_form_fields(const char *text, size_t length, struct mv_error *err);

/* The decoded value of a name in a query, to be freed with free(), or NULL; what holds a NUL is none. */
char *mv_form_value(const char *query, const char *name);

/* The query without the parts of this name, to be freed with free(); NULL when memory is out. */
char *mv_form_without(const char *query, const char *name);

#endif
