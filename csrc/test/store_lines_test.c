/* The lines of keys while their table is cleared late: nobody is lost, nobody passes another. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "store/sql.h"
#include "store/store.h"
#include "test/check.h"

#define T0 INT64_C(1700000000000)
#define DAY (INT64_C(24) * 3600 * 1000)

enum { KEYS = 30, STEPS = 3000, STEPS_A_COMMIT = 10, BACKLOG = 4, MOST = 512 };

static struct mv_error err;

/* A store, and who runs in it. */
struct world {
  char path[128];
  struct mv_store *store;
  unsigned random;
  int64_t now;
  struct {
    int64_t id, token, accepted_at;
    char key[32];
  } running[MOST];
  int count;
  struct {
    int64_t id, at;
  } ended[STEPS_A_COMMIT + 1]; /* well, in this transaction */
  int ends;
};

static int64_t one(struct world *world, const char *query) {
  struct mv_sql_options options = {.path = world->path, .read_only = true};
  struct mv_sql *sql = mv_sql_open(&options, &err);
  int64_t value = -1;
  CHECK(sql && mv_sql_one_int(sql, &value, &err, query, "") >= 0);
  mv_sql_close(sql);
  return value;
}

static void open_world(struct world *world) {
  struct mv_store_options options = {.path = world->path, .backlog = BACKLOG};
  struct mv_store_recovered recovered;
  world->store = mv_store_open(&options, &err);
  CHECK(world->store && mv_store_begin(world->store, &err) == 0);
  CHECK(mv_store_recover(world->store, world->now, &recovered, &err) == 0);
  world->count = 0;
}

static void commit(struct world *world) {
  CHECK(mv_store_commit(world->store, &err) == 0);
  CHECK(mv_store_begin(world->store, &err) == 0);
}

static int roll(struct world *world, int sides) {
  world->random = world->random * 1103515245u + 12345u;
  return (int)((world->random >> 16) % (unsigned)sides);
}

/* --- What may happen --- */

static void started(struct world *world, const struct mv_event *event) {
  world->running[world->count].id = event->id;
  world->running[world->count].token = event->token;
  world->running[world->count].accepted_at = event->accepted_at;
  snprintf(world->running[world->count++].key, sizeof world->running->key, "%s",
           event->key ? event->key : "");
}

static void put(struct world *world) {
  char key[32];
  struct mv_event *event = mv_event_new();
  struct mv_store_accepted accepted;
  snprintf(key, sizeof key, "a long beginning of key %d", roll(world, KEYS));
  event->key = roll(world, 8) ? mv_strdup(key) : NULL;
  event->body = mv_strdup("{}");
  event->body_length = 2;
  event->due_at = roll(world, 4) ? 0 : world->now + roll(world, 200);
  bool room = world->count < (int)(sizeof world->running / sizeof *world->running);
  CHECK(mv_store_accept(world->store, event, world->now, room && roll(world, 3), &accepted, &err) == 0);
  if (accepted.claimed)
    started(world, event);
  mv_event_free(event);
}

static void claim(struct world *world) {
  struct mv_event *event;
  int room = (int)(sizeof world->running / sizeof *world->running) - world->count;
  int limit = roll(world, 5) + 1;
  CHECK(mv_store_claim(world->store, world->now, limit < room ? limit : room, &event, &err) >= 0);
  while (event) {
    struct mv_event *next = (struct mv_event *)event->node.next;
    started(world, event);
    mv_event_free(event);
    event = next;
  }
}

static const char *handler_of(int64_t id) {
  static const char *const names[] = {NULL, "one", "two"};
  return names[id % 3];
}

/* The same event may be brought back, and end again. */
static void note_end(struct world *world, int64_t id) {
  int at = 0;
  while (at < world->ends && world->ended[at].id != id)
    at++;
  if (at == (int)(sizeof world->ended / sizeof *world->ended))
    return;
  world->ended[at].id = id;
  world->ended[at].at = world->now;
  if (at == world->ends)
    world->ends++;
}

static void finish(struct world *world, bool well) {
  if (world->count == 0)
    return;
  int at = roll(world, world->count), how = well ? 9 : roll(world, 10);
  struct mv_outcome outcome = {.state = how < 2   ? MV_EVENT_RETRYABLE
                                        : how < 3 ? MV_EVENT_DEAD
                                                  : MV_EVENT_DONE,
                               .due_at = world->now + roll(world, 100),
                               .on_fail = how ? MV_ON_FAIL_BLOCK : MV_ON_FAIL_PARK,
                               .handler = handler_of(world->running[at].id)};
  struct mv_event claimed = {.id = world->running[at].id,
                             .token = world->running[at].token,
                             .accepted_at = world->running[at].accepted_at,
                             .key = *world->running[at].key ? world->running[at].key : NULL};
  struct mv_store_finished finished;
  if (roll(world, 2))
    outcome.claimed = &claimed;
  CHECK(mv_store_finish(world->store, world->running[at].id, world->running[at].token, &outcome,
                        NULL, world->now, &finished, &err) == 0);
  CHECK(!finished.stale);
  if (roll(world, 4) == 0) {
    CHECK(mv_store_finish(world->store, claimed.id, claimed.token, &outcome, NULL, world->now,
                          &finished, &err) == 0);
    CHECK(finished.stale);
  }
  if (outcome.state == MV_EVENT_DONE)
    note_end(world, claimed.id);
  world->running[at] = world->running[--world->count];
}

/* Cancels who waits and brings back who has ended. */
static void operate(struct world *world) {
  int64_t wake_at, id = 0, last = one(world, "SELECT max(id) FROM events");
  if (last > 0)
    id = roll(world, (int)last) + 1;
  struct mv_event *event = id ? mv_store_get(world->store, id, &err) : NULL;
  if (!event)
    return;
  if (event->state >= MV_EVENT_DONE)
    CHECK(mv_store_replay(world->store, id, world->now, &wake_at, &err) == 0);
  else
    CHECK(mv_store_cancel(world->store, id, NULL, world->now, &wake_at, &err) == 0);
  mv_event_free(event);
}

static void take_back(struct world *world) {
  commit(world);
  struct world before = *world;
  put(world);
  finish(world, true);
  mv_store_rollback(world->store);
  *world = before;
  CHECK(mv_store_begin(world->store, &err) == 0);
}

static void crash(struct world *world) {
  mv_store_close(world->store);
  open_world(world);
}

/* --- What must hold --- */

static void check_lines(struct world *world) {
  CHECK(one(world, "SELECT count(*) FROM events e WHERE key IS NOT NULL AND head < 2 AND (state <> 1"
                   "  OR EXISTS (SELECT 1 FROM lines l WHERE l.key = e.key)) AND NOT EXISTS"
                   " (SELECT 1 FROM lines l WHERE l.key = e.key AND l.id = e.id)") == 0);
  CHECK(one(world, "SELECT count(*) FROM (SELECT 1 FROM events WHERE head < 2"
                   " AND key IS NOT NULL GROUP BY key HAVING sum(head) <> 1)") == 0);
  /* what has gone and is left in the table is alone there, and so holds nobody up */
  CHECK(one(world,
            "SELECT count(*) FROM (SELECT 1 FROM lines l LEFT JOIN events e ON e.id = l.id"
            " GROUP BY l.key HAVING sum(coalesce(e.head, 2) = 2) > 0 AND count(*) > 1)") == 0);
  CHECK(one(world, "SELECT count(*) FROM (SELECT 1 FROM events WHERE state = 1"
                   " AND key IS NOT NULL GROUP BY key HAVING count(*) > 1)") == 0);
}

static void check_ends(struct world *world) {
  CHECK(one(world, "SELECT count(*) FROM events WHERE state = 3"
                   " AND ((head < 2 AND key IS NOT NULL) OR finished_at = 0"
                   " OR reason IS NOT NULL"
                   " OR handler IS NOT CASE id % 3 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END)") == 0);
  for (; world->ends > 0; world->ends--) {
    struct mv_event *event = mv_store_get(world->store, world->ended[world->ends - 1].id, &err);
    CHECK(event && (event->state != MV_EVENT_DONE ||
                    event->finished_at == world->ended[world->ends - 1].at));
    mv_event_free(event);
  }
}

static void check_marks(struct world *world) {
  CHECK(one(world, "SELECT count(*) FROM events WHERE (mark IS 2) <> (state = 4)") == 0);
  CHECK(one(world, "SELECT count(*) FROM events WHERE (mark IS 3) <> (state = 1 AND crashes > 1)") == 0);
  CHECK(one(world, "SELECT count(*) FROM events WHERE stop IS NOT NULL AND state <> 1") == 0);
  CHECK(one(world, "SELECT count(*) FROM events"
                   " WHERE mark = 1 AND NOT (state = 2 AND head = 1 AND key IS NOT NULL)") == 0);
}

static void step(struct world *world) {
  int what = roll(world, 100);
  world->now += roll(world, 3);
  if (what < 40)
    put(world);
  else if (what < 60)
    claim(world);
  else if (what < 94)
    finish(world, false);
  else
    operate(world);
}

static void work_off(struct world *world) {
  world->now += 1000;
  for (int idle = 0; idle < 3; idle++) {
    claim(world);
    if (world->count > 0)
      idle = 0;
    while (world->count > 0)
      finish(world, true);
    commit(world);
  }
  CHECK(one(world, "SELECT count(*) FROM events WHERE state < 3") == 0);
}

static void prune(struct world *world) {
  world->now += 100 * DAY;
  while (mv_store_prune(world->store, world->now, &(struct mv_store_limits){0}, 100, &err) > 0) {
  }
  commit(world);
}

static void remove_files(const struct world *world) {
  static const char *const endings[] = {"", "-wal", "-shm", ".lock"};
  for (int i = 0; i < 4; i++) {
    char name[160];
    snprintf(name, sizeof name, "%s%s", world->path, endings[i]);
    unlink(name);
  }
}

static struct world new_world(const char *name, unsigned seed) {
  struct world world = {.random = seed, .now = T0};
  snprintf(world.path, sizeof world.path, "/tmp/mavilua-lines-%d-%s.db", (int)getpid(), name);
  open_world(&world);
  return world;
}

static void test_any_order(bool crashes, unsigned seed) {
  struct world world = new_world("any", seed);
  int64_t stale = 0;
  for (int i = 0; i < STEPS / STEPS_A_COMMIT; i++) {
    for (int k = 0; k < STEPS_A_COMMIT; k++)
      step(&world);
    if (i % 50 == 49)
      take_back(&world);
    if (crashes && i % 100 == 99)
      crash(&world);
    commit(&world);
    check_lines(&world);
    check_marks(&world);
    check_ends(&world);
    stale += one(&world, "SELECT count(*) FROM lines JOIN events USING (id) WHERE head = 2");
  }
  CHECK(stale > 0); /* or nothing was tried */
  work_off(&world);
  int64_t left = one(&world, "SELECT count(*) FROM lines");
  CHECK(crashes || left == 0);
  prune(&world);
  CHECK(one(&world, "SELECT count(*) FROM lines JOIN events USING (id)") <= 1);
  CHECK(one(&world, "SELECT count(*) FROM lines") <= 1); /* the newest event stays */
  mv_store_close(world.store);
  remove_files(&world);
}

/* A database in which an index of events holds the lines. */
static void test_migration(void) {
  struct world world = new_world("old", 5);
  world.count = MOST; /* no room: each gets its row, as all did then */
  for (int i = 0; i < 60; i++)
    put(&world);
  world.count = 0;
  claim(&world);
  commit(&world);
  mv_store_close(world.store);
  struct mv_sql_options options = {.path = world.path};
  struct mv_sql *sql = mv_sql_open(&options, &err);
  CHECK(sql && mv_sql_script(sql,
                             "DROP TABLE lines; PRAGMA user_version = 7;"
                             "DROP INDEX events_marked;"
                             "ALTER TABLE events DROP COLUMN mark;"
                             "ALTER TABLE payloads DROP COLUMN bare_key;"
                             "ALTER TABLE payloads DROP COLUMN bare_at;"
                             "CREATE INDEX events_dead ON events (id) WHERE state = 4;"
                             "CREATE INDEX events_blocked ON events (id)"
                             " WHERE state = 2 AND head = 1 AND key IS NOT NULL;"
                             "CREATE INDEX events_suspect ON events (state)"
                             " WHERE crashes >= 2 AND state < 3;"
                             "CREATE INDEX events_key ON events (key, id)"
                             " WHERE key IS NOT NULL AND head < 2",
                             &err) == 0);
  mv_sql_close(sql);
  open_world(&world);
  commit(&world);
  check_lines(&world);
  check_marks(&world);
  work_off(&world);
  CHECK(one(&world, "SELECT count(*) FROM lines") == 0);
  mv_store_close(world.store);
  remove_files(&world);
}

int main(void) {
  for (unsigned seed = 77; seed < 80; seed++)
    test_any_order(false, seed);
  test_any_order(true, 77);
  test_migration();
  return check_end("store_lines");
}
