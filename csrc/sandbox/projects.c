#include "sandbox/projects.h"

void mv_projects_add(struct mv_db *db, int64_t id, const char *name) {
  mv_db_run(db, "INSERT INTO projects (id, name) VALUES (?, ?)", "it", id, name);
  mv_db_run(db,
            "INSERT OR REPLACE INTO meta (name, value) "
            "SELECT 'project', id FROM projects WHERE (SELECT count(*) FROM projects) = 1",
            "");
}

int64_t mv_projects_first(struct mv_db *db) {
  return mv_db_integer(db, 0,
                       "SELECT coalesce((SELECT id FROM projects WHERE id = (SELECT "
                       "CAST(value AS INTEGER) FROM meta WHERE name = 'project')), "
                       "(SELECT min(id) FROM projects))",
                       "");
}
