/* Whether parameters may be sent: names, requirements and rules, in messages of one line. */
#include <stdio.h>
#include <string.h>

#include "api/action.h"
#include "api/check.h"
#include "api/text.h"
#include "base/bytes.h"

enum { SHOWN = 48, MOST_NAMES = 32 };

/* ---- names: known, unknown, missing ---- */

static const struct mv_param *find_param(const struct mv_param *params, size_t count,
                                         const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(params[i].name, name) == 0) {
      return &params[i];
    }
  }
  return NULL;
}

/* "client_id (required), limit, start_date" */
static void list_names(struct mv_bytes *out, const struct mv_param *params, size_t count) {
  for (size_t i = 0; i < count; i++) {
    mv_bytes_printf(out, "%s%s%s", i ? ", " : "", params[i].name,
                    params[i].required ? " (required)" : "");
  }
}

static int unknown(const struct mv_place *at, const struct mv_param *params, size_t count,
                   const char *name) {
  const char *names[MOST_NAMES], *near;
  struct mv_bytes text = {0};
  char shown_name[SHOWN];
  for (size_t i = 0; i < count && i < MOST_NAMES; i++) {
    names[i] = params[i].name;
  }
  near = mv_nearest(name, names, count < MOST_NAMES ? count : MOST_NAMES);
  mv_bytes_printf(&text, "unknown parameter \"%s\"",
                  mv_text_line(shown_name, sizeof shown_name, name, strlen(name)));
  if (near) {
    mv_bytes_printf(&text, "; did you mean \"%s\"? It takes ", near);
  } else {
    mv_bytes_puts(&text, "; it takes ");
  }
  if (count) {
    list_names(&text, params, count);
  } else {
    mv_bytes_puts(&text, "none");
  }
  mv_error_set(at->err, MV_ERROR_USAGE, "%s", text.data ? text.data : "unknown parameter");
  mv_bytes_free(&text);
  return mv_check_locate(at);
}

static bool is_empty(const json_t *value) {
  return (json_is_string(value) && json_string_length(value) == 0) ||
         (json_is_array(value) && json_array_size(value) == 0) ||
         (json_is_object(value) && json_object_size(value) == 0);
}

static int check_required(const struct mv_place *at, const struct mv_param *param,
                          const json_t *values) {
  const json_t *value = json_object_get(values, param->name);
  if (!value || json_is_null(value)) {
    mv_error_set(at->err, MV_ERROR_USAGE, "\"%s\" is required: %s", param->name, param->doc);
    return mv_check_locate(at);
  }
  if (is_empty(value) && !(param->may_be_empty && json_is_string(value))) {
    mv_error_set(at->err, MV_ERROR_USAGE, "\"%s\" must not be empty: %s", param->name, param->doc);
    return mv_check_locate(at);
  }
  return 0;
}

/* An unknown parameter, where the row takes such. */
static int check_extra(const struct mv_place *at, const char *name, const json_t *value) {
  char line[SHOWN];
  const struct mv_param condition = {.name = mv_text_line(line, sizeof line, name, strlen(name)),
                                     .type = MV_SCALAR};
  if (name[0] == '\0') {
    mv_error_set(at->err, MV_ERROR_USAGE, "the name of a parameter must not be empty");
    return mv_check_locate(at);
  }
  return at->action->extras == MV_EXTRAS_CONDITIONS ? mv_check_value(at, &condition, value) : 0;
}

static int check_items(const struct mv_place *at, const json_t *list);

static int check_member(const struct mv_place *at, const struct mv_param *params, size_t count,
                        const char *name, const json_t *value) {
  const struct mv_param *param = find_param(params, count, name);
  if (param) {
    bool absent = json_is_null(value) || (!param->required && is_empty(value));
    if (absent || mv_check_value(at, param, value)) {
      return absent ? 0 : -1;
    }
    return param->type == MV_ITEMS ? check_items(at, value) : 0;
  }
  if (at->item || at->action->extras == MV_EXTRAS_REFUSED) {
    return unknown(at, params, count, name);
  }
  return check_extra(at, name, value);
}

static int check_members(const struct mv_place *at, const struct mv_param *params, size_t count,
                         const json_t *values) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)values, name, value) {
    if (check_member(at, params, count, name, value)) {
      return -1;
    }
  }
  for (size_t i = 0; i < count; i++) {
    if (params[i].required && check_required(at, &params[i], values)) {
      return -1;
    }
  }
  return 0;
}

static int check_items(const struct mv_place *at, const json_t *list) {
  struct mv_place inside = *at;
  for (size_t i = 0; i < json_array_size(list); i++) {
    inside.item = i + 1;
    if (check_members(&inside, at->action->item_params, at->action->item_param_count,
                      json_array_get(list, i))) {
      return -1;
    }
  }
  return 0;
}

static int check_extras_count(const struct mv_place *at, const json_t *params) {
  const struct mv_action *action = at->action;
  size_t extras = 0;
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)params, name, value) {
    extras += !mv_action_param(action, name);
  }
  if (action->extras_limit && extras > (size_t)action->extras_limit) {
    mv_error_set(at->err, MV_ERROR_USAGE, "takes at most %d conditions, got %zu",
                 action->extras_limit, extras);
    return mv_check_locate(at);
  }
  if (action->extras == MV_EXTRAS_CONDITIONS && extras == 0) {
    mv_error_set(at->err, MV_ERROR_USAGE, "give at least one condition, as name = value");
    return mv_check_locate(at);
  }
  return 0;
}

/* ---- rules ---- */

static bool is_given(const json_t *params, const char *name) {
  const json_t *value = json_object_get(params, name);
  return value && !json_is_null(value) && !json_is_false(value) && !is_empty(value);
}

struct names {
  char text[128]; /* the rule's names, each ended by a NUL */
  const char *name[8];
  size_t count, given;
  const char *missing, *first_given, *second_given; /* the first of each kind; or NULL */
};

static void read_names(struct names *names, const struct mv_rule *rule, const json_t *params) {
  char *save = NULL;
  memset(names, 0, sizeof *names);
  snprintf(names->text, sizeof names->text, "%s", rule->names);
  for (char *name = strtok_r(names->text, " ", &save); name && names->count < 8;
       name = strtok_r(NULL, " ", &save)) {
    names->name[names->count++] = name;
    if (!is_given(params, name)) {
      names->missing = names->missing ? names->missing : name;
    } else if (names->given++ == 0) {
      names->first_given = name;
    } else {
      names->second_given = names->second_given ? names->second_given : name;
    }
  }
}

/* The names from `first` on, as: "a", "b", "c". */
static void quote_names(const struct names *names, char *out, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < names->count && used < size; i++) {
    used += (size_t)snprintf(out + used, size - used, "%s\"%s\"", i ? ", " : "", names->name[i]);
  }
}

static int check_rule(const struct mv_place *at, const struct mv_rule *rule, const json_t *params) {
  struct names names;
  char all[192];
  read_names(&names, rule, params);
  quote_names(&names, all, sizeof all);
  bool first = names.first_given == names.name[0];
  if (rule->kind == MV_RULE_ANY && names.given == 0) {
    mv_error_set(at->err, MV_ERROR_USAGE, "give at least one of %s", all);
  } else if (rule->kind == MV_RULE_ONE && names.given == 0) {
    mv_error_set(at->err, MV_ERROR_USAGE, "give one of %s", all);
  } else if (rule->kind == MV_RULE_ONE && names.given > 1) {
    mv_error_set(at->err, MV_ERROR_USAGE, "give only one of %s, not both \"%s\" and \"%s\"", all,
                 names.first_given, names.second_given);
  } else if (rule->kind == MV_RULE_ALL && names.given > 0 && names.missing) {
    mv_error_set(at->err, MV_ERROR_USAGE, "\"%s\" needs \"%s\": give both or neither",
                 names.first_given, names.missing);
  } else if (rule->kind == MV_RULE_NEEDS && first && names.missing) {
    mv_error_set(at->err, MV_ERROR_USAGE, "\"%s\" needs \"%s\"", names.first_given, names.missing);
  } else if (rule->kind == MV_RULE_FORBIDS && first && names.given > 1) {
    mv_error_set(at->err, MV_ERROR_USAGE, "\"%s\" does not go with \"%s\"", names.first_given,
                 names.second_given);
  } else {
    return 0;
  }
  return mv_check_locate(at);
}

static bool rule_holds(const struct mv_rule *rule, mv_given_fn *is_there, const void *owner) {
  size_t names = 0, given = 0;
  bool first = false;
  for (const char *name = rule->names; *name; name += *name == ' ') {
    size_t length = strcspn(name, " ");
    bool there = is_there(owner, name, length);
    first = first || (names == 0 && there);
    given += there;
    names++;
    name += length;
  }
  switch (rule->kind) {
  case MV_RULE_ANY:
    return given > 0;
  case MV_RULE_ONE:
    return given == 1;
  case MV_RULE_ALL:
    return given == 0 || given == names;
  case MV_RULE_NEEDS:
    return !first || given == names;
  default: /* MV_RULE_FORBIDS */
    return !first || given == 1;
  }
}

bool mv_action_rules_hold(const struct mv_action *action, mv_given_fn *given, const void *owner) {
  for (size_t i = 0; i < action->rule_count; i++) {
    if (!rule_holds(&action->rules[i], given, owner)) {
      return false;
    }
  }
  return true;
}

static int check_rules(const struct mv_place *at, const json_t *params) {
  for (size_t i = 0; i < at->action->rule_count; i++) {
    if (check_rule(at, &at->action->rules[i], params)) {
      return -1;
    }
  }
  return 0;
}

/* `list`: the value of the only parameter, given without its name. */
static int validate_bare(const struct mv_place *at, const json_t *list) {
  const struct mv_param *items = &at->action->params[0];
  if (is_empty(list)) {
    mv_error_set(at->err, MV_ERROR_USAGE, "the list must not be empty: %s", items->doc);
    return mv_check_locate(at);
  }
  return mv_check_value(at, items, list) || check_items(at, list) ? -1 : 0;
}

int mv_action_validate(const struct mv_action *action, const json_t *params, struct mv_error *err) {
  const struct mv_place at = {.action = action, .err = err};
  if (action->bare_array && json_is_array(params)) {
    return validate_bare(&at, params);
  }
  if (!json_is_object(params) && !(json_is_array(params) && is_empty(params))) {
    mv_error_set(err, MV_ERROR_USAGE, "takes a table of parameters by name");
    return mv_check_locate(&at);
  }
  if (check_members(&at, action->params, action->param_count, params) ||
      check_extras_count(&at, params)) {
    return -1;
  }
  return check_rules(&at, params);
}
