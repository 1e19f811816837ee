#include "sandbox/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* A place for each by its hash; a later one takes the place of an earlier. */
enum { KEYS = 64, SETTINGS = 256, PROJECTS = 64, LONGEST_KEY = 64 };

struct mv_facts {
  struct key {
    char key[LONGEST_KEY]; /* "": none */
    int64_t project, permissions;
  } keys[KEYS];
  struct setting {
    int64_t project;
    size_t setting;
    json_t *value; /* NULL: none */
  } settings[SETTINGS];
  struct channels {
    int64_t project; /* 0: none */
    bool open;
  } channels[PROJECTS];
};

struct mv_facts *mv_facts_new(void) {
  return calloc(1, sizeof(struct mv_facts));
}

void mv_facts_forget(struct mv_facts *facts) {
  for (size_t i = 0; i < KEYS; i++) {
    *facts->keys[i].key = '\0';
  }
  for (size_t i = 0; i < SETTINGS; i++) {
    json_decref(facts->settings[i].value);
    facts->settings[i].value = NULL;
  }
  for (size_t i = 0; i < PROJECTS; i++) {
    facts->channels[i].project = 0;
  }
}

void mv_facts_free(struct mv_facts *facts) {
  if (facts) {
    mv_facts_forget(facts);
    free(facts);
  }
}

static size_t key_place(const char *key) {
  return mv_hash(key) % KEYS;
}

bool mv_facts_key(const struct mv_facts *facts, const char *key, int64_t *project,
                  int64_t *permissions) {
  const struct key *known = facts && *key ? &facts->keys[key_place(key)] : NULL;
  if (!known || strcmp(known->key, key) != 0) {
    return false;
  }
  *project = known->project;
  *permissions = known->permissions;
  return true;
}

void mv_facts_keep_key(struct mv_facts *facts, const char *key, int64_t project,
                       int64_t permissions) {
  if (facts && strlen(key) < LONGEST_KEY) {
    struct key *place = &facts->keys[key_place(key)];
    strcpy(place->key, key);
    place->project = project;
    place->permissions = permissions;
  }
}

static size_t setting_place(int64_t project, size_t setting) {
  return ((uint64_t)project * 31 + setting) % SETTINGS;
}

const json_t *mv_facts_peek(const struct mv_facts *facts, int64_t project, size_t setting) {
  const struct setting *known = facts ? &facts->settings[setting_place(project, setting)] : NULL;
  bool is_it = known && known->value && known->project == project && known->setting == setting;
  return is_it ? known->value : NULL;
}

json_t *mv_facts_setting(const struct mv_facts *facts, int64_t project, size_t setting) {
  return json_deep_copy(mv_facts_peek(facts, project, setting)); /* it leaves the lock */
}

int mv_facts_open(const struct mv_facts *facts, int64_t project) {
  const struct channels *known = facts ? &facts->channels[(uint64_t)project % PROJECTS] : NULL;
  return known && project && known->project == project ? known->open : -1;
}

void mv_facts_keep_open(struct mv_facts *facts, int64_t project, bool open) {
  if (facts) {
    facts->channels[(uint64_t)project % PROJECTS] = (struct channels){project, open};
  }
}

void mv_facts_keep_setting(struct mv_facts *facts, int64_t project, size_t setting, json_t *value) {
  if (facts && value) {
    struct setting *place = &facts->settings[setting_place(project, setting)];
    json_decref(place->value);
    *place = (struct setting){.project = project, .setting = setting, .value = json_incref(value)};
  }
}
