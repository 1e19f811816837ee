#include "api/retry.h"

#include "test/check.h"

static bool is(double a, double b) {
  return a >= b && a <= b;
}

static void repeatable(enum mv_retry_class retry) {
  CHECK(mv_retry_allowed(retry, MV_ERROR_NETWORK, 0, true));
  CHECK(mv_retry_allowed(retry, MV_ERROR_NETWORK, 0, false));
  CHECK(mv_retry_allowed(retry, MV_ERROR_TIMEOUT, 0, true));
  CHECK(!mv_retry_allowed(retry, MV_ERROR_CERTIFICATE, 0, false));
  CHECK(mv_retry_allowed(retry, MV_ERROR_DECODE, 200, true));
  static const long again[] = {408, 429, 500, 502, 503, 504},
                    never[] = {302, 400, 401, 403, 404, 413, 501, 505};
  for (size_t i = 0; i < sizeof again / sizeof again[0]; i++) {
    CHECK(mv_retry_allowed(retry, MV_ERROR_HTTP, again[i], true));
  }
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
    CHECK(!mv_retry_allowed(retry, MV_ERROR_HTTP, never[i], true));
  }
  CHECK(!mv_retry_allowed(retry, MV_ERROR_API, 200, true));
  CHECK(!mv_retry_allowed(retry, MV_ERROR_USAGE, 0, false));
  CHECK(!mv_retry_allowed(retry, MV_ERROR_QUOTA, 0, false));
  CHECK(!mv_retry_ambiguous(retry, MV_ERROR_NETWORK, 0, true));
  CHECK(!mv_retry_ambiguous(retry, MV_ERROR_HTTP, 503, true));
}

static void once(void) {
  CHECK(mv_retry_allowed(MV_ONCE, MV_ERROR_NETWORK, 0, false));
  CHECK(mv_retry_allowed(MV_ONCE, MV_ERROR_TIMEOUT, 0, false));
  CHECK(!mv_retry_allowed(MV_ONCE, MV_ERROR_CERTIFICATE, 0, false));
  CHECK(!mv_retry_allowed(MV_ONCE, MV_ERROR_NETWORK, 0, true));
  CHECK(!mv_retry_allowed(MV_ONCE, MV_ERROR_TIMEOUT, 0, true));
  CHECK(!mv_retry_allowed(MV_ONCE, MV_ERROR_DECODE, 200, true));
  CHECK(mv_retry_allowed(MV_ONCE, MV_ERROR_HTTP, 429, true));
  CHECK(!mv_retry_allowed(MV_ONCE, MV_ERROR_HTTP, 500, true));
  CHECK(!mv_retry_allowed(MV_ONCE, MV_ERROR_HTTP, 503, true));
}

/* Nothing may be both repeated and open. */
static void ambiguity(void) {
  CHECK(mv_retry_ambiguous(MV_ONCE, MV_ERROR_NETWORK, 0, true));
  CHECK(mv_retry_ambiguous(MV_ONCE, MV_ERROR_TIMEOUT, 0, true));
  CHECK(mv_retry_ambiguous(MV_ONCE, MV_ERROR_DECODE, 200, true));
  CHECK(mv_retry_ambiguous(MV_ONCE, MV_ERROR_SYSTEM, 0, true)); /* no memory for the answer */
  CHECK(!mv_retry_ambiguous(MV_ONCE, MV_ERROR_SYSTEM, 0, false));
  CHECK(mv_retry_ambiguous(MV_ONCE, MV_ERROR_HTTP, 500, true));
  CHECK(mv_retry_ambiguous(MV_ONCE, MV_ERROR_HTTP, 504, true));
  CHECK(mv_retry_ambiguous(MV_ONCE, MV_ERROR_HTTP, 408, true));
  CHECK(!mv_retry_ambiguous(MV_ONCE, MV_ERROR_NETWORK, 0, false));
  CHECK(!mv_retry_ambiguous(MV_ONCE, MV_ERROR_HTTP, 429, true));
  CHECK(!mv_retry_ambiguous(MV_ONCE, MV_ERROR_HTTP, 404, true));
  CHECK(!mv_retry_ambiguous(MV_ONCE, MV_ERROR_HTTP, 501, true));
  CHECK(!mv_retry_ambiguous(MV_ONCE, MV_ERROR_API, 200, true));
  for (int kind = MV_ERROR_NONE; kind <= MV_ERROR_NOT_FOUND; kind++) {
    for (long status = 0; status < 600; status++) {
      for (int sent = 0; sent < 2; sent++) {
        CHECK(!(mv_retry_allowed(MV_ONCE, (enum mv_error_kind)kind, status, sent) &&
                mv_retry_ambiguous(MV_ONCE, (enum mv_error_kind)kind, status, sent)));
      }
    }
  }
}

static void delays(void) {
  CHECK(is(mv_retry_delay(1, -1, 0), 0));
  CHECK(is(mv_retry_delay(1, -1, 0.5), 0.25));
  CHECK(is(mv_retry_delay(2, -1, 0.5), 0.5));
  CHECK(is(mv_retry_delay(3, -1, 0.5), 1));
  CHECK(is(mv_retry_delay(1000000, -1, 0.5), 15));
  CHECK(mv_retry_delay(1000000, -1, 0.999999) < 30);
  CHECK(is(mv_retry_delay(0, -1, 0.5), 0.25));
  CHECK(is(mv_retry_delay(1, 7, 0.5), 7));
  CHECK(is(mv_retry_delay(1, 100000, 0.5), 300));
  CHECK(is(mv_retry_delay(6, 0, 0.5), 8));
}

int main(void) {
  repeatable(MV_SAFE);
  repeatable(MV_IDEMPOTENT);
  once();
  ambiguity();
  delays();
  return check_end("retry");
}
