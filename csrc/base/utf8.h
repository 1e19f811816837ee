/* Which bytes are UTF-8. */
#ifndef MV_BASE_UTF8_H
#define MV_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the UTF-8 sequence at `s`, 0 when it is none (overlong, surrogate, cut off, too large). */
size_t mv_utf8_sequence(const unsigned char *s, size_t left);

/* The offset of the first byte that is not UTF-8, or `length`. */
size_t mv_utf8_valid(const char *text, size_t length);

#endif
