/* Cron expressions and durations as scripts write them; the first two bytes choose where to begin. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The moments ascend, and each is one that its expression names. */
static void walk(const struct mv_cron *cron, int64_t from) {
  for (int i = 0; i < 5; i++) {
    int64_t next = mv_cron_next_local(cron, from);
    assert(next >= from && next < INT64_MAX); /* what can never fire is refused */
    assert(mv_cron_next_local(cron, next) == next);
    from = next + 1;
  }
}

static void schedule(const char *kind, const char *text, const char *zone, int64_t from) {
  struct mv_schedule schedule;
  struct mv_error err = {0};
  if (mv_schedule_init(&schedule, kind, text, zone, &err)) {
    assert(err.kind != MV_ERROR_NONE && err.text[0]);
    return;
  }
  for (int i = 0; i < 5; i++) {
    int64_t next = mv_schedule_next(&schedule, from, NULL);
    assert(next > from);
    from = next;
  }
  mv_schedule_free(&schedule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct mv_cron cron;
  struct mv_error err = {0};
  if (size < 2)
    return 0;
  int64_t from = ((int64_t)data[0] << 8 | data[1]) * 86399;
  char *text = malloc(size - 1);
  memcpy(text, data + 2, size - 2);
  text[size - 2] = 0;
  if (mv_cron_parse(text, &cron, &err) == 0)
    walk(&cron, from);
  else
    assert(err.kind != MV_ERROR_NONE && err.text[0]);
  schedule("cron", text, "Europe/Oslo", from);
  schedule("every", text, "UTC", from);
  free(text);
  return 0;
}
