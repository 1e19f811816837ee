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
    {"callback", mv_callbacks_any, false},
    {"vk_callback", mv_callbacks_vk, false},
    {"ok_callback", mv_callbacks_ok, false},
    {"tg_callback", mv_callbacks_telegram, false},
    {"whatsapp_callback", mv_callbacks_whatsapp, false},
    {"email_callback", mv_callbacks_email, false},
    {"send_callback_by_platform_id", mv_callbacks_platform, false},
    {"message", mv_sends_message, false},
    {"whatsapp_message", mv_sends_whatsapp, false},
    {"broadcast", mv_sends_broadcast, false},
    {"get_history", mv_messages_history, false},
    {"clear_history", mv_messages_clear, false},
    {"assign_to_user", mv_managers_assign, false},
    {"load_clients", mv_clients_load, false},
    {"add_to_list", mv_lists_add, false},
    {"remove_from_list", mv_lists_remove, false},
    {"get_clients", mv_clients_list, false},
    {"delete_clients", mv_clients_delete, false},
    {"subscribers", mv_clients_subscribers, false},
    {"save_variables", mv_variables_save, false},
    {"get_variables", mv_variables_get, false},
    {"find_client_id_by_platform_id", mv_clients_by_platform_id, false},
    {"online_chat_client_id", mv_clients_online_chat, false},
    {"whatsapp_client_id", mv_clients_whatsapp_id, false},
    {"find_client_id_by_phone", mv_search_by_phone, false},
    {"find_client_id_by_email", mv_search_by_email, false},
    {"find_client_id_by_var", mv_search_by_var, false},
    {"find_latest_client_id_by_var", mv_search_latest, false},
    {"find_all_client_id_by_var", mv_search_all, false},
    {"find_all_client_id_by_several_vars", mv_search_several, false},
    {"find_clients", mv_search_clients, true},
    {"get_current_order_id", mv_orders_current_id, false},
    {"get_orders", mv_orders_list, false},
    {"move_order_to_next_state", mv_orders_next_state, false},
    {"get_order_vars", mv_orders_get_vars, false},
    {"set_order_vars", mv_orders_set_vars, false},
    {"create_order", mv_orders_create, false},
    {"set_order_state", mv_orders_set_state, false},
    {"get_order_state", mv_orders_get_state, false},
    {"check_insta_subscription", mv_checks_instagram, false},
    {"check_whatsapp", mv_checks_whatsapp, false},
    {"connected_channels", mv_channels_list, false},
    {"get_messages", mv_blocks_list, false},
};

const struct mv_played *mv_actions_find(const char *name) {
  for (size_t i = 0; i < sizeof played / sizeof *played; i++) {
    if (*played[i].name == *name && strcmp(played[i].name, name) == 0) {
      return &played[i];
    }
  }
  return NULL;
}
