#include "net/origin.h"

#include <string.h>
#include <strings.h>

bool mv_origin_is_plain(const char *host) {
  size_t length = strcspn(host, ":");
  bool localhost = length == 9 && strncasecmp(host, "localhost", length) == 0;
  return host[0] == '[' || localhost || strspn(host, "0123456789.") == length;
}

bool mv_origin_is_foreign(const struct mv_call *call) {
  const char *origin = mv_call_header(call, "Origin"), *host = mv_call_header(call, "Host");
  if (!origin)
    return false;
  const char *place = strstr(origin, "://");
  return !place || !host || strcasecmp(place + 3, host) != 0 || !mv_origin_is_plain(host);
}
