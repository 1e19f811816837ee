/* SHA-256 (FIPS 180-4). */
#ifndef MV_BASE_SHA256_H
#define MV_BASE_SHA256_H

#include <stddef.h>

/* The digest of `data` as 64 hex digits and a NUL into `out`. */
void mv_sha256_hex(const void *data, size_t length, char out[65]);

#endif
