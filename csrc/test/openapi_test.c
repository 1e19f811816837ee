/* Shapes of answers as schemas, values against them, and the document made of both. */
#include "api/openapi.h"

#include <stdlib.h>
#include <string.h>

#include "api/schema.h"
#include "base/json.h"
#include "test/check.h"

static bool same(char *text, const char *expected) {
  bool equal = text && strcmp(text, expected) == 0;
  if (!equal) {
    fprintf(stderr, "  got:      %s\n  expected: %s\n", text ? text : "nothing", expected);
  }
  free(text);
  return equal;
}

static bool makes(const char *notation, const char *expected) {
  struct mv_error err = {0};
  json_t *schema = mv_schema_of(notation, &err);
  char *text = schema ? mv_json_text(schema) : mv_strdup(err.text);
  json_decref(schema);
  return same(text, expected);
}

static void test_notation(void) {
  CHECK(makes("ok", "{\"const\":\"ok\"}"));
  CHECK(makes("{}", "{\"type\":\"object\"}"));
  CHECK(makes("any", "{}"));
  CHECK(makes("integer|null", "{\"type\":[\"integer\",\"null\"]}"));
  CHECK(makes("[string]", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"));
  CHECK(makes("{a: integer, b?: {}|null}",
              "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},"
              "\"b\":{\"type\":[\"object\",\"null\"]}},\"required\":[\"a\"]}"));
  CHECK(makes("{a?: 'x'}", "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":\"x\"}}}"));
  CHECK(makes("'order * (not) found'",
              "{\"type\":\"string\",\"pattern\":\"^order .* \\\\(not\\\\) found$\"}"));
  CHECK(makes("{a: 'x'}|'y'",
              "{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"const\":\"x\"}},"
              "\"required\":[\"a\"]},{\"const\":\"y\"}]}"));
}

static void test_broken_notations(void) {
  CHECK(makes("integr", "character 1 of the notation: a type expected at \"integr\""));
  CHECK(makes("", "character 1 of the notation: a type expected at \"\""));
  CHECK(makes("{a integer}", "character 4 of the notation: : expected at \"integer}\""));
  CHECK(makes("{a: integer", "character 12 of the notation: , or } expected at \"\""));
  CHECK(makes("{: integer}", "character 2 of the notation: the name of a member expected at "
                             "\": integer}\""));
  CHECK(makes("[integer", "character 9 of the notation: ] expected at \"\""));
  CHECK(makes("'ab", "character 2 of the notation: a text that ends with ' expected at \"ab\""));
  CHECK(makes("integer|", "character 9 of the notation: a type expected at \"\""));
  CHECK(makes("integer integer", "character 9 of the notation: the end expected at \"integer\""));
}

/* What is wrong with a value, "" when nothing is. */
static bool says(const char *notation, const char *value, const char *expected) {
  struct mv_error err = {0};
  json_t *schema = mv_schema_of(notation, &err);
  json_t *json = mv_json_parse(value, strlen(value), &err);
  int result = mv_schema_check(schema, json, &err);
  json_decref(schema);
  json_decref(json);
  return same(mv_strdup(result ? err.text : ""), expected);
}

static void test_values(void) {
  CHECK(says("{a: integer}", "{\"a\":1}", ""));
  CHECK(says("{a: integer}", "{}", "$.a: is missing"));
  CHECK(says("{a?: integer}", "{}", ""));
  CHECK(says("{a: integer}", "{\"a\":1,\"b\":2}", "$.b: not in the table"));
  CHECK(says("{}", "{\"a\":1,\"b\":2}", ""));
  CHECK(says("{a: integer}", "{\"a\":1.5}", "$.a: \"integer\" expected, is number"));
  CHECK(says("{a: number}", "{\"a\":1}", ""));
  CHECK(says("{a: integer|null}", "{\"a\":\"1\"}",
             "$.a: [\"integer\",\"null\"] expected, is string"));
  CHECK(says("{a: [{b: boolean}]}", "{\"a\":[{\"b\":true},{\"b\":0}]}",
             "$.a[1].b: \"boolean\" expected, is integer"));
  CHECK(says("{a: [any]}", "{\"a\":{}}", "$.a: \"array\" expected, is object"));
  CHECK(says("{a: 'x'}|{b: 'y'}", "{\"b\":\"y\"}", ""));
  CHECK(
      says("{a: 'x'}|{b: 'y'}", "{\"b\":\"z\"}", "$.b: not in the table; or $.b: \"y\" expected"));
  CHECK(says("'order * not found'", "\"order 12 not found\"", ""));
  CHECK(says("'order * not found'", "\"no order 12 not found\"", "$: ^order .* not found$"));
  CHECK(says("'order * not found'", "12", "$: \"string\" expected, is integer"));
}

/* The verdict on an answer of the action, as says(). */
static bool answers(const char *action, unsigned status, const char *answer, const char *expected) {
  struct mv_error err = {0};
  json_t *json = mv_json_parse(answer, strlen(answer), &err);
  int result = mv_openapi_check(mv_action_find(action, strlen(action)), status, json, &err);
  json_decref(json);
  return same(mv_strdup(result ? err.text : ""), expected);
}

static void test_answers(void) {
  CHECK(answers("message", 200, "\"ok\"", ""));
  CHECK(answers("message", 200, "{\"status\":\"success\"}", ""));
  CHECK(answers("message", 200, "\"fine\"", "$: \"ok\" expected"));
  CHECK(answers("message", 404, "{\"status\":\"client_not_found\"}", ""));
  CHECK(answers("connected_channels", 404, "{\"status\":\"client_not_found\"}",
                "status 404 is not documented"));
  CHECK(answers("get_orders", 200, "{\"status\":\"client_not_found\"}", ""));
  CHECK(answers("get_orders", 200, "{\"status\":\"success\",\"order_id\":[1]}", ""));
  CHECK(answers(
      "get_orders", 200, "{\"status\":\"success\",\"order_id\":1}",
      "$.order_id: \"array\" expected, is integer; or $.status: \"client_not_found\" expected"));
  CHECK(answers("get_orders", 400, "{\"status\":\"fail\",\"message\":\"x\"}", ""));
  CHECK(answers("get_orders", 400, "{\"status\":\"fail\"}", "$.message: is missing"));
  CHECK(answers("get_orders", 500, "{\"status\":\"fail\",\"message\":\"x\"}",
                "status 500 is not documented"));
  CHECK(answers("nothing", 404, "{\"status\":\"fail\",\"message\":\"x\"}", ""));
  CHECK(answers("nothing", 200, "\"ok\"", "status 200 is not documented"));
}

static void test_rows(void) {
  for (size_t i = 0; i < mv_action_count(); i++) {
    const struct mv_action *row = mv_action_at(i);
    json_t *answer = mv_schema_of(row->answer, NULL);
    json_t *refusal = mv_schema_of(row->refusal ? row->refusal : "any", NULL);
    json_t *request = mv_openapi_request(row);
    CHECK(answer && refusal && request);
    json_decref(answer);
    json_decref(refusal);
    json_decref(request);
  }
}

/* The document's value at a path whose names are separated by blanks. */
static bool at(json_t *value, const char *path, const char *expected) {
  char names[256], *save = NULL;
  snprintf(names, sizeof names, "%s", path);
  for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
    value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                 : json_object_get(value, name);
  }
  return same(value ? mv_json_text(value) : NULL, expected);
}

static void test_document(void) {
  json_t *document = mv_openapi_document();
  json_t *requests = json_object_get(json_object_get(document, "components"), "schemas");
  CHECK(json_object_size(json_object_get(document, "paths")) == mv_action_count());
  CHECK(at(document, "openapi", "\"3.1.0\""));
  CHECK(at(document, "paths /api/{api_key}/get_history x-client-method", "\"GET\""));
  CHECK(at(document, "paths /api/{api_key}/get_history get operationId", "\"get_history\""));
  CHECK(
      at(document, "paths /api/{api_key}/get_history post operationId", "\"get_history_by_post\""));
  CHECK(at(document, "paths /api/{api_key}/delete_clients x-permission", "\"X\""));
  CHECK(at(document, "paths /api/{api_key}/assign_to_user x-idempotent-if", "\"email\""));
  CHECK(at(document, "paths /api/{api_key}/get_orders get tags", "[\"orders\"]"));
  CHECK(at(requests, "get_history_request properties limit maximum", "2000"));
  CHECK(at(requests, "get_history_request required", "[\"client_id\"]"));
  CHECK(at(requests, "get_history_request dependentRequired",
           "{\"start_date\":[\"stop_date\"],\"stop_date\":[\"start_date\"]}"));
  CHECK(at(requests, "get_clients_request not required", "[\"reverse\",\"list\"]"));
  CHECK(at(requests, "delete_clients_request properties client_ids maxItems", "500"));
  CHECK(at(requests, "broadcast_request allOf 1 oneOf 0 required", "[\"list\"]"));
  CHECK(at(requests, "message_request properties attachment_type enum",
           "[\"image\",\"video\",\"link\",\"file\",\"audio\"]"));
  CHECK(at(requests, "load_clients_request type", "\"array\""));
  CHECK(at(requests, "find_all_client_id_by_several_vars_request maxProperties", "3"));
  json_decref(document);
}

int main(void) {
  test_notation();
  test_broken_notations();
  test_values();
  test_answers();
  test_rows();
  test_document();
  return check_end("openapi");
}
