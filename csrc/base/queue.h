/* A queue from many threads to one: nodes live inside the caller's structs. */
#ifndef MV_BASE_QUEUE_H
#define MV_BASE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct mv_node {
  struct mv_node *next;
};

struct mv_queue {
  pthread_mutex_t lock;
  pthread_cond_t filled; /* on CLOCK_MONOTONIC */
  struct mv_node *first, *last;
  size_t length;
  int heaviest; /* weight among what is in it; -1: it is empty */
  int resting;  /* what the taker lets wait, see mv_queue_rest; -1: nothing */
  size_t enough;
  bool closed; /* takers are woken and get NULL once it is empty */
  bool woken;  /* mv_queue_wake was called since the last take */
};

int mv_queue_init(struct mv_queue *queue);
void mv_queue_destroy(struct mv_queue *queue);

enum { MV_QUEUE_HEAVY = 100 };

/* Appends; returns false, and takes nothing, when the queue is closed. */
bool mv_queue_push(struct mv_queue *queue, struct mv_node *node);

/* The same with a weight from 0 to MV_QUEUE_HEAVY, which is that of mv_queue_push. */
bool mv_queue_push_weight(struct mv_queue *queue, struct mv_node *node, int weight);

/* Takes everything there is, in order, as a list; waits up to `timeout_ms` (0: not at all, -1: for
 * ever) if there is nothing. NULL after the time, when woken, when closed, or now and then for no
 * reason: callers loop. */
struct mv_node *mv_queue_take(struct mv_queue *queue, int timeout_ms);

/* Lets what comes wait: until there is something heavier than `weight`, or `enough` at all, or the
 * time is over, or it is woken or closed. For the taker, which takes afterwards. A push that does
 * not end the rest does not wake its thread. */
void mv_queue_rest(struct mv_queue *queue, int weight, size_t enough, int timeout_ms);

/* Wakes a waiting taker without giving it anything. */
void mv_queue_wake(struct mv_queue *queue);

void mv_queue_close(struct mv_queue *queue);
size_t mv_queue_length(struct mv_queue *queue);

#endif
