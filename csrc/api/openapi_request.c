/* What is sent: a row's parameters and rules as JSON Schema. */
#include <limits.h>
#include <string.h>

#include "api/openapi.h"

#define WHOLE "^-?[0-9]+$"
#define DECIMAL "^[-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$"

json_t *mv_openapi_words(const char *text) {
  json_t *list = json_array();
  while (*text) {
    size_t length = strcspn(text, " ");
    json_array_append_new(list, json_stringn(text, length));
    text += length;
    text += strspn(text, " ");
  }
  return list;
}

/* ---- one schema for each type ---- */

static json_t *id(void) {
  return json_pack("{s:[ss], s:i}", "type", "integer", "string", "minLength", 1);
}

static json_t *text(void) {
  return json_pack("{s:[ss]}", "type", "string", "number");
}

static json_t *list(const struct mv_param *param, json_t *items) {
  json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", items);
  if (param->required) {
    json_object_set_new(schema, "minItems", json_integer(1));
  }
  if (param->limit) {
    json_object_set_new(schema, "maxItems", json_integer(param->limit));
  }
  return schema;
}

static json_t *number(const struct mv_param *param, const char *type, const char *pattern) {
  json_t *schema = json_pack("{s:[ss], s:s}", "type", type, "string", "pattern", pattern);
  if (param->least != LONG_MIN) {
    json_object_set_new(schema, "minimum", json_integer(param->least));
  }
  if (param->limit) {
    json_object_set_new(schema, "maximum", json_integer(param->limit));
  }
  return schema;
}

static json_t *members(const struct mv_action *action, const struct mv_param *params, size_t count);

static json_t *plain(const struct mv_action *action, const struct mv_param *param) {
  switch (param->type) {
  case MV_ID:
    return id();
  case MV_INTEGER:
    return number(param, "integer", WHOLE);
  case MV_NUMBER:
    return number(param, "number", DECIMAL);
  case MV_STRING:
    return text();
  case MV_BOOLEAN:
    return json_pack("{s:[bbiissssss]}", "enum", 1, 0, 1, 0, "true", "false", "True", "False", "1",
                     "0");
  case MV_SCALAR:
    return json_pack("{s:[sss]}", "type", "string", "number", "boolean");
  case MV_ID_LIST:
    return list(param, id());
  case MV_STRING_LIST:
    return list(param, text());
  case MV_OBJECT:
    return json_pack("{s:s}", "type", "object");
  case MV_CONDITIONS:
    return json_pack("{s:s, s:{s:[sssss], s:{s:{s:s}, s:{s:s}, s:{}}, s:b}}", "type", "object",
                     "additionalProperties", "type", "string", "number", "boolean", "object",
                     "null", "properties", "_in", "type", "array", "_not_in", "type", "array",
                     "_not", "additionalProperties", 0);
  case MV_BUTTONS:
    return json_pack("{s:s}", "$ref", "#/components/schemas/buttons");
  case MV_ITEMS:
    return list(param, members(action, action->item_params, action->item_param_count));
  case MV_DATE:
    return json_pack("{s:s, s:s, s:[s]}", "type", "string", "pattern",
                     "^[0-9]{2}[.][0-9]{2}[.][0-9]{4}$", "examples", "31.12.2026");
  case MV_DATETIME:
    return json_pack("{s:s, s:s, s:[s]}", "type", "string", "pattern",
                     "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$", "examples",
                     "2026-12-31 23:59:59");
  case MV_CHOICE:
    return json_pack("{s:o}", "enum", mv_openapi_words(param->choices));
  }
  return json_object();
}

json_t *mv_openapi_value(const struct mv_action *action, const struct mv_param *param) {
  json_t *schema = plain(action, param);
  if (param->may_be_empty) {
    json_object_del(schema, "minLength");
  } else if (param->required && param->type == MV_STRING) {
    json_object_set_new(schema, "minLength", json_integer(1));
  } else if (param->required && (param->type == MV_OBJECT || param->type == MV_CONDITIONS)) {
    json_object_set_new(schema, "minProperties", json_integer(1));
  }
  json_object_set_new(schema, "description", json_string(param->doc));
  return schema;
}

/* An object of these parameters, without rules. */
static json_t *members(const struct mv_action *action, const struct mv_param *params,
                       size_t count) {
  json_t *properties = json_object(), *required = json_array();
  for (size_t i = 0; i < count; i++) {
    json_object_set_new(properties, params[i].name, mv_openapi_value(action, &params[i]));
    if (params[i].required) {
      json_array_append_new(required, json_string(params[i].name));
    }
  }
  json_t *schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
  if (json_array_size(required)) {
    json_object_set(schema, "required", required);
  }
  json_decref(required);
  return schema;
}

/* ---- rules ---- */

/* {"<keyword>": [{"required": ["a"]}, {"required": ["b"]}]} */
static json_t *choice(const char *keyword, const json_t *names) {
  json_t *choices = json_array();
  for (size_t i = 0; i < json_array_size(names); i++) {
    json_array_append_new(choices, json_pack("{s:[O]}", "required", json_array_get(names, i)));
  }
  return json_pack("{s:o}", keyword, choices);
}

/* {"not": {"required": ["reverse", "list"]}} for each that the first does not go with. */
static void forbid(json_t *rules, const json_t *names) {
  for (size_t i = 1; i < json_array_size(names); i++) {
    json_array_append_new(rules, json_pack("{s:{s:[OO]}}", "not", "required",
                                           json_array_get(names, 0), json_array_get(names, i)));
  }
}

/* `one` needs all of `names` but itself. */
static void need(json_t *dependent, const json_t *one, const json_t *names) {
  json_t *needed = json_array();
  for (size_t i = 0; i < json_array_size(names); i++) {
    if (!json_equal(one, json_array_get(names, i))) {
      json_array_append(needed, json_array_get(names, i));
    }
  }
  json_object_set_new(dependent, json_string_value(one), needed);
}

static void add_rule(const struct mv_rule *rule, json_t *rules, json_t *dependent) {
  json_t *names = mv_openapi_words(rule->names);
  switch (rule->kind) {
  case MV_RULE_ANY:
    json_array_append_new(rules, choice("anyOf", names));
    break;
  case MV_RULE_ONE:
    json_array_append_new(rules, choice("oneOf", names));
    break;
  case MV_RULE_NEEDS:
    need(dependent, json_array_get(names, 0), names);
    break;
  case MV_RULE_ALL:
    for (size_t i = 0; i < json_array_size(names); i++) {
      need(dependent, json_array_get(names, i), names);
    }
    break;
  case MV_RULE_FORBIDS:
    forbid(rules, names);
    break;
  }
  json_decref(names);
}

static void add_rules(const struct mv_action *action, json_t *schema) {
  json_t *rules = json_array(), *dependent = json_object();
  for (size_t i = 0; i < action->rule_count; i++) {
    add_rule(&action->rules[i], rules, dependent);
  }
  if (json_array_size(rules) == 1) {
    json_object_update(schema, json_array_get(rules, 0));
  } else if (json_array_size(rules)) {
    json_object_set(schema, "allOf", rules);
  }
  if (json_object_size(dependent)) {
    json_object_set(schema, "dependentRequired", dependent);
  }
  json_decref(rules);
  json_decref(dependent);
}

json_t *mv_openapi_request(const struct mv_action *action) {
  if (action->bare_array) {
    return mv_openapi_value(action, &action->params[0]);
  }
  json_t *schema = members(action, action->params, action->param_count);
  add_rules(action, schema);
  if (action->extras == MV_EXTRAS_VARIABLES) {
    json_object_set_new(schema, "additionalProperties",
                        json_pack("{s:s}", "description", "saved as a variable of the client"));
  }
  if (action->extras == MV_EXTRAS_CONDITIONS) {
    json_object_set_new(schema, "additionalProperties",
                        json_pack("{s:[sss], s:s}", "type", "string", "number", "boolean",
                                  "description", "a condition: the value of this variable"));
  }
  if (action->extras_limit) {
    json_object_set_new(schema, "maxProperties",
                        json_integer(action->extras_limit + (int)action->param_count));
  }
  return schema;
}
