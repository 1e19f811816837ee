/* The clock and what is put off. */
#include <stdlib.h>
#include <string.h>

#include "sandbox/control_parts.h"
#include "sandbox/timeline.h"

#define LATEST 253402300799.0 /* seconds: the end of the year 9999 */

static json_t *described(const struct mv_sandbox *sandbox, int64_t now) {
  bool is_virtual = atomic_load(&sandbox->vclock.is_virtual);
  return json_pack("{s:s, s:o}", "mode", is_virtual ? "virtual" : "real", "now",
                   now % 1000 ? json_real((double)now / 1000.0) : json_integer(now / 1000));
}

void mv_control_get_clock(struct mv_control *c) {
  mv_control_answer(c, described(c->sandbox, mv_clock_wall(c->sandbox->clock)));
}

struct setting {
  struct mv_tick tick; /* must be first */
  struct mv_sandbox *sandbox;
  struct mv_call *call;
};

static void clock_set(struct mv_tick *tick, int64_t now) {
  struct setting *setting = (struct setting *)tick;
  if (tick->error.kind != MV_ERROR_NONE) {
    mv_control_send(setting->call, tick->error.kind == MV_ERROR_BUSY ? 503 : 500,
                    json_pack("{s:s, s:s}", "status", "fail", "message", tick->error.text));
  } else {
    json_t *answer = described(setting->sandbox, now);
    json_object_set_new(answer, "fired", json_integer(tick->fired));
    mv_control_send(setting->call, 200, answer);
  }
  free(setting);
}

/* 0, or -1 (answered). */
static int read_tick(struct mv_control *c, struct mv_tick *tick) {
  const char *mode = json_string_value(json_object_get(c->body, "mode"));
  bool is_virtual = mode && strcmp(mode, "virtual") == 0;
  tick->real = mode && strcmp(mode, "real") == 0;
  if (json_object_get(c->body, "mode") && !is_virtual && !tick->real) {
    mv_control_fail(c, 400, "mode: takes virtual or real");
    return -1;
  }
  int now = mv_control_seconds(c, c->body, "now", 0, LATEST, &tick->now);
  int advance = now < 0 ? -1 : mv_control_seconds(c, c->body, "advance", 0, LATEST, &tick->advance);
  if (now < 0 || advance < 0) {
    return -1;
  }
  tick->has_now = now > 0;
  if (tick->real ? now || advance : !is_virtual && !now && !advance) {
    mv_control_fail(c, 400, "takes {mode: virtual, now}, {advance: seconds} or {mode: real}");
    return -1;
  }
  int64_t from = tick->has_now ? tick->now : mv_clock_wall(c->sandbox->clock);
  if (!tick->real && from + tick->advance > (int64_t)LATEST * 1000) {
    mv_control_fail(c, 400, "advance: goes beyond the year 9999");
    return -1;
  }
  if (!mode && !atomic_load(&c->sandbox->vclock.is_virtual)) {
    mv_control_fail(c, 409,
                    "The clock is the machine's: {mode: virtual} makes one that can be set");
    return -1;
  }
  return 0;
}

void mv_control_post_clock(struct mv_control *c) {
  struct setting *setting = calloc(1, sizeof *setting);
  if (!setting) {
    mv_control_fail(c, 500, "out of memory");
    return;
  }
  if (read_tick(c, &setting->tick)) {
    free(setting);
    return;
  }
  setting->sandbox = c->sandbox;
  setting->call = c->call;
  setting->tick.done = clock_set;
  mv_call_defer(c->call);
  c->call = NULL;
  if (mv_ticker_post(c->sandbox->ticker, &setting->tick)) {
    mv_error_set(&setting->tick.error, MV_ERROR_BUSY, "the sandbox is ending");
    clock_set(&setting->tick, 0);
  }
}

void mv_control_get_timeline(struct mv_control *c) {
  mv_control_answer(c, json_pack("{s:o}", "timeline", mv_timeline_list(&c->work)));
}
