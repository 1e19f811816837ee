/* A new database file, on disk and ready to be opened. Used by sql.c. */
#ifndef MV_STORE_SQL_CREATE_H
#define MV_STORE_SQL_CREATE_H

#include <stdint.h>

#include "base/error.h"

/* Makes an empty database in WAL mode at `path`, mode 0600, marked as ours, unless something is
 * there. It appears whole or not at all, and costs two syncs instead of the nine that SQLite needs
 * step by step. 0, or -1 and `err`. */
int mv_sql_create(const char *path, int32_t application_id, struct mv_error *err);

#endif
