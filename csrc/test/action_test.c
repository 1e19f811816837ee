#include <stdlib.h>
#include <string.h>

#include "api/action.h"
#include "api/client_type.h"
#include "api/text.h"
#include "base/json.h"
#include "test/check.h"

/* Validates JSON text against a row; the message ("" when good) is what follows. */
static const char *verdict(const char *action, const char *params) {
  static struct mv_error err;
  json_t *value = json_loads(params, JSON_DECODE_ANY, NULL);
  const struct mv_action *row = mv_action_find(action, strlen(action));
  memset(&err, 0, sizeof err);
  if (!row || !value) {
    return "broken test";
  }
  int result = mv_action_validate(row, value, &err);
  json_decref(value);
  if ((result == 0) != (err.kind == MV_ERROR_NONE)) {
    return "result and error disagree";
  }
  return err.text;
}

#define GOOD(action, params) IS(action, params, "")
#define IS(action, params, expected)                                                               \
  do {                                                                                             \
    const char *got_ = verdict(action, params);                                                    \
    CHECK(strcmp(got_, expected) == 0);                                                            \
    if (strcmp(got_, expected) != 0) {                                                             \
      fprintf(stderr, "  %s %s\n  got:      %s\n  expected: %s\n", action, params, got_,           \
              expected);                                                                           \
    }                                                                                              \
  } while (0)

static void names_and_lookup(void) {
  CHECK(mv_action_count() == 43);
  CHECK(mv_action_at(43) == NULL);
  for (size_t i = 0; i < mv_action_count(); i++) {
    const struct mv_action *row = mv_action_at(i);
    CHECK(mv_action_find(row->name, strlen(row->name)) == row);
    CHECK(mv_action_nearest(row->name) == row->name);
  }
  CHECK(mv_action_find("message?x", 7) == mv_action_find("message", 7));
  CHECK(mv_action_find("messag", 6) == NULL);
  CHECK(mv_action_find("messages", 8) == NULL);
  CHECK(mv_action_find("", 0) == NULL);
  CHECK(mv_action_find("message\0more", 12) == NULL);
  CHECK(strcmp(mv_action_nearest("get_histroy"), "get_history") == 0);
  CHECK(strcmp(mv_action_nearest("GetClients"), "get_clients") == 0);
  CHECK(mv_action_nearest("zzz") == NULL);
  CHECK(mv_action_nearest("") == NULL);
}

static void rows(void) {
  for (size_t i = 0; i < mv_action_count(); i++) {
    const struct mv_action *row = mv_action_at(i);
    CHECK(row->doc && row->doc[strlen(row->doc) - 1] == '.');
    CHECK(row->source && strstr(row->source, "section"));
    CHECK(!row->bare_array || (row->param_count == 1 && row->params[0].type == MV_ITEMS));
    CHECK(!row->idempotent_if || mv_action_param(row, row->idempotent_if));
    for (size_t j = 0; j < row->param_count; j++) {
      const struct mv_param *param = &row->params[j];
      CHECK(mv_action_param(row, param->name) == param); /* no name twice */
      CHECK(param->doc && *param->doc);
      CHECK((param->type == MV_CHOICE) == (param->choices != NULL));
      /* A query holds scalars only. */
      CHECK(row->method == MV_POST || (param->type != MV_OBJECT && param->type != MV_ID_LIST));
    }
  }
}

static void rule_names_exist(void) {
  for (size_t i = 0; i < mv_action_count(); i++) {
    const struct mv_action *row = mv_action_at(i);
    for (size_t j = 0; j < row->rule_count; j++) {
      char names[128], *save = NULL;
      snprintf(names, sizeof names, "%s", row->rules[j].names);
      for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
        CHECK(mv_action_param(row, name));
      }
    }
  }
}

static void description(void) {
  const struct mv_action *row = mv_action_find("load_clients", 12);
  json_t *json = mv_action_describe(row);
  CHECK(strcmp(json_string_value(json_object_get(json, "method")), "POST") == 0);
  CHECK(json_is_true(json_object_get(json, "bare_array")));
  CHECK(json_array_size(json_object_get(json, "items")) == 3);
  json_decref(json);
  for (size_t i = 0; i < mv_action_count(); i++) {
    char *text;
    json = mv_action_describe(mv_action_at(i));
    text = mv_json_text(json);
    CHECK(text && strstr(text, "\"source\":\"API of the editor"));
    free(text);
    json_decref(json);
  }
}

static void retry_classes(void) {
  const struct mv_action *row = mv_action_find("assign_to_user", 14);
  json_t *with = json_pack("{si ss}", "client_id", 1, "email", "a@b.c");
  json_t *without = json_pack("{si ss}", "client_id", 1, "email", "");
  CHECK(mv_action_retry_class(row, with) == MV_IDEMPOTENT);
  CHECK(mv_action_retry_class(row, without) == MV_ONCE);
  CHECK(mv_action_retry_class(mv_action_find("get_orders", 10), with) == MV_SAFE);
  CHECK(mv_action_find("find_client_id_by_platform_id", 29)->method == MV_POST);
  json_decref(with);
  json_decref(without);
}

static void names_of_parameters(void) {
  IS("get_history", "{\"client\":1}",
     "get_history: unknown parameter \"client\"; did you mean \"client_id\"? It takes client_id "
     "(required), limit, start_date, stop_date");
  IS("get_history", "{\"zzz\":1}",
     "get_history: unknown parameter \"zzz\"; it takes client_id (required), limit, start_date, "
     "stop_date");
  IS("connected_channels", "{\"a\\nb\":1}",
     "connected_channels: unknown parameter \"a b\"; it takes none");
  IS("get_history", "{}",
     "get_history: \"client_id\" is required: id of the client in the project");
  IS("get_history", "{\"client_id\":null}",
     "get_history: \"client_id\" is required: id of the client in the project");
  IS("get_history", "{\"client_id\":\"\"}",
     "get_history: \"client_id\" takes an id (an integer, or a string that is not empty), got "
     "\"\"");
  IS("find_client_id_by_email", "{\"email\":\"\"}",
     "find_client_id_by_email: \"email\" must not be empty: e-mail address");
  IS("get_history", "[1]", "get_history: takes a table of parameters by name");
  GOOD("connected_channels", "{}");
  GOOD("connected_channels", "[]");
}

static void ids(void) {
  GOOD("clear_history", "{\"client_id\":-1001234567890123}");
  GOOD("clear_history", "{\"client_id\":9223372036854775807}");
  GOOD("clear_history", "{\"client_id\":\"25554\"}");
  IS("clear_history", "{\"client_id\":{\"a\":1}}",
     "clear_history: \"client_id\" takes an id (an integer, or a string that is not empty), got a "
     "table");
  IS("clear_history", "{\"client_id\":1.5}",
     "clear_history: \"client_id\" takes an id (an integer, or a string that is not empty), got "
     "1.5");
  IS("clear_history", "{\"client_id\":true}",
     "clear_history: \"client_id\" takes an id (an integer, or a string that is not empty), got "
     "true");
  GOOD("add_to_list", "{\"list_id\":1,\"clients\":[1,\"2\"]}");
  IS("add_to_list", "{\"list_id\":1,\"clients\":5}",
     "add_to_list: \"clients\" takes a list of ids, got 5");
  IS("add_to_list", "{\"list_id\":1,\"clients\":[1,null]}",
     "add_to_list: item 2 of \"clients\" takes an id (an integer, or a string that is not empty), "
     "got null");
  IS("add_to_list", "{\"list_id\":1,\"clients\":{}}",
     "add_to_list: \"clients\" must not be empty: ids of the clients");
}

static void numbers(void) {
  GOOD("get_history", "{\"client_id\":1,\"limit\":1}");
  GOOD("get_history", "{\"client_id\":1,\"limit\":2000}");
  GOOD("get_history", "{\"client_id\":1,\"limit\":\"1999\"}");
  IS("get_history", "{\"client_id\":1,\"limit\":0}",
     "get_history: \"limit\" takes at least 1, got 0");
  IS("get_history", "{\"client_id\":1,\"limit\":2001}",
     "get_history: \"limit\" takes at most 2000, got 2001");
  IS("get_history", "{\"client_id\":1,\"limit\":\"2001\"}",
     "get_history: \"limit\" takes at most 2000, got \"2001\"");
  IS("get_history", "{\"client_id\":1,\"limit\":\"ten\"}",
     "get_history: \"limit\" takes a whole number, got \"ten\"");
  IS("get_history", "{\"client_id\":1,\"limit\":1.5}",
     "get_history: \"limit\" takes a whole number, got 1.5");
  IS("get_clients", "{\"offset\":\"99999999999999999999\"}",
     "get_clients: \"offset\" takes a whole number, got \"99999999999999999999\"");
  IS("get_orders", "{\"client_id\":1,\"order_status\":3}",
     "get_orders: \"order_status\" takes at most 2, got 3");
  GOOD("create_order", "{\"client_id\":1,\"budget\":-9.5}");
  GOOD("create_order", "{\"client_id\":1,\"budget\":\"1e3\"}");
  IS("create_order", "{\"client_id\":1,\"budget\":\"inf\"}",
     "create_order: \"budget\" takes a number, got \"inf\"");
  IS("callback", "{\"client_id\":1,\"time_shift\":-1}",
     "callback: \"time_shift\" takes at least 0, got -1");
}

static void dates(void) {
  GOOD("get_history",
       "{\"client_id\":1,\"start_date\":\"29.02.2024\",\"stop_date\":\"31.12.2026\"}");
  IS("get_history", "{\"client_id\":1,\"start_date\":\"29.02.2023\",\"stop_date\":\"01.03.2023\"}",
     "get_history: \"start_date\" takes a day that exists, as \"31.12.2026\", got \"29.02.2023\"");
  IS("get_history", "{\"client_id\":1,\"start_date\":\"2024-02-01\",\"stop_date\":\"01.03.2023\"}",
     "get_history: \"start_date\" takes a day that exists, as \"31.12.2026\", got \"2024-02-01\"");
  IS("get_history", "{\"client_id\":1,\"stop_date\":\"01.03.2023\"}",
     "get_history: \"stop_date\" needs \"start_date\": give both or neither");
  GOOD("callback", "{\"client_id\":1,\"send_time\":\"2024-10-16 13:15:59\"}");
  IS("callback", "{\"client_id\":1,\"send_time\":\"2024-10-16 24:00:00\"}",
     "callback: \"send_time\" takes a date and time that exist, as \"2026-12-31 23:59:59\", got "
     "\"2024-10-16 24:00:00\"");
  IS("callback", "{\"client_id\":1,\"send_time\":\"2024-10-16T13:15:59\"}",
     "callback: \"send_time\" takes a date and time that exist, as \"2026-12-31 23:59:59\", got "
     "\"2024-10-16T13:15:59\"");
}

static void words_and_booleans(void) {
  GOOD("find_clients", "{\"q\":{\"a\":1},\"search_in\":\"order\",\"include_all\":false}");
  IS("find_clients", "{\"q\":{\"a\":1},\"search_in\":\"orders\"}",
     "find_clients: \"search_in\" takes only order, got \"orders\"");
  IS("find_clients", "{\"q\":{\"a\":1},\"include_all\":2}",
     "find_clients: \"include_all\" takes true or false, got 2");
  GOOD("find_clients", "{\"q\":{\"a\":1},\"include_all\":\"0\"}");
  IS("find_clients", "{\"q\":[1]}",
     "find_clients: \"q\" takes a table of names and values, got a list");
  IS("find_clients", "{\"q\":{}}",
     "find_clients: \"q\" must not be empty: name to value, {_in: […]}, {_not_in: […]} or "
     "{_not: value}");
  IS("message", "{\"client_id\":1,\"attachment_url\":\"u\",\"attachment_type\":\"gif\"}",
     "message: \"attachment_type\" takes one of image video link file audio, got \"gif\"");
  GOOD("find_client_id_by_var", "{\"var\":\"a\",\"val\":\"\"}");
  IS("find_client_id_by_var", "{\"var\":\"a\",\"val\":[]}",
     "find_client_id_by_var: \"val\" takes a string, a number or a boolean, got a list");
  IS("find_client_id_by_var", "{\"var\":\"a\",\"val\":[1]}",
     "find_client_id_by_var: \"val\" takes a string, a number or a boolean, got a list");
}

/* A list of `count` ids under `name`. */
static const char *many(const char *action, const char *name, size_t count, const char *more) {
  struct mv_bytes text = {0};
  const char *message;
  mv_bytes_printf(&text, "{\"%s\":[", name);
  for (size_t i = 0; i < count; i++) {
    mv_bytes_printf(&text, "%s%zu", i ? "," : "", i);
  }
  mv_bytes_printf(&text, "]%s}", more);
  message = verdict(action, text.data);
  mv_bytes_free(&text);
  return message;
}

static void limits(void) {
  CHECK(*many("delete_clients", "client_ids", 499, "") == '\0');
  CHECK(*many("delete_clients", "client_ids", 500, "") == '\0');
  CHECK(strcmp(many("delete_clients", "client_ids", 501, ""),
               "delete_clients: \"client_ids\" takes at most 500 ids, got 501; split them with "
               "bot:in_batches") == 0);
  const char *text = ",\"callback_text\":\"x\"";
  CHECK(*many("send_callback_by_platform_id", "platform_ids", 300, text) == '\0');
  CHECK(strstr(many("send_callback_by_platform_id", "platform_ids", 301, text), "at most 300"));
  CHECK(*many("broadcast", "clients", 5000, ",\"message\":\"x\"") == '\0');
}

static void rules(void) {
  IS("message", "{\"client_id\":1}",
     "message: give at least one of \"message\", \"message_id\", \"attachment_url\"");
  IS("message", "{\"client_id\":1,\"message\":\"\"}",
     "message: give at least one of \"message\", \"message_id\", \"attachment_url\"");
  IS("message", "{\"client_id\":1,\"attachment_url\":\"u\"}",
     "message: \"attachment_url\" needs \"attachment_type\"");
  GOOD("message", "{\"client_id\":1,\"attachment_url\":\"u\",\"attachment_type\":\"link\"}");
  IS("callback", "{\"message\":\"x\"}",
     "callback: give at least one of \"client_id\", \"client_phone\", \"client_email\"");
  IS("broadcast", "{\"message\":\"x\"}",
     "broadcast: give one of \"list\", \"clients\", \"platform_ids\"");
  IS("broadcast", "{\"message\":\"x\",\"clients\":[]}",
     "broadcast: give one of \"list\", \"clients\", \"platform_ids\"");
  IS("broadcast", "{\"message\":\"x\",\"list\":1,\"clients\":[1]}",
     "broadcast: give only one of \"list\", \"clients\", \"platform_ids\", not both \"list\" and "
     "\"clients\"");
  IS("broadcast", "{\"message\":\"x\",\"platform_ids\":[1]}",
     "broadcast: \"platform_ids\" needs \"group_id\"");
  GOOD("broadcast", "{\"message\":\"x\",\"platform_ids\":[1],\"group_id\":\"a_bot\"}");
  IS("get_clients", "{\"reverse\":true,\"list\":5}",
     "get_clients: \"reverse\" does not go with \"list\"");
  GOOD("get_clients", "{\"reverse\":false,\"list\":5}");
}

static void extras(void) {
  GOOD("callback", "{\"client_id\":1,\"any\":{\"deep\":[1]},\"other\":null}");
  IS("callback", "{\"client_id\":1,\"\":1}", "callback: the name of a parameter must not be empty");
  IS("find_all_client_id_by_several_vars", "{}",
     "find_all_client_id_by_several_vars: give at least one condition, as name = value");
  GOOD("find_all_client_id_by_several_vars", "{\"a\":1,\"b\":\"2\",\"c\":true}");
  IS("find_all_client_id_by_several_vars", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}",
     "find_all_client_id_by_several_vars: takes at most 3 conditions, got 4");
  IS("find_all_client_id_by_several_vars", "{\"a\":[1]}",
     "find_all_client_id_by_several_vars: \"a\" takes a string, a number or a boolean, got a list");
}

static void structures(void) {
  GOOD("load_clients", "[{\"platform_id\":1,\"group_id\":\"\",\"client_type\":13}]");
  GOOD("load_clients", "{\"items\":[{\"platform_id\":1,\"group_id\":2,\"client_type\":\"6\"}]}");
  IS("load_clients", "[]", "load_clients: the list must not be empty: the clients");
  IS("load_clients", "{}", "load_clients: \"items\" is required: the clients");
  IS("load_clients", "[5]",
     "load_clients: item 1 of \"items\" takes a table of names and values, "
     "got 5");
  IS("load_clients", "[{\"platform_id\":1,\"group_id\":2,\"client_type\":1},{\"platform_id\":2}]",
     "load_clients: item 2: \"group_id\" is required: group_id of connected_channels; \"\" for "
     "telephony");
  IS("load_clients", "[{\"platform_id\":1,\"group\":2,\"client_type\":1}]",
     "load_clients: item 1: unknown parameter \"group\"; did you mean \"group_id\"? It takes "
     "platform_id (required), group_id (required), client_type (required)");
  GOOD("message", "{\"client_id\":1,\"message\":\"x\",\"buttons\":[{\"type\":\"reply\"}]}");
  GOOD("message",
       "{\"client_id\":1,\"message\":\"x\",\"buttons\":{\"hint\":\"h\",\"buttons\":[]}}");
  GOOD("find_clients", "{\"q\":{\"a\":1,\"b\":{\"_in\":[1]},\"c\":{\"_not\":2},\"d\":{\"_not_in\":{}}}}");
  IS("find_clients", "{\"q\":{\"city\":{\"_inn\":[1]}}}",
     "find_clients: \"city\" in \"q\" takes a value, {_in = list}, {_not_in = list} or {_not = value}");
  IS("find_clients", "{\"q\":{\"city\":{\"_in\":\"Oslo\"}}}",
     "find_clients: \"city\" in \"q\" takes a value, {_in = list}, {_not_in = list} or {_not = value}");
  IS("find_clients", "{\"q\":{\"city\":[\"Oslo\"]}}",
     "find_clients: \"city\" in \"q\" takes a value, {_in = list}, {_not_in = list} or {_not = value}");
  IS("message", "{\"client_id\":1,\"message\":\"x\",\"buttons\":[\"a\"]}",
     "message: \"buttons\" takes a list of buttons (tables) or {hint, buttons = list}, got a list");
}

/* What comes from outside stays one line and is cut between characters. */
static void hostile(void) {
  char out[16], long_name[3000], params[3100];
  CHECK(strcmp(mv_text_line(out, sizeof out, "a\nb\x7f\xff", 5), "a b ?") == 0);
  CHECK(strcmp(mv_text_line(out, sizeof out, "0123456789abcde", 15), "0123456789abcde") == 0);
  CHECK(strcmp(mv_text_line(out, sizeof out, "0123456789abcdef", 16), "0123456789ab...") == 0);
  CHECK(strcmp(mv_text_line(out, sizeof out, "01234567\xd0\x9f\xd0\x9f\xd0\x9f\xd0\x9f", 16),
               "01234567\xd0\x9f\xd0\x9f...") == 0);
  CHECK(strcmp(mv_text_line(out, sizeof out, "\xe2\x82", 2), "??") == 0);
  memset(long_name, 'x', sizeof long_name - 1);
  long_name[sizeof long_name - 1] = '\0';
  snprintf(params, sizeof params, "{\"%s\":1}", long_name);
  CHECK(strlen(verdict("clear_history", params)) < 200);
  CHECK(mv_action_nearest(long_name) == NULL);
}

static void client_types(void) {
  CHECK(strcmp(mv_client_type_name(1), "Telegram bot") == 0);
  CHECK(mv_client_type_name(9) == NULL);
  for (size_t i = 1; i < mv_client_type_count(); i++) {
    CHECK(mv_client_type_at(i)->number > mv_client_type_at(i - 1)->number);
  }
  CHECK(mv_client_type_at(mv_client_type_count()) == NULL);
}

int main(void) {
  names_and_lookup();
  rows();
  rule_names_exist();
  description();
  retry_classes();
  names_of_parameters();
  ids();
  numbers();
  dates();
  words_and_booleans();
  limits();
  rules();
  extras();
  structures();
  hostile();
  client_types();
  return check_end("action");
}
