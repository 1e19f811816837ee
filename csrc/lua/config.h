/* A configuration file: Lua that assigns settings to globals, run in a state of its own in which it
 * can do nothing else. */
#ifndef MV_LUA_CONFIG_H
#define MV_LUA_CONFIG_H

#include <jansson.h>

#include "base/error.h"

/* Runs the file and tells what it assigned, each name once: [{"name":…, "value":…, "line":n}], a new
 * reference; or NULL and `err` with file and line. It has string, table, math, utf8, os.getenv,
 * os.time, os.date and the harmless basic functions; it ends after a few million steps or at 16 MiB. */
json_t *mv_config_read(const char *path, struct mv_error *err);

#endif
