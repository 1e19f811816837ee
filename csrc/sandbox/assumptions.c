#include "sandbox/assumptions.h"

static const struct mv_assumption assumptions[] = {
    {"methods", "*", "Every action takes GET and POST.", NULL},
    {"body-wins", "*", "A field of the body wins over one of the same name in the query.", NULL},
    {"forms", "*",
     "Forms and queries: a[]=1 and a[0]=1 are lists, a[k][l]=v is an object in an object; a value "
     "that starts with [ or { is read as JSON where the action takes a list or an object. Empty "
     "lists and empty objects stand for each other.",
     NULL},
    {"universal", "*",
     "value_x stands for every parameter x of the actions it is documented for; value_phone and "
     "value_email of callback mean client_phone and client_email. It may stand in query or body.",
     NULL},
    {"universal-moved", "*",
     "A field that value_x names becomes x and is no variable of its own name; where it is missing "
     "or null, x itself holds. Of value_x and delimiter_value_x the former goes first.",
     NULL},
    {"universal-names", "*",
     "delimiter, delimiter_value_… and the value_… of documented parameters are never saved as "
     "variables.",
     NULL},
    {"universal-paths", "*",
     "A path is split at each delimiter; where there is no such key, longer keys that hold the "
     "delimiter are tried (key11key2). Numbers count the elements of lists from 0, and a field "
     "that is JSON text is looked into.",
     NULL},
    {"universal-delimiter", "*",
     "delimiter_value_… without delimiter, or with more than one character: 400.", NULL},
    {"deep", "*",
     "A parameter nested deeper than 120 levels: 400; a further field of a callback that is so is "
     "not saved.",
     NULL},
    {"missing", "*", "A missing required parameter: 400, Parameter \"client_id\" required.", NULL},
    {"long-body", "*", "A body over 8 MiB: 413.", NULL},
    {"wrong-type", "*", "A parameter of a wrong type: 400, with what it takes.", NULL},
    {"null", "*", "A parameter that is null or, where no text is taken, \"\" counts as absent.",
     NULL},
    {"over-limit", "*",
     "A limit over the documented one is cut to it; a longer list than documented: 400.", NULL},
    {"wrong-key", "*", "A wrong key: 401.", NULL},
    {"no-permission", "*", "A key without the permission: 403.", NULL},
    {"unknown-action", "*", "An unknown action: 404, with the nearest name.", NULL},
    {"unknown-client", "*",
     "An unknown client: 404 {\"status\":\"client_not_found\"}; for the actions on orders with "
     "200.",
     NULL},
    {"ok", "*",
     "The callbacks, message, whatsapp_message, broadcast and save_variables answer the plain text "
     "ok.",
     "ok_body"},
    {"send-time",
     "callbacks, send_callback_by_platform_id, message, whatsapp_message, broadcast",
     "send_time is in the project's time zone, Europe/Moscow. A moment that has passed is at once; "
     "one that a change of clocks leaves out is the moment of the change, of one that comes twice "
     "the first. A time_shift over a hundred years: 400.",
     "timezone"},
    {"rate-limit", "*",
     "No call comes too fast. With the setting those beyond it get 429 with Retry-After; "
     "save_variables is not counted.",
     "rate_limit"},
    {"success", "assign_to_user, add_to_list, remove_from_list, delete_clients, set_order_state",
     "Where no document shows what comes of success: {\"status\":\"success\"}.", NULL},
    {"callback-phone", "callback",
     "client_id goes before client_phone before client_email; they are looked up as by "
     "find_client_id_by_phone and find_client_id_by_email.",
     NULL},
    {"callback-extras", "callbacks",
     "Further fields become variables of the client, with or without \"client.\"; they are saved "
     "when the callback's moment has come.",
     NULL},
    {"callback-input", "callbacks",
     "The text is stored as the client's, told by a webhook with is_input 1, and matched with the "
     "blocks; without a text only variables are saved.",
     NULL},
    {"callback-users", "vk_callback, ok_callback, tg_callback",
     "The client of this user_id in this group_id, of types 0, 8 and 1; nobody is made: 404 "
     "{\"status\":\"client_not_found\"}.",
     NULL},
    {"callback-name", "ok_callback, whatsapp_callback, email_callback, online_chat_client_id",
     "name is given to clients who have none; so is tag.", NULL},
    {"whatsapp-client", "whatsapp_callback, whatsapp_message",
     "The number in any format; without a bot the client of any WhatsApp, else a new one at the "
     "first WhatsApp. A bot is named by its id or its group_id; an unknown one, or no WhatsApp at "
     "all: 404.",
     NULL},
    {"whatsapp-digits", "whatsapp_callback, whatsapp_message, whatsapp_client_id, load_clients",
     "A phone without a digit: 400.", NULL},
    {"email-client", "email_callback",
     "The e-mail client (14) with this address, at the bot of email_id_bot if one is named; a new "
     "one gets the variable email. A bot is named by its id or its group_id; an unknown one: 404.",
     NULL},
    {"platform-callback", "send_callback_by_platform_id",
     "Every client with one of the ids is called once, in all messengers unless group_id names "
     "one; callback_sended is their number.",
     NULL},
    {"message-block", "message, whatsapp_message, broadcast",
     "message_id sends the block as if it had been reached: its variables and its move of the "
     "order "
     "too; an unknown block: 404.",
     NULL},
    {"broadcast-nobody", "broadcast",
     "Without recipients: ok, sent to nobody; more than one kind of them: 400. Unknown clients are "
     "left out, and each client gets it once.",
     NULL},
    {"broadcast-shift", "broadcast",
     "The first is sent at once, or at its time_shift or send_time, each further one shift seconds "
     "later, in the order given; a list's in the order of the ids.",
     NULL},
    {"not-delivered", "message, whatsapp_message, broadcast",
     "What cannot be delivered is answered with ok all the same: delivered and error_message tell "
     "it in history and webhook. It happens when the channel is disabled, its WhatsApp is not "
     "started, or the client is marked as undeliverable.",
     NULL},
    {"history-days", "get_history", "Days are those of UTC, the last one included.", NULL},
    {"history-attachments", "get_history",
     "attachments is {} without any, else the list that was sent or received.", NULL},
    {"answered", "get_history",
     "answered: true for what the bot sent, and for the client's messages once it sent something.",
     NULL},
    {"assign", "assign_to_user",
     "An unknown e-mail: 404. Without one: the employee with the fewest clients, of these the one "
     "with the lowest id.",
     NULL},
    {"lists", "add_to_list, remove_from_list, get_clients, broadcast",
     "Lists come from the seed; an unknown one: 404. Unknown clients are left out.", NULL},
    {"load-unknown-group", "load_clients", "group_id need not be one of connected_channels.", NULL},
    {"dates", "get_clients, subscribers, find_client_id_by_platform_id",
     "created_at and updated_at are unix seconds.", "date_style"},
    {"reverse-list", "get_clients", "reverse together with list: 400.", NULL},
    {"delete", "delete_clients",
     "Unknown clients are left out. Messages, orders, variables and what was put off go with a "
     "client.",
     NULL},
    {"subscribers", "subscribers",
     "500 a page, oldest first; pages are numbered from 1, and 0 is the first as well. tg_id is "
     "the platform_id in every messenger.",
     NULL},
    {"platform-id", "find_client_id_by_platform_id",
     "In the order of the ids given; variables is null when there are none, as for subscribers. "
     "Numbers of WhatsApp in any format.",
     NULL},
    {"online-chat", "online_chat_client_id",
     "An unknown recipient becomes a client of the first online chat.", NULL},
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
    {"find-absent", "the find_…client_id_by_… of one client, whatsapp_client_id",
     "Nobody: 404 {\"status\":\"client_not_found\"}.", NULL},
    {"find-latest", "find_latest_client_id_by_var", "Created last by created_at, then by id.",
     NULL},
    {"find-all", "find_all_client_id_by_var, find_all_client_id_by_several_vars",
     "Variables of clients alone; a value is compared as text; ids ascending, [] for nobody.",
     NULL},
    {"find-several", "find_all_client_id_by_several_vars",
     "Without a parameter, or with more than three: 400.", NULL},
    {"find-phone", "find_client_id_by_phone",
     "WhatsApp numbers (digits) go before the client's variable phone before the order's.", NULL},
    {"find-email", "find_client_id_by_email",
     "The client's variable email goes before the order's.", NULL},
    {"find-text", "find_clients",
     "A text is compared with the text of the value, so \"5\" finds 5; a number with numbers and "
     "with texts that are one. A null is no text: only _not and _not_in match it.",
     NULL},
    {"find-not", "find_clients", "_not and _not_in match only those who have the variable.", NULL},
    {"find-empty", "find_clients", "An empty q: Parameter \"q\" required.", NULL},
    {"find-most", "find_clients", "More than 100 conditions: Error in parameter format.", NULL},
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
    {"check-whatsapp", "check_whatsapp",
     "Clients of WhatsApp have it, and every other number of 10 to 15 digits. No enabled and "
     "started WhatsApp in the project: 400.",
     "whatsapp_numbers"},
    {"check-insta", "check_insta_subscription",
     "The permission is R. Followers come from the setting; an account that is neither there nor "
     "among the channels: 404. avatar and real_name are those of the Instagram client whose "
     "platform_id is the user name.",
     "instagram_followers"},
    {"crm-event", "webhook",
     "A move of an order into another state comes as crm_state_changed <Pipeline>:<Stage> with "
     "is_input 1, and is matched with the blocks; creating an order does not.",
     NULL},
    {"attachments", "webhook",
     "attachments is a list, empty without any; of what the API sent, of {attachment_url, "
     "attachment_type}.",
     NULL},
    {"webhook-timeout", "webhook", "The receiver has 15 seconds.", "webhook_timeout"},
    {"system-events", "webhook",
     "new_chat_member and left_chat_member come with is_input 1 and message_from_outside 0, and "
     "are matched with the blocks; crm_state_changed has message_from_outside 2.",
     NULL},
    {"managers", "webhook",
     "What an employee writes has is_input 0, message_id null and message_from_outside 2, and does "
     "not pause the bot; history tells manager_id and manager_email.",
     NULL},
    {"telephony", "webhook", "What a client of telephony (13) writes has message_from_outside 5.",
     NULL},
    {"block-order", "bot", "Of the blocks that match, the first of the schema runs.", NULL},
    {"block-chain", "bot",
     "Blocks that move orders, and by that reach blocks again, do so 8 deep; what follows is told "
     "and not matched.",
     NULL},
    {"pause", "bot",
     "A block with pause pauses the bot for the client after it has answered; a seed and the "
     "control API do so as well. Paused, nothing is matched, until a callback with resume_bot; "
     "webhooks and history go on.",
     NULL},
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
