/* What happened, read at once or waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/control_parts.h"

#define LONGEST_WAIT 600.0 /* seconds */

/* A call that waits for an entry, or for the end of the webhooks. */
struct waiting {
  struct mv_later_job job; /* must be first */
  struct mv_sandbox *sandbox;
  struct mv_call *call;
  struct mv_record_filter filter;
  int64_t limit;
};

/* Takes the call over and waits; without memory or at the end it runs at once. */
static void wait_with(struct mv_control *c, const struct waiting *wanted) {
  struct waiting *waiting = malloc(sizeof *waiting);
  if (!waiting) {
    mv_control_fail(c, 500, "out of memory");
    return;
  }
  *waiting = *wanted;
  waiting->sandbox = c->sandbox;
  waiting->call = c->call;
  mv_call_defer(c->call);
  c->call = NULL;
  if (mv_later_post(c->sandbox->later, &waiting->job)) {
    waiting->job.run(&waiting->job);
  }
}

static int read_wait(struct mv_control *c, int64_t *ms) {
  return mv_control_seconds(c, c->query, "wait", 0, LONGEST_WAIT, ms) < 0 ? -1 : 0;
}

/* ---- the journal ---- */

static void send_entries(struct mv_sandbox *sandbox, struct mv_call *call,
                         const struct mv_record_filter *filter, int64_t limit) {
  size_t length = 0;
  char *text = mv_record_read(sandbox->record, filter, limit, &length);
  mv_call_reply(call, text ? 200 : 500, NULL, text ? text : "", text ? length : 0, NULL);
  free(text);
}

static bool has_entry(struct mv_later_job *job) {
  struct waiting *waiting = (struct waiting *)job;
  return mv_record_has(waiting->sandbox->record, &waiting->filter);
}

static void entries_came(struct mv_later_job *job) {
  struct waiting *waiting = (struct waiting *)job;
  send_entries(waiting->sandbox, waiting->call, &waiting->filter, waiting->limit);
  free(waiting);
}

static void copy(char *out, size_t size, const json_t *text) {
  const char *from = json_string_value(text);
  snprintf(out, size, "%s", from ? from : "");
}

/* 0, or -1 (answered). */
static int read_filter(struct mv_control *c, struct mv_record_filter *filter) {
  filter->project = c->project;
  copy(filter->kind, sizeof filter->kind, json_object_get(c->query, "kind"));
  copy(filter->action, sizeof filter->action, json_object_get(c->query, "action"));
  return mv_control_whole(c, c->query, "since", 0, &filter->since) ||
                 mv_control_whole(c, c->query, "client_id", 1, &filter->client)
             ? -1
             : 0;
}

/* What never comes is not waited for. */
static int check_kind(struct mv_control *c) {
  const char *kind = json_string_value(json_object_get(c->query, "kind"));
  if (kind && strcmp(kind, "api") != 0 && strcmp(kind, "webhook") != 0) {
    mv_control_fail(c, 400, "kind: takes api or webhook");
    return -1;
  }
  return 0;
}

void mv_control_get_journal(struct mv_control *c) {
  struct waiting waiting = {.job = {.ready = has_entry, .run = entries_came}, .limit = 1000};
  if (check_kind(c) || read_filter(c, &waiting.filter) ||
      mv_control_whole(c, c->query, "limit", 1, &waiting.limit) || read_wait(c, &waiting.job.delay)) {
    return;
  }
  if (waiting.job.delay && !mv_record_has(c->sandbox->record, &waiting.filter)) {
    wait_with(c, &waiting);
    return;
  }
  send_entries(c->sandbox, c->call, &waiting.filter, waiting.limit);
  c->call = NULL;
}

/* ---- idle ---- */

static bool is_idle(struct mv_later_job *job) {
  return mv_outbox_count(((struct waiting *)job)->sandbox->outbox) == 0;
}

static json_t *told_idle(struct mv_sandbox *sandbox) {
  long count = mv_outbox_count(sandbox->outbox);
  return json_pack("{s:b, s:I}", "idle", count == 0, "webhooks", (json_int_t)count);
}

static void idle_came(struct mv_later_job *job) {
  struct waiting *waiting = (struct waiting *)job;
  mv_control_send(waiting->call, 200, told_idle(waiting->sandbox));
  free(waiting);
}

void mv_control_get_idle(struct mv_control *c) {
  struct waiting waiting = {.job = {.ready = is_idle, .run = idle_came}};
  if (read_wait(c, &waiting.job.delay)) {
    return;
  }
  if (waiting.job.delay && mv_outbox_count(c->sandbox->outbox)) {
    wait_with(c, &waiting);
    return;
  }
  mv_control_answer(c, told_idle(c->sandbox));
}
