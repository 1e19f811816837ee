/* Mutations that know JSON: members are replaced, taken away, copied elsewhere. Bytes alone seldom
 * come to another text that can be read. */
#ifndef MV_TEST_FUZZ_MUTATE_H
#define MV_TEST_FUZZ_MUTATE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

enum { FUZZ_SLOTS = 400 };

/* A place that holds a value: a member of an object or an element of an array. */
struct fuzz_slot {
  json_t *parent;
  const char *key; /* of an object's member */
  size_t index;    /* of an array's element */
  json_t *value;
};

struct fuzz_slots {
  struct fuzz_slot all[FUZZ_SLOTS];
  size_t count;
  uint64_t random;
};

static inline unsigned fuzz_roll(struct fuzz_slots *slots, size_t below) {
  slots->random = slots->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (unsigned)((slots->random >> 33) % (below ? below : 1));
}

static inline void fuzz_collect(struct fuzz_slots *slots, json_t *parent) {
  const char *key;
  size_t index;
  json_t *value;
  json_object_foreach(parent, key, value) {
    if (slots->count < FUZZ_SLOTS)
      slots->all[slots->count++] = (struct fuzz_slot){parent, key, 0, value};
    fuzz_collect(slots, value);
  }
  json_array_foreach(parent, index, value) {
    if (slots->count < FUZZ_SLOTS)
      slots->all[slots->count++] = (struct fuzz_slot){parent, NULL, index, value};
    fuzz_collect(slots, value);
  }
}

/* What breaks programs. */
static inline json_t *fuzz_odd_value(struct fuzz_slots *slots) {
  static const char *const odd[] = {
      "null", "true", "false", "0", "-1", "1", "2", "1.5", "-0.0", "1e308", "9223372036854775807",
      "-9223372036854775808", "9223372036854775808", "9007199254740993", "253402300800", "500",
      "501", "2001", "\"\"", "\"0\"", "\"-1\"", "\"1e3\"", "\"\\u0000\"", "\"a\\u0000b\"", "\" \"",
      "\"None\"", "\"@s.whatsapp.net\"", "\"2026-02-29 25:61:61\"", "\"29.02.2024\"",
      "\"Sandbox/Nowhere\"", "\"\\ud83d\\ude00\"", "\"ÄÖ Ш İ ﬁ\"", "[]", "{}", "[[]]", "[{}]",
      "{\"\":\"\"}", "{\"_in\":[]}", "{\"_not\":null}", "{\"_not_in\":[1,\"a\"]}", "[1,\"1\",1]"};
  const char *text = odd[fuzz_roll(slots, sizeof odd / sizeof *odd)];
  return mv_json_parse(text, strlen(text), NULL);
}

static inline json_t *fuzz_odd_text(const json_t *value, struct fuzz_slots *slots) {
  uint8_t text[256];
  size_t length = json_string_length(value);
  length = length < sizeof text ? length : sizeof text;
  memcpy(text, length ? json_string_value(value) : "", length);
  if (fuzz_roll(slots, 16) == 0) {
    memset(text, 'x', sizeof text);
    length = sizeof text;
  }
  length = LLVMFuzzerMutate(text, length, sizeof text);
  json_t *mutated = json_stringn((const char *)text, length);
  return mutated ? mutated : fuzz_odd_value(slots); /* not UTF-8 */
}

static inline json_t *fuzz_other_value(struct fuzz_slots *slots, const json_t *value) {
  switch (fuzz_roll(slots, 4)) {
  case 0:
    return json_deep_copy(slots->all[fuzz_roll(slots, slots->count)].value);
  case 1:
    return fuzz_odd_value(slots);
  case 2:
    if (json_is_integer(value))
      return json_integer(json_integer_value(value) / 2 + (fuzz_roll(slots, 2) ? 1 : -1));
    return json_is_string(value) ? fuzz_odd_text(value, slots) : fuzz_odd_value(slots);
  default:
    return json_is_string(value) ? fuzz_odd_text(value, slots) : json_pack("[O]", value);
  }
}

/* Takes the value over. */
static inline void fuzz_put(const struct fuzz_slot *slot, json_t *value) {
  if (slot->key)
    json_object_set_new(slot->parent, slot->key, value);
  else
    json_array_set_new(slot->parent, slot->index, value);
}

static inline void fuzz_change(struct fuzz_slots *slots) {
  const struct fuzz_slot *slot = &slots->all[fuzz_roll(slots, slots->count)];
  const struct fuzz_slot *other = &slots->all[fuzz_roll(slots, slots->count)];
  unsigned what = fuzz_roll(slots, 8);
  if (what == 0 && slot->key)
    json_object_del(slot->parent, slot->key);
  else if (what == 0)
    json_array_remove(slot->parent, slot->index);
  else if (what == 1 && !slot->key)
    json_array_append_new(slot->parent, json_deep_copy(slot->value));
  else if (what <= 2 && slot->key && other->key)
    json_object_set_new(slot->parent, other->key, json_deep_copy(other->value));
  else
    fuzz_put(slot, fuzz_other_value(slots, slot->value));
}

/* As LLVMFuzzerCustomMutator, for a text of JSON. */
static inline size_t fuzz_mutate_json(uint8_t *data, size_t size, size_t max, unsigned seed) {
  struct fuzz_slots slots = {.random = seed};
  json_t *root = mv_json_parse((const char *)data, size, NULL);
  char *text = NULL;
  fuzz_collect(&slots, root);
  if (slots.count && fuzz_roll(&slots, 16)) {
    fuzz_change(&slots);
    text = mv_json_text(root);
  }
  json_decref(root);
  size_t length = text ? strlen(text) : max + 1;
  if (length <= max)
    memcpy(data, text, length);
  else
    length = LLVMFuzzerMutate(data, size, max);
  free(text);
  return length;
}

#endif
