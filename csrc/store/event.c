#include "store/event.h"

#include <stdlib.h>
#include <string.h>

static const char *const states[MV_EVENT_STATES] = {
    "available", "running", "retryable", "done", "dead", "skipped", "cancelled",
};

static const char *const sources[MV_EVENT_SOURCES] = {"webhook", "hook", "schedule", "job",
                                                       "report"};

const char *mv_event_state_name(enum mv_event_state state) {
  return (unsigned)state < MV_EVENT_STATES ? states[state] : "unknown";
}

const char *mv_event_source_name(enum mv_event_source source) {
  return (unsigned)source < MV_EVENT_SOURCES ? sources[source] : "unknown";
}

int mv_event_state_of(const char *name) {
  for (int i = 0; i < MV_EVENT_STATES; i++)
    if (strcmp(states[i], name) == 0)
      return i;
  return -1;
}

struct mv_event *mv_event_new(void) {
  return calloc(1, sizeof(struct mv_event));
}

struct mv_event *mv_event_roomy(size_t behind) {
  struct mv_event *event = malloc(sizeof *event + behind);
  if (event)
    *event = (struct mv_event){.behind = behind};
  return event;
}

static void drop(const struct mv_event *event, char *text) {
  if ((uintptr_t)text - (uintptr_t)(event + 1) >= event->behind)
    free(text);
}

void mv_event_free(struct mv_event *event) {
  if (!event)
    return;
  drop(event, event->name);
  drop(event, event->key);
  drop(event, event->dedupe);
  drop(event, event->body);
  free(event->meta);
  free(event->handler);
  free(event->reason);
  free(event->stop);
  free(event);
}
