/* get_variables: what the platform knows of a client and what is stored for it, written as it is
 * read. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/cell.h"
#include "sandbox/clients.h"
#include "sandbox/orders.h"
#include "sandbox/params.h"
#include "sandbox/variables.h"

/* Members that every answer has; the last only with an order. */
enum built_in { CLIENT, NAME, AVATAR, TYPE, PLATFORM, TAG, GROUP, CREATED, PHONE, ORDER, BUILT_IN };

static const struct {
  const char *name;
  const char *member; /* as it stands in the answer */
} built_in[BUILT_IN] = {
#define MEMBER(name)                                                                               \
  { name, ",\"" name "\":" }
    [CLIENT] = MEMBER("client_id"),     [NAME] = MEMBER("name"),
    [AVATAR] = MEMBER("avatar"),        [TYPE] = MEMBER("client_type"),
    [PLATFORM] = MEMBER("platform_id"), [TAG] = MEMBER("tag"),
    [GROUP] = MEMBER("group"),          [CREATED] = MEMBER("created_at"),
    [PHONE] = MEMBER("phone"),          [ORDER] = MEMBER("order_id"),
#undef MEMBER
};

/* Columns of the client's row; the first are those of its built-in members. */
enum column { HAS_VARIABLES = CREATED, CURRENT_ORDER = PHONE };

struct getter {
  struct mv_work *work;
  struct mv_stmt *row;
  int64_t client, order;   /* order 0: none */
  struct mv_bytes stored;  /* members of other names */
  struct mv_bytes instead; /* values of variables that are named as a built-in member */
  struct {
    size_t from, to;
  } given[BUILT_IN]; /* where in `instead`; to 0: none */
};

static int find_built_in(const struct getter *getter, const char *name, size_t length) {
  int count = getter->order ? BUILT_IN : ORDER;
  for (int i = 0; i < count; i++) {
    if (strlen(built_in[i].name) == length && memcmp(built_in[i].name, name, length) == 0) {
      return i;
    }
  }
  return -1;
}

static void keep_variable(struct getter *getter, struct mv_stmt *row) {
  size_t length;
  const char *name = mv_sql_blob(row, 0, &length); /* not _text: that would copy it */
  int known = find_built_in(getter, name, length);
  if (known < 0) {
    mv_bytes_putc(&getter->stored, ',');
    mv_json_put_string(&getter->stored, name, length);
    mv_bytes_putc(&getter->stored, ':');
    mv_cell_write(&getter->stored, row, 1, 2);
    return;
  }
  getter->given[known].from = getter->instead.length;
  mv_cell_write(&getter->instead, row, 1, 2);
  getter->given[known].to = getter->instead.length;
}

static void keep_variables(struct getter *getter, const char *sql) {
  struct mv_stmt *row =
      mv_db_query(getter->work->db, sql, getter->order ? "ii" : "i", getter->client, getter->order);
  while (mv_db_step(getter->work->db, row)) {
    keep_variable(getter, row);
  }
}

/* Of the same names the order's variable wins over the client's, and that over the built-in. */
static void read_stored(struct getter *getter) {
  if (mv_sql_int(getter->row, HAS_VARIABLES)) {
    keep_variables(getter, getter->order
                               ? "SELECT n.name, coalesce(o.kind, v.kind), "
                                 "CASE WHEN o.kind IS NULL THEN v.value ELSE o.value END "
                                 "FROM variables v CROSS JOIN names n ON n.id = v.name "
                                 "LEFT JOIN order_variables o ON o.\"order\" = ?2 "
                                 "AND o.name = v.name WHERE v.client = ?1"
                               : "SELECT n.name, v.kind, v.value FROM variables v "
                                 "CROSS JOIN names n ON n.id = v.name WHERE v.client = ?1");
  }
  if (getter->order) {
    keep_variables(getter, "SELECT n.name, o.kind, o.value FROM order_variables o "
                           "CROSS JOIN names n ON n.id = o.name WHERE o.\"order\" = ?2 "
                           "AND NOT EXISTS (SELECT 1 FROM variables v WHERE v.client = ?1 "
                           "AND v.name = o.name)");
  }
}

static void put_order_id(const struct getter *getter, struct mv_bytes *out) {
  mv_bytes_putc(out, '"');
  mv_bytes_put_int(out, getter->client);
  mv_bytes_putc(out, '-');
  mv_bytes_put_int(out, getter->order);
  mv_bytes_putc(out, '"');
}

static void put_built_in(const struct getter *getter, enum built_in member, struct mv_bytes *out) {
  if (getter->given[member].to) {
    size_t from = getter->given[member].from;
    mv_bytes_append(out, getter->instead.data + from, getter->given[member].to - from);
    return;
  }
  switch (member) {
  case CLIENT:
    mv_bytes_put_int(out, getter->client);
    break;
  case PHONE:
    if (mv_sql_int(getter->row, TYPE - NAME) == MV_WHATSAPP) {
      mv_db_put(out, getter->row, PLATFORM - NAME);
    } else {
      mv_bytes_puts(out, "null");
    }
    break;
  case ORDER:
    put_order_id(getter, out);
    break;
  default:
    mv_db_put(out, getter->row, (int)(member - NAME));
  }
}

static void write_all(const struct getter *getter, struct mv_bytes *out) {
  int count = getter->order ? BUILT_IN : ORDER;
  mv_bytes_reserve(out, 500 + getter->stored.length + getter->instead.length);
  mv_bytes_putc(out, '{');
  for (int i = 0; i < count; i++) {
    mv_bytes_puts(out, built_in[i].member + (i == 0));
    put_built_in(getter, (enum built_in)i, out);
  }
  if (getter->stored.failed || getter->instead.failed) {
    out->failed = true;
  }
  mv_bytes_append(out, getter->stored.data, getter->stored.length);
  mv_bytes_putc(out, '}');
}

void mv_variables_get(struct mv_ask *ask) {
  struct getter getter = {.work = ask->work};
  if (mv_param_id(ask, "client_id", &getter.client) < 0) {
    return;
  }
  getter.row = mv_db_query(
      ask->db,
      "SELECT name, avatar, client_type, platform_id, tag, group_id, "
      "created_at / 1000, EXISTS (SELECT 1 FROM variables WHERE client = ?1), " MV_ORDERS_CURRENT
      " FROM clients WHERE id = ?1 AND project = ?2",
      "ii", getter.client, ask->work->project);
  if (!mv_db_step(ask->db, getter.row)) {
    mv_answer_word(ask, 404, "client_not_found");
    return;
  }
  getter.order = mv_sql_int(getter.row, CURRENT_ORDER);
  read_stored(&getter);
  write_all(&getter, mv_answer_begin(ask, 200, false));
  mv_answer_end(ask);
  mv_db_reset(getter.row);
  mv_bytes_free(&getter.stored);
  mv_bytes_free(&getter.instead);
}
