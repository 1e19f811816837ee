#include "sandbox/keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "api/action.h"

bool mv_keys_are_well_formed(const char *key) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  size_t length = strlen(key);
  return length && length <= 100 && strspn(key, letters) == length && strcmp(key, ".") != 0 &&
         strcmp(key, "..") != 0;
}

static int64_t bit_of(const char *name) {
  for (int p = MV_READ_CLIENTS; name && p <= MV_WRITE_CRM; p++) {
    if (strcmp(name, mv_permission_name((enum mv_permission)p)) == 0) {
      return 1 << p;
    }
  }
  return 0;
}

int mv_keys_permissions(const json_t *names, int64_t *permissions) {
  *permissions = 0;
  for (size_t i = 0; i < json_array_size(names); i++) {
    int64_t bit = bit_of(json_string_value(json_array_get(names, i)));
    if (!bit) {
      return -1;
    }
    *permissions |= bit;
  }
  return json_is_array(names) ? 0 : -1;
}

bool mv_keys_exists(struct mv_work *work, const char *key) {
  return mv_db_integer(work->db, 0, "SELECT 1 FROM keys WHERE key = ?", "t", key) != 0;
}

void mv_keys_add(struct mv_work *work, const char *key, int64_t permissions) {
  mv_db_run(work->db, "INSERT INTO keys (key, project, permissions) VALUES (?, ?, ?)", "tii", key,
            work->project, permissions);
}

int mv_keys_make(char key[33]) {
  unsigned char random[16];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
    return -1;
  }
  for (size_t i = 0; i < sizeof random; i++) {
    snprintf(key + 2 * i, 3, "%02x", random[i]);
  }
  return 0;
}

bool mv_keys_remove(struct mv_work *work, const char *key) {
  bool had = mv_db_integer(work->db, 0, "SELECT 1 FROM keys WHERE key = ? AND project = ?", "ti",
                           key, work->project) != 0;
  mv_db_run(work->db, "DELETE FROM keys WHERE key = ? AND project = ?", "ti", key, work->project);
  return had;
}

static json_t *names_of(int64_t permissions) {
  json_t *names = json_array();
  for (int p = MV_READ_CLIENTS; p <= MV_WRITE_CRM; p++) {
    if (permissions >> p & 1) {
      json_array_append_new(names, json_string(mv_permission_name((enum mv_permission)p)));
    }
  }
  return names;
}

json_t *mv_keys_list(struct mv_work *work, int64_t project) {
  json_t *list = json_array();
  struct mv_stmt *row = mv_db_query(
      work->db, "SELECT key, permissions FROM keys WHERE project = ? ORDER BY key", "i", project);
  while (mv_db_step(work->db, row)) {
    json_array_append_new(list, json_pack("{s:o, s:o}", "key", mv_db_text(row, 0), "permissions",
                                          names_of(mv_sql_int(row, 1))));
  }
  return list;
}
