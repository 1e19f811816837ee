/* A whole database as bytes: what its file would be. */
#ifndef MV_STORE_SQL_IMAGE_H
#define MV_STORE_SQL_IMAGE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "store/sql.h"

/* Appends the database to `out`; not within a transaction. Any SQLite opens it as a file. 0 or -1. */
int mv_sql_image(struct mv_sql *sql, struct mv_bytes *out, struct mv_error *err);

/* Whether bytes begin as an image does. */
bool mv_sql_is_image(const void *image, size_t length);

/* Replaces the database by an image, which may come from anywhere: it has to be whole and to have
 * the very tables that the database has (kind MV_ERROR_USAGE). Not within a transaction; on -1
 * nothing was changed. */
int mv_sql_restore(struct mv_sql *sql, const void *image, size_t length, struct mv_error *err);

#endif
