/* SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104). */
#ifndef MV_BASE_SHA256_H
#define MV_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define MV_SHA256_SIZE 32

/* A digest that is fed piece by piece. */
struct mv_sha256 {
  uint32_t state[8];
  uint64_t length; /* bytes fed */
  unsigned char rest[64];
};

void mv_sha256_begin(struct mv_sha256 *digest);
void mv_sha256_feed(struct mv_sha256 *digest, const void *data, size_t length);
void mv_sha256_end(struct mv_sha256 *digest, unsigned char out[MV_SHA256_SIZE]);

/* An HMAC that is fed piece by piece. */
struct mv_hmac {
  struct mv_sha256 inner;
  unsigned char outer[64]; /* the key, padded for the outer digest */
};

void mv_hmac_begin(struct mv_hmac *hmac, const void *key, size_t length);
void mv_hmac_feed(struct mv_hmac *hmac, const void *data, size_t length);
void mv_hmac_end(struct mv_hmac *hmac, unsigned char out[MV_SHA256_SIZE]); /* forgets the key */

/* `length` bytes as 2 * length hex digits and a NUL into `out`. */
void mv_hex(const unsigned char *bytes, size_t length, char *out);

/* The digest of `data` as 64 hex digits and a NUL into `out`. */
void mv_sha256_hex(const void *data, size_t length, char out[65]);

#endif
