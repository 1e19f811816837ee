/* What the files of the journal share. Nobody else includes this. */
#ifndef MV_HOST_JOURNAL_INTERNAL_H
#define MV_HOST_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "host/dispatch.h"
#include "host/journal.h"

enum op_kind { OP_ACCEPT, OP_FINISH, OP_MOMENT, OP_CALL, OP_PAUSE, OP_KINDS };

/* What an operation weighs: how little it can wait. */
enum op_weight {
  WEIGHT_QUIET = 0, /* the end of a run that nobody waits for and nothing follows from */
  WEIGHT_ACCEPT,    /* its sender waits */
  WEIGHT_OTHER = MV_QUEUE_HEAVY,
};

/* A list of operations, in order. */
struct op_list {
  struct mv_node *first, **last;
  size_t count;
};

struct mv_journal {
  struct mv_journal_options options;
  struct mv_store *store;
  struct mv_dispatch *dispatch;
  struct mv_queue queue;
  pthread_t thread;
  bool started, queue_ready;
  int64_t last_accepted; /* ms; found at the start */
  atomic_bool stopping; /* set after the queue was closed */
  /* the journal's thread only: */
  struct op_list pending; /* taken from the queue, not yet in a transaction; finishes that failed first */
  int failures;           /* transactions that failed in a row: wait before trying by oneself */
  int64_t prune_at;       /* monotonic ms */
  int64_t wall;           /* the clock at the last transaction; 0: none yet */
  uint64_t random;        /* state of the generator for jitter */
  struct mv_error error;           /* of the operation that is applied */
  struct mv_journal_metrics delta; /* of the transaction under way; counted when it is on disk */
  /* shared: */
  pthread_mutex_t lock;
  struct mv_journal_metrics metrics;
};

/* Applies one operation inside the transaction. Fills op->failed and op->error. */
void mv_journal_apply(struct mv_journal *journal, struct mv_op *op, int64_t now);

/* Gives the operation a copy of the error for `done`, and takes it away. */
void mv_journal_explain(struct mv_op *op, const struct mv_error *err);
void mv_journal_forget(const struct mv_error *error);

/* The transaction is on disk: what the operation holds changes hands. */
void mv_journal_settle(struct mv_op *op);

/* The transaction failed: takes back what mv_journal_apply told dispatch. */
void mv_journal_undo(struct mv_journal *journal, struct mv_op *op);

void mv_journal_list_init(struct op_list *list);
void mv_journal_list_add(struct op_list *list, struct mv_node *node);
/* Puts `front` before what is in `list`, and empties it. */
void mv_journal_list_prepend(struct op_list *list, struct op_list *front);
/* The first up to `limit` operations of `list`. */
struct op_list mv_journal_list_cut(struct op_list *list, size_t limit);

/* Whether the wall clock was set back since the last transaction. */
bool mv_journal_turned_back(const struct mv_journal *journal);

/* Makes one transaction of `batch` and of what is due; calls `done`. Finishes of a failed one go
 * back to journal->pending. 0 or -1. */
int mv_journal_commit(struct mv_journal *journal, struct op_list *batch);

/* An operation that comes too late. */
void mv_journal_refuse(struct mv_op *op);

/* Pausing goes through the queue like all else, but needs no disk. */
struct mv_pause_op {
  struct mv_op op;
  bool paused;
  bool applied;
};

#endif
