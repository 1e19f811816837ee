#include "sandbox/faults.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "base/bytes.h"
#include "sandbox/seed_parts.h"
#include "sandbox/shape.h"

enum { MOST_FAULTS = 1000, LONGEST_DELAY = 600000 /* ms */ };

enum kind {
  STATUS,
  DELAY,
  DROP_BEFORE,
  DROP_AFTER,
  TRUNCATE,
  WEBHOOK_DROP,
  WEBHOOK_DUPLICATE,
  WEBHOOK_DELAY,
};

static const char *const kinds[] = {
    [STATUS] = "status",
    [DELAY] = "delay",
    [DROP_BEFORE] = "drop_before",
    [DROP_AFTER] = "drop_after",
    [TRUNCATE] = "truncate",
    [WEBHOOK_DROP] = "webhook_drop",
    [WEBHOOK_DUPLICATE] = "webhook_duplicate",
    [WEBHOOK_DELAY] = "webhook_delay",
    NULL,
};

struct fault {
  struct fault *next;
  int64_t id, project;
  json_t *given;
  enum kind kind;
  char *action; /* NULL: any */
  int64_t status, delay, retry_after;
  double fraction;
  int64_t every, times; /* times 0: without end */
  double probability;
  uint64_t random; /* the state of its own generator */
  int64_t seen, hit;
};

struct mv_faults {
  pthread_mutex_t lock;
  struct fault *first; /* in the order they were given */
  int64_t count, last_id;
};

struct mv_faults *mv_faults_new(void) {
  struct mv_faults *faults = calloc(1, sizeof *faults);
  if (faults) {
    pthread_mutex_init(&faults->lock, NULL);
  }
  return faults;
}

static void free_fault(struct fault *fault) {
  if (fault) {
    json_decref(fault->given);
    free(fault->action);
    free(fault);
  }
}

static void free_list(struct fault *fault) {
  while (fault) {
    struct fault *next = fault->next;
    free_fault(fault);
    fault = next;
  }
}

void mv_faults_free(struct mv_faults *faults) {
  if (faults) {
    free_list(faults->first);
    pthread_mutex_destroy(&faults->lock);
    free(faults);
  }
}

/* ---- reading ---- */

static int read_action(const struct mv_place *at, struct fault *fault, struct mv_error *err) {
  const char *name = mv_seed_text(fault->given, "action");
  if (!name || strcmp(name, "*") == 0) {
    return 0;
  }
  if (!mv_action_find(name, strlen(name))) {
    const char *near = mv_action_nearest(name);
    return mv_shape_fault(at, "action", err, "there is no action \"%.60s\"%s%s%s", name,
                          near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
  }
  fault->action = mv_strdup(name);
  return fault->action ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

/* A whole number within its bounds, or as it was. */
static int read_whole(const struct mv_place *at, const struct fault *fault, const char *name,
                      int64_t least, int64_t most, int64_t *value, struct mv_error *err) {
  *value = mv_seed_integer(fault->given, name, *value);
  if (*value < least || *value > most) {
    return mv_shape_fault(at, name, err, "takes an integer from %lld to %lld", (long long)least,
                          (long long)most);
  }
  return 0;
}

static int read_part(const struct mv_place *at, const struct fault *fault, const char *name,
                     double *value, struct mv_error *err) {
  const json_t *given = json_object_get(fault->given, name);
  if (json_is_number(given)) {
    *value = json_number_value(given);
  }
  return *value >= 0 && *value <= 1 ? 0
                                    : mv_shape_fault(at, name, err, "takes a number from 0 to 1");
}

static int read_numbers(const struct mv_place *at, struct fault *fault, struct mv_error *err) {
  int64_t seed = 0;
  if (read_whole(at, fault, "status", 200, 599, &fault->status, err) ||
      read_whole(at, fault, "retry_after", 0, 86400, &fault->retry_after, err) ||
      read_whole(at, fault, "delay_ms", 0, LONGEST_DELAY, &fault->delay, err) ||
      read_whole(at, fault, "every", 1, INT64_MAX, &fault->every, err) ||
      read_whole(at, fault, "times", 0, INT64_MAX, &fault->times, err) ||
      read_whole(at, fault, "seed", INT64_MIN, INT64_MAX, &seed, err) ||
      read_part(at, fault, "fraction", &fault->fraction, err) ||
      read_part(at, fault, "probability", &fault->probability, err)) {
    return -1;
  }
  fault->random = (uint64_t)seed;
  bool delays = fault->kind == DELAY || fault->kind == WEBHOOK_DELAY;
  return delays && !json_object_get(fault->given, "delay_ms")
             ? mv_shape_fault(at, "delay_ms", err, "required")
             : 0;
}

static int read_fault(const struct mv_place *at, struct fault *fault, struct mv_error *err) {
  static const struct mv_shape shapes[] = {
      {"kind", MV_SHAPE_TEXT, true},         {"action", MV_SHAPE_TEXT, false},
      {"status", MV_SHAPE_INTEGER, false},   {"body", MV_SHAPE_TEXT, false},
      {"delay_ms", MV_SHAPE_INTEGER, false}, {"retry_after", MV_SHAPE_INTEGER, false},
      {"fraction", MV_SHAPE_NUMBER, false},  {"every", MV_SHAPE_INTEGER, false},
      {"times", MV_SHAPE_INTEGER, false},    {"probability", MV_SHAPE_NUMBER, false},
      {"seed", MV_SHAPE_INTEGER, false}};
  int kind = 0;
  if (!json_is_object(fault->given)) {
    return mv_shape_fault(at, NULL, err, "takes an object");
  }
  if (mv_shape_check(at, fault->given, shapes, sizeof shapes / sizeof *shapes, err) ||
      mv_seed_choice(at, fault->given, "kind", kinds, &kind, err)) {
    return -1;
  }
  fault->kind = (enum kind)kind;
  return read_action(at, fault, err) || read_numbers(at, fault, err) ? -1 : 0;
}

static struct fault *new_fault(const struct mv_place *at, int64_t project, json_t *given,
                               struct mv_error *err) {
  struct fault *fault = calloc(1, sizeof *fault);
  if (!fault) {
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
    return NULL;
  }
  *fault = (struct fault){.project = project,
                          .given = json_deep_copy(given), /* the caller's goes with its thread */
                          .status = 503,
                          .fraction = 0.5,
                          .every = 1,
                          .probability = 1};
  if (read_fault(at, fault, err)) {
    free_fault(fault);
    return NULL;
  }
  return fault;
}

/* The list in its order; NULL and `err` when one is wrong. */
static struct fault *read_list(int64_t project, const json_t *list, struct mv_error *err) {
  struct fault *first = NULL, **last = &first;
  for (size_t i = 0; i < json_array_size(list); i++) {
    struct mv_place at = {NULL, "faults", (long)i};
    *last = new_fault(&at, project, json_array_get(list, i), err);
    if (!*last) {
      free_list(first);
      return NULL;
    }
    last = &(*last)->next;
  }
  return first;
}

/* ---- the list ---- */

static int append(struct mv_faults *faults, struct fault *fault, int64_t more) {
  int result = -1;
  pthread_mutex_lock(&faults->lock);
  if (faults->count + more <= MOST_FAULTS) {
    struct fault **last = &faults->first;
    while (*last) {
      last = &(*last)->next;
    }
    *last = fault;
    for (; fault; fault = fault->next) {
      fault->id = ++faults->last_id;
    }
    faults->count += more;
    result = 0;
  }
  pthread_mutex_unlock(&faults->lock);
  return result;
}

int mv_faults_add(struct mv_faults *faults, int64_t project, const json_t *given,
                  struct mv_error *err) {
  json_t *list = json_is_array(given) ? json_incref((json_t *)given) : json_pack("[O]", given);
  int64_t count = (int64_t)json_array_size(list);
  struct fault *first = read_list(project, list, err);
  json_decref(list);
  if (!first) {
    return count ? -1 : 0;
  }
  if (append(faults, first, count)) {
    free_list(first);
    return mv_error_set(err, MV_ERROR_USAGE, "faults: there may be %d of them", MOST_FAULTS);
  }
  return 0;
}

static json_t *described(const struct fault *fault) {
  json_t *out = json_deep_copy(fault->given); /* it leaves the lock */
  json_object_set_new(out, "id", json_integer(fault->id));
  json_object_set_new(out, "project", fault->project ? json_integer(fault->project) : json_null());
  json_object_set_new(out, "seen", json_integer(fault->seen));
  json_object_set_new(out, "hit", json_integer(fault->hit));
  return out;
}

static bool is_of(const struct fault *fault, int64_t project) {
  return !project || fault->project == project;
}

json_t *mv_faults_list(struct mv_faults *faults, int64_t project) {
  json_t *list = json_array();
  pthread_mutex_lock(&faults->lock);
  for (struct fault *fault = faults->first; fault; fault = fault->next) {
    if (is_of(fault, project)) {
      json_array_append_new(list, described(fault));
    }
  }
  pthread_mutex_unlock(&faults->lock);
  return list;
}

int mv_faults_remove(struct mv_faults *faults, int64_t project, int64_t id) {
  int count = 0;
  pthread_mutex_lock(&faults->lock);
  for (struct fault **slot = &faults->first; *slot;) {
    struct fault *fault = *slot;
    if (is_of(fault, project) && (!id || fault->id == id)) {
      *slot = fault->next;
      free_fault(fault);
      count++;
    } else {
      slot = &fault->next;
    }
  }
  faults->count -= count;
  pthread_mutex_unlock(&faults->lock);
  return count;
}

/* ---- hitting ---- */

/* splitmix64: small, and good enough to toss coins. From 0 up to 1. */
static double toss(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static bool hits(struct fault *fault, int64_t project, const char *action) {
  if ((fault->project && fault->project != project) ||
      (fault->action && (!action || strcmp(fault->action, action) != 0))) {
    return false;
  }
  fault->seen++;
  if ((fault->times && fault->hit >= fault->times) || fault->seen % fault->every ||
      toss(&fault->random) >= fault->probability) {
    return false;
  }
  fault->hit++;
  return true;
}

/* Of several that end the call the first decides; delays add up. */
static void spoil(const struct fault *fault, struct mv_spoiling *spoiling) {
  bool decided =
      spoiling->status || spoiling->drop_before || spoiling->drop_after || spoiling->fraction > 0;
  if (fault->kind == DELAY) {
    spoiling->delay += fault->delay;
  } else if (decided) {
    return;
  }
  spoiling->kind = decided ? spoiling->kind : kinds[fault->kind];
  spoiling->drop_before = spoiling->drop_before || fault->kind == DROP_BEFORE;
  spoiling->drop_after = spoiling->drop_after || fault->kind == DROP_AFTER;
  if (fault->kind == TRUNCATE) {
    spoiling->fraction = fault->fraction > 0 ? fault->fraction : 1e-9;
  }
  if (fault->kind == STATUS) {
    const char *body = mv_seed_text(fault->given, "body");
    spoiling->status = (unsigned)fault->status;
    spoiling->retry_after = fault->retry_after;
    spoiling->body = body ? mv_strdup(body) : NULL;
  }
}

void mv_faults_call(struct mv_faults *faults, int64_t project, const char *action,
                    struct mv_spoiling *spoiling) {
  pthread_mutex_lock(&faults->lock);
  for (struct fault *fault = faults->first; fault; fault = fault->next) {
    if (fault->kind < WEBHOOK_DROP && hits(fault, project, action)) {
      spoil(fault, spoiling);
    }
  }
  pthread_mutex_unlock(&faults->lock);
}

struct mv_mishap mv_faults_webhook(struct mv_faults *faults, int64_t project, const char *action) {
  struct mv_mishap mishap = {0};
  pthread_mutex_lock(&faults->lock);
  for (struct fault *fault = faults->first; fault; fault = fault->next) {
    if (fault->kind >= WEBHOOK_DROP && hits(fault, project, action)) {
      mishap.drop = mishap.drop || fault->kind == WEBHOOK_DROP;
      mishap.duplicate = mishap.duplicate || fault->kind == WEBHOOK_DUPLICATE;
      mishap.delay += fault->kind == WEBHOOK_DELAY ? fault->delay : 0;
    }
  }
  pthread_mutex_unlock(&faults->lock);
  return mishap;
}
