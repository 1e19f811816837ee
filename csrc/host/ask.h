/* What a running handler asks of the store and waits for: it is answered from within a transaction,
 * once that is on disk. */
#ifndef MV_HOST_ASK_H
#define MV_HOST_ASK_H

#include <jansson.h>

#include "host/journal.h"

struct mv_ask {
  struct mv_call_op op; /* first: its node is the asker's again when it is answered */
  int64_t event, token; /* the claim that asks */
  uint64_t ticket;      /* the VM's */
  json_t *question;     /* {"op":"once_begin","key":…,"again":bool}, {"op":"dedupe","value":…} */
  json_t *answer;       /* once_begin: {"state":"begun"|"known"|"busy"|"ambiguous"|"lost","event":…,
                           "at":seconds}; dedupe: {} or the event that has the value, whether its end
                           can be waited for, and what its sender was answered:
                           {"original":…,"open":bool,"reply":{…}?} */
  struct mv_error error; /* of one that failed */
  void (*answered)(struct mv_ask *ask); /* on the journal's thread; the ask is the asker's */
  void *owner;
};

/* NULL when memory is out. Takes a reference of the question. */
struct mv_ask *mv_ask_new(json_t *question);
void mv_ask_free(struct mv_ask *ask);

/* Hands it to the journal; `answered` follows in every case, with op.op.failed if it could not be
 * done. */
void mv_ask_send(struct mv_ask *ask, struct mv_journal *journal);

#endif
