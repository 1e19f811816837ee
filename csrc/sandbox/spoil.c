#include "sandbox/spoil.h"

#include <stdlib.h>

#include "sandbox/later.h"

struct delayed {
  struct mv_later_job job; /* must be first */
  struct mv_call *call;
  struct mv_spoiling spoiling;
  struct mv_outgoing outgoing;
};

static void send_out(struct mv_call *call, const struct mv_spoiling *spoiling,
                     const struct mv_outgoing *out) {
  if (spoiling->drop_before || spoiling->drop_after) {
    mv_call_break(call, out->status, NULL, 0, 0);
  } else if (spoiling->fraction > 0) {
    mv_call_break(call, out->status, out->body, out->length, spoiling->fraction);
  } else {
    mv_call_reply(call, out->status, out->type, out->body ? out->body : "", out->length,
                  *out->headers ? out->headers : NULL);
  }
  free(out->body);
}

static void send_delayed(struct mv_later_job *job) {
  struct delayed *delayed = (struct delayed *)job;
  send_out(delayed->call, &delayed->spoiling, &delayed->outgoing);
  free(delayed);
}

void mv_spoil_reply(struct mv_later *later, struct mv_call *call,
                    const struct mv_spoiling *spoiling, const struct mv_outgoing *outgoing) {
  struct delayed *delayed = spoiling->delay > 0 ? malloc(sizeof *delayed) : NULL;
  if (!delayed) {
    send_out(call, spoiling, outgoing);
    return;
  }
  *delayed = (struct delayed){.job = {.delay = spoiling->delay, .run = send_delayed},
                              .call = call,
                              .spoiling = *spoiling,
                              .outgoing = *outgoing};
  mv_call_defer(call);
  if (mv_later_post(later, &delayed->job)) {
    send_delayed(&delayed->job);
  }
}
