#include "sandbox/names.h"

int64_t mv_names_find(struct mv_work *work, const char *name) {
  return mv_db_integer(work->db, 0, "SELECT id FROM names WHERE project = ? AND name = ?", "it",
                       work->project, name);
}

int64_t mv_names_get(struct mv_work *work, const char *name) {
  int64_t id = mv_names_find(work, name);
  if (id) {
    return id;
  }
  mv_db_run(work->db, "INSERT INTO names (project, name) VALUES (?, ?)", "it", work->project, name);
  return work->db->failed ? 0 : mv_db_last_id(work->db);
}
