/* What handles share: the headers and the addresses of the last exchanges. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/easy.h"
#include "base/bytes.h"
#include "base/version.h"

/* ---- headers ---- */

/* Headers of ours. What libcurl composes itself it prints twice, sign by sign. */
static const char agent[] = "User-Agent: mavilua/" MV_VERSION;
static const char *const own[] = {"Content-Type: application/json", "Accept-Encoding: gzip", agent};

static bool append_header(struct curl_slist **list, const char *header) {
  struct curl_slist *longer = curl_slist_append(*list, header);
  *list = longer ? longer : *list;
  return longer != NULL;
}

static bool holds_headers(const struct mv_recent_item *item, const void *source) {
  const struct mv_easy_headers *known = (const struct mv_easy_headers *)item;
  const char *const *given = source;
  const struct curl_slist *list = known->list->next;
  size_t count = 0;
  for (; *given; given++, count++) {
    if (!list || count >= known->count || strcmp(list->data, *given) != 0) {
      return false;
    }
    list = list->next;
  }
  return count == known->count;
}

/* Whether one of the headers has the name of `header`. */
static bool has(const char *const *headers, const char *header) {
  size_t length = strcspn(header, ":") + 1;
  while (*headers && strncasecmp(*headers, header, length) != 0) {
    headers++;
  }
  return *headers != NULL;
}

static bool fill_list(struct curl_slist **list, const char *const *given) {
  if (!append_header(list, "Expect:")) {
    return false;
  }
  for (size_t i = 0; given[i]; i++) {
    if (!append_header(list, given[i])) {
      return false;
    }
  }
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    if (!has(given, own[i]) && !append_header(list, own[i])) {
      return false;
    }
  }
  return true;
}

static void destroy_headers(struct mv_recent_item *item) {
  struct mv_easy_headers *headers = (struct mv_easy_headers *)item;
  curl_slist_free_all(headers->list);
  free(headers);
}

static struct mv_recent_item *make_headers(const void *source) {
  const char *const *given = source;
  struct mv_easy_headers *headers = calloc(1, sizeof *headers);
  if (!headers) {
    return NULL;
  }
  if (!fill_list(&headers->list, given)) {
    destroy_headers(&headers->item);
    return NULL;
  }
  for (; given[headers->count]; headers->count++) {
  }
  return &headers->item;
}

static const struct mv_recent_type headers_type = {make_headers, holds_headers, destroy_headers};

struct mv_easy_headers *mv_easy_use_headers(struct mv_easy_shared *shared,
                                            const char *const *given) {
  static const char *const none[] = {NULL};
  return (struct mv_easy_headers *)mv_recent_use(&shared->headers, &headers_type,
                                                 given ? given : none);
}

void mv_easy_release_headers(struct mv_easy_headers *headers) {
  mv_recent_release(&headers_type, headers ? &headers->item : NULL);
}

struct curl_slist *mv_easy_proxy_headers(void) {
  return curl_slist_append(NULL, agent);
}

/* ---- addresses ---- */

struct text {
  const char *start;
  size_t length;
  bool apart;
};

static bool holds_address(const struct mv_recent_item *item, const void *source) {
  const struct mv_easy_address *known = (const struct mv_easy_address *)item;
  const struct text *text = source;
  return known->length == text->length && known->apart == text->apart &&
         memcmp(known->text, text->start, text->length) == 0;
}

static void destroy_address(struct mv_recent_item *item) {
  struct mv_easy_address *address = (struct mv_easy_address *)item;
  if (address->parts) {
    curl_url_cleanup(address->parts);
  }
  free(address);
}

static bool is_plain(const char *url) {
  return strncasecmp(url, "http://", 7) == 0;
}

static bool is_usual(const char *url) {
  return is_plain(url) || strncasecmp(url, "https://", 8) == 0;
}

static bool is_host(const char *host, size_t length, const char *name) {
  size_t size = strlen(name);
  return length >= size && strncasecmp(host, name, size) == 0 &&
         (length == size || host[size] == ':');
}

static bool is_loopback(const char *host, size_t length) {
  return strncmp(host, "127.", 4) == 0 || is_host(host, length, "[::1]") ||
         is_host(host, length, "localhost");
}

/* libcurl takes an address apart for each transfer, and puts it together again to look at it; one
 * that is apart already it only copies. What is wrong with an address it says for itself. */
static CURLU *take_apart(const char *url) {
  CURLU *parts = is_usual(url) ? curl_url() : NULL;
  if (parts && curl_url_set(parts, CURLUPART_URL, url, CURLU_PATH_AS_IS) != CURLUE_OK) {
    curl_url_cleanup(parts);
    return NULL;
  }
  return parts;
}

static struct mv_recent_item *make_address(const void *source) {
  const struct text *text = source;
  struct mv_easy_address *address = calloc(1, sizeof *address + text->length + 1);
  size_t length;
  if (!address) {
    return NULL;
  }
  memcpy(address->text, text->start, text->length);
  const char *host = mv_easy_host(address->text, &length);
  address->plain = is_plain(address->text);
  address->loopback = is_loopback(host, length);
  address->apart = text->apart;
  address->length = text->length;
  address->parts = take_apart(address->text);
  return &address->item;
}

static const struct mv_recent_type address_type = {make_address, holds_address, destroy_address};

/* Whether libcurl can send it as it stands. */
static bool is_target(const char *text) {
  const char *sign = text;
  while (*sign > ' ' && *sign < 0x7f && *sign != '#') {
    sign++;
  }
  return *text == '/' && !*sign;
}

/* With the target apart, all exchanges with a server have one address. A proxy of plain HTTP wants
 * all of it as the target. */
static const char *target_of(const char *url) {
  size_t length;
  const char *host = mv_easy_host(url, &length);
  bool possible = is_usual(url) && (!is_plain(url) || is_loopback(host, length));
  return possible && is_target(host + length) ? host + length : NULL;
}

struct mv_easy_address *mv_easy_use_address(struct mv_easy_shared *shared,
                                            struct mv_easy_address *last, const char *url,
                                            const char **target) {
  if (last && last->apart && strncmp(url, last->text, last->length) == 0 &&
      is_target(url + last->length)) {
    *target = url + last->length;
    last->item.uses++;
    return last;
  }
  *target = target_of(url);
  const struct text text = {url, *target ? (size_t)(*target - url) : strlen(url), *target != NULL};
  return (struct mv_easy_address *)mv_recent_use(&shared->addresses, &address_type, &text);
}

void mv_easy_release_address(struct mv_easy_address *address) {
  mv_recent_release(&address_type, address ? &address->item : NULL);
}

void mv_easy_forget(struct mv_easy_shared *shared) {
  mv_recent_forget(&shared->headers, &headers_type);
  mv_recent_forget(&shared->addresses, &address_type);
}
