/* One exchange on one libcurl handle: how it is set up, and what its end means. The transport's
 * inside. */
#ifndef MV_API_EASY_H
#define MV_API_EASY_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/transport.h"

/* Why a callback of ours stopped the transfer. */
enum mv_easy_stop { MV_STOP_NONE, MV_STOP_LARGE, MV_STOP_HEADERS, MV_STOP_MEMORY };

struct mv_easy {
  struct mv_easy *previous, *next; /* in the transport's list it is in */
  struct mv_exchange *exchange;    /* NULL: none, or it was cancelled */
  CURL *easy;
  struct curl_slist *headers; /* its own; NULL: the shared ones */
  size_t body_sent;           /* bytes of the body that libcurl has read */
  enum mv_easy_stop stop;
  bool ended; /* concluded, `done` not called yet */
  char error[CURL_ERROR_SIZE];
};

/* What all handles of a transport have in common. */
struct mv_easy_shared {
  struct curl_slist *json_headers; /* of all exchanges that have no headers of their own */
  CURLSH *sessions;                /* of TLS; without it each handle would keep some for itself */
};

/* Sets the handle up for call->exchange; it may be another one afterwards. 0, or -1 and `err`. */
int mv_easy_setup(struct mv_easy *call, const struct mv_easy_shared *shared, struct mv_error *err);

/* Fills the outcome. */
void mv_easy_conclude(struct mv_easy *call, CURLcode code);

/* Lets go of the exchange, so that the handle can be used again. */
void mv_easy_release(struct mv_easy *call);

#endif
