#include "sandbox/lists.h"

#include "sandbox/clients.h"
#include "sandbox/params.h"

int mv_lists_asked(struct mv_ask *ask, const char *name, int64_t *list) {
  if (mv_param_id(ask, name, list) < 0) {
    return -1;
  }
  if (!mv_db_integer(ask->db, 0, "SELECT 1 FROM lists WHERE id = ? AND project = ?", "ii", *list,
                     ask->work->project)) {
    mv_answer_fail(ask, 404, "List %lld not found", (long long)*list);
    return -1;
  }
  return 0;
}

json_t *mv_lists_clients(struct mv_work *work, int64_t list) {
  json_t *ids = json_array();
  struct mv_stmt *row = mv_db_query(
      work->db, "SELECT client FROM list_members WHERE list = ? ORDER BY client", "i", list);
  while (mv_db_step(work->db, row)) {
    json_array_append_new(ids, mv_db_number(row, 0));
  }
  return ids;
}

void mv_lists_add_member(struct mv_work *work, int64_t list, int64_t client) {
  mv_db_run(work->db, "INSERT OR IGNORE INTO list_members (list, client) VALUES (?, ?)", "ii", list,
            client);
}

static void remove_member(struct mv_work *work, int64_t list, int64_t client) {
  mv_db_run(work->db, "DELETE FROM list_members WHERE list = ? AND client = ?", "ii", list, client);
}

static void change(struct mv_ask *ask,
                   void (*change_one)(struct mv_work *work, int64_t list, int64_t client)) {
  int64_t list;
  json_t *ids = mv_lists_asked(ask, "list_id", &list) ? NULL : mv_clients_given(ask, "clients");
  if (!ids) {
    return;
  }
  for (size_t i = 0; i < json_array_size(ids); i++) {
    change_one(ask->work, list, json_integer_value(json_array_get(ids, i)));
  }
  json_decref(ids);
  mv_answer_success(ask);
}

void mv_lists_add(struct mv_ask *ask) {
  change(ask, mv_lists_add_member);
}

void mv_lists_remove(struct mv_ask *ask) {
  change(ask, remove_member);
}
