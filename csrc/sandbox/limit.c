#include "sandbox/limit.h"

#include <math.h>
#include <stdlib.h>

struct store {
  struct store *next;
  int64_t project;
  int64_t at;   /* ms: when `calls` was right */
  double calls; /* that may be made */
};

struct mv_limits {
  struct store *first;
};

struct mv_limits *mv_limits_new(void) {
  return calloc(1, sizeof(struct mv_limits));
}

void mv_limits_clear(struct mv_limits *limits) {
  while (limits->first) {
    struct store *next = limits->first->next;
    free(limits->first);
    limits->first = next;
  }
}

void mv_limits_free(struct mv_limits *limits) {
  if (limits) {
    mv_limits_clear(limits);
    free(limits);
  }
}

/* A new one is full. NULL when memory is out: then nothing is limited. */
static struct store *store_of(struct mv_limits *limits, int64_t project, int64_t now, double rate) {
  struct store *store = limits->first;
  while (store && store->project != project) {
    store = store->next;
  }
  if (!store && (store = malloc(sizeof *store)) != NULL) {
    *store = (struct store){limits->first, project, now, rate};
    limits->first = store;
  }
  return store;
}

int64_t mv_limits_take(struct mv_limits *limits, int64_t project, int64_t now, double rate) {
  struct store *store = store_of(limits, project, now, rate);
  if (!store) {
    return 0;
  }
  double passed = now > store->at ? (double)(now - store->at) / 1000.0 : 0;
  store->calls = fmin(fmax(rate, 1), store->calls + passed * rate);
  store->at = now;
  if (store->calls >= 1) {
    store->calls -= 1;
    return 0;
  }
  return (int64_t)ceil((1 - store->calls) / rate);
}
