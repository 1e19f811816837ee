#include "sandbox/actions.h"

#include <string.h>

#include "sandbox/blocks.h"
#include "sandbox/channels.h"
#include "sandbox/clients.h"
#include "sandbox/messages.h"
#include "sandbox/orders.h"
#include "sandbox/search.h"
#include "sandbox/variables.h"

static const struct mv_played played[] = {
    {"callback", mv_messages_callback, false},
    {"message", mv_messages_send, false},
    {"get_history", mv_messages_history, false},
    {"clear_history", mv_messages_clear, false},
    {"load_clients", mv_clients_load, false},
    {"get_clients", mv_clients_list, false},
    {"save_variables", mv_variables_save, false},
    {"get_variables", mv_variables_get, false},
    {"find_client_id_by_phone", mv_search_by_phone, false},
    {"find_client_id_by_email", mv_search_by_email, false},
    {"find_client_id_by_var", mv_search_by_var, false},
    {"find_clients", mv_search_clients, true},
    {"get_current_order_id", mv_orders_current_id, false},
    {"get_orders", mv_orders_list, false},
    {"move_order_to_next_state", mv_orders_next_state, false},
    {"get_order_vars", mv_orders_get_vars, false},
    {"set_order_vars", mv_orders_set_vars, false},
    {"create_order", mv_orders_create, false},
    {"set_order_state", mv_orders_set_state, false},
    {"get_order_state", mv_orders_get_state, false},
    {"connected_channels", mv_channels_list, false},
    {"get_messages", mv_blocks_list, false},
};

const struct mv_played *mv_actions_find(const char *name) {
  for (size_t i = 0; i < sizeof played / sizeof *played; i++) {
    if (strcmp(played[i].name, name) == 0) {
      return &played[i];
    }
  }
  return NULL;
}
