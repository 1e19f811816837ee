#include "sandbox/pages.h"

/* Ids in a run, and runs of level 1 in one of level 2 (schema.sql). */
enum { RUN = 1024 };

/* Finds the run of a level, within `first` to `last`, in which the client behind the first *offset
 * is; *offset becomes what is left within it. */
static bool find_run(struct mv_work *work, int level, int64_t first, int64_t last, bool reverse,
                     int64_t *offset, int64_t *run) {
#define RUNS                                                                                       \
  "SELECT run, count FROM client_counts WHERE project = ? AND level = ? AND run BETWEEN ? AND ? "
  struct mv_stmt *row =
      mv_db_query(work->db, reverse ? RUNS "ORDER BY run" : RUNS "ORDER BY run DESC", "iiii",
                  work->project, (int64_t)level, first, last);
#undef RUNS
  while (mv_db_step(work->db, row)) {
    int64_t count = mv_sql_int(row, 1);
    if (*offset < count) {
      *run = mv_sql_int(row, 0);
      mv_db_reset(row);
      return true;
    }
    *offset -= count;
  }
  return false;
}

bool mv_pages_find(struct mv_work *work, int64_t offset, bool reverse, struct mv_page *page) {
  int64_t many, few;
  page->skip = offset;
  if (!find_run(work, 2, INT64_MIN, INT64_MAX, reverse, &page->skip, &many) ||
      !find_run(work, 1, many * RUN, many * RUN + (RUN - 1), reverse, &page->skip, &few)) {
    return false;
  }
  page->first = reverse ? few * RUN : few * RUN + (RUN - 1);
  return true;
}
