#include "sandbox/managers.h"

#include "sandbox/clients.h"
#include "sandbox/params.h"

int64_t mv_managers_find(struct mv_work *work, const char *email) {
  return mv_db_integer(work->db, 0,
                       "SELECT id FROM managers WHERE project = ? AND email = ? COLLATE NOCASE "
                       "ORDER BY id LIMIT 1",
                       "it", work->project, email);
}

/* Who has the fewest clients; 0 when nobody works here. */
static int64_t least_busy(struct mv_work *work) {
  return mv_db_integer(work->db, 0,
                       "SELECT m.id FROM managers m WHERE m.project = ? ORDER BY "
                       "(SELECT count(*) FROM clients c WHERE c.manager = m.id), m.id LIMIT 1",
                       "i", work->project);
}

void mv_managers_assign(struct mv_ask *ask) {
  int64_t client;
  if (mv_clients_asked(ask, 404, &client)) {
    return;
  }
  const char *email = mv_param_text(ask, "email");
  bool named = email && *email;
  int64_t manager = named ? mv_managers_find(ask->work, email) : least_busy(ask->work);
  if (!manager) {
    mv_answer_fail(ask, 404, "Employee%s%.100s not found", named ? " " : "", named ? email : "");
    return;
  }
  mv_db_run(ask->db, "UPDATE clients SET manager = ? WHERE id = ?", "ii", manager, client);
  mv_answer_success(ask);
}
