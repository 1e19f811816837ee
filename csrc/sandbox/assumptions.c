#include "sandbox/assumptions.h"

static const struct mv_assumption assumptions[] = {
    {"methods", "*", "Every action takes GET and POST.", NULL},
    {"body-wins", "*", "A field of the body wins over one of the same name in the query.", NULL},
    {"forms", "*",
     "Forms and queries: a[]=1 is a list, a[k]=v an object; a value that starts with [ or { is "
     "read "
     "as JSON where the action takes a list or an object.",
     NULL},
    {"missing", "*", "A missing required parameter: 400, Parameter \"client_id\" required.", NULL},
    {"wrong-type", "*", "A parameter of a wrong type: 400, with what it takes.", NULL},
    {"null", "*", "A parameter that is null or, where no text is taken, \"\" counts as absent.",
     NULL},
    {"over-limit", "*",
     "A number over its documented limit is cut to it; a longer list than documented: 400.", NULL},
    {"wrong-key", "*", "A wrong key: 401.", NULL},
    {"no-permission", "*", "A key without the permission: 403.", NULL},
    {"unknown-action", "*", "An unknown action: 404, with the nearest name.", NULL},
    {"unknown-client", "*",
     "An unknown client: 404 {\"status\":\"client_not_found\"}; for the actions on orders with "
     "200.",
     NULL},
    {"ok", "*", "callback, message and save_variables answer the plain text ok.", "ok_body"},
    {"callback-phone", "callback",
     "client_id goes before client_phone before client_email; they are looked up as by "
     "find_client_id_by_phone and find_client_id_by_email.",
     NULL},
    {"callback-extras", "callback", "Further fields become variables of the client.", NULL},
    {"callback-input", "callback",
     "The text is stored as the client's, told by a webhook with is_input 1, and matched with the "
     "blocks; without a text only variables are saved.",
     NULL},
    {"message-block", "message",
     "message_id sends the block as if it had been reached: its variables and its move of the "
     "order "
     "too; an unknown block: 404.",
     NULL},
    {"history-days", "get_history", "Days are those of UTC, the last one included.", NULL},
    {"history-attachments", "get_history",
     "attachments is {} without any, else the list that was sent or received.", NULL},
    {"answered", "get_history",
     "answered: true for what the bot sent, and for the client's messages once it sent something.",
     NULL},
    {"load-unknown-group", "load_clients", "group_id need not be one of connected_channels.", NULL},
    {"dates", "get_clients", "created_at and updated_at are unix seconds.", "date_style"},
    {"online-chat-channel", "connected_channels", "Online chats are listed under online_chat.",
     NULL},
    {"variables-type", "save_variables",
     "A value comes back with the JSON type it was saved with; null too.", NULL},
    {"variables-order", "save_variables",
     "Without an order one is opened in the first state of the first funnel.", NULL},
    {"variables-clients", "save_variables",
     "With clients, one unknown id refuses all: nothing is saved.", NULL},
    {"variables-names", "get_variables",
     "Of the same names the order's variable wins over the client's, and that over the built-in.",
     NULL},
    {"find-lowest", "find_client_id_by_var", "Of several clients the one with the lowest id.",
     NULL},
    {"find-absent", "find_client_id_by_var", "Nobody: 404 {\"status\":\"client_not_found\"}.",
     NULL},
    {"find-phone", "find_client_id_by_phone",
     "WhatsApp numbers (digits) go before the client's variable phone before the order's.", NULL},
    {"find-email", "find_client_id_by_email",
     "The client's variable email goes before the order's.", NULL},
    {"find-text", "find_clients",
     "A text is compared with the text of the value, so \"5\" finds 5; a number with numbers and "
     "with "
     "texts that are one.",
     NULL},
    {"find-not", "find_clients", "_not and _not_in match only those who have the variable.", NULL},
    {"find-empty", "find_clients", "An empty q: Parameter \"q\" required.", NULL},
    {"find-same-order", "find_clients",
     "With search_in order all conditions must hold in one and the same order.", NULL},
    {"current-order", "get_current_order_id",
     "The newest active order; without an active one the newest; none at all: "
     "{\"status\":\"order not found\"}.",
     NULL},
    {"orders-all", "get_orders", "Without order_status: all, oldest first.", NULL},
    {"order-not-found", "get_order_vars",
     "An order that is not there, or another client's: 200 {\"status\":\"order 12345 not found\"}.",
     NULL},
    {"last-state", "move_order_to_next_state",
     "In the last state it stays; states that mean a lost order are left out.", NULL},
    {"unknown-state", "set_order_state",
     "An unknown state: 200 {\"status\":\"fail\",\"message\":\"State 5 not found\"}.", NULL},
    {"set-state-opens", "set_order_state", "Without an order one is opened.", NULL},
    {"outcome", "set_order_state",
     "An order in a state of success is won, in one of failure lost, in any other active.", NULL},
    {"new-by-phone", "create_order",
     "A new phone becomes a client of telephony (13), a new e-mail one of e-mail (14), with the "
     "variable phone or email.",
     NULL},
    {"crm-event", "webhook",
     "A move of an order into another state comes as crm_state_changed <Pipeline>:<Stage> with "
     "is_input 1, and is matched with the blocks; creating an order does not.",
     NULL},
    {"attachments", "webhook",
     "attachments is a list, empty without any; of what the API sent, of {attachment_url, "
     "attachment_type}.",
     NULL},
    {"webhook-timeout", "webhook", "The receiver has 15 seconds.", "webhook_timeout"},
    {"block-order", "bot", "Of the blocks that match, the first of the schema runs.", NULL},
};

size_t mv_assumptions_count(void) {
  return sizeof assumptions / sizeof *assumptions;
}

const struct mv_assumption *mv_assumptions_at(size_t index) {
  return index < mv_assumptions_count() ? &assumptions[index] : NULL;
}

json_t *mv_assumptions_describe(void) {
  json_t *list = json_array();
  for (size_t i = 0; i < mv_assumptions_count(); i++) {
    const struct mv_assumption *a = &assumptions[i];
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "id", a->id, "action", a->action,
                                          "text", a->text, "setting", a->setting));
  }
  return list;
}
