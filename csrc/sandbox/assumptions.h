/* What the sandbox does where nobody documents what the platform does: one table. */
#ifndef MV_SANDBOX_ASSUMPTIONS_H
#define MV_SANDBOX_ASSUMPTIONS_H

#include <jansson.h>
#include <stddef.h>

struct mv_assumption {
  const char *id;      /* stable, for links */
  const char *action;  /* or "*" for all, "webhook", "bot" */
  const char *text;    /* what the sandbox does */
  const char *setting; /* that changes it, or NULL */
};

size_t mv_assumptions_count(void);
const struct mv_assumption *mv_assumptions_at(size_t index);

/* [{id, action, text, setting}]. New reference. */
json_t *mv_assumptions_describe(void);

#endif
