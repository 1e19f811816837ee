/* What tests of the store share. */
#ifndef MV_TEST_STORE_SUPPORT_H
#define MV_TEST_STORE_SUPPORT_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "store/store.h"
#include "test/check.h"

#define T0 INT64_C(1700000000000)
#define DAY (INT64_C(24) * 3600 * 1000)

static struct mv_error err;

static inline struct mv_store *open_at(const char *path) {
  struct mv_store_options options = {.path = path};
  struct mv_store *store = mv_store_open(&options, &err);
  if (!store)
    fprintf(stderr, "%s\n", err.text);
  return store;
}

static inline struct mv_store *begin(void) {
  struct mv_store *store = open_at(":memory:");
  CHECK(store && mv_store_begin(store, &err) == 0);
  return store;
}

static inline void commit(struct mv_store *store) {
  CHECK(mv_store_commit(store, &err) == 0);
  CHECK(mv_store_begin(store, &err) == 0);
}

static inline void end(struct mv_store *store) {
  CHECK(mv_store_commit(store, &err) == 0);
  mv_store_close(store);
}

static inline struct mv_event *event_of(const char *key, const char *dedupe, const char *body) {
  struct mv_event *event = mv_event_new();
  event->key = mv_strdup(key);
  event->dedupe = mv_strdup(dedupe);
  event->body = mv_strdup(body);
  event->body_length = strlen(body);
  return event;
}

static inline struct mv_store_accepted put(struct mv_store *store, const char *key, const char *dedupe,
                                    int64_t due_at, int64_t now, bool claim) {
  struct mv_store_accepted accepted = {0};
  struct mv_event *event = event_of(key, dedupe, "{}");
  event->due_at = due_at;
  CHECK(mv_store_accept(store, event, now, claim, &accepted, &err) == 0);
  CHECK(!accepted.claimed || (event->token > 0 && event->attempt == 1));
  mv_event_free(event);
  return accepted;
}

static inline int64_t token_of(struct mv_store *store, int64_t id) {
  struct mv_event *event = mv_store_get(store, id, &err);
  int64_t token = event ? event->token : 0;
  mv_event_free(event);
  return token;
}

static inline enum mv_event_state state_of(struct mv_store *store, int64_t id) {
  struct mv_event *event = mv_store_get(store, id, &err);
  enum mv_event_state state = event ? event->state : MV_EVENT_STATES;
  mv_event_free(event);
  return state;
}

static inline int claim(struct mv_store *store, int64_t now, int limit, int64_t *ids) {
  struct mv_event *event;
  int count = mv_store_claim(store, now, limit, &event, &err), i = 0;
  while (event) {
    struct mv_event *next = (struct mv_event *)event->node.next;
    if (ids)
      ids[i++] = event->id;
    CHECK(event->state == MV_EVENT_RUNNING && event->token > 0);
    mv_event_free(event);
    event = next;
  }
  return count;
}

static inline struct mv_store_finished finish(struct mv_store *store, int64_t id,
                                       struct mv_outcome outcome, int64_t now) {
  struct mv_store_finished finished;
  CHECK(mv_store_finish(store, id, token_of(store, id), &outcome, NULL, now, &finished, &err) == 0);
  return finished;
}

static const struct mv_outcome done = {.state = MV_EVENT_DONE};

/* A run ends well, with effects. */
static inline int apply(struct mv_store *store, int64_t id, const char *effects) {
  json_t *array = mv_json_parse(effects, strlen(effects), &err);
  CHECK(array != NULL);
  struct mv_store_finished finished;
  int result = mv_store_finish(store, id, token_of(store, id), &done, array, T0, &finished, &err);
  json_decref(array);
  return result;
}

static inline int holds(struct mv_store *store, const char *key, int64_t now, const char *expected) {
  char *value = NULL;
  int found = mv_store_kv_get(store, key, now, &value, &err);
  int right = expected ? found == 1 && strcmp(value, expected) == 0 : found == 0;
  if (!right)
    fprintf(stderr, "%s holds %s, not %s\n", key, value ? value : "nothing",
            expected ? expected : "nothing");
  free(value);
  return right;
}

#endif
