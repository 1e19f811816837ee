#include "sandbox/record.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/later.h"
#include "sandbox/params.h"

enum { LONGEST_ENTRY = 256 << 10 }; /* bytes; of longer ones the contents are left out */

struct entry {
  int64_t seq;
  char kind[16];
  char action[64];
  int64_t client, project;
  char *text; /* the members of the object */
  size_t length;
};

struct mv_record {
  pthread_mutex_t lock;
  struct mv_later *later;
  struct entry *ring;
  size_t size, first, count;
  size_t bytes, most_bytes;
  int64_t seq; /* of the latest entry */
};

struct mv_record *mv_record_new(size_t entries, size_t bytes, struct mv_later *later) {
  struct mv_record *record = calloc(1, sizeof *record);
  struct entry *ring = calloc(entries, sizeof *ring);
  if (!record || !ring) {
    free(record);
    free(ring);
    return NULL;
  }
  *record = (struct mv_record){.later = later, .ring = ring, .size = entries, .most_bytes = bytes};
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
  if (mv_json_write(text, value) || text->length > LONGEST_ENTRY) { /* or nested too deep */
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

/* The client that is told of, or that an API call names. */
static int64_t client_of(const json_t *value) {
  int64_t client = 0;
  const json_t *told = json_object_get(value, "client_id");
  told = told ? told : json_object_get(json_object_get(value, "params"), "client_id");
  if (told) {
    mv_params_id_of(told, &client);
  }
  return client;
}

void mv_record_put(struct mv_record *record, const struct mv_record_head *head,
                   struct mv_bytes *members) {
  struct entry entry = {.client = head->client, .project = head->project};
  strncpy(entry.kind, head->kind, sizeof entry.kind - 1);
  strncpy(entry.action, head->action ? head->action : "", sizeof entry.action - 1);
  entry.text = mv_bytes_steal(members, &entry.length);
  if (entry.text) {
    pthread_mutex_lock(&record->lock);
    entry.seq = ++record->seq;
    append(record, entry);
    pthread_mutex_unlock(&record->lock);
  }
  if (record->later) {
    mv_later_poke(record->later);
  }
}

void mv_record_add(struct mv_record *record, json_t *value) {
  struct mv_bytes text = {0};
  const char *kind = json_string_value(json_object_get(value, "kind"));
  struct mv_record_head head = {.kind = kind ? kind : "",
                                .action = json_string_value(json_object_get(value, "action")),
                                .client = client_of(value),
                                .project =
                                    json_integer_value(json_object_get(value, "project_id"))};
  if (value && !write_entry(value, &text)) {
    memmove(text.data, text.data + 1, --text.length); /* the braces */
    text.length--;
    mv_record_put(record, &head, &text);
  }
  mv_bytes_free(&text);
  json_decref(value);
}

static bool is_meant(const struct entry *entry, const struct mv_record_filter *filter) {
  return entry->seq > filter->since && (!*filter->kind || strcmp(filter->kind, entry->kind) == 0) &&
         (!*filter->action || strcmp(filter->action, entry->action) == 0) &&
         (!filter->client || filter->client == entry->client) &&
         (!filter->project || filter->project == entry->project);
}

static struct entry *entry_at(struct mv_record *record, size_t i) {
  return &record->ring[(record->first + i) % record->size];
}

/* Seqs have no gaps: where the first entry behind `since` is. */
static size_t index_behind(const struct mv_record *record, int64_t since) {
  int64_t oldest = record->seq - (int64_t)record->count + 1;
  if (since < oldest) {
    return 0;
  }
  return since >= record->seq ? record->count : (size_t)(since - oldest + 1);
}

bool mv_record_has(struct mv_record *record, struct mv_record_filter *filter) {
  bool found = false;
  pthread_mutex_lock(&record->lock);
  for (size_t i = index_behind(record, filter->since); !found && i < record->count; i++) {
    found = is_meant(entry_at(record, i), filter);
  }
  if (!found && filter->since < record->seq) {
    filter->since = record->seq;
  }
  pthread_mutex_unlock(&record->lock);
  return found;
}

char *mv_record_read(struct mv_record *record, const struct mv_record_filter *filter, int64_t limit,
                     size_t *length) {
  struct mv_bytes out = {0};
  int64_t found = 0;
  mv_bytes_puts(&out, "{\"entries\":[");
  pthread_mutex_lock(&record->lock);
  int64_t next = record->seq;
  for (size_t i = index_behind(record, filter->since); i < record->count; i++) {
    struct entry *entry = entry_at(record, i);
    if (!is_meant(entry, filter)) {
      continue;
    }
    if (found == limit) {
      next = entry->seq - 1;
      break;
    }
    mv_bytes_printf(&out, "%s{\"seq\":%lld,", found++ ? "," : "", (long long)entry->seq);
    mv_bytes_append(&out, entry->text, entry->length);
    mv_bytes_putc(&out, '}');
  }
  pthread_mutex_unlock(&record->lock);
  mv_bytes_printf(&out, "],\"next\":%lld}", (long long)next);
  return mv_bytes_steal(&out, length);
}
