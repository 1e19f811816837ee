/* A program's own allocator, log and clock, as the parts below take them. */
#ifndef MV_EMBED_HOOKS_H
#define MV_EMBED_HOOKS_H

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "mavilua.h"

/* Zeroed: none. It stays where it is while something uses it. */
struct mv_hooks {
  struct mv_memory memory;
  struct mv_clock clock;
  mavilua_log_fn log;
  void *log_user;
};

/* What to hand on: NULL when the program has none. */
const struct mv_memory *mv_hooks_memory(const struct mv_hooks *hooks);
const struct mv_clock *mv_hooks_clock(const struct mv_hooks *hooks);

/* A log to the program's function, or to standard error; `level` as the setting has it. NULL when
 * memory is out. */
struct mv_log *mv_hooks_log(struct mv_hooks *hooks, const char *level, bool json);

#endif
