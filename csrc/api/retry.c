#include "api/retry.h"

enum { DELAY_CAP = 30, SERVER_CAP = 300 };

/* An answer that another try may better. 501 and 505 will not change. */
static bool is_passing(long status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

bool mv_retry_allowed(enum mv_retry_class retry, enum mv_error_kind kind, long status, bool sent) {
  if (retry == MV_ONCE) {
    /* 429: the server counted the request and did nothing. */
    return (kind == MV_ERROR_HTTP && status == 429) ||
           ((kind == MV_ERROR_NETWORK || kind == MV_ERROR_TIMEOUT) && !sent);
  }
  return kind == MV_ERROR_NETWORK || kind == MV_ERROR_TIMEOUT || kind == MV_ERROR_DECODE ||
         (kind == MV_ERROR_HTTP && is_passing(status));
}

bool mv_retry_ambiguous(enum mv_retry_class retry, enum mv_error_kind kind, long status,
                        bool sent) {
  if (retry != MV_ONCE) {
    return false;
  }
  if (kind == MV_ERROR_HTTP) {
    return is_passing(status) && status != 429;
  }
  return sent && (kind == MV_ERROR_NETWORK || kind == MV_ERROR_TIMEOUT || kind == MV_ERROR_DECODE ||
                  kind == MV_ERROR_SYSTEM || kind == MV_ERROR_CERTIFICATE);
}

double mv_retry_delay(int attempt, double retry_after, double random) {
  double ceiling = 0.5, delay;
  for (int i = 1; i < attempt && ceiling < DELAY_CAP; i++) {
    ceiling *= 2;
  }
  delay = (ceiling < DELAY_CAP ? ceiling : DELAY_CAP) * random;
  if (retry_after > SERVER_CAP) {
    retry_after = SERVER_CAP;
  }
  return retry_after > delay ? retry_after : delay;
}
