/* The document: paths, and the parts that they share. */
#include "api/openapi.h"

#include <stdio.h>
#include <string.h>

#include "api/openapi_answers.h"
#include "api/schema.h"
#include "base/version.h"

static const char about[] =
    "The HTTP API of Mavibot and Salebot, made from the action table of mavilua.\n\n"
    "Every action takes GET and POST; `x-client-method` is the one that its document names. A POST "
    "may have parameters in its query too, where the body's win. The body is read as JSON whatever "
    "its Content-Type says, unless it is a form. Ids are integers or strings. In forms and queries "
    "lists and objects stand as JSON, or as `name[]=1` and `name[key]=value`. With `value_…` in "
    "the "
    "query the body is another service's webhook, out of which the parameter is read: it is then "
    "not required of the body.\n\n"
    "`x-permission`: what the key must allow. `x-retry`: whether an action may be repeated when "
    "nobody knows if it arrived: `safe` changes nothing, `idempotent` done twice is done once, "
    "`once` must not be. `x-source`: the platform's document.";

static const struct subject {
  const char *name, *doc;
} subjects[] = {
    {"bot", "Launching the bot"},
    {"messages", "Sending and reading messages"},
    {"clients", "Clients and lists of them"},
    {"variables", "Variables of clients and orders"},
    {"search", "Finding clients"},
    {"orders", "Orders and their funnels"},
    {"channels", "Connected messengers, and the bot's schema"},
};

static const struct universal {
  const char *name, *stands_for, *doc;
} universal[] = {
    {"value_client_id", "client_id", "name of the parameter that holds client_id"},
    {"value_phone", "phone", "name of the parameter that holds the phone"},
    {"value_email", "email", "name of the parameter that holds the e-mail"},
    {"value_user_id", "user_id", "name of the parameter that holds user_id"},
    {"value_group_id", "group_id", "name of the parameter that holds group_id"},
    {"value_message", "message", "name of the parameter that holds the message"},
    {"delimiter", NULL, "character or digit that separates the names of a path below"},
    {"delimiter_value_client_id", "client_id", "path to client_id, as key11key2 with delimiter 1"},
    {"delimiter_value_phone", "phone", "path to the phone"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static json_t *ref(const char *kind, const char *name) {
  char text[160];
  snprintf(text, sizeof text, "#/components/%s/%s", kind, name);
  return json_pack("{s:s}", "$ref", text);
}

/* ---- parameters ---- */

/* Lists and objects, which a query holds as JSON. */
static bool is_structure(const struct mv_param *param) {
  return param->type == MV_ID_LIST || param->type == MV_STRING_LIST || param->type == MV_OBJECT ||
         param->type == MV_CONDITIONS || param->type == MV_BUTTONS || param->type == MV_ITEMS;
}

static json_t *in_query(const struct mv_action *action, const struct mv_param *param) {
  json_t *schema = mv_openapi_value(action, param);
  json_t *out = json_pack("{s:s, s:s, s:s, s:b}", "name", param->name, "in", "query", "description",
                          param->doc, "required", param->required);
  json_object_del(schema, "description");
  if (is_structure(param)) {
    json_object_set_new(out, "content",
                        json_pack("{s:{s:o}}", "application/json", "schema", schema));
  } else {
    json_object_set_new(out, "schema", schema);
  }
  return out;
}

/* What the row does not name: an object whose members stand in the query themselves. */
static json_t *extras_in_query(const struct mv_action *action) {
  bool conditions = action->extras == MV_EXTRAS_CONDITIONS;
  json_t *schema = json_pack("{s:s, s:{s:[sss]}}", "type", "object", "additionalProperties", "type",
                             "string", "number", "boolean");
  if (action->extras_limit) {
    json_object_set_new(schema, "maxProperties", json_integer(action->extras_limit));
  }
  return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "name",
                   conditions ? "conditions" : "variables", "in", "query", "description",
                   conditions ? "any names and values: the conditions of the search"
                              : "any further names and values: variables of the client",
                   "style", "form", "explode", 1, "schema", schema);
}

static bool has_param(const struct mv_action *action, const char *name) {
  char prefixed[64];
  snprintf(prefixed, sizeof prefixed, "client_%s", name);
  return mv_action_param(action, name) || mv_action_param(action, prefixed);
}

static void add_universal(const struct mv_action *action, json_t *out) {
  for (size_t i = 0; action->universal && i < COUNT(universal); i++) {
    if (!universal[i].stands_for || has_param(action, universal[i].stands_for)) {
      json_array_append_new(out, ref("parameters", universal[i].name));
    }
  }
}

/* Of a POST the body has them, but for those of the universal webhook. */
static json_t *query(const struct mv_action *action, enum mv_method method) {
  json_t *out = json_array();
  for (size_t i = 0; method == MV_GET && i < action->param_count; i++) {
    json_array_append_new(out, in_query(action, &action->params[i]));
  }
  if (method == MV_GET && action->extras != MV_EXTRAS_REFUSED) {
    json_array_append_new(out, extras_in_query(action));
  }
  add_universal(action, out);
  return out;
}

/* ---- bodies ---- */

static json_t *form(const struct mv_action *action, json_t *schema) {
  json_t *encoding = json_object();
  for (size_t i = 0; i < action->param_count; i++) {
    if (is_structure(&action->params[i])) {
      json_object_set_new(encoding, action->params[i].name,
                          json_pack("{s:s}", "contentType", "application/json"));
    }
  }
  json_t *media = json_pack("{s:o}", "schema", schema);
  if (json_object_size(encoding)) {
    json_object_set(media, "encoding", encoding);
  }
  json_decref(encoding);
  return media;
}

static bool needs_body(const struct mv_action *action) {
  bool needs = action->rule_count > 0;
  for (size_t i = 0; i < action->param_count; i++) {
    needs = needs || action->params[i].required;
  }
  return needs;
}

static json_t *body(const struct mv_action *action) {
  char name[96];
  snprintf(name, sizeof name, "%s_request", action->name);
  json_t *content = json_pack("{s:{s:o}}", "application/json", "schema", ref("schemas", name));
  if (!action->bare_array) {
    json_object_set_new(content, "application/x-www-form-urlencoded",
                        form(action, ref("schemas", name)));
  }
  return json_pack("{s:b, s:o}", "required", needs_body(action), "content", content);
}

/* ---- answers ---- */

static json_t *success(const struct mv_action *action) {
  char name[96];
  snprintf(name, sizeof name, "%s_answer", action->name);
  if (strcmp(action->answer, "ok") == 0) {
    return ref("responses", "ok");
  }
  return json_pack("{s:s, s:{s:{s:o}}}", "description",
                   action->refusal ? "Done, or refused in a word" : "Done", "content",
                   "application/json", "schema", ref("schemas", name));
}

static json_t *responses(const struct mv_action *action) {
  json_t *out = json_pack("{s:o}", "200", success(action));
  for (const struct mv_openapi_failure *f = mv_openapi_failures; f->status; f++) {
    char status[16];
    snprintf(status, sizeof status, "%u", f->status);
    if (mv_openapi_may_fail(action, f)) {
      json_object_set_new(out, status, ref("responses", f->name));
    }
  }
  return out;
}

/* ---- operations ---- */

static json_t *rules(const struct mv_action *action) {
  json_t *row = mv_action_describe(action);
  json_t *out = json_incref(json_object_get(row, "rules"));
  json_decref(row);
  return out;
}

static json_t *operation(const struct mv_action *action, enum mv_method method) {
  char id[96];
  snprintf(id, sizeof id, "%s%s", action->name,
           method == action->method ? ""
           : method == MV_GET       ? "_by_get"
                                    : "_by_post");
  json_t *out = json_pack("{s:s, s:s, s:[s], s:o}", "operationId", id, "summary", action->doc,
                          "tags", action->subject, "parameters", query(action, method));
  if (method == MV_POST && (action->param_count || action->extras != MV_EXTRAS_REFUSED)) {
    json_object_set_new(out, "requestBody", body(action));
  }
  json_object_set_new(out, "responses", responses(action));
  return out;
}

static json_t *path(const struct mv_action *action) {
  json_t *out = json_pack(
      "{s:[o], s:o, s:o, s:s, s:s, s:s, s:s}", "parameters", ref("parameters", "api_key"), "get",
      operation(action, MV_GET), "post", operation(action, MV_POST), "x-client-method",
      mv_method_name(action->method), "x-permission", mv_permission_name(action->permission),
      "x-retry", mv_retry_class_name(action->retry), "x-source", action->source);
  if (action->idempotent_if) {
    json_object_set_new(out, "x-idempotent-if", json_string(action->idempotent_if));
  }
  if (action->rule_count) {
    json_object_set_new(out, "x-rules", rules(action));
  }
  if (action->unlimited) {
    json_object_set_new(out, "x-unlimited", json_true());
  }
  return out;
}

static json_t *paths(void) {
  json_t *out = json_object();
  for (size_t i = 0; i < mv_action_count(); i++) {
    char name[128];
    snprintf(name, sizeof name, "/api/{api_key}/%s", mv_action_at(i)->name);
    json_object_set_new(out, name, path(mv_action_at(i)));
  }
  return out;
}

/* ---- components ---- */

static json_t *buttons(void) {
  json_t *button = json_pack(
      "{s:s, s:[s], s:{s:{s:o}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{}}}", //
      "type", "object", "required", "text", "properties",                                //
      "type", "enum", mv_openapi_words(MV_BUTTON_TYPES), "text", "type", "string", "line", "type",
      "integer", "index_in_line", "type", "integer", "url", "type", "string", "color", "type",
      "string", "one_time");
  json_t *list = json_pack("{s:s, s:o}", "type", "array", "items", button);
  return json_pack("{s:s, s:[O, {s:s, s:[s], s:{s:{s:s}, s:o}}]}", "description",
                   "buttons with a hint, or the bare list", "anyOf", list, "type", "object",
                   "required", "buttons", "properties", "hint", "type", "string", "buttons", list);
}

static json_t *schemas(void) {
  json_t *out = json_pack("{s:o}", "buttons", buttons());
  for (size_t i = 0; i < mv_action_count(); i++) {
    const struct mv_action *action = mv_action_at(i);
    char name[96];
    if (action->param_count || action->extras != MV_EXTRAS_REFUSED) {
      snprintf(name, sizeof name, "%s_request", action->name);
      json_object_set_new(out, name, mv_openapi_request(action));
    }
    if (strcmp(action->answer, "ok") != 0) {
      snprintf(name, sizeof name, "%s_answer", action->name);
      json_object_set_new(out, name, mv_openapi_answer(action));
    }
  }
  return out;
}

static json_t *ok(void) {
  return json_pack("{s:s, s:{s:{s:o}, s:{s:o}}}", "description",
                   "Done: the plain text ok, or an object", "content", "text/plain", "schema",
                   mv_schema_of("ok", NULL), "application/json", "schema",
                   mv_schema_of("{status: 'success'}", NULL));
}

static json_t *shared_responses(void) {
  json_t *out = json_pack("{s:o}", "ok", ok());
  for (const struct mv_openapi_failure *f = mv_openapi_failures; f->status; f++) {
    json_t *response = json_pack("{s:s, s:{s:{s:o}}}", "description", f->doc, "content",
                                 "application/json", "schema", mv_schema_of(f->notation, NULL));
    if (f->status == 429) {
      json_object_set_new(response, "headers",
                          json_pack("{s:{s:s, s:{s:s}}}", "Retry-After", "description",
                                    "seconds to wait", "schema", "type", "integer"));
    }
    json_object_set_new(out, f->name, response);
  }
  return out;
}

static json_t *shared_parameters(void) {
  json_t *out = json_pack("{s:{s:s, s:s, s:b, s:s, s:{s:s, s:i}}}", "api_key", "name", "api_key",
                          "in", "path", "required", 1, "description",
                          "the project's key; it is a secret, so keep addresses out of logs",
                          "schema", "type", "string", "minLength", 1);
  for (size_t i = 0; i < COUNT(universal); i++) {
    json_object_set_new(out, universal[i].name,
                        json_pack("{s:s, s:s, s:s, s:{s:s, s:i}}", "name", universal[i].name, "in",
                                  "query", "description", universal[i].doc, "schema", "type",
                                  "string", "minLength", 1));
  }
  return out;
}

/* ---- the whole ---- */

static json_t *tags(void) {
  json_t *out = json_array();
  for (size_t i = 0; i < COUNT(subjects); i++) {
    json_array_append_new(
        out, json_pack("{s:s, s:s}", "name", subjects[i].name, "description", subjects[i].doc));
  }
  return out;
}

static json_t *servers(void) {
  return json_pack("[{s:s}, {s:s}, {s:s}, {s:s, s:s}]", "url", "https://chatter.mavibot.ai", "url",
                   "https://chatter.salebot.pro", "url", "https://chatter.salebot.ai", "url",
                   "http://127.0.0.1:8082", "description",
                   "mavilua sandbox; its key is \"sandbox\"");
}

json_t *mv_openapi_document(void) {
  return json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:o, s:[], s:o, s:{s:o, s:o, s:o}}", "openapi",
                   "3.1.0", "info", "title", "Mavibot and Salebot", "version", MV_VERSION,
                   "description", about, "servers", servers(), "tags", tags(), "security", "paths",
                   paths(), "components", "schemas", schemas(), "responses", shared_responses(),
                   "parameters", shared_parameters());
}
