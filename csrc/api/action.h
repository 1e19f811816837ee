/* The action table: what the platform's HTTP API offers, one row an action (see actions.def).
 * Functions, validation, documentation and the sandbox's routes are made from these rows. */
#ifndef MV_API_ACTION_H
#define MV_API_ACTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum mv_method { MV_GET, MV_POST };

/* What an API key must be allowed to do. */
enum mv_permission {
  MV_READ_CLIENTS,   /* R */
  MV_WRITE_CLIENTS,  /* W */
  MV_DELETE_CLIENTS, /* X */
  MV_READ_CRM,       /* CR */
  MV_WRITE_CRM,      /* CW */
};

/* Whether an action may be sent again when nobody knows if it arrived. */
enum mv_retry_class {
  MV_SAFE,       /* changes nothing: may be repeated */
  MV_IDEMPOTENT, /* doing it twice is doing it once: may be repeated */
  MV_ONCE,       /* repeated only if no byte of the request was sent */
};

enum mv_type {
  MV_ID,          /* integer, or a string of it (a phone or a chat id is an id, too) */
  MV_INTEGER,     /* whole number, or a string of it */
  MV_NUMBER,      /* any number, or a string of it */
  MV_STRING,      /* text; numbers are written out */
  MV_BOOLEAN,     /* true or false; 0, 1 and their strings are taken */
  MV_SCALAR,      /* string, number or boolean: the value of a variable */
  MV_ID_LIST,     /* array of ids */
  MV_STRING_LIST, /* array of strings */
  MV_OBJECT,      /* name -> value */
  MV_CONDITIONS,  /* name -> value, or object of operators and what they compare with */
  MV_BUTTONS,     /* {hint, buttons: [...]} or the bare list */
  MV_ITEMS,       /* array of objects with the row's item parameters */
  MV_DATE,        /* "dd.mm.yyyy" */
  MV_DATETIME,    /* "yyyy-mm-dd hh:mm:ss" */
  MV_CHOICE,      /* one of the words in `choices` */
};

/* What the type of a button may be, written as the choices of a parameter. */
#define MV_BUTTON_TYPES "reply inline"

struct mv_param {
  const char *name;
  enum mv_type type;
  bool required;       /* must be there, and not be empty */
  bool may_be_empty;   /* "" is a value, also of a required parameter and of an id */
  long limit;          /* most elements (lists), most (numbers, where documented); 0: none */
  bool cut;            /* numbers: the platform takes what is over `limit` as `limit` */
  long least;          /* numbers: the least; 0 unless the row says otherwise */
  const char *choices; /* MV_CHOICE: "image video link"; else NULL */
  const char *doc;     /* one phrase */
};

enum mv_rule_kind {
  MV_RULE_ANY,     /* at least one of the names */
  MV_RULE_ONE,     /* exactly one of the names */
  MV_RULE_ALL,     /* all of the names or none */
  MV_RULE_NEEDS,   /* the first needs the others */
  MV_RULE_FORBIDS, /* the first does not go with the others */
};

struct mv_rule {
  enum mv_rule_kind kind;
  const char *names; /* separated by spaces */
};

enum mv_extras {
  MV_EXTRAS_REFUSED,    /* an unknown parameter is a mistake */
  MV_EXTRAS_VARIABLES,  /* unknown parameters are saved as the client's variables (callbacks) */
  MV_EXTRAS_CONDITIONS, /* unknown parameters are the conditions of a search */
};

struct mv_action {
  const char *name;
  const char *idempotent_if; /* a ONCE action is idempotent when this parameter is given; or NULL */
  enum mv_method method;     /* what the client sends; the platform takes both */
  enum mv_permission permission;
  enum mv_retry_class retry;
  enum mv_extras extras;
  int extras_limit;   /* most extra parameters; 0: any number */
  bool bare_array;    /* the body is the array itself: the single MV_ITEMS parameter's value */
  bool universal;     /* value_* and delimiter_value_* apply (the "universal webhook") */
  bool unlimited;     /* counts neither against the tariff's calls nor against a rate */
  const char *answer;  /* the shape of a success, in the notation below */
  const char *refusal; /* the shapes of failures that come with HTTP 200; NULL: none does */
  bool may_miss;       /* 404 when what it names (a client, a block) is not there */
  const char *subject; /* what it is about: "clients", "orders", … */
  const char *doc;    /* one line */
  const char *source; /* the platform's document and section */
  const struct mv_param *params;
  size_t param_count;
  const struct mv_param *item_params; /* of the objects inside an MV_ITEMS parameter */
  size_t item_param_count;
  const struct mv_rule *rules;
  size_t rule_count;
};

/* The notation of `answer` and `refusal`, from which JSON schemas are made (see schema.h):
 *
 *   ok                        the plain text "ok" (or a JSON object with status "success")
 *   {name: type, name?: type} an object; a name with "?" may be absent; others may be there, too
 *   {}                        an object of which no member is known beforehand
 *   [type]                    an array
 *   integer string boolean number null any
 *   'text'                    this string; * in it stands for anything
 *   a|b                       either
 */

/* All rows, in the table's order. */
size_t mv_action_count(void);
const struct mv_action *mv_action_at(size_t index);

/* The row of that name, or NULL. `length`: of the name, which needs no NUL. */
const struct mv_action *mv_action_find(const char *name, size_t length);

/* The known action nearest to a mistyped name, or NULL when none is near. */
const char *mv_action_nearest(const char *name);

const struct mv_param *mv_action_param(const struct mv_action *action, const char *name);

/* "R" "W" "X" "CR" "CW"; "safe" "idempotent" "once"; "id" "integer" …; "GET" "POST". */
const char *mv_permission_name(enum mv_permission permission);
const char *mv_retry_class_name(enum mv_retry_class retry);
const char *mv_type_name(enum mv_type type);
const char *mv_method_name(enum mv_method method);
const char *mv_rule_name(enum mv_rule_kind kind);  /* "any" "one" "all" "needs" "forbids" */
const char *mv_extras_name(enum mv_extras extras); /* "refused" "variables" "conditions" */

/* The whole row as JSON, for `mavilua actions --json` and generators. New reference. */
json_t *mv_action_describe(const struct mv_action *action);

/* Whether `params` (an object; for bare_array rows the array or {items = array}) may be sent.
 * 0, or -1 with a one-line message that names the action, the parameter, what it takes, and for
 * unknown ones the nearest known name. null counts as absent; for the rules (one of, needs, …) so
 * do false, "", [] and {}. */
int mv_action_validate(const struct mv_action *action, const json_t *params, struct mv_error *err);

/* Whether the row's rules hold for parameters that lie anywhere: `given` tells whether one is there
 * and says something (neither null, false nor empty). */
typedef bool mv_given_fn(const void *owner, const char *name, size_t length);
bool mv_action_rules_hold(const struct mv_action *action, mv_given_fn *given, const void *owner);

/* The class that holds for these parameters (idempotent_if applied). */
enum mv_retry_class mv_action_retry_class(const struct mv_action *action, const json_t *params);

/* The nearest of `count` names to `name` by edit distance, or NULL when none is near. */
const char *mv_nearest(const char *name, const char *const *names, size_t count);

#endif
