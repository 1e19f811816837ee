/* What handles share, counted: the headers and the addresses of the last exchanges. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/easy.h"
#include "base/bytes.h"

/* ---- headers ---- */

static bool append_header(struct curl_slist **list, const char *header) {
  struct curl_slist *longer = curl_slist_append(*list, header);
  *list = longer ? longer : *list;
  return longer != NULL;
}

/* Whether the list was made of these headers. */
static bool holds(const struct mv_easy_headers *known, const char *const *headers) {
  const struct curl_slist *list = known->list->next;
  size_t count = 0;
  for (; *headers; headers++, count++) {
    if (!list || count >= known->count || strcmp(list->data, *headers) != 0) {
      return false;
    }
    list = list->next;
  }
  return count == known->count;
}

static bool has(const char *const *headers, const char *name) {
  size_t length = strlen(name);
  while (*headers && strncasecmp(*headers, name, length) != 0) {
    headers++;
  }
  return *headers != NULL;
}

static bool fill_list(struct curl_slist **list, const char *const *headers) {
  if (!append_header(list, "Expect:")) {
    return false;
  }
  for (size_t i = 0; headers[i]; i++) {
    if (!append_header(list, headers[i])) {
      return false;
    }
  }
  return (has(headers, "Accept-Encoding:") || append_header(list, MV_EASY_ENCODING)) &&
         (has(headers, "Content-Type:") || append_header(list, MV_EASY_JSON));
}

/* The headers, and what keeps libcurl from adding its ideas; NULL when memory is out. */
static struct curl_slist *list_of(const char *const *headers) {
  struct curl_slist *list = NULL;
  if (fill_list(&list, headers)) {
    return list;
  }
  curl_slist_free_all(list);
  return NULL;
}

void mv_easy_release_headers(struct mv_easy_headers *headers) {
  if (headers && --headers->uses == 0) {
    curl_slist_free_all(headers->list);
    free(headers);
  }
}

static struct mv_easy_headers *new_headers(const char *const *given) {
  struct mv_easy_headers *headers = calloc(1, sizeof *headers);
  if (headers && !(headers->list = list_of(given))) {
    free(headers);
    return NULL;
  }
  for (; headers && given[headers->count]; headers->count++) {
  }
  return headers;
}

struct mv_easy_headers *mv_easy_use_headers(struct mv_easy_shared *shared,
                                            const char *const *given) {
  struct mv_easy_headers *headers = NULL;
  for (size_t i = 0; i < MV_EASY_RECENT && !headers; i++) {
    bool same = shared->recent[i] && holds(shared->recent[i], given);
    headers = same ? shared->recent[i] : NULL;
  }
  if (!headers && (headers = new_headers(given))) {
    struct mv_easy_headers **place = &shared->recent[shared->turn++ % MV_EASY_RECENT];
    mv_easy_release_headers(*place);
    *place = headers;
    headers->uses++;
  }
  if (headers) {
    headers->uses++;
  }
  return headers;
}

/* ---- addresses ---- */

void mv_easy_release_address(struct mv_easy_address *address) {
  if (!address || --address->uses > 0) {
    return;
  }
  if (address->parts) {
    curl_url_cleanup(address->parts);
  }
  free(address->url);
  free(address);
}

/* libcurl takes an address apart for each transfer, and puts it together again to look at it; one
 * that is apart already it only copies. What is wrong with an address it says for itself. */
static CURLU *take_apart(const char *url) {
  bool usual = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
  CURLU *parts = usual ? curl_url() : NULL;
  if (parts && curl_url_set(parts, CURLUPART_URL, url, CURLU_PATH_AS_IS) != CURLUE_OK) {
    curl_url_cleanup(parts);
    return NULL;
  }
  return parts;
}

static struct mv_easy_address *new_address(const char *url) {
  struct mv_easy_address *address = calloc(1, sizeof *address);
  if (address && !(address->url = mv_strdup(url))) {
    free(address);
    return NULL;
  }
  if (address) {
    address->parts = take_apart(url);
  }
  return address;
}

struct mv_easy_address *mv_easy_use_address(struct mv_easy_shared *shared, const char *url) {
  struct mv_easy_address *address = NULL;
  for (size_t i = 0; i < MV_EASY_RECENT && !address; i++) {
    struct mv_easy_address *recent = shared->addresses[i];
    address = recent && strcmp(recent->url, url) == 0 ? recent : NULL;
  }
  if (!address && (address = new_address(url))) {
    struct mv_easy_address **place = &shared->addresses[shared->address_turn++ % MV_EASY_RECENT];
    mv_easy_release_address(*place);
    *place = address;
    address->uses++;
  }
  if (address) {
    address->uses++;
  }
  return address;
}

void mv_easy_forget(struct mv_easy_shared *shared) {
  for (size_t i = 0; i < MV_EASY_RECENT; i++) {
    mv_easy_release_headers(shared->recent[i]);
    mv_easy_release_address(shared->addresses[i]);
    shared->recent[i] = NULL;
    shared->addresses[i] = NULL;
  }
}
