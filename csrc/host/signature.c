#include "host/signature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/sha256.h"
#include "host/schedule.h"

#define TOLERANCE "5m"
#define LONGEST_KEY 512 /* bytes */
#define MOST_SIGNATURES 16 /* looked at: senders that change their secret send two */

static const char whsec[] = "whsec_";

/* ---- reading -------------------------------------------------------------------------------- */

static const char *text(json_t *hook, const char *name) {
  return json_string_value(json_object_get(hook, name));
}

static const char *text_or(json_t *hook, const char *name, const char *otherwise) {
  const char *given = text(hook, name);
  return given ? given : otherwise;
}

static int read_kind(struct mv_signature *signature, const char *name, struct mv_error *err) {
  static const char *const names[] = {"", "standard", "sha256"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name ? name : "", names[i]) == 0) {
      signature->kind = (enum mv_signature_kind)i;
      return 0;
    }
  }
  return mv_error_set(err, MV_ERROR_USAGE,
                      "signature is \"standard\" (Standard Webhooks) or \"sha256\" (a header with an "
                      "HMAC-SHA256), not \"%.40s\"", name);
}

/* "whsec_…" stands for the bytes of its base64. */
static int read_whsec(struct mv_signature *signature, const char *secret, struct mv_error *err) {
  unsigned char bytes[LONGEST_KEY];
  ssize_t length = -1;
  if (strncmp(secret, whsec, sizeof whsec - 1) == 0)
    length = mv_base64_decode(secret + sizeof whsec - 1, bytes, sizeof bytes);
  if (length <= 0)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "the secret of a \"standard\" signature is whsec_ and base64, as the sender "
                        "shows it; for any other secret use signature = \"sha256\"");
  signature->key = (unsigned char *)mv_memdup(bytes, (size_t)length);
  signature->key_length = (size_t)length;
  explicit_bzero(bytes, sizeof bytes);
  return 0;
}

static int read_key(struct mv_signature *signature, const char *secret, struct mv_error *err) {
  if (!secret)
    return mv_error_set(err, MV_ERROR_USAGE, "signature needs a secret, the one that the sender has");
  if (signature->kind == MV_SIGNATURE_STANDARD && read_whsec(signature, secret, err))
    return -1;
  if (signature->kind == MV_SIGNATURE_SHA256) {
    signature->key = (unsigned char *)mv_strdup(secret);
    signature->key_length = strlen(secret);
  }
  return signature->key ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

static int read_tolerance(struct mv_signature *signature, json_t *hook, struct mv_error *err) {
  json_t *given = json_object_get(hook, "tolerance");
  signature->tolerance = json_is_number(given)
                             ? (int64_t)(json_number_value(given) * 1000)
                             : mv_duration_parse(text_or(hook, "tolerance", TOLERANCE), err);
  return signature->tolerance < 0 ? -1 : 0;
}

/* Options that only one kind of signature, or none, has a use for. */
static int refuse_useless(const struct mv_signature *signature, json_t *hook, struct mv_error *err) {
  static const char *const names[] = {"signature_header", "signature_prefix", "timestamp_header"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (json_object_get(hook, names[i]) && signature->kind != MV_SIGNATURE_SHA256)
      return mv_error_set(err, MV_ERROR_USAGE, "%s belongs to signature = \"sha256\"", names[i]);
  }
  bool timed = signature->kind == MV_SIGNATURE_STANDARD || json_object_get(hook, "timestamp_header");
  if (json_object_get(hook, "tolerance") && !timed)
    return mv_error_set(err, MV_ERROR_USAGE,
                        "tolerance needs a time to compare with: signature = \"standard\", or "
                        "timestamp_header");
  return 0;
}

int mv_signature_init(struct mv_signature *signature, json_t *hook, struct mv_error *err) {
  memset(signature, 0, sizeof *signature);
  if (read_kind(signature, text(hook, "signature"), err) || refuse_useless(signature, hook, err))
    return -1;
  if (signature->kind == MV_SIGNATURE_NONE)
    return 0;
  const char *header = text_or(hook, "signature_header", "X-Hub-Signature-256");
  /* a header of one's own holds the digits alone, unless a prefix is given */
  bool own = json_object_get(hook, "signature_header");
  signature->header = mv_strdup(header);
  signature->prefix = mv_strdup(text_or(hook, "signature_prefix", own ? "" : "sha256="));
  signature->timestamp = mv_strdup(text(hook, "timestamp_header"));
  if (!signature->header || !signature->prefix)
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  return read_key(signature, text(hook, "secret"), err) || read_tolerance(signature, hook, err) ? -1
                                                                                              : 0;
}

void mv_signature_free(struct mv_signature *signature) {
  if (signature->key)
    explicit_bzero(signature->key, signature->key_length);
  free(signature->key);
  free(signature->header);
  free(signature->prefix);
  free(signature->timestamp);
  memset(signature, 0, sizeof *signature);
}

/* ---- checking ------------------------------------------------------------------------------- */

static bool is_near(const char *timestamp, int64_t now, int64_t tolerance) {
  char *end;
  errno = 0;
  long long seconds = strtoll(timestamp, &end, 10);
  if (errno || end == timestamp || *end || seconds < 0 || seconds > INT64_MAX / 2000)
    return false;
  int64_t off = now - (int64_t)seconds * 1000;
  return off <= tolerance && off >= -tolerance;
}

/* The HMAC over the parts that are given, each with a dot behind it, and the body. */
static void sign(const struct mv_signature *signature, const char *id, const char *timestamp,
                 const struct mv_call *call, unsigned char out[MV_SHA256_SIZE]) {
  const char *const parts[] = {id, timestamp};
  struct mv_hmac hmac;
  mv_hmac_begin(&hmac, signature->key, signature->key_length);
  for (size_t i = 0; i < 2; i++) {
    if (parts[i]) {
      mv_hmac_feed(&hmac, parts[i], strlen(parts[i]));
      mv_hmac_feed(&hmac, ".", 1);
    }
  }
  mv_hmac_feed(&hmac, call->body, call->body_length);
  mv_hmac_end(&hmac, out);
}

static bool standard_good(const struct mv_signature *signature, const struct mv_call *call,
                          int64_t now) {
  const char *id = mv_call_header(call, "webhook-id");
  const char *timestamp = mv_call_header(call, "webhook-timestamp");
  const char *given = mv_call_header(call, "webhook-signature");
  unsigned char mac[MV_SHA256_SIZE];
  char right[3 + MV_BASE64_SIZE(MV_SHA256_SIZE)] = "v1,", one[sizeof right];
  bool good = false;
  if (!id || !timestamp || !given || !is_near(timestamp, now, signature->tolerance))
    return false;
  sign(signature, id, timestamp, call, mac);
  mv_base64_encode(mac, sizeof mac, right + 3);
  for (int i = 0; i < MOST_SIGNATURES && *(given += strspn(given, " ")); i++) {
    size_t length = strcspn(given, " ");
    if (length < sizeof one) {
      memcpy(one, given, length);
      one[length] = 0;
      good |= mv_secret_equal(one, right);
    }
    given += length;
  }
  return good;
}

static void lower_hex(char *text) {
  for (; *text; text++) {
    if (*text >= 'A' && *text <= 'F')
      *text = (char)(*text + ('a' - 'A'));
  }
}

static bool sha256_good(const struct mv_signature *signature, const struct mv_call *call,
                        int64_t now) {
  const char *given = mv_call_header(call, signature->header), *timestamp = NULL;
  size_t prefix = strlen(signature->prefix);
  unsigned char mac[MV_SHA256_SIZE];
  char right[2 * MV_SHA256_SIZE + 1], one[sizeof right];
  if (signature->timestamp) {
    timestamp = mv_call_header(call, signature->timestamp);
    if (!timestamp || !is_near(timestamp, now, signature->tolerance))
      return false;
  }
  if (!given || strncmp(given, signature->prefix, prefix) != 0 ||
      strlen(given + prefix) != sizeof one - 1)
    return false;
  memcpy(one, given + prefix, sizeof one);
  lower_hex(one);
  sign(signature, NULL, timestamp, call, mac);
  mv_hex(mac, sizeof mac, right);
  return mv_secret_equal(one, right);
}

bool mv_signature_good(const struct mv_signature *signature, const struct mv_call *call,
                       int64_t now) {
  switch (signature->kind) {
  case MV_SIGNATURE_STANDARD:
    return standard_good(signature, call, now);
  case MV_SIGNATURE_SHA256:
    return sha256_good(signature, call, now);
  case MV_SIGNATURE_NONE:
    break;
  }
  return false;
}
