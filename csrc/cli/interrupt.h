/* Ctrl-C that ends what runs instead of the program. */
#ifndef MV_CLI_INTERRUPT_H
#define MV_CLI_INTERRUPT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"

struct mv_interrupt {
  int signals;        /* a signalfd */
  int wake;           /* an eventfd: readable once there was a signal, until mv_interrupt_clear */
  atomic_bool over;   /* TERM or HUP came: the program is to end */
  atomic_bool closed; /* the thread is to end */
  bool running;
  pthread_t thread;
  void (*told)(void *owner); /* called on a thread of its own at each signal */
  void *owner;
};

/* Blocks the signals in this thread, and so in those it starts from now on. Before
 * mv_interrupt_start, so that other threads can be started between. */
void mv_interrupt_prepare(void);

/* INT, TERM and HUP are told from now on. 0, or -1 and `err`; mv_interrupt_stop in any case. */
int mv_interrupt_start(struct mv_interrupt *interrupt, void (*told)(void *owner), void *owner,
                       struct mv_error *err);

/* Forgets the signals that came so far. */
void mv_interrupt_clear(struct mv_interrupt *interrupt);

void mv_interrupt_stop(struct mv_interrupt *interrupt);

#endif
