/* The words of the table, and a row as JSON. */
#include <string.h>

#include "api/action.h"

const char *mv_permission_name(enum mv_permission permission) {
  static const char *const names[] = {[MV_READ_CLIENTS] = "R",
                                      [MV_WRITE_CLIENTS] = "W",
                                      [MV_DELETE_CLIENTS] = "X",
                                      [MV_READ_CRM] = "CR",
                                      [MV_WRITE_CRM] = "CW"};
  return names[permission];
}

const char *mv_retry_class_name(enum mv_retry_class retry) {
  static const char *const names[] = {
      [MV_SAFE] = "safe", [MV_IDEMPOTENT] = "idempotent", [MV_ONCE] = "once"};
  return names[retry];
}

const char *mv_type_name(enum mv_type type) {
  static const char *const names[] = {[MV_ID] = "id",
                                      [MV_INTEGER] = "integer",
                                      [MV_NUMBER] = "number",
                                      [MV_STRING] = "string",
                                      [MV_BOOLEAN] = "boolean",
                                      [MV_SCALAR] = "scalar",
                                      [MV_ID_LIST] = "id list",
                                      [MV_OBJECT] = "object",
                                      [MV_STRING_LIST] = "string list",
                                      [MV_BUTTONS] = "buttons",
                                      [MV_ITEMS] = "items",
                                      [MV_DATE] = "date",
                                      [MV_CHOICE] = "choice",
                                      [MV_DATETIME] = "date and time",
                                      [MV_CONDITIONS] = "conditions"};
  return names[type];
}

const char *mv_method_name(enum mv_method method) {
  return method == MV_GET ? "GET" : "POST";
}

const char *mv_rule_name(enum mv_rule_kind kind) {
  static const char *const names[] = {[MV_RULE_ANY] = "any",
                                      [MV_RULE_ONE] = "one",
                                      [MV_RULE_ALL] = "all",
                                      [MV_RULE_NEEDS] = "needs",
                                      [MV_RULE_FORBIDS] = "forbids"};
  return names[kind];
}

const char *mv_extras_name(enum mv_extras extras) {
  static const char *const names[] = {[MV_EXTRAS_REFUSED] = "refused",
                                      [MV_EXTRAS_VARIABLES] = "variables",
                                      [MV_EXTRAS_CONDITIONS] = "conditions"};
  return names[extras];
}

/* "a b c" as ["a","b","c"]. */
static json_t *words(const char *text) {
  json_t *list = json_array();
  while (*text) {
    size_t length = strcspn(text, " ");
    json_array_append_new(list, json_stringn(text, length));
    text += length;
    text += strspn(text, " ");
  }
  return list;
}

static json_t *describe_param(const struct mv_param *param) {
  json_t *out = json_pack("{ss ss sb}", "name", param->name, "type", mv_type_name(param->type),
                          "required", param->required);
  if (param->limit) {
    json_object_set_new(out, "limit", json_integer(param->limit));
  }
  if (param->least > 0) {
    json_object_set_new(out, "least", json_integer(param->least));
  }
  if (param->choices) {
    json_object_set_new(out, "choices", words(param->choices));
  }
  json_object_set_new(out, "doc", json_string(param->doc));
  return out;
}

static json_t *describe_params(const struct mv_param *params, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    json_array_append_new(list, describe_param(&params[i]));
  }
  return list;
}

static json_t *describe_rules(const struct mv_action *action) {
  json_t *list = json_array();
  for (size_t i = 0; i < action->rule_count; i++) {
    const struct mv_rule *rule = &action->rules[i];
    json_array_append_new(
        list, json_pack("{ss so}", "kind", mv_rule_name(rule->kind), "names", words(rule->names)));
  }
  return list;
}

json_t *mv_action_describe(const struct mv_action *action) {
  json_t *out = json_pack("{ss ss ss ss ss ss}", "name", action->name, "subject", action->subject,
                          "doc", action->doc, "method", mv_method_name(action->method),
                          "permission", mv_permission_name(action->permission), "retry",
                          mv_retry_class_name(action->retry));
  if (action->idempotent_if) {
    json_object_set_new(out, "idempotent_if", json_string(action->idempotent_if));
  }
  json_object_set_new(out, "params", describe_params(action->params, action->param_count));
  if (action->item_param_count) {
    json_object_set_new(out, "items",
                        describe_params(action->item_params, action->item_param_count));
  }
  json_object_set_new(out, "rules", describe_rules(action));
  json_object_set_new(out, "extras", json_string(mv_extras_name(action->extras)));
  if (action->extras_limit) {
    json_object_set_new(out, "extras_limit", json_integer(action->extras_limit));
  }
  json_object_set_new(out, "bare_array", json_boolean(action->bare_array));
  json_object_set_new(out, "universal", json_boolean(action->universal));
  json_object_set_new(out, "unlimited", json_boolean(action->unlimited));
  json_object_set_new(out, "answer", json_string(action->answer));
  if (action->refusal) {
    json_object_set_new(out, "refusal", json_string(action->refusal));
  }
  json_object_set_new(out, "may_miss", json_boolean(action->may_miss));
  json_object_set_new(out, "source", json_string(action->source));
  return out;
}
