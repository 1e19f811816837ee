/* The way to a host's events: its admin listener, or the database file when no host runs. */
#ifndef MV_CLI_DOOR_H
#define MV_CLI_DOOR_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/cli.h"

struct mv_door;

struct mv_door_options {
  const char *db, *admin, *token; /* admin NULL: the lock of `db` tells; all NULL: as serve has them */
  const char *config;
  bool verbose;
  const struct mv_command *command; /* set by mv_door_open */
};

/* The options of commands that take this way; `door` is a member of their struct. */
#define MV_DOOR_FLAGS(options)                                                                     \
  {"db", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_DB",                               \
   .offset = offsetof(options, door.db),                                                           \
   .doc = "the host's database, which tells where one that runs is asked; else as serve finds it"}, \
      {"config", .type = MV_FLAG_FILE, .value = "FILE", .env = "MAVILUA_CONFIG",                   \
       .offset = offsetof(options, door.config),                                                   \
       .doc = "the host's settings in Lua; else mavilua.conf.lua here, if it is there"},           \
      {"admin", .type = MV_FLAG_URL, .value = "URL", .offset = offsetof(options, door.admin),      \
       .doc = "ask this admin listener, whatever the database's lock says"},                       \
      {"admin-token", .type = MV_FLAG_TEXT, .value = "TOKEN", .env = "MAVILUA_ADMIN_TOKEN",        \
       .traits = MV_FLAG_SECRET, .offset = offsetof(options, door.token),                          \
       .doc = "for an admin listener that asks for one"},                                          \
      {"verbose", .letter = 'v', .type = MV_FLAG_SWITCH,                                           \
       .offset = offsetof(options, door.verbose), .doc = "tell which way was taken"}

/* `write`: something is to be changed. NULL and `err`. */
struct mv_door *mv_door_open(const struct mv_command *command, const struct mv_door_options *options,
                             bool write, struct mv_error *err);
void mv_door_close(struct mv_door *door);

/* Asks with GET, or with POST when there is a `body` (taken over). `path` has its query. The answer
 * (new reference), or NULL and `err`. */
json_t *mv_door_ask(struct mv_door *door, const char *path, json_t *body, struct mv_error *err);

/* As mv_cli_fail_with; what the other side calls wrong use is wrong use of the command. */
int mv_door_fail(const struct mv_command *command, const struct mv_error *err);

#endif
