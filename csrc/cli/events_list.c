/* `mavilua events list` and `show`. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/events.h"
#include "cli/plain.h"
#include "time/moment.h"

#define PAGE 500
#define DEFAULT 50 /* events of a list */

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : "";
}

static long long number_of(const json_t *object, const char *name) {
  return (long long)json_integer_value(json_object_get(object, name));
}

/* ---- the table ------------------------------------------------------------------------------ */

/* "2026-03-29T00:30:00.123Z" as "03-29 02:30:00" of the machine's zone: nothing is kept for a year. */
static void put_local(struct mv_bytes *line, const struct mv_zone *zone, const char *utc) {
  char text[64];
  int64_t moment;
  if (!zone || mv_moment_parse(utc, zone, &moment, NULL))
    mv_bytes_printf(line, "%-14.14s", utc);
  else
    mv_bytes_printf(line, "%.14s", mv_moment_format(zone, moment, text) + strlen("Sun 2026-"));
}

/* A column: cut to its width and filled up. */
static void put_cell(struct mv_bytes *line, const char *text, size_t width) {
  mv_bytes_puts(line, "  ");
  for (size_t used = mv_plain_put(line, text, width, false); used < width; used++)
    mv_bytes_putc(line, ' ');
}

enum { SOURCE = 18, KEY = 12, BEFORE_END = 8 + 2 + 9 + 2 + 14 + 2 + SOURCE + 2 + KEY + 2 + 3 + 2, LEAST_END = 40 };

static void print_head(void) {
  printf("%8s  %-9s  %-14s  %-*s  %-*s  %3s  %s\n", "ID", "STATE", "ACCEPTED", SOURCE, "SOURCE", KEY, "KEY",
         "RUN", "HANDLER, REASON");
}

static void put_end(struct mv_bytes *line, const json_t *event) {
  const char *handler = text_of(event, "handler"), *reason = text_of(event, "reason");
  char *first = mv_memdup(reason, strcspn(reason, "\n"));
  size_t columns = mv_plain_columns(stdout), used = BEFORE_END;
  struct mv_bytes end = {0};
  mv_bytes_printf(&end, "%s%s%s", handler, *handler && *reason ? ": " : "", first ? first : "");
  mv_plain_put(line, end.data, columns > used + LEAST_END ? columns - used : LEAST_END, false);
  mv_bytes_free(&end);
  free(first);
}

static void print_row(const json_t *event, const struct mv_zone *zone) {
  struct mv_bytes line = {0}, source = {0};
  const char *name = text_of(event, "name");
  mv_bytes_printf(&source, "%s%s%s", text_of(event, "source"), *name ? " " : "", name);
  mv_bytes_printf(&line, "%8lld", number_of(event, "id"));
  put_cell(&line, text_of(event, "state"), 9);
  mv_bytes_puts(&line, "  ");
  put_local(&line, zone, text_of(event, "accepted_at"));
  put_cell(&line, source.data, SOURCE);
  put_cell(&line, text_of(event, "key"), KEY);
  mv_bytes_printf(&line, "  %3lld  ", number_of(event, "attempt"));
  put_end(&line, event);
  puts(line.failed || !line.data ? "" : line.data);
  mv_bytes_free(&source);
  mv_bytes_free(&line);
}

/* ---- pages ---------------------------------------------------------------------------------- */

static void put_parameter(struct mv_bytes *path, const char *name, const char *text) {
  mv_bytes_printf(path, "&%s=", name);
  mv_bytes_put_url(path, text, strlen(text));
}

static json_t *ask_page(struct mv_events *events, const json_t *filter, long count,
                        json_int_t cursor, struct mv_error *err) {
  struct mv_bytes path = {0};
  const char *name;
  json_t *value, *page = NULL;
  mv_bytes_printf(&path, "/api/events?limit=%ld", count);
  json_object_foreach((json_t *)filter, name, value) {
    char *text = mv_json_scalar_text(value);
    put_parameter(&path, name, text ? text : "");
    free(text);
  }
  if (cursor)
    mv_bytes_printf(&path, "&cursor=%lld", (long long)cursor);
  if (path.failed)
    mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  else
    page = mv_door_ask(events->door, path.data, NULL, err);
  mv_bytes_free(&path);
  return page;
}

static long print_page(const struct mv_events *events, const json_t *page,
                       const struct mv_zone *zone) {
  const json_t *list = json_object_get(page, "events");
  json_t *event;
  size_t i;
  json_array_foreach(list, i, event) {
    if (events->json)
      mv_plain_print_json(stdout, event);
    else
      print_row(event, zone);
  }
  return (long)json_array_size(list);
}

long mv_events_print(struct mv_events *events, const json_t *filter, long limit, bool *more,
                     struct mv_error *err) {
  struct mv_zone *zone = events->json ? NULL : mv_zone_load(NULL, NULL);
  json_int_t cursor = 0;
  long printed = 0;
  bool first = true;
  do {
    long count = limit < 0 || limit - printed > PAGE ? PAGE : limit - printed;
    json_t *page = ask_page(events, filter, count, cursor, err);
    if (!page)
      printed = -1;
    if (page && first && !events->json && json_array_size(json_object_get(page, "events")))
      print_head();
    first = false;
    printed += page ? print_page(events, page, zone) : 0;
    cursor = json_integer_value(json_object_get(page, "cursor"));
    json_decref(page);
  } while (printed >= 0 && cursor && (limit < 0 || printed < limit));
  *more = cursor != 0;
  mv_zone_free(zone);
  return printed;
}

int mv_events_list(struct mv_events *events, char **ids) {
  struct mv_error err = {0};
  long limit = events->options->limit;
  bool more;
  (void)ids;
  limit = limit < 0 ? DEFAULT : limit == 0 ? -1 : limit;
  long printed = mv_events_print(events, events->filter, limit, &more, &err);
  if (printed < 0)
    return mv_door_fail(events->command, &err);
  if (printed == 0 && !events->json)
    puts("no such event");
  if (more && !events->json)
    fprintf(stderr, "there are more; -n 0 shows all\n");
  return EX_OK;
}

/* ---- one event ------------------------------------------------------------------------------ */

/* The longest come last. */
static void print_long(const json_t *event, const char *name) {
  const json_t *value = json_object_get(event, name);
  const char *text = json_string_value(value);
  char *pretty = NULL;
  if (!value)
    return;
  json_t *parsed = text && strcmp(name, "body") == 0 ? mv_json_parse(text, strlen(text), NULL) : NULL;
  if (parsed || !text)
    pretty = mv_json_pretty(parsed ? parsed : value);
  printf("\n%s:\n", name);
  mv_plain_print(stdout, pretty ? pretty : text, 0, true);
  putchar('\n');
  json_decref(parsed);
  free(pretty);
}

static void print_event(const json_t *event) {
  static const char *const lengthy[] = {"reason", "meta", "body", "body_hex"};
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)event, name, value) {
    bool later = false;
    for (size_t i = 0; i < 4; i++)
      later |= strcmp(name, lengthy[i]) == 0;
    char *text = later ? NULL : mv_json_scalar_text(value);
    if (text && *text) {
      printf("%-12s ", name);
      mv_plain_print(stdout, text, 0, false);
      putchar('\n');
    }
    free(text);
  }
  for (size_t i = 0; i < 4; i++)
    print_long(event, lengthy[i]);
}

int mv_events_show(struct mv_events *events, char **ids) {
  int status = EX_OK;
  for (char **id = ids; *id; id++) {
    struct mv_error err = {0};
    char path[64];
    snprintf(path, sizeof path, "/api/events/%.20s", *id);
    json_t *event = mv_door_ask(events->door, path, NULL, &err);
    if (!event)
      status = mv_door_fail(events->command, &err);
    else if (events->json)
      mv_plain_print_json(stdout, event);
    else
      print_event(event);
    if (event && !events->json && id[1])
      puts("");
    json_decref(event);
  }
  return status;
}
