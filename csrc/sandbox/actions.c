#include "sandbox/actions.h"

#include <string.h>

#include "sandbox/blocks.h"
#include "sandbox/callbacks.h"
#include "sandbox/channels.h"
#include "sandbox/checks.h"
#include "sandbox/clients.h"
#include "sandbox/lists.h"
#include "sandbox/managers.h"
#include "sandbox/messages.h"
#include "sandbox/orders.h"
#include "sandbox/search.h"
#include "sandbox/sends.h"
#include "sandbox/variables.h"

static const struct mv_played played[] = {
    {"callback", mv_callbacks_any, false, false},
    {"vk_callback", mv_callbacks_vk, false, false},
    {"ok_callback", mv_callbacks_ok, false, false},
    {"tg_callback", mv_callbacks_telegram, false, false},
    {"whatsapp_callback", mv_callbacks_whatsapp, false, false},
    {"email_callback", mv_callbacks_email, false, false},
    {"send_callback_by_platform_id", mv_callbacks_platform, false, false},
    {"message", mv_sends_message, false, true},
    {"whatsapp_message", mv_sends_whatsapp, false, false},
    {"broadcast", mv_sends_broadcast, false, false},
    {"get_history", mv_messages_history, false, false},
    {"clear_history", mv_messages_clear, false, false},
    {"assign_to_user", mv_managers_assign, false, false},
    {"load_clients", mv_clients_load, false, false},
    {"add_to_list", mv_lists_add, false, false},
    {"remove_from_list", mv_lists_remove, false, false},
    {"get_clients", mv_clients_list, false, false},
    {"delete_clients", mv_clients_delete, false, false},
    {"subscribers", mv_clients_subscribers, false, false},
    {"save_variables", mv_variables_save, false, false},
    {"get_variables", mv_variables_get, false, false},
    {"find_client_id_by_platform_id", mv_clients_by_platform_id, false, false},
    {"online_chat_client_id", mv_clients_online_chat, false, false},
    {"whatsapp_client_id", mv_clients_whatsapp_id, false, false},
    {"find_client_id_by_phone", mv_search_by_phone, false, false},
    {"find_client_id_by_email", mv_search_by_email, false, false},
    {"find_client_id_by_var", mv_search_by_var, false, false},
    {"find_latest_client_id_by_var", mv_search_latest, false, false},
    {"find_all_client_id_by_var", mv_search_all, false, false},
    {"find_all_client_id_by_several_vars", mv_search_several, false, false},
    {"find_clients", mv_search_clients, true, false},
    {"get_current_order_id", mv_orders_current_id, false, false},
    {"get_orders", mv_orders_list, false, false},
    {"move_order_to_next_state", mv_orders_next_state, false, false},
    {"get_order_vars", mv_orders_get_vars, false, false},
    {"set_order_vars", mv_orders_set_vars, false, false},
    {"create_order", mv_orders_create, false, false},
    {"set_order_state", mv_orders_set_state, false, false},
    {"get_order_state", mv_orders_get_state, false, false},
    {"check_insta_subscription", mv_checks_instagram, false, false},
    {"check_whatsapp", mv_checks_whatsapp, false, false},
    {"connected_channels", mv_channels_list, false, false},
    {"get_messages", mv_blocks_list, false, false},
};

const struct mv_played *mv_actions_find(const char *name) {
  for (size_t i = 0; i < sizeof played / sizeof *played; i++) {
    if (*played[i].name == *name && strcmp(played[i].name, name) == 0) {
      return &played[i];
    }
  }
  return NULL;
}
