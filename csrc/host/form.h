/* application/x-www-form-urlencoded, as bodies and queries carry it. */
#ifndef MV_HOST_FORM_H
#define MV_HOST_FORM_H

#include <jansson.h>
#include <stddef.h>

/* An object of strings (of a repeated name the last counts; parts that are not UTF-8 are left out).
 * A new reference, or NULL when memory is out. */
json_t *mv_form_parse(const char *text, size_t length);

/* The decoded value of a name in a query, to be freed with free(), or NULL. */
char *mv_form_value(const char *query, const char *name);

/* The query without the parts of this name, to be freed with free(); NULL when memory is out. */
char *mv_form_without(const char *query, const char *name);

#endif
