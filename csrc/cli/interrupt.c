/* The programs that a script starts inherit which signals are blocked, and would not hear a Ctrl-C
 * that is. So INT stays unblocked here: its handler, which needs no state, hands it on as USR1,
 * TERM and HUP as USR2, and these are blocked and come through a descriptor. */
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int outer[] = {SIGINT, SIGTERM, SIGHUP};
#define OUTER (sizeof outer / sizeof *outer)

static void hand_on(int number) {
  int before = errno;
  kill(getpid(), number == SIGINT ? SIGUSR1 : SIGUSR2);
  errno = before;
}

static void inner_set(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGUSR1);
  sigaddset(set, SIGUSR2);
}

static void outer_set(sigset_t *set) {
  sigemptyset(set);
  for (size_t i = 0; i < OUTER; i++)
    sigaddset(set, outer[i]);
}

void mv_interrupt_prepare(void) {
  sigset_t set;
  inner_set(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  outer_set(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *listen_for_signals(void *owner) {
  struct mv_interrupt *interrupt = owner;
  struct signalfd_siginfo info;
  uint64_t one = 1;
  for (;;) {
    ssize_t got = read(interrupt->signals, &info, sizeof info);
    if (atomic_load(&interrupt->closed) || (got < 0 && errno != EINTR))
      return NULL;
    if (got < 0)
      continue;
    if (info.ssi_signo == SIGUSR2)
      atomic_store(&interrupt->over, true);
    (void)!write(interrupt->wake, &one, sizeof one);
    interrupt->told(interrupt->owner);
  }
}

static void handle_outer(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigset_t set;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < OUTER; i++)
    sigaction(outer[i], &action, NULL);
  outer_set(&set);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int mv_interrupt_start(struct mv_interrupt *interrupt, void (*told)(void *owner), void *owner,
                       struct mv_error *err) {
  sigset_t set;
  inner_set(&set);
  *interrupt = (struct mv_interrupt){.told = told, .owner = owner};
  interrupt->signals = signalfd(-1, &set, SFD_CLOEXEC);
  interrupt->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (interrupt->signals < 0 || interrupt->wake < 0)
    return mv_error_set(err, MV_ERROR_SYSTEM, "signals cannot be received: %s", strerror(errno));
  int failed = pthread_create(&interrupt->thread, NULL, listen_for_signals, interrupt);
  if (failed)
    return mv_error_set(err, MV_ERROR_SYSTEM, "a thread cannot be started: %s", strerror(failed));
  interrupt->running = true;
  handle_outer(hand_on);
  return 0;
}

void mv_interrupt_clear(struct mv_interrupt *interrupt) {
  uint64_t count;
  (void)!read(interrupt->wake, &count, sizeof count);
}

void mv_interrupt_stop(struct mv_interrupt *interrupt) {
  if (interrupt->running) {
    handle_outer(SIG_DFL);
    atomic_store(&interrupt->closed, true);
    pthread_kill(interrupt->thread, SIGUSR1);
    pthread_join(interrupt->thread, NULL);
    interrupt->running = false;
  }
  if (interrupt->signals > 0)
    close(interrupt->signals);
  if (interrupt->wake > 0)
    close(interrupt->wake);
  interrupt->signals = interrupt->wake = -1;
}
