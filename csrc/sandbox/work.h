/* A unit of work: one transaction of one project, and the webhooks that it causes. They are handed
 * to the outbox when it was committed and before the next work begins, so their order is the order
 * of the messages. */
#ifndef MV_SANDBOX_WORK_H
#define MV_SANDBOX_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/queue.h"
#include "sandbox/db.h"

struct mv_facts;
struct mv_sandbox;

enum mv_work_kind {
  MV_WORK_ALL,  /* may change anything */
  MV_WORK_DATA, /* leaves keys, settings and projects as they are */
  MV_WORK_READ, /* changes nothing: no transaction is needed, as there is but one connection */
  MV_WORK_LATE, /* as DATA, but says itself how it changes something: mv_work_transact, _lone */
};

/* Ids of messages that sqlite_sequence says are used, and are not yet: of a thousand messages one
 * changes it, not each (messages.h). */
struct mv_message_ids {
  int64_t next, end; /* the same: none */
};

struct mv_work {
  struct mv_sandbox *sandbox;
  struct mv_db *db;
  enum mv_work_kind kind;
  struct mv_facts *facts;        /* NULL for MV_WORK_ALL: it asks the database itself */
  int64_t changes;               /* mv_sql_all_changes when it began */
  bool transacted;               /* has a transaction, which is its own */
  bool lone;                     /* see mv_work_lone; touches a client whose messages are ready */
  int64_t project;               /* 0 until it is known */
  int64_t now;                   /* ms: the sandbox's time when it began */
  int nested;                    /* blocks that run because of blocks */
  const char *cause;             /* the action that is played, or NULL; lives for ever */
  bool timed;                    /* something was put off (timeline.h) */
  struct mv_message_ids ids;     /* the sandbox's when it began: true again if it is undone */
  struct mv_touched {            /* clients for the sandbox's touches (touches.h) */
    int64_t first, *others;
    size_t count;
  } touched;
  struct mv_node *first, **last; /* struct mv_letter (outbox.h), in order */
};

/* Waits for its turn and begins; the first as MV_WORK_ALL. */
void mv_work_begin(struct mv_work *work, struct mv_sandbox *sandbox);
void mv_work_begin_as(struct mv_work *work, struct mv_sandbox *sandbox, enum mv_work_kind kind);

/* The turn by itself, for what is no work or comes before one; mv_work_end gives it away, too. */
void mv_work_take_turn(struct mv_sandbox *sandbox);
void mv_work_give_turn(struct mv_sandbox *sandbox);
void mv_work_begin_in_turn(struct mv_work *work, struct mv_sandbox *sandbox, enum mv_work_kind kind);

/* For MV_WORK_LATE, before it changes anything: begins its transaction. Any other has one. */
void mv_work_transact(struct mv_work *work);

/* Instead: it will change what it changes with one statement, after which it cannot fail. In memory,
 * where nothing has to reach a disk, such works share a transaction. */
void mv_work_lone(struct mv_work *work);

/* Ends the transaction that they share; for what is no work, in its turn. */
void mv_work_end_shared(struct mv_sandbox *sandbox);

/* Notes that something of the client changed. */
void mv_work_touch(struct mv_work *work, int64_t client);

/* Commits (or rolls back), lets the webhooks go (or drops them) and gives the turn away. 0, or -1
 * and `err` when the database refused; then nothing was changed. */
int mv_work_end(struct mv_work *work, bool commit, struct mv_error *err);

#endif
