/* What a sandbox is made of; for the files of this folder only. */
#ifndef MV_SANDBOX_INSIDE_H
#define MV_SANDBOX_INSIDE_H

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/server.h"
#include "sandbox/db.h"
#include "sandbox/facts.h"
#include "sandbox/faults.h"
#include "sandbox/later.h"
#include "sandbox/limit.h"
#include "sandbox/outbox.h"
#include "sandbox/record.h"
#include "sandbox/sandbox.h"
#include "sandbox/ticker.h"
#include "sandbox/touches.h"
#include "sandbox/vclock.h"
#include "sandbox/witness.h"
#include "sandbox/work.h"

struct mv_sandbox {
  pthread_mutex_t lock; /* guards db; taken by mv_work_begin */
  struct mv_db db;
  struct mv_facts *facts; /* keys and settings; guarded by lock */
  struct mv_message_ids ids; /* guarded by lock */
  int shared; /* works in the open transaction that they share, 0: there is none; see work.h */
  struct mv_touches *touches; /* NULL: the database is a file, which is written to at once */
  struct mv_vclock vclock;
  const struct mv_clock *clock; /* its face */
  void (*clock_changed)(void *owner); /* or NULL */
  void *owner;
  struct mv_log *log;
  struct mv_record *record;   /* what happened: the journal of the control API */
  struct mv_witness *witness; /* checks answers; NULL: nobody does */
  struct mv_outbox *outbox;   /* webhooks on their way */
  struct mv_faults *faults;   /* that are asked for */
  struct mv_limits *limits;   /* of calls a second; guarded by lock */
  struct mv_later *later;     /* answers and calls that wait */
  struct mv_ticker *ticker;   /* carries out the timeline */
  struct mv_server *server;
};

#endif
