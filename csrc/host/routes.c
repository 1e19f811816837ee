#include "host/routes.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/form.h"

struct mv_routes {
  atomic_int references;
  char *webhook_secret;
  struct mv_route *hooks;
  size_t count;
};

static char *text_of(json_t *object, const char *name) {
  return mv_strdup(json_string_value(json_object_get(object, name)));
}

/* "shop.lua:12: hook "payment": …" */
static int at_place(json_t *definition, struct mv_error *err) {
  const char *name = json_string_value(json_object_get(definition, "name"));
  const char *file = json_string_value(json_object_get(definition, "file"));
  return mv_error_prefix(err, "%.80s:%d: hook \"%.80s\"", file ? file : "?",
                         (int)json_integer_value(json_object_get(definition, "line")),
                         name ? name : "?");
}

static int read_hook(struct mv_route *hook, json_t *definition, struct mv_log *log,
                     struct mv_error *err) {
  hook->name = text_of(definition, "name");
  hook->secret = text_of(definition, "secret");
  hook->key = text_of(definition, "key");
  hook->dedupe = text_of(definition, "dedupe");
  if (hook->secret)
    mv_log_hide(log, hook->secret);
  if (mv_signature_init(&hook->signature, definition, err))
    return at_place(definition, err);
  return hook->name ? 0 : mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
}

struct mv_routes *mv_routes_new(json_t *definitions, const char *webhook_secret,
                                struct mv_log *log, struct mv_error *err) {
  json_t *hooks = json_object_get(definitions, "hooks"), *hook;
  struct mv_routes *routes = calloc(1, sizeof *routes);
  size_t index;
  if (!routes)
    goto out_of_memory;
  atomic_init(&routes->references, 1);
  routes->webhook_secret = mv_strdup(webhook_secret);
  routes->hooks = calloc(json_array_size(hooks) + 1, sizeof *routes->hooks);
  if (!routes->hooks || (webhook_secret && !routes->webhook_secret))
    goto out_of_memory;
  json_array_foreach(hooks, index, hook) {
    routes->count = index + 1;
    if (read_hook(&routes->hooks[index], hook, log, err)) {
      mv_routes_release(routes);
      return NULL;
    }
  }
  return routes;
out_of_memory:
  mv_routes_release(routes);
  mv_error_set(err, MV_ERROR_SYSTEM, "out of memory");
  return NULL;
}

int mv_routes_check(json_t *definitions, struct mv_error *err) {
  struct mv_routes *routes = mv_routes_new(definitions, NULL, NULL, err);
  mv_routes_release(routes);
  return routes ? 0 : -1;
}

struct mv_routes *mv_routes_retain(struct mv_routes *routes) {
  atomic_fetch_add(&routes->references, 1);
  return routes;
}

void mv_routes_release(struct mv_routes *routes) {
  if (!routes || atomic_fetch_sub(&routes->references, 1) > 1)
    return;
  for (size_t i = 0; i < routes->count; i++) {
    mv_signature_free(&routes->hooks[i].signature);
    free(routes->hooks[i].name);
    free(routes->hooks[i].secret);
    free(routes->hooks[i].key);
    free(routes->hooks[i].dedupe);
  }
  free(routes->hooks);
  free(routes->webhook_secret);
  free(routes);
}

/* What stands behind a prefix, or NULL. */
static const char *after(const char *text, const char *prefix) {
  size_t length = strlen(prefix);
  return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

bool mv_routes_is_webhook(const struct mv_routes *routes, const struct mv_call *call) {
  const char *secret = after(call->path, "/webhook/");
  return secret && routes->webhook_secret && mv_secret_equal(secret, routes->webhook_secret);
}

static const char *bearer(const struct mv_call *call) {
  const char *value = mv_call_header(call, "Authorization");
  return value && strncasecmp(value, "Bearer ", 7) == 0 ? value + 7 : NULL;
}

/* Compares all the places a secret may stand in, so that the time tells nothing. */
static bool may_call(const struct mv_route *hook, const struct mv_call *call, const char *segment,
                     int64_t now) {
  if (hook->signature.kind != MV_SIGNATURE_NONE)
    return segment == NULL && mv_signature_good(&hook->signature, call, now);
  if (!hook->secret)
    return segment == NULL;
  char *parameter = mv_form_value(call->query, "secret");
  const char *given[] = {segment, parameter, mv_call_header(call, "X-Secret"), bearer(call)};
  bool good = false;
  for (size_t i = 0; i < sizeof given / sizeof *given; i++)
    good |= mv_secret_equal(given[i] ? given[i] : "", hook->secret) && given[i];
  free(parameter);
  return good;
}

const struct mv_route *mv_routes_named(const struct mv_routes *routes, const char *name) {
  for (size_t i = 0; i < routes->count; i++) {
    if (strcmp(routes->hooks[i].name, name) == 0)
      return &routes->hooks[i];
  }
  return NULL;
}

const struct mv_route *mv_routes_hook(const struct mv_routes *routes, const struct mv_call *call,
                                      int64_t now) {
  const char *rest = after(call->path, "/hook/");
  for (size_t i = 0; rest && i < routes->count; i++) {
    const struct mv_route *hook = &routes->hooks[i];
    const char *behind = after(rest, hook->name);
    if (behind && (*behind == 0 || *behind == '/') &&
        may_call(hook, call, *behind ? behind + 1 : NULL, now))
      return hook;
  }
  return NULL;
}
