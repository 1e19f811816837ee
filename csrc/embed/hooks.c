#include "embed/hooks.h"

/* The levels are the same by number. */
_Static_assert((int)MV_LOG_DEBUG == (int)MAVILUA_DEBUG && (int)MV_LOG_ERROR == (int)MAVILUA_ERROR,
               "levels differ");

const struct mv_memory *mv_hooks_memory(const struct mv_hooks *hooks) {
  const struct mv_memory *memory = &hooks->memory;
  return memory->allocate && memory->resize && memory->release ? memory : NULL;
}

const struct mv_clock *mv_hooks_clock(const struct mv_hooks *hooks) {
  return hooks->clock.wall && hooks->clock.monotonic ? &hooks->clock : NULL;
}

static void hand_on(void *owner, enum mv_log_level level, const char *line) {
  const struct mv_hooks *hooks = owner;
  hooks->log(hooks->log_user, (enum mavilua_level)level, line);
}

struct mv_log *mv_hooks_log(struct mv_hooks *hooks, const char *level, bool json) {
  struct mv_log_options options = {.fd = 2, .level = MV_LOG_INFO, .json = json ? 1 : -1,
                                   .sink = hooks->log ? hand_on : NULL, .owner = hooks};
  int known = level ? mv_log_level_of(level) : -1;
  if (known >= 0)
    options.level = (enum mv_log_level)known;
  return mv_log_new(&options);
}
