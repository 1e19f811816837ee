/* Signed hooks: an HMAC-SHA256 over the raw body, in a header of the request.
 *
 * "standard": Standard Webhooks. The secret is "whsec_" and base64; webhook-signature holds one or
 * more "v1,<base64>" over "<webhook-id>.<webhook-timestamp>.<body>".
 * "sha256": one header (X-Hub-Signature-256: sha256=<hex>, as GitHub's) over the body; with a
 * timestamp header over "<timestamp>.<body>". */
#ifndef MV_HOST_SIGNATURE_H
#define MV_HOST_SIGNATURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/server.h"

enum mv_signature_kind { MV_SIGNATURE_NONE, MV_SIGNATURE_STANDARD, MV_SIGNATURE_SHA256 };

struct mv_signature {
  enum mv_signature_kind kind;
  unsigned char *key; /* owned */
  size_t key_length;
  char *header, *prefix; /* of SHA256; owned */
  char *timestamp;       /* the header of the time, in unix seconds; NULL: none; owned */
  int64_t tolerance;     /* ms it may be off, either way */
};

/* From a hook's definition: secret, signature, signature_header, signature_prefix,
 * timestamp_header, tolerance. 0, or -1 and `err`; to be freed in either case. */
int mv_signature_init(struct mv_signature *signature, json_t *hook, struct mv_error *err);
void mv_signature_free(struct mv_signature *signature);

/* Whether one of the request's signatures is right, and its time near `now` (ms). Comparing takes a
 * time that tells nothing. */
bool mv_signature_good(const struct mv_signature *signature, const struct mv_call *call,
                       int64_t now);

#endif
