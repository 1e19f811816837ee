#include "base/queue.h"

#include <errno.h>
#include <time.h>

int mv_queue_init(struct mv_queue *queue) {
  *queue = (struct mv_queue){.heaviest = -1, .resting = -1};
  pthread_condattr_t attributes;
  if (pthread_mutex_init(&queue->lock, NULL)) {
    return -1;
  }
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  int failed = pthread_cond_init(&queue->filled, &attributes);
  pthread_condattr_destroy(&attributes);
  return failed ? -1 : 0;
}

void mv_queue_destroy(struct mv_queue *queue) {
  pthread_cond_destroy(&queue->filled);
  pthread_mutex_destroy(&queue->lock);
}

static bool ends_rest(const struct mv_queue *queue) {
  return queue->heaviest > queue->resting || queue->length >= queue->enough;
}

static void append(struct mv_queue *queue, struct mv_node *node, int weight) {
  bool was_empty = !queue->first, rested = queue->resting >= 0 && !ends_rest(queue);
  if (was_empty) {
    queue->first = node;
  } else {
    queue->last->next = node;
  }
  queue->last = node;
  queue->length++;
  queue->heaviest = weight > queue->heaviest ? weight : queue->heaviest;
  if (queue->resting >= 0 ? rested && ends_rest(queue) : was_empty) {
    pthread_cond_signal(&queue->filled);
  }
}

bool mv_queue_push_weight(struct mv_queue *queue, struct mv_node *node, int weight) {
  node->next = NULL;
  pthread_mutex_lock(&queue->lock);
  bool open = !queue->closed;
  if (open) {
    append(queue, node, weight);
  }
  pthread_mutex_unlock(&queue->lock);
  return open;
}

bool mv_queue_push(struct mv_queue *queue, struct mv_node *node) {
  return mv_queue_push_weight(queue, node, MV_QUEUE_HEAVY);
}

static struct timespec deadline_in(int timeout_ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  return until;
}

/* Waits once; a wake-up without content ends the wait, too: the taker has other things to look at. */
static void wait_filled(struct mv_queue *queue, int timeout_ms) {
  if (timeout_ms < 0) {
    pthread_cond_wait(&queue->filled, &queue->lock);
  } else if (timeout_ms > 0) {
    struct timespec until = deadline_in(timeout_ms);
    pthread_cond_timedwait(&queue->filled, &queue->lock, &until);
  }
}

struct mv_node *mv_queue_take(struct mv_queue *queue, int timeout_ms) {
  pthread_mutex_lock(&queue->lock);
  if (!queue->first && !queue->closed && !queue->woken) {
    wait_filled(queue, timeout_ms);
  }
  queue->woken = false;
  struct mv_node *list = queue->first;
  queue->first = queue->last = NULL;
  queue->length = 0;
  queue->heaviest = -1;
  pthread_mutex_unlock(&queue->lock);
  return list;
}

void mv_queue_rest(struct mv_queue *queue, int weight, size_t enough, int timeout_ms) {
  struct timespec until = deadline_in(timeout_ms);
  int status = 0;
  pthread_mutex_lock(&queue->lock);
  queue->resting = weight;
  queue->enough = enough;
  while (status == 0 && !queue->closed && !queue->woken && !ends_rest(queue)) {
    status = pthread_cond_timedwait(&queue->filled, &queue->lock, &until);
  }
  queue->resting = -1;
  pthread_mutex_unlock(&queue->lock);
}

void mv_queue_wake(struct mv_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->woken = true;
  pthread_cond_signal(&queue->filled);
  pthread_mutex_unlock(&queue->lock);
}

void mv_queue_close(struct mv_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->closed = true;
  pthread_cond_broadcast(&queue->filled);
  pthread_mutex_unlock(&queue->lock);
}

size_t mv_queue_length(struct mv_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  size_t length = queue->length;
  pthread_mutex_unlock(&queue->lock);
  return length;
}
