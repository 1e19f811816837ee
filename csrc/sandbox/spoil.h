/* Answers on their way out, spoiled or not. */
#ifndef MV_SANDBOX_SPOIL_H
#define MV_SANDBOX_SPOIL_H

#include <stddef.h>

#include "net/server.h"
#include "sandbox/faults.h"

struct mv_later;

struct mv_outgoing {
  unsigned status;
  const char *type; /* Content-Type; lives for ever; NULL: JSON */
  char *body;       /* malloc'ed; taken over */
  size_t length;
  char headers[64]; /* "" or as for mv_call_reply */
};

/* Answers as the faults will have it, now or later; the body is taken over. On the server's
 * thread. */
void mv_spoil_reply(struct mv_later *later, struct mv_call *call,
                    const struct mv_spoiling *spoiling, const struct mv_outgoing *outgoing);

#endif
