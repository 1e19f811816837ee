/* What the sandbox holds: seeds, settings. */
#include "sandbox/assumptions.h"
#include "sandbox/control_parts.h"
#include "sandbox/orders.h"
#include "sandbox/seed.h"
#include "sandbox/settings.h"

void mv_control_post_reset(struct mv_control *c) {
  struct mv_error err;
  if (mv_seed_reset(&c->work, &err)) {
    mv_control_fail(c, 500, "%.400s", err.text);
    return;
  }
  mv_faults_remove(c->sandbox->faults, 0, 0);
  mv_limits_clear(c->sandbox->limits);
  mv_control_answer(c, json_pack("{s:s}", "status", "success"));
}

/* No body at all is a file that curl did not find, and not the wish to lose everything. */
void mv_control_post_seed(struct mv_control *c) {
  struct mv_error err;
  if (!c->call->body_length) {
    mv_control_fail(c, 400, "A seed is expected as the body; {} is an empty one");
    return;
  }
  if (mv_seed_load(&c->work, c->body, &err)) {
    mv_control_fail(c, err.kind == MV_ERROR_USAGE ? 400 : 500, "%.400s", err.text);
    return;
  }
  mv_control_answer(c, json_pack("{s:s}", "status", "success"));
}

void mv_control_get_settings(struct mv_control *c) {
  mv_control_answer(c, json_pack("{s:o, s:o}", "settings", mv_settings_all(&c->work), "takes",
                                 mv_settings_describe()));
}

void mv_control_post_settings(struct mv_control *c) {
  struct mv_error err;
  if (mv_settings_set(&c->work, c->body, &err)) {
    mv_control_fail(c, err.kind == MV_ERROR_USAGE ? 400 : 500, "%.400s", err.text);
    return;
  }
  mv_control_answer(c, json_pack("{s:o}", "settings", mv_settings_all(&c->work)));
}

void mv_control_get_funnels(struct mv_control *c) {
  mv_control_answer(c, json_pack("{s:o}", "funnels", mv_orders_funnels(&c->work)));
}

void mv_control_get_assumptions(struct mv_control *c) {
  mv_control_answer(c, json_pack("{s:o}", "assumptions", mv_assumptions_describe()));
}
