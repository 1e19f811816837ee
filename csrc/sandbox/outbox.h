/* Webhooks out: one attempt each, in order per client, side by side across clients, on an own
 * thread. */
#ifndef MV_SANDBOX_OUTBOX_H
#define MV_SANDBOX_OUTBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/queue.h"
#include "sandbox/later.h"
#include "sandbox/record.h"

struct mv_outbox;

/* One webhook to be sent. */
struct mv_letter {
  struct mv_node node; /* must be first */
  int64_t project, client, message;
  char *url;
  char *body;      /* its text */
  size_t length;
  double timeout;     /* seconds */
  int64_t sent_at;    /* Unix ms; 0 until then */
  bool dropped;       /* a fault: it is not sent */
  int64_t not_before; /* ms, monotonic: a fault delays it; 0: no */
};

/* The reference `content` is taken over, also when it fails: NULL when memory is out. */
struct mv_letter *mv_letter_new(const char *url, json_t *content);
struct mv_letter *mv_letter_copy(const struct mv_letter *letter); /* NULL when memory is out */
void mv_letter_free(struct mv_letter *letter);

/* Starts the thread. Every attempt is told to `record`; `later` is poked when nothing is under way
 * any more. */
struct mv_outbox *mv_outbox_start(struct mv_record *record, struct mv_later *later,
                                  const struct mv_clock *clock, struct mv_log *log,
                                  struct mv_error *err);

/* Takes the letter over and returns at once; -1 (not taken) when it is closed. From any thread. */
int mv_outbox_post(struct mv_outbox *outbox, struct mv_letter *letter);

/* Letters that wait or are under way. Any thread. */
long mv_outbox_count(struct mv_outbox *outbox);

/* Waits up to `timeout_ms` for what is under way, drops the rest, ends the thread and frees. */
void mv_outbox_stop(struct mv_outbox *outbox, int timeout_ms);

#endif
