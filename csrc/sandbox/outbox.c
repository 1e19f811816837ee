#include "sandbox/outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "api/transport.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/timers.h"

enum {
  LANES = 1024,          /* buckets of the table of clients */
  MOST_ACTIVE = 1024,    /* webhooks at once */
  MOST_OF_PROJECT = 256, /* of them to one project's receiver, which may be dead */
  MOST_WAITING = 100000, /* beyond, webhooks are dropped, and the journal says so */
  LONGEST_ANSWER = 4096, /* bytes of the receiver's answer that are kept */
  MOST_REPLY = 1 << 20,  /* bytes a receiver may answer */
};

/* The way to one project's receiver: which clients have a webhook for it that may go. */
struct road {
  struct road *next;
  int64_t project;
  struct lane *ready, **ready_last;
  size_t active;
};

/* The webhooks of one client, in order; at most one is under way. */
struct lane {
  struct lane *next; /* in its bucket */
  struct lane *next_ready;
  int64_t client;
  struct mv_letter *first, *last; /* `first` is under way if `active` */
  bool active;
  struct mv_timer timer; /* runs while `first` is delayed */
  struct mv_exchange exchange;
  struct mv_outbox *outbox;
  struct road *road;
};

struct mv_outbox {
  pthread_t thread;
  struct mv_record *record;
  struct mv_later *later;
  const struct mv_clock *clock;
  struct mv_log *log;
  struct mv_queue inbox;
  struct mv_transport *transport;
  atomic_long count; /* letters posted and not yet done with */
  atomic_bool closing;
  atomic_llong deadline; /* monotonic ms, when closing */
  /* the thread's own */
  struct lane *lanes[LANES];
  struct road *roads;
  struct mv_timers delayed; /* lanes whose first letter has to wait */
  size_t waiting, active;
};

/* `body` is taken over, also when it fails. */
static struct mv_letter *new_letter(const char *url, struct mv_bytes *body) {
  struct mv_letter *letter = calloc(1, sizeof *letter);
  if (letter) {
    letter->url = mv_strdup(url);
    letter->body = mv_bytes_steal(body, &letter->length);
  }
  mv_bytes_free(body);
  if (letter && letter->url && letter->body) {
    return letter;
  }
  mv_letter_free(letter);
  return NULL;
}

struct mv_letter *mv_letter_new(const char *url, json_t *content) {
  struct mv_bytes body = {0};
  int failed = !content || mv_json_write(&body, content);
  json_decref(content);
  if (failed) {
    mv_bytes_free(&body);
    return NULL;
  }
  return new_letter(url, &body);
}

struct mv_letter *mv_letter_copy(const struct mv_letter *letter) {
  struct mv_bytes body = {0};
  if (mv_bytes_append(&body, letter->body, letter->length)) {
    mv_bytes_free(&body);
    return NULL;
  }
  struct mv_letter *copy = new_letter(letter->url, &body);
  if (copy) {
    copy->project = letter->project;
    copy->client = letter->client;
    copy->message = letter->message;
    copy->timeout = letter->timeout;
    copy->dropped = letter->dropped;
    copy->not_before = letter->not_before;
  }
  return copy;
}

void mv_letter_free(struct mv_letter *letter) {
  if (letter) {
    free(letter->url);
    free(letter->body);
    free(letter);
  }
}

/* ---- what became of it ---- */

static json_t *kept_answer(const struct mv_exchange *exchange) {
  size_t length = exchange->reply.length < LONGEST_ANSWER ? exchange->reply.length : LONGEST_ANSWER;
  json_t *answer = json_stringn(exchange->reply.data ? exchange->reply.data : "", length);
  return answer ? answer : json_null();
}

/* `status` 0: no answer, `error` says why. The URL may hold a secret and is left out. */
static void record(struct mv_outbox *outbox, const struct mv_letter *letter, long status,
                   json_t *answer, const char *error, double seconds) {
  int64_t at = letter->sent_at ? letter->sent_at : mv_clock_wall(outbox->clock);
  json_t *content = mv_json_parse(letter->body, letter->length, NULL);
  mv_record_add(outbox->record,
                json_pack("{s:s, s:f, s:I, s:I, s:I, s:o, s:I, s:o, s:s?, s:f}", "kind", "webhook",
                          "at", (double)at / 1000.0, "project_id", (json_int_t)letter->project,
                          "client_id", (json_int_t)letter->client, "message_id",
                          (json_int_t)letter->message, "body", content ? content : json_null(),
                          "status", (json_int_t)status, "answer", answer, "error", error, "seconds",
                          seconds));
}

static void log_failure(struct mv_outbox *outbox, const struct mv_letter *letter, long status,
                        const char *error) {
  if (error) {
    mv_log(outbox->log, MV_LOG_WARN, NULL, "sandbox: webhook of message %lld: %s",
           (long long)letter->message, error);
  } else if (status >= 300) {
    mv_log(outbox->log, MV_LOG_WARN, NULL, "sandbox: webhook of message %lld: answered with %ld",
           (long long)letter->message, status);
  }
}

/* ---- lanes ---- */

static struct lane **bucket_of(struct mv_outbox *outbox, int64_t client) {
  return &outbox->lanes[((uint64_t)client * UINT64_C(0x9E3779B97F4A7C15)) >> 54];
}

static struct road *road_of(struct mv_outbox *outbox, int64_t project) {
  struct road *road = outbox->roads;
  while (road && road->project != project) {
    road = road->next;
  }
  if (!road && (road = calloc(1, sizeof *road)) != NULL) {
    *road = (struct road){.next = outbox->roads, .project = project, .ready_last = &road->ready};
    outbox->roads = road;
  }
  return road;
}

static struct lane *find_lane(struct mv_outbox *outbox, int64_t client) {
  struct lane *lane = *bucket_of(outbox, client);
  while (lane && lane->client != client) {
    lane = lane->next;
  }
  return lane;
}

/* The client's lane, made if there is none; NULL when memory is out. */
static struct lane *lane_of(struct mv_outbox *outbox, const struct mv_letter *letter) {
  struct lane *lane = find_lane(outbox, letter->client);
  struct road *road = lane ? lane->road : road_of(outbox, letter->project);
  if (lane || !road || !(lane = calloc(1, sizeof *lane))) {
    return lane;
  }
  struct lane **bucket = bucket_of(outbox, letter->client);
  *lane = (struct lane){.next = *bucket, .client = letter->client, .outbox = outbox, .road = road};
  *bucket = lane;
  return lane;
}

static void remove_lane(struct mv_outbox *outbox, struct lane *lane) {
  struct lane **slot = bucket_of(outbox, lane->client);
  while (*slot != lane) {
    slot = &(*slot)->next;
  }
  *slot = lane->next;
  free(lane);
}

static void make_ready(struct lane *lane) {
  lane->next_ready = NULL;
  *lane->road->ready_last = lane;
  lane->road->ready_last = &lane->next_ready;
}

static struct lane *take_ready(struct road *road) {
  struct lane *lane = road->ready;
  road->ready = lane->next_ready;
  if (!road->ready) {
    road->ready_last = &road->ready;
  }
  return lane;
}

/* A letter is done with, whatever became of it. */
static void let_go(struct mv_outbox *outbox, struct mv_letter *letter) {
  mv_letter_free(letter);
  if (atomic_fetch_sub(&outbox->count, 1) == 1) {
    mv_later_poke(outbox->later);
  }
}

static void drop_first(struct lane *lane) {
  struct mv_letter *letter = lane->first;
  lane->first = (struct mv_letter *)letter->node.next;
  lane->outbox->waiting--;
  let_go(lane->outbox, letter);
}

/* Its first letter is done with: the next one's turn, or the lane's end. */
static void advance(struct mv_outbox *outbox, struct lane *lane) {
  drop_first(lane);
  if (lane->first) {
    make_ready(lane);
  } else {
    remove_lane(outbox, lane);
  }
}

static void done(struct mv_exchange *exchange) {
  struct lane *lane = exchange->owner;
  struct mv_outbox *outbox = lane->outbox;
  bool answered = exchange->failure == MV_ERROR_NONE;
  const char *error = answered ? NULL : mv_exchange_problem(exchange);
  record(outbox, lane->first, answered ? exchange->status : 0,
         answered ? kept_answer(exchange) : json_null(), error, exchange->seconds);
  log_failure(outbox, lane->first, exchange->status, error);
  mv_exchange_free(exchange);
  lane->active = false;
  lane->road->active--;
  outbox->active--;
  advance(outbox, lane);
}

static void start(struct mv_outbox *outbox, struct lane *lane) {
  static const char *const headers[] = {"Content-Type: application/json", NULL};
  struct mv_error err;
  lane->first->sent_at = mv_clock_wall(outbox->clock);
  lane->exchange = (struct mv_exchange){.method = "POST",
                                        .url = lane->first->url,
                                        .headers = headers,
                                        .body = lane->first->body,
                                        .body_length = lane->first->length,
                                        .timeout = lane->first->timeout,
                                        .max_reply = MOST_REPLY,
                                        .once = true,
                                        .done = done,
                                        .owner = lane};
  if (mv_transport_start(outbox->transport, &lane->exchange, &err)) {
    record(outbox, lane->first, 0, json_null(), err.text, 0);
    mv_exchange_free(&lane->exchange);
    advance(outbox, lane);
    return;
  }
  lane->active = true;
  lane->road->active++;
  outbox->active++;
}

/* What a fault does to the lane's first letter; whether it is not to be sent now. */
static bool spoiled(struct mv_outbox *outbox, struct lane *lane) {
  struct mv_letter *letter = lane->first;
  if (letter->dropped) {
    record(outbox, letter, 0, json_null(), "dropped by a fault", 0);
    advance(outbox, lane);
    return true;
  }
  bool early = letter->not_before > mv_clock_monotonic(NULL);
  return early && mv_timers_add(&outbox->delayed, &lane->timer, letter->not_before) == 0;
}

static void start_delayed(struct mv_outbox *outbox) {
  struct mv_timer *timer;
  while ((timer = mv_timers_take(&outbox->delayed, mv_clock_monotonic(NULL))) != NULL) {
    make_ready((struct lane *)((char *)timer - offsetof(struct lane, timer)));
  }
}

static void start_road(struct mv_outbox *outbox, struct road *road) {
  while (road->ready && road->active < MOST_OF_PROJECT && outbox->active < MOST_ACTIVE) {
    struct lane *lane = take_ready(road);
    if (!spoiled(outbox, lane)) {
      start(outbox, lane);
    }
  }
}

static void start_ready(struct mv_outbox *outbox) {
  for (struct road *road = outbox->roads; road; road = road->next) {
    start_road(outbox, road);
  }
}

static void sort_in(struct mv_outbox *outbox, struct mv_letter *letter) {
  struct lane *lane = outbox->waiting < MOST_WAITING ? lane_of(outbox, letter) : NULL;
  letter->node.next = NULL;
  if (!lane) {
    record(outbox, letter, 0, json_null(), "dropped: too many webhooks are waiting", 0);
    let_go(outbox, letter);
    return;
  }
  outbox->waiting++;
  if (lane->first) {
    lane->last->node.next = &letter->node;
    lane->last = letter;
  } else {
    lane->first = lane->last = letter;
    make_ready(lane);
  }
}

static void take_in(struct mv_outbox *outbox) {
  struct mv_node *node = mv_queue_take(&outbox->inbox, 0);
  while (node) {
    struct mv_node *next = node->next;
    sort_in(outbox, (struct mv_letter *)node);
    node = next;
  }
}

static bool finished(struct mv_outbox *outbox) {
  if (!atomic_load(&outbox->closing)) {
    return false;
  }
  bool late = mv_clock_monotonic(NULL) >= atomic_load(&outbox->deadline);
  return late || (outbox->waiting == 0 && mv_queue_length(&outbox->inbox) == 0);
}

static int time_to_wait(struct mv_outbox *outbox) {
  int longest = atomic_load(&outbox->closing) ? 20 : 1000;
  int delayed = mv_timers_wait(&outbox->delayed, mv_clock_monotonic(NULL));
  return delayed >= 0 && delayed < longest ? delayed : longest;
}

static void *run(void *argument) {
  struct mv_outbox *outbox = argument;
  while (!finished(outbox)) {
    take_in(outbox);
    start_delayed(outbox);
    start_ready(outbox);
    mv_transport_poll(outbox->transport, time_to_wait(outbox));
  }
  return NULL;
}

/* ---- life ---- */

struct mv_outbox *mv_outbox_start(struct mv_record *rec, struct mv_later *later,
                                  const struct mv_clock *clock, struct mv_log *log,
                                  struct mv_error *err) {
  struct mv_outbox *outbox = calloc(1, sizeof *outbox);
  if (!outbox || mv_queue_init(&outbox->inbox)) {
    free(outbox);
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  outbox->record = rec;
  outbox->later = later;
  outbox->clock = clock;
  outbox->log = log;
  outbox->transport = mv_transport_new(err);
  if (!outbox->transport || pthread_create(&outbox->thread, NULL, run, outbox)) {
    if (outbox->transport) {
      mv_error_set(err, MV_ERROR_SYSTEM, "cannot start a thread for webhooks");
    }
    mv_transport_free(outbox->transport);
    mv_queue_destroy(&outbox->inbox);
    free(outbox);
    return NULL;
  }
  return outbox;
}

int mv_outbox_post(struct mv_outbox *outbox, struct mv_letter *letter) {
  atomic_fetch_add(&outbox->count, 1);
  if (!mv_queue_push(&outbox->inbox, &letter->node)) {
    atomic_fetch_sub(&outbox->count, 1);
    return -1;
  }
  mv_transport_wakeup(outbox->transport);
  return 0;
}

long mv_outbox_count(struct mv_outbox *outbox) {
  return atomic_load(&outbox->count);
}

static void free_lane(struct mv_outbox *outbox, struct lane *lane) {
  if (lane->active) {
    mv_transport_cancel(outbox->transport, &lane->exchange);
    mv_exchange_free(&lane->exchange);
  }
  while (lane->first) {
    drop_first(lane);
  }
  free(lane);
}

void mv_outbox_stop(struct mv_outbox *outbox, int timeout_ms) {
  if (!outbox) {
    return;
  }
  mv_queue_close(&outbox->inbox);
  atomic_store(&outbox->deadline, mv_clock_monotonic(NULL) + timeout_ms);
  atomic_store(&outbox->closing, true);
  mv_transport_wakeup(outbox->transport);
  pthread_join(outbox->thread, NULL);
  take_in(outbox);
  for (size_t i = 0; i < LANES; i++) {
    while (outbox->lanes[i]) {
      struct lane *next = outbox->lanes[i]->next;
      free_lane(outbox, outbox->lanes[i]);
      outbox->lanes[i] = next;
    }
  }
  while (outbox->roads) {
    struct road *next = outbox->roads->next;
    free(outbox->roads);
    outbox->roads = next;
  }
  mv_timers_free(&outbox->delayed);
  mv_transport_free(outbox->transport);
  mv_queue_destroy(&outbox->inbox);
  free(outbox);
}
