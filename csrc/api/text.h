/* Text from outside made fit for one line of a message. */
#ifndef MV_API_TEXT_H
#define MV_API_TEXT_H

#include <stddef.h>

/* Copies `length` bytes into `out` of `size` bytes (at least 4), always NUL-terminated: control
 * characters become spaces, bytes that are not UTF-8 become "?", and what does not fit is cut off
 * between two characters, with "..." in its place. Returns `out`. */
char *mv_text_line(char *out, size_t size, const char *text, size_t length);

#endif
