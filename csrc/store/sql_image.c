#include "store/sql_image.h"

#include <stdlib.h>
#include <string.h>

static const char magic[16] = "SQLite format 3";

enum { SMALLEST = 512, FORMAT_AT = 18 }; /* bytes; where the header tells of a journal or a WAL */

int mv_sql_image(struct mv_sql *sql, struct mv_bytes *out, struct mv_error *err) {
  sqlite3_int64 length = 0;
  unsigned char *image = sqlite3_serialize(mv_sql_handle(sql), "main", &length, 0);
  size_t start = out->length;
  if (image) {
    mv_bytes_append(out, image, (size_t)length);
    sqlite3_free(image);
  }
  if (!image || out->failed) {
    return mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  }
  /* An image cannot have a WAL beside it, and SQLite refuses one that asks for it. */
  if (out->length - start > SMALLEST) {
    memset(out->data + start + FORMAT_AT, 1, 2);
  }
  return 0;
}

bool mv_sql_is_image(const void *image, size_t length) {
  return length >= SMALLEST && memcmp(image, magic, sizeof magic) == 0;
}

/* ---- looking at an image ---- */

static int refuse(struct mv_error *err, const char *why) {
  return mv_error_set(err, MV_ERROR_USAGE, "the image %s", why);
}

/* In memory of its own. NULL and `err`. */
static struct mv_sql *open_image(const void *image, size_t length, struct mv_error *err) {
  const struct mv_sql_options options = {.path = ":memory:"};
  struct mv_sql *sql = mv_sql_open(&options, err);
  unsigned char *copy = sql ? sqlite3_malloc64(length) : NULL;
  if (!copy) {
    mv_sql_close(sql);
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  memcpy(copy, image, length);
  memset(copy + FORMAT_AT, 1, 2);
  sqlite3_db_config(mv_sql_handle(sql), SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  if (sqlite3_deserialize(mv_sql_handle(sql), "main", copy, (sqlite3_int64)length,
                          (sqlite3_int64)length, SQLITE_DESERIALIZE_FREEONCLOSE) != SQLITE_OK) {
    mv_sql_close(sql);
    refuse(err, "is no database");
    return NULL;
  }
  return sql;
}

/* All tables, indexes and triggers as one text; to be freed. */
static int schema_of(struct mv_sql *sql, char **text, struct mv_error *err) {
  return mv_sql_one_text(sql, text, err,
                         "SELECT group_concat(line, char(10)) FROM (SELECT type || ' ' || name || "
                         "' ' || tbl_name || ' ' || coalesce(sql, '') AS line FROM sqlite_schema "
                         "WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name)",
                         "");
}

static int same_number(struct mv_sql *a, struct mv_sql *b, const char *query,
                       struct mv_error *err) {
  int64_t left = 0, right = 0;
  if (mv_sql_one_int(a, &left, err, query, "") < 0 || mv_sql_one_int(b, &right, err, query, "") < 0) {
    return -1;
  }
  return left == right;
}

static int same_schema(struct mv_sql *a, struct mv_sql *b, struct mv_error *err) {
  char *left = NULL, *right = NULL;
  int same = -1;
  if (schema_of(a, &left, err) >= 0 && schema_of(b, &right, err) >= 0) {
    same = left && right && strcmp(left, right) == 0;
  }
  free(left);
  free(right);
  return same;
}

static int is_whole(struct mv_sql *sql, struct mv_error *err) {
  char *said = NULL;
  int64_t faults = 0;
  int asked = mv_sql_one_text(sql, &said, err, "PRAGMA integrity_check(1)", "");
  bool whole = asked > 0 && strcmp(said, "ok") == 0;
  free(said);
  if (whole && mv_sql_one_int(sql, &faults, err, "SELECT count(*) FROM pragma_foreign_key_check",
                              "") < 0) {
    return -1;
  }
  return asked < 0 ? -1 : whole && !faults;
}

static int check(struct mv_sql *sql, struct mv_sql *image, struct mv_error *err) {
  int same = same_number(sql, image, "PRAGMA application_id", err);
  same = same > 0 ? same_number(sql, image, "PRAGMA user_version", err) : same;
  same = same > 0 ? same_schema(sql, image, err) : same;
  if (same <= 0) {
    return refuse(err, "is not of this version of this program, or no database");
  }
  return is_whole(image, err) > 0 ? 0 : refuse(err, "is damaged");
}

/* ---- taking it over ---- */

static int copy_over(struct mv_sql *to, struct mv_sql *from, struct mv_error *err) {
  sqlite3_backup *backup = sqlite3_backup_init(mv_sql_handle(to), "main", mv_sql_handle(from), "main");
  if (!backup) {
    return mv_sql_error(to, sqlite3_errcode(mv_sql_handle(to)), err);
  }
  int code = sqlite3_backup_step(backup, -1);
  int ended = sqlite3_backup_finish(backup);
  return code == SQLITE_DONE && ended == SQLITE_OK ? 0 : mv_sql_error(to, ended, err);
}

int mv_sql_restore(struct mv_sql *sql, const void *image, size_t length, struct mv_error *err) {
  if (!mv_sql_is_image(image, length)) {
    return refuse(err, "is no SQLite database");
  }
  struct mv_sql *from = open_image(image, length, err);
  if (!from) {
    return -1;
  }
  int result = check(sql, from, err) || copy_over(sql, from, err) ? -1 : 0;
  mv_sql_close(from);
  return result;
}
