#include "base/sha256.h"

#include <string.h>

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int by) {
  return x >> by | x << (32 - by);
}

static void schedule(const unsigned char *block, uint32_t w[64]) {
  for (size_t i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
}

static void compress(uint32_t state[8], const unsigned char *block) {
  uint32_t w[64], s[8];
  schedule(block, w);
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t a = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + rounds[i] + w[i];
    uint32_t b = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + majority;
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += a;
    s[0] = a + b;
  }
  for (int i = 0; i < 8; i++)
    state[i] += s[i];
}

void mv_sha256_begin(struct mv_sha256 *digest) {
  static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(digest->state, first, sizeof first);
  digest->length = 0;
}

void mv_sha256_feed(struct mv_sha256 *digest, const void *data, size_t length) {
  const unsigned char *bytes = data;
  size_t kept = digest->length % 64;
  digest->length += length;
  if (kept + length >= 64 && kept > 0) {
    size_t take = 64 - kept;
    memcpy(digest->rest + kept, bytes, take);
    compress(digest->state, digest->rest);
    bytes += take;
    length -= take;
    kept = 0;
  }
  for (; length >= 64; bytes += 64, length -= 64)
    compress(digest->state, bytes);
  if (length > 0)
    memcpy(digest->rest + kept, bytes, length);
}

/* The last one or two blocks: what is left, a one bit, zeros, the length in bits. */
void mv_sha256_end(struct mv_sha256 *digest, unsigned char out[MV_SHA256_SIZE]) {
  unsigned char tail[72] = {0x80};
  uint64_t bits = digest->length * 8;
  size_t kept = digest->length % 64, zeros = (kept < 56 ? 56 : 120) - kept;
  for (size_t i = 0; i < 8; i++)
    tail[zeros + i] = (unsigned char)(bits >> (56 - 8 * i));
  mv_sha256_feed(digest, tail, zeros + 8);
  for (size_t i = 0; i < MV_SHA256_SIZE; i++)
    out[i] = (unsigned char)(digest->state[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- HMAC ----------------------------------------------------------------------------------- */

void mv_hmac_begin(struct mv_hmac *hmac, const void *key, size_t length) {
  unsigned char inner[64] = {0};
  mv_sha256_begin(&hmac->inner);
  if (length > sizeof inner) { /* a long key is digested first */
    mv_sha256_feed(&hmac->inner, key, length);
    mv_sha256_end(&hmac->inner, inner);
    mv_sha256_begin(&hmac->inner);
  } else if (length > 0) {
    memcpy(inner, key, length);
  }
  for (size_t i = 0; i < sizeof inner; i++) {
    hmac->outer[i] = inner[i] ^ 0x5c;
    inner[i] ^= 0x36;
  }
  mv_sha256_feed(&hmac->inner, inner, sizeof inner);
  explicit_bzero(inner, sizeof inner);
}

void mv_hmac_feed(struct mv_hmac *hmac, const void *data, size_t length) {
  mv_sha256_feed(&hmac->inner, data, length);
}

void mv_hmac_end(struct mv_hmac *hmac, unsigned char out[MV_SHA256_SIZE]) {
  unsigned char inner[MV_SHA256_SIZE];
  struct mv_sha256 outer;
  mv_sha256_end(&hmac->inner, inner);
  mv_sha256_begin(&outer);
  mv_sha256_feed(&outer, hmac->outer, sizeof hmac->outer);
  mv_sha256_feed(&outer, inner, sizeof inner);
  mv_sha256_end(&outer, out);
  explicit_bzero(hmac, sizeof *hmac);
}

/* ---- text ----------------------------------------------------------------------------------- */

void mv_hex(const unsigned char *bytes, size_t length, char *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < length; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  out[2 * length] = 0;
}

void mv_sha256_hex(const void *data, size_t length, char out[65]) {
  unsigned char bytes[MV_SHA256_SIZE];
  struct mv_sha256 digest;
  mv_sha256_begin(&digest);
  mv_sha256_feed(&digest, data, length);
  mv_sha256_end(&digest, bytes);
  mv_hex(bytes, sizeof bytes, out);
}
