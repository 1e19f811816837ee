/* The journal when the machine fails: nothing that was acknowledged is lost. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/journal_support.h"

static void test_disk_full(void) {
  static struct rig rig;
  struct mv_journal_options options = {.store = {.path = path_of("full.db"), .max_pages = 80},
                                       .concurrency = 4,
                                       .limits = {.max_bytes = 1}};
  if (rig_start(&rig, options))
    return;
  atomic_store(&rig.hold, 1);
  int sent = 0;
  while (atomic_load(&rig.failed) == 0 && sent < 500) {
    send_event(&rig, event_of(NULL, NULL, 3000));
    sent++;
    while (atomic_load(&rig.failed) + atomic_load(&rig.acknowledged) < sent)
      nap();
  }
  int stored = atomic_load(&rig.acknowledged);
  CHECK(atomic_load(&rig.failed) == 1 && stored > 10);
  /* what was acknowledged runs to its end even so */
  atomic_store(&rig.hold, 0);
  CHECK(await(&rig.finished, stored));
  struct mv_journal_metrics metrics;
  mv_journal_metrics(rig.journal, &metrics);
  CHECK(metrics.refused == 1 && metrics.failed_commits >= 1 && (int)metrics.done == stored);
  rig_stop(&rig);
  /* there is room again: all goes on */
  static struct rig later;
  options.store.max_pages = 10000;
  if (rig_start(&later, options))
    return;
  for (int i = 0; i < 100; i++)
    send_event(&later, event_of(NULL, NULL, 3000));
  CHECK(await(&later.finished, 100) && atomic_load(&later.failed) == 0);
  rig_stop(&later);
}

struct crash {
  struct mv_accept_op op;
  int number, pipe;
};

static void crash_accepted(struct mv_op *op) {
  struct crash *crash = (struct crash *)op;
  if (!op->failed && write(crash->pipe, &crash->number, sizeof crash->number) < 0)
    _exit(1);
}

static void drop(void *owner, unsigned worker, struct mv_event *events) {
  (void)owner, (void)worker;
  for (struct mv_event *next; events; events = next) {
    next = (struct mv_event *)events->node.next;
    mv_event_free(events);
  }
}

/* Accepts numbered events until it is killed and writes the number of each acknowledged one. */
__attribute__((noreturn)) static void crash_child(const char *path, int pipe) {
  struct mv_journal_options options = {
      .store = {.path = path}, .concurrency = 8, .owner = NULL, .deliver = drop};
  struct mv_journal *journal = mv_journal_start(&options, &err);
  if (!journal)
    _exit(1);
  for (int i = 0; i < 1000000; i++) {
    struct crash *crash = calloc(1, sizeof *crash);
    char body[16];
    snprintf(body, sizeof body, "%d", i);
    crash->number = i;
    crash->pipe = pipe;
    crash->op.op.done = crash_accepted;
    crash->op.event = event_of(NULL, body, 10);
    mv_journal_accept(journal, &crash->op);
    if (i % 50 == 0)
      nap();
  }
  _exit(1); /* nothing was acknowledged */
}

static void test_crash(void) {
  const char *path = path_of("crash.db");
  int ends[2], number, count = 0;
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    crash_child(path, ends[1]);
  }
  close(ends[1]);
  char *seen = calloc(1, 1000000);
  while (read(ends[0], &number, sizeof number) == sizeof number && number < 1000000) {
    seen[number] = 1;
    if (++count == 2000)
      kill(child, SIGKILL);
  }
  close(ends[0]);
  waitpid(child, NULL, 0);
  CHECK(count >= 2000);
  struct mv_store_options look = {.path = path};
  struct mv_store *store = mv_store_open(&look, &err);
  CHECK(store != NULL);
  if (!store) {
    free(seen);
    return;
  }
  struct mv_store_recovered recovered = {0};
  CHECK(mv_store_begin(store, &err) == 0 && mv_store_recover(store, 1, &recovered, &err) == 0);
  CHECK(recovered.again == 8 && recovered.dead == 0);
  int missing = 0;
  for (int i = 0; i < 1000000; i++) {
    if (!seen[i])
      continue;
    char body[16];
    snprintf(body, sizeof body, "%d", i);
    struct mv_event *event = event_of(NULL, body, 1);
    struct mv_store_accepted accepted;
    CHECK(mv_store_accept(store, event, 1, false, &accepted, &err) == 0);
    missing += !accepted.duplicate;
    mv_event_free(event);
  }
  CHECK(missing == 0);
  mv_store_rollback(store);
  mv_store_close(store);
  free(seen);
}

static void test_two_processes(void) {
  const char *path = path_of("two.db");
  struct mv_journal_options options = {.store = {.path = path}, .deliver = drop};
  struct mv_journal *journal = mv_journal_start(&options, &err);
  CHECK(journal != NULL);
  CHECK(!mv_journal_start(&options, &err) && err.kind == MV_ERROR_BUSY && strstr(err.text, path));
  mv_journal_free(journal);
  journal = mv_journal_start(&options, &err);
  CHECK(journal != NULL);
  mv_journal_free(journal);
}

int main(void) {
  if (!make_directory("journal"))
    return 1;
  test_crash(); /* first: forks while there is one thread */
  test_two_processes();
  test_disk_full();
  remove_directory();
  return check_end("journal_crash");
}
