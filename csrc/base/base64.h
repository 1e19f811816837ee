/* Base64 with padding (RFC 4648, section 4). */
#ifndef MV_BASE_BASE64_H
#define MV_BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

#define MV_BASE64_SIZE(length) (((length) + 2) / 3 * 4 + 1) /* of the text of so many bytes, with its NUL */

/* `length` bytes as text into `out`, which has MV_BASE64_SIZE(length). */
void mv_base64_encode(const void *bytes, size_t length, char *out);

/* The bytes of a text into `out`, which takes `size`; padding may be left out. Their number, or -1:
 * it is no base64, or too long. */
ssize_t mv_base64_decode(const char *text, unsigned char *out, size_t size);

#endif
