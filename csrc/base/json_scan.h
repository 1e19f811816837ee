/* JSON text looked through in one pass, with nothing allocated. */
#ifndef MV_BASE_JSON_SCAN_H
#define MV_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* A scalar that is looked for in an object: the member `name` of it, or of its member `outer`. */
struct mv_json_wanted {
  const char *outer; /* NULL: of the object itself */
  const char *name;
  const char *text; /* found: as mv_json_scalar_text has it, in the text given; NULL: null, an array,
                       an object, or not there */
  size_t length;
};

/* Finds scalars in the text of an object. True: the text is what mv_json_parse_lenient takes, and
 * `wanted` is filled. False says nothing: the text is wrong or unusual, and the tree is to be asked. */
bool mv_json_find(const char *text, size_t length, struct mv_json_wanted *wanted, size_t count);

/* The end of the run of a string's characters from `p` that stand for themselves: at a quotation
 * mark, a backslash, the end, or what may not be there (a control character, what is not UTF-8). */
const char *mv_json_plain_run(const char *p, const char *end);

/* The end of the number that begins at `p`, NULL when it is none. *integer: it has neither fraction
 * nor exponent. */
const char *mv_json_number_end(const char *p, const char *end, bool *integer);

/* An integer of so many digits fits 64 bits whatever they are. */
enum { MV_JSON_SAFE_DIGITS = 18 };

#endif
