/* Faults that are asked for. */
#include "sandbox/control_parts.h"
#include "sandbox/faults.h"

void mv_control_get_faults(struct mv_control *c) {
  mv_control_answer(c,
                    json_pack("{s:o}", "faults", mv_faults_list(c->sandbox->faults, c->project)));
}

void mv_control_post_faults(struct mv_control *c) {
  struct mv_error err;
  if (mv_faults_add(c->sandbox->faults, c->project, c->body, &err)) {
    mv_control_fail(c, err.kind == MV_ERROR_USAGE ? 400 : 500, "%.400s", err.text);
    return;
  }
  mv_control_get_faults(c);
}

void mv_control_delete_faults(struct mv_control *c) {
  int64_t id = 0;
  if (mv_control_whole(c, c->query, "id", 1, &id)) {
    return;
  }
  int count = mv_faults_remove(c->sandbox->faults, c->project, id);
  if (id && !count) {
    mv_control_fail(c, 404, "id: there is no such fault");
    return;
  }
  mv_control_answer(c, json_pack("{s:s, s:i}", "status", "success", "removed", count));
}
