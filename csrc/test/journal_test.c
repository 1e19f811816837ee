/* The journal with its dispatch: acknowledged is on disk, one of a key at a time. */
#include <unistd.h>

#include "host/policy.h"
#include "test/journal_support.h"

struct sender {
  struct rig *rig;
  int count, keys;
  unsigned seed;
};

static void *send_many(void *self) {
  struct sender *sender = self;
  for (int i = 0; i < sender->count; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", rand_r(&sender->seed) % sender->keys);
    send_event(sender->rig, event_of(key, NULL, 200));
  }
  return NULL;
}

static void test_order_per_key(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){
                          .store = {.path = path_of("order.db")}, .workers = 3, .concurrency = 4}))
    return;
  pthread_t threads[4];
  struct sender senders[4];
  for (unsigned i = 0; i < 4; i++) {
    senders[i] = (struct sender){&rig, 1000, 20, i + 1};
    pthread_create(&threads[i], NULL, send_many, &senders[i]);
  }
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  CHECK(await(&rig.acknowledged, 4000) && await(&rig.finished, 4000));
  CHECK(rig.out_of_order == 0 && rig.overlaps == 0 && rig.runs == 4000);
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.accepted == 4000 && metrics.done == 4000 && metrics.states[MV_EVENT_DONE] == 4000);
  CHECK(metrics.operations == 8000 && metrics.commits < 8000);
  rig_stop(&rig);
}

static void test_duplicates(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = ":memory:"}}))
    return;
  for (int i = 0; i < 100; i++) {
    char id[16];
    snprintf(id, sizeof id, "%d", i % 10);
    send_event(&rig, event_of(NULL, id, 10));
  }
  CHECK(await(&rig.acknowledged, 100) && await(&rig.finished, 10));
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.accepted == 10 && metrics.duplicates == 90);
  rig_stop(&rig);
}

static void test_room(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){
                          .store = {.path = ":memory:"}, .workers = 2, .concurrency = 3}))
    return;
  atomic_store(&rig.hold, 1);
  for (int i = 0; i < 50; i++)
    send_event(&rig, event_of(NULL, NULL, 10));
  CHECK(await(&rig.acknowledged, 50));
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.running == 6 && depth(&rig, MV_EVENT_AVAILABLE) == 44);
  CHECK(mv_queue_length(&rig.queues[0]) + mv_queue_length(&rig.queues[1]) <= 6);
  atomic_store(&rig.hold, 0);
  CHECK(await(&rig.finished, 50));
  rig_stop(&rig);
}

static void test_pause(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = ":memory:"}, .paused = true}))
    return;
  for (int i = 0; i < 10; i++)
    send_event(&rig, event_of("k1", NULL, 10));
  CHECK(await(&rig.acknowledged, 10) && rig.runs == 0);
  mv_journal_pause(rig.journal, false);
  CHECK(await(&rig.finished, 10));
  mv_journal_pause(rig.journal, true);
  send_event(&rig, event_of("k1", NULL, 10));
  CHECK(await(&rig.acknowledged, 11) && rig.runs == 10);
  mv_journal_pause(rig.journal, false);
  CHECK(await(&rig.finished, 11));
  rig_stop(&rig);
}

static enum mv_vm_verdict always_fails(struct rig *rig, struct mv_event *event,
                                       struct mv_finish_op *op) {
  (void)rig, (void)event;
  op->reason = "boom";
  return MV_VM_FAILED;
}

/* Not before all are handed in: the journal then finds company for the first. */
static bool busy_later(void *owner) {
  struct rig *rig = owner;
  while (!atomic_load(&rig->handed_in))
    nap();
  return true;
}

static void test_company(void) {
  struct rig rig = {0};
  struct mv_journal_metrics metrics;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = path_of("company")},
                                                  .busy = busy_later}))
    return;
  for (int i = 0; i < 16; i++)
    send_event(&rig, event_of("k1", NULL, 10));
  atomic_store(&rig.handed_in, true);
  CHECK(await(&rig.acknowledged, 16));
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.largest_batch == 16);
  send_event(&rig, event_of("k1", NULL, 10)); /* none comes along */
  CHECK(await(&rig.acknowledged, 17));
  CHECK(await(&rig.finished, 17));
  CHECK(atomic_load(&rig.out_of_order) == 0 && atomic_load(&rig.overlaps) == 0);
  rig_stop(&rig);
}

static void test_retry_to_dead(void) {
  static struct rig rig;
  rig.verdict = always_fails;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = ":memory:"}}))
    return;
  send_event(&rig, event_of("k1", NULL, 10));
  for (int attempt = 1; attempt <= 8; attempt++) {
    CHECK(await(&rig.finished, attempt));
    CHECK(rig.last_state == (attempt < 8 ? MV_EVENT_RETRYABLE : MV_EVENT_DEAD));
    int64_t wait = INT64_C(1000) << (attempt - 1);
    advance(&rig, wait * 3 / 4 - 1);
    CHECK(rig.runs == attempt);
    advance(&rig, wait / 2 + 2);
  }
  struct mv_store *reader = mv_journal_reader(rig.journal, &err);
  struct mv_event *event = mv_store_get(reader, 1, &err);
  CHECK(event && event->attempt == 8 && strcmp(event->reason, "attempts exhausted: boom") == 0);
  CHECK(event && strcmp(event->handler, "test") == 0);
  mv_event_free(event);
  mv_store_close(reader);
  rig_stop(&rig);
}

static enum mv_vm_verdict writes_badly(struct rig *rig, struct mv_event *event,
                                       struct mv_finish_op *op) {
  (void)rig;
  op->effects = event->attempt == 1
                    ? json_pack("[{s:s,s:s,s:i},{s:s}]", "op", "kv_set", "key", "a", "value", 1,
                                "op", "nonsense")
                    : json_pack("[{s:s,s:s,s:i},{s:s,s:s,s:s}]", "op", "kv_add", "key", "n", "by",
                                1, "op", "job", "name", "next", "key", "k2");
  return event->source == MV_SOURCE_JOB ? MV_VM_CANCELLED : MV_VM_DONE;
}

static void test_effects(void) {
  static struct rig rig;
  rig.verdict = writes_badly;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = path_of("effects.db")}}))
    return;
  struct mv_store *reader = mv_journal_reader(rig.journal, &err);
  send_event(&rig, event_of("k1", NULL, 10));
  CHECK(await(&rig.finished, 1) && rig.last_state == MV_EVENT_RETRYABLE);
  char *value = NULL;
  CHECK(mv_store_kv_get(reader, "a", 0, &value, &err) == 0);
  struct mv_event *event = mv_store_get(reader, 1, &err);
  CHECK(event && event->reason && strstr(event->reason, "nonsense"));
  mv_event_free(event);
  advance(&rig, 2000);
  /* the second attempt is good; the job that it left runs at once (and fails by its effects) */
  CHECK(await(&rig.finished, 3));
  CHECK(mv_store_kv_get(reader, "n", 0, &value, &err) == 1 && strcmp(value, "1") == 0);
  free(value);
  mv_store_close(reader);
  rig_stop(&rig);
}

static long resident_kib(void) {
  char line[128] = "", *end = line;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file && fgets(line, sizeof line, file))
    strtol(line, &end, 10); /* the size */
  if (file)
    fclose(file);
  return strtol(end, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void test_backlog(void) {
  static struct rig rig;
  enum { COUNT = 100000 };
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = path_of("backlog.db")},
                                                  .workers = 2,
                                                  .concurrency = 64,
                                                  .paused = true}))
    return;
  for (int i = 0; i < COUNT; i++) {
    send_event(&rig, event_of(NULL, NULL, 300));
    /* memory of the sender must not be what is measured */
    if (i % 2000 == 1999)
      CHECK(await(&rig.acknowledged, i + 1));
  }
  long before = resident_kib(), most = 0;
  double begun = seconds(), half = 0;
  mv_journal_pause(rig.journal, false);
  while (atomic_load(&rig.finished) < COUNT && seconds() < begun + 2 * PATIENCE) {
    if (half == 0 && atomic_load(&rig.finished) >= COUNT / 2)
      half = seconds() - begun;
    most = resident_kib() > most ? resident_kib() : most;
    nap();
  }
  double all = seconds() - begun;
  printf("backlog: %.0f a second, %ld KiB more memory\n", COUNT / all, most - before);
  CHECK(atomic_load(&rig.finished) == COUNT && rig.last_id == COUNT);
  CHECK(all - half < 4 * half + 1); /* a full backlog is as fast as an empty one */
  CHECK(rig.most_running <= 128);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(most - before < 20000);
#endif
  rig_stop(&rig);
}

static void test_stop_costs_nothing(void) {
  static struct rig rig;
  const char *path = path_of("stop.db");
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = path}, .concurrency = 2}))
    return;
  atomic_store(&rig.hold, 1);
  for (int i = 0; i < 4; i++)
    send_event(&rig, event_of(NULL, NULL, 10));
  CHECK(await(&rig.acknowledged, 4) && await(&rig.runs, 1));
  mv_journal_stop(rig.journal);
  send_event(&rig, event_of(NULL, NULL, 10));
  CHECK(atomic_load(&rig.failed) == 1);
  rig_stop(&rig); /* its workers finish too late */
  struct mv_store_options look = {.path = path, .read_only = true};
  struct mv_store *store = mv_store_open(&look, &err);
  struct mv_store_stats stats;
  CHECK(store != NULL);
  if (!store)
    return;
  CHECK(mv_store_stats(store, &stats, &err) == 0 && stats.states[MV_EVENT_AVAILABLE] == 4);
  struct mv_event *event = mv_store_get(store, 1, &err);
  CHECK(event && event->attempt == 0 && event->crashes == 0);
  mv_event_free(event);
  mv_store_close(store);
}

/* --- Moments, calls --- */

struct moment {
  struct mv_moment_op op;
  atomic_int over;
};

static void moment_done(struct mv_op *op) {
  atomic_store(&((struct moment *)op)->over, 1);
}

static int replay_first(struct mv_store *store, void *context, int64_t now, int64_t *wake_at,
                        struct mv_error *error) {
  return mv_store_replay(store, *(int64_t *)context, now, wake_at, error);
}

static void test_moment_and_replay(void) {
  static struct rig rig;
  if (rig_start(&rig, (struct mv_journal_options){.store = {.path = ":memory:"}}))
    return;
  for (int i = 0; i < 2; i++) {
    struct moment moment = {.op = {.schedule = "s", .moment = 5, .overlap = MV_OVERLAP_SKIP}};
    moment.op.op.done = moment_done;
    moment.op.event = event_of(NULL, NULL, 2);
    moment.op.event->source = MV_SOURCE_SCHEDULE;
    mv_journal_moment(rig.journal, &moment.op);
    CHECK(await(&moment.over, 1) && !moment.op.op.failed && !moment.op.event);
    CHECK(moment.op.result.exists == (i == 1));
  }
  CHECK(await(&rig.finished, 1));
  int64_t id = 1;
  CHECK(mv_journal_call_wait(rig.journal, replay_first, &id, &err) == 0);
  CHECK(await(&rig.finished, 2) && rig.runs == 2);
  id = 99;
  CHECK(mv_journal_call_wait(rig.journal, replay_first, &id, &err) == -1);
  CHECK(err.kind == MV_ERROR_NOT_FOUND);
  rig_stop(&rig);
}

/* --- The policy --- */

static void test_policy(void) {
  struct mv_policy policy;
  CHECK(mv_policy_read(&policy, NULL, &err) == 0 && policy.attempts == 8 && policy.max_age == 0);
  CHECK(mv_policy_backoff(&policy, 1, 0) == 750 && mv_policy_backoff(&policy, 1, 0.999999) < 1250);
  CHECK(mv_policy_backoff(&policy, 3, 0.5) == 4000);
  CHECK(mv_policy_backoff(&policy, 60, 0.5) == 3600000);
  json_t *json = json_pack("{s:i,s:s,s:s}", "attempts", 2, "max_age", "10m", "on_fail", "park");
  CHECK(mv_policy_read(&policy, json, &err) == 0);
  CHECK(policy.attempts == 2 && policy.max_age == 600000 && policy.on_fail == MV_ON_FAIL_PARK);
  json_decref(json);
  struct mv_event event = {.accepted_at = 1000, .attempt = 1};
  struct mv_outcome outcome;
  struct mv_bytes text = {0};
  mv_policy_decide(&policy, &event, MV_VM_FAILED, 0, "x", 2000, 0.5, &outcome, &text);
  CHECK(outcome.state == MV_EVENT_RETRYABLE && outcome.due_at == 3000 &&
        outcome.on_fail == MV_ON_FAIL_PARK);
  mv_policy_decide(&policy, &event, MV_VM_RETRY, 601, "x", 2000, 0.5, &outcome, &text);
  CHECK(outcome.state == MV_EVENT_DEAD && strcmp(outcome.reason, "older than max_age: x") == 0);
  event.planned_at = 500000;
  CHECK(!mv_policy_expired(&policy, &event, 1100000) &&
        mv_policy_expired(&policy, &event, 1100001));
  mv_bytes_clear(&text);
  event.attempt = 2;
  mv_policy_decide(&policy, &event, MV_VM_FAILED, 0, NULL, 2000, 0.5, &outcome, &text);
  CHECK(outcome.state == MV_EVENT_DEAD &&
        strcmp(outcome.reason, "attempts exhausted: no reason given") == 0);
  json = json_pack("{s:s}", "on_fail", "skip");
  CHECK(mv_policy_read(&policy, json, &err) == 0);
  json_decref(json);
  mv_policy_decide(&policy, &event, MV_VM_FAILED, 0, "y", 2000, 0.5, &outcome, &text);
  CHECK(outcome.state == MV_EVENT_SKIPPED && strcmp(outcome.reason, "y") == 0);
  json = json_pack("{s:s,s:i}", "on_fail", "fly", "attempts", 3);
  CHECK(mv_policy_read(&policy, json, &err) == -1 && strstr(err.text, "on_fail"));
  CHECK(policy.attempts == 3);
  json_decref(json);
  static const char *const bad[] = {"{\"attempts\":5000}", "{\"attempts\":0}", "{\"attempts\":1.5}",
                                    "{\"attempts\":\"3\"}", "{\"max_age\":0}", "{\"max_age\":1e300}",
                                    "{\"max_age\":\"soon\"}", "{\"timeout\":0}",
                                    "{\"timeout\":\"2w\"}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    json = json_loads(bad[i], 0, NULL);
    CHECK(mv_policy_check(NULL, json, &err) == -1 && strstr(err.text, "option '"));
    json_decref(json);
  }
  mv_bytes_free(&text);
}

int main(void) {
  if (!make_directory("journal"))
    return 1;
  test_policy();
  test_order_per_key();
  test_duplicates();
  test_room();
  test_pause();
  test_company();
  test_retry_to_dead();
  test_effects();
  test_moment_and_replay();
  test_stop_costs_nothing();
  test_backlog();
  remove_directory();
  return check_end("journal");
}
