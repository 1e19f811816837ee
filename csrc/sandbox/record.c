#include "sandbox/record.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"

enum { LONGEST_ENTRY = 256 << 10 }; /* bytes; of longer ones the contents are left out */

struct entry {
  int64_t seq;
  char kind[16];
  char *text;
  size_t length;
};

struct mv_record {
  pthread_mutex_t lock;
  struct entry *ring;
  size_t size, first, count;
  size_t bytes, most_bytes;
  int64_t seq; /* of the latest entry */
};

struct mv_record *mv_record_new(size_t entries, size_t bytes) {
  struct mv_record *record = calloc(1, sizeof *record);
  struct entry *ring = calloc(entries, sizeof *ring);
  if (!record || !ring) {
    free(record);
    free(ring);
    return NULL;
  }
  *record = (struct mv_record){.ring = ring, .size = entries, .most_bytes = bytes};
  pthread_mutex_init(&record->lock, NULL);
  return record;
}

static void forget_first(struct mv_record *record) {
  struct entry *entry = &record->ring[record->first];
  record->bytes -= entry->length;
  free(entry->text);
  record->first = (record->first + 1) % record->size;
  record->count--;
}

void mv_record_free(struct mv_record *record) {
  if (!record) {
    return;
  }
  while (record->count) {
    forget_first(record);
  }
  pthread_mutex_destroy(&record->lock);
  free(record->ring);
  free(record);
}

static void leave_out_contents(json_t *entry) {
  static const char *const contents[] = {"params", "answer", "body"};
  for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
    if (json_object_get(entry, contents[i])) {
      json_object_set_new(entry, contents[i], json_null());
    }
  }
  json_object_set_new(entry, "cut", json_true());
}

static int write_entry(json_t *value, struct mv_bytes *text) {
  if (!mv_json_write(text, value) && text->length > LONGEST_ENTRY) {
    leave_out_contents(value);
    mv_bytes_clear(text);
    mv_json_write(text, value);
  }
  return text->failed ? -1 : 0;
}

static void append(struct mv_record *record, struct entry entry) {
  while (record->count &&
         (record->count == record->size || record->bytes + entry.length > record->most_bytes)) {
    forget_first(record);
  }
  record->ring[(record->first + record->count) % record->size] = entry;
  record->count++;
  record->bytes += entry.length;
}

/* "seq" is put in by hand, as it is only known under the lock: {"seq":1,… */
static char *number_entry(int64_t seq, const struct mv_bytes *text, size_t *length) {
  struct mv_bytes numbered = {0};
  mv_bytes_printf(&numbered, "{\"seq\":%lld,", (long long)seq);
  mv_bytes_append(&numbered, text->data + 1, text->length - 1);
  return mv_bytes_steal(&numbered, length);
}

void mv_record_add(struct mv_record *record, json_t *value) {
  struct mv_bytes text = {0};
  struct entry entry = {0};
  const char *kind = json_string_value(json_object_get(value, "kind"));
  strncpy(entry.kind, kind ? kind : "", sizeof entry.kind - 1);
  if (value && !write_entry(value, &text)) {
    pthread_mutex_lock(&record->lock);
    entry.seq = record->seq + 1;
    entry.text = number_entry(entry.seq, &text, &entry.length);
    if (entry.text) {
      record->seq++;
      append(record, entry);
    }
    pthread_mutex_unlock(&record->lock);
  }
  mv_bytes_free(&text);
  json_decref(value);
}

char *mv_record_read(struct mv_record *record, int64_t since, int64_t limit, const char *kind,
                     size_t *length) {
  struct mv_bytes out = {0};
  int64_t found = 0;
  mv_bytes_puts(&out, "{\"entries\":[");
  pthread_mutex_lock(&record->lock);
  int64_t next = record->seq;
  for (size_t i = 0; i < record->count; i++) {
    struct entry *entry = &record->ring[(record->first + i) % record->size];
    if (entry->seq <= since || (kind && *kind && strcmp(kind, entry->kind) != 0)) {
      continue;
    }
    if (found == limit) {
      next = entry->seq - 1;
      break;
    }
    mv_bytes_puts(&out, found++ ? "," : "");
    mv_bytes_append(&out, entry->text, entry->length);
  }
  pthread_mutex_unlock(&record->lock);
  mv_bytes_printf(&out, "],\"next\":%lld}", (long long)next);
  return mv_bytes_steal(&out, length);
}
