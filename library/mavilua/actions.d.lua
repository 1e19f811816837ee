---@meta _
-- The actions of the platform's API as the editor's language server knows them. Made from the action table
-- by `make docs`; do not edit.

---@class mavilua.Client
local Client = {}

---@alias mavilua.action
---| "callback"
---| "vk_callback"
---| "ok_callback"
---| "tg_callback"
---| "whatsapp_callback"
---| "email_callback"
---| "send_callback_by_platform_id"
---| "message"
---| "whatsapp_message"
---| "broadcast"
---| "get_history"
---| "clear_history"
---| "assign_to_user"
---| "load_clients"
---| "add_to_list"
---| "remove_from_list"
---| "get_clients"
---| "delete_clients"
---| "subscribers"
---| "save_variables"
---| "get_variables"
---| "find_client_id_by_platform_id"
---| "online_chat_client_id"
---| "whatsapp_client_id"
---| "find_client_id_by_phone"
---| "find_client_id_by_email"
---| "find_client_id_by_var"
---| "find_latest_client_id_by_var"
---| "find_all_client_id_by_var"
---| "find_all_client_id_by_several_vars"
---| "find_clients"
---| "get_current_order_id"
---| "get_orders"
---| "move_order_to_next_state"
---| "get_order_vars"
---| "set_order_vars"
---| "create_order"
---| "set_order_state"
---| "get_order_state"
---| "check_insta_subscription"
---| "check_whatsapp"
---| "connected_channels"
---| "get_messages"

---@class mavilua.params.callback.all
---@field client_id? mavilua.id id of the client in the project
---@field client_phone? mavilua.id phone by which the client is found
---@field client_email? string|number e-mail by which the client is found
---@field message? string|number text of the callback; the client does not see it
---@field resume_bot? mavilua.flag take the bot off its pause for this client
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss
---@field [string] any saved as variables of the client

---@class mavilua.params.callback.by.client_id: mavilua.params.callback.all
---@field client_id mavilua.id id of the client in the project

---@class mavilua.params.callback.by.client_phone: mavilua.params.callback.all
---@field client_phone mavilua.id phone by which the client is found

---@class mavilua.params.callback.by.client_email: mavilua.params.callback.all
---@field client_email string|number e-mail by which the client is found

---@alias mavilua.params.callback
---| mavilua.params.callback.by.client_id
---| mavilua.params.callback.by.client_phone
---| mavilua.params.callback.by.client_email

---Launches the bot for a client, found by id, phone or e-mail.
---
---The key needs W (change clients); repeated only if nothing was sent.
---At least one of `client_id`, `client_phone`, `client_email`.
---@param params mavilua.params.callback
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:callback(params, options) end

---@class mavilua.params.vk_callback
---@field user_id mavilua.id id of the user in VK
---@field group_id mavilua.id id of the VK group
---@field message? string|number text of the callback; the client does not see it
---@field resume_bot? mavilua.flag take the bot off its pause for this client
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss
---@field [string] any saved as variables of the client

---Launches the bot for a VK user.
---
---The key needs W (change clients); repeated only if nothing was sent.
---@param params mavilua.params.vk_callback
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:vk_callback(params, options) end

---@class mavilua.params.ok_callback
---@field user_id mavilua.id id of the user in Odnoklassniki
---@field group_id mavilua.id id of the Odnoklassniki group
---@field name? string|number name of the client
---@field message? string|number text of the callback; the client does not see it
---@field resume_bot? mavilua.flag take the bot off its pause for this client
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss
---@field [string] any saved as variables of the client

---Launches the bot for a user of Odnoklassniki.
---
---The key needs W (change clients); repeated only if nothing was sent.
---@param params mavilua.params.ok_callback
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:ok_callback(params, options) end

---@class mavilua.params.tg_callback
---@field user_id mavilua.id id of the user in Telegram
---@field group_id string|number name of the Telegram bot, which ends in "bot"
---@field message? string|number text of the callback; the client does not see it
---@field resume_bot? mavilua.flag take the bot off its pause for this client
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss
---@field [string] any saved as variables of the client

---Launches the bot for a Telegram user.
---
---The key needs W (change clients); repeated only if nothing was sent.
---@param params mavilua.params.tg_callback
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:tg_callback(params, options) end

---@class mavilua.params.whatsapp_callback
---@field phone mavilua.id phone number of the client
---@field name? string|number name of the client
---@field bot_id? mavilua.id id of the WhatsApp bot
---@field message? string|number text of the callback; the client does not see it
---@field resume_bot? mavilua.flag take the bot off its pause for this client
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss
---@field [string] any saved as variables of the client

---Launches the bot for a WhatsApp number; a new number becomes a client.
---
---The key needs W (change clients); repeated only if nothing was sent.
---@param params mavilua.params.whatsapp_callback
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:whatsapp_callback(params, options) end

---@class mavilua.params.email_callback
---@field email string|number e-mail address of the client
---@field name? string|number name of the client
---@field email_id_bot? string|number e-mail address of the bot
---@field message? string|number text of the callback; the client does not see it
---@field resume_bot? mavilua.flag take the bot off its pause for this client
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss
---@field [string] any saved as variables of the client

---Launches the bot for an e-mail client, who is created if new.
---
---The key needs W (change clients); repeated only if nothing was sent.
---@param params mavilua.params.email_callback
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:email_callback(params, options) end

---@class mavilua.params.send_callback_by_platform_id
---@field platform_ids mavilua.id[] ids of the clients in the messenger; at most 300
---@field callback_text string|number text of the callback
---@field group_id? mavilua.id id of the bot
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss

---@class mavilua.answer.send_callback_by_platform_id
---@field status "success"
---@field callback_sended? integer

---Launches the bot for clients by their ids in the messenger; unknown ids are skipped.
---
---The key needs W (change clients); repeated only if nothing was sent.
---@param params mavilua.params.send_callback_by_platform_id
---@param options? mavilua.CallOptions
---@return mavilua.answer.send_callback_by_platform_id? answer
---@return mavilua.Error? err
function Client:send_callback_by_platform_id(params, options) end

---@class mavilua.params.message.all
---@field client_id mavilua.id id of the client in the project
---@field message? string|number text to send
---@field message_id? mavilua.id number of the block to send
---@field attachment_url? string|number address of a file to send
---@field attachment_type? "image"|"video"|"link"|"file"|"audio" how the file is shown
---@field buttons? mavilua.Buttons|mavilua.Button[] buttons under the message
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss

---@class mavilua.params.message.by.message: mavilua.params.message.all
---@field client_id mavilua.id id of the client in the project
---@field message string|number text to send

---@class mavilua.params.message.by.message_id: mavilua.params.message.all
---@field client_id mavilua.id id of the client in the project
---@field message_id mavilua.id number of the block to send

---@class mavilua.params.message.by.attachment_url: mavilua.params.message.all
---@field client_id mavilua.id id of the client in the project
---@field attachment_url string|number address of a file to send
---@field attachment_type "image"|"video"|"link"|"file"|"audio" how the file is shown

---@alias mavilua.params.message
---| mavilua.params.message.by.message
---| mavilua.params.message.by.message_id
---| mavilua.params.message.by.attachment_url

---Sends a client a text, a file or a block.
---
---The key needs W (change clients); repeated only if nothing was sent.
---At least one of `message`, `message_id`, `attachment_url`.
---`attachment_url` needs `attachment_type`.
---@param params mavilua.params.message
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:message(params, options) end

---@class mavilua.params.whatsapp_message.all
---@field phone mavilua.id phone number of the recipient
---@field whatsapp_bot_id? mavilua.id id of the WhatsApp bot that sends
---@field message? string|number text to send
---@field message_id? mavilua.id number of the block to send
---@field attachment_url? string|number address of a file to send
---@field attachment_type? "image"|"video"|"link"|"file"|"audio" how the file is shown
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss

---@class mavilua.params.whatsapp_message.by.message: mavilua.params.whatsapp_message.all
---@field phone mavilua.id phone number of the recipient
---@field message string|number text to send

---@class mavilua.params.whatsapp_message.by.message_id: mavilua.params.whatsapp_message.all
---@field phone mavilua.id phone number of the recipient
---@field message_id mavilua.id number of the block to send

---@class mavilua.params.whatsapp_message.by.attachment_url: mavilua.params.whatsapp_message.all
---@field phone mavilua.id phone number of the recipient
---@field attachment_url string|number address of a file to send
---@field attachment_type "image"|"video"|"link"|"file"|"audio" how the file is shown

---@alias mavilua.params.whatsapp_message
---| mavilua.params.whatsapp_message.by.message
---| mavilua.params.whatsapp_message.by.message_id
---| mavilua.params.whatsapp_message.by.attachment_url

---Sends a WhatsApp number a text, a file or a block.
---
---The key needs W (change clients); repeated only if nothing was sent.
---At least one of `message`, `message_id`, `attachment_url`.
---`attachment_url` needs `attachment_type`.
---@param params mavilua.params.whatsapp_message
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:whatsapp_message(params, options) end

---@class mavilua.params.broadcast.all
---@field list? mavilua.id number of the list of clients to send to
---@field clients? mavilua.id[] ids of the clients to send to
---@field platform_ids? mavilua.id[] ids in the messenger to send to; with group_id
---@field group_id? mavilua.id id of the bot that platform_ids belong to
---@field message? string|number text to send
---@field message_id? mavilua.id number of the block to send
---@field attachment_url? string|number address of a file to send
---@field attachment_type? "image"|"video"|"link"|"file"|"audio" how the file is shown
---@field buttons? mavilua.Buttons|mavilua.Button[] buttons under the message
---@field shift? number|string seconds between two messages; 0.2 when not given
---@field time_shift? integer|string seconds to wait before sending; wins over send_time
---@field send_time? string when to send, in the project's time zone; yyyy-mm-dd hh:mm:ss

---@class mavilua.params.broadcast.by.message.list: mavilua.params.broadcast.all
---@field list mavilua.id number of the list of clients to send to
---@field message string|number text to send

---@class mavilua.params.broadcast.by.message.clients: mavilua.params.broadcast.all
---@field clients mavilua.id[] ids of the clients to send to
---@field message string|number text to send

---@class mavilua.params.broadcast.by.message.platform_ids: mavilua.params.broadcast.all
---@field platform_ids mavilua.id[] ids in the messenger to send to; with group_id
---@field group_id mavilua.id id of the bot that platform_ids belong to
---@field message string|number text to send

---@class mavilua.params.broadcast.by.message_id.list: mavilua.params.broadcast.all
---@field list mavilua.id number of the list of clients to send to
---@field message_id mavilua.id number of the block to send

---@class mavilua.params.broadcast.by.message_id.clients: mavilua.params.broadcast.all
---@field clients mavilua.id[] ids of the clients to send to
---@field message_id mavilua.id number of the block to send

---@class mavilua.params.broadcast.by.message_id.platform_ids: mavilua.params.broadcast.all
---@field platform_ids mavilua.id[] ids in the messenger to send to; with group_id
---@field group_id mavilua.id id of the bot that platform_ids belong to
---@field message_id mavilua.id number of the block to send

---@class mavilua.params.broadcast.by.attachment_url.list: mavilua.params.broadcast.all
---@field list mavilua.id number of the list of clients to send to
---@field attachment_url string|number address of a file to send
---@field attachment_type "image"|"video"|"link"|"file"|"audio" how the file is shown

---@class mavilua.params.broadcast.by.attachment_url.clients: mavilua.params.broadcast.all
---@field clients mavilua.id[] ids of the clients to send to
---@field attachment_url string|number address of a file to send
---@field attachment_type "image"|"video"|"link"|"file"|"audio" how the file is shown

---@class mavilua.params.broadcast.by.attachment_url.platform_ids: mavilua.params.broadcast.all
---@field platform_ids mavilua.id[] ids in the messenger to send to; with group_id
---@field group_id mavilua.id id of the bot that platform_ids belong to
---@field attachment_url string|number address of a file to send
---@field attachment_type "image"|"video"|"link"|"file"|"audio" how the file is shown

---@alias mavilua.params.broadcast
---| mavilua.params.broadcast.by.message.list
---| mavilua.params.broadcast.by.message.clients
---| mavilua.params.broadcast.by.message.platform_ids
---| mavilua.params.broadcast.by.message_id.list
---| mavilua.params.broadcast.by.message_id.clients
---| mavilua.params.broadcast.by.message_id.platform_ids
---| mavilua.params.broadcast.by.attachment_url.list
---| mavilua.params.broadcast.by.attachment_url.clients
---| mavilua.params.broadcast.by.attachment_url.platform_ids

---Sends many clients a text, a file or a block.
---
---The key needs W (change clients); repeated only if nothing was sent.
---At least one of `message`, `message_id`, `attachment_url`.
---`attachment_url` needs `attachment_type`.
---Exactly one of `list`, `clients`, `platform_ids`.
---`platform_ids` needs `group_id`.
---@param params mavilua.params.broadcast
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:broadcast(params, options) end

---@class mavilua.params.get_history
---@field client_id mavilua.id id of the client in the project
---@field limit? integer|string most messages to answer; 2000 when not given; at most 2000
---@field start_date? string first day, dd.mm.yyyy; with stop_date
---@field stop_date? string last day, dd.mm.yyyy; with start_date

---@class mavilua.answer.get_history.result
---@field id integer
---@field answered boolean
---@field client_replica boolean
---@field message_id? integer
---@field message_from_outside integer
---@field created_at integer|string
---@field text? string
---@field attachments any
---@field delivered boolean
---@field error_message? string
---@field manager_id? integer
---@field manager_email? string

---@class mavilua.answer.get_history
---@field status "success"
---@field result mavilua.answer.get_history.result[]

---The messages of a client, newest first.
---
---The key needs R (read clients); repeated after a failure.
---`start_date`, `stop_date`: all or none.
---@param params mavilua.params.get_history
---@param options? mavilua.CallOptions
---@return mavilua.answer.get_history? answer
---@return mavilua.Error? err
function Client:get_history(params, options) end

---@class mavilua.params.clear_history
---@field client_id mavilua.id id of the client in the project

---@class mavilua.answer.clear_history
---@field status "success"

---Deletes the messages of a client.
---
---The key needs W (change clients); repeated after a failure.
---@param params mavilua.params.clear_history
---@param options? mavilua.CallOptions
---@return mavilua.answer.clear_history? answer
---@return mavilua.Error? err
function Client:clear_history(params, options) end

---@class mavilua.params.assign_to_user
---@field client_id mavilua.id id of the client in the project
---@field email? string|number e-mail of the employee

---@class mavilua.answer.assign_to_user
---@field status "success"

---Assigns a client to an employee; without an e-mail the platform picks one.
---
---The key needs W (change clients); repeated only if nothing was sent, or `email` is given.
---@param params mavilua.params.assign_to_user
---@param options? mavilua.CallOptions
---@return mavilua.answer.assign_to_user? answer
---@return mavilua.Error? err
function Client:assign_to_user(params, options) end

---@class mavilua.item.load_clients
---@field platform_id mavilua.id id in the messenger; a phone for WhatsApp, also with @s.whatsapp.net
---@field group_id mavilua.id group_id of connected_channels; "" for telephony
---@field client_type integer|string number of the messenger

---@class mavilua.params.load_clients
---@field items mavilua.item.load_clients[] the clients

---@class mavilua.answer.load_clients.items
---@field platform_id integer|string
---@field group_id integer|string
---@field client_type integer|string
---@field status string
---@field id? integer

---@class mavilua.answer.load_clients
---@field status "success"
---@field items mavilua.answer.load_clients.items[]

---Loads clients into the project; those who are there already give their ids.
---
---The key needs W (change clients); repeated after a failure.
---@param params mavilua.params.load_clients|mavilua.item.load_clients[]
---@param options? mavilua.CallOptions
---@return mavilua.answer.load_clients? answer
---@return mavilua.Error? err
function Client:load_clients(params, options) end

---@class mavilua.params.add_to_list
---@field list_id mavilua.id number of the list
---@field clients mavilua.id[] ids of the clients

---@class mavilua.answer.add_to_list
---@field status "success"

---Adds clients to a list.
---
---The key needs W (change clients); repeated after a failure.
---@param params mavilua.params.add_to_list
---@param options? mavilua.CallOptions
---@return mavilua.answer.add_to_list? answer
---@return mavilua.Error? err
function Client:add_to_list(params, options) end

---@class mavilua.params.remove_from_list
---@field list_id mavilua.id number of the list
---@field clients mavilua.id[] ids of the clients

---@class mavilua.answer.remove_from_list
---@field status "success"

---Removes clients from a list.
---
---The key needs W (change clients); repeated after a failure.
---@param params mavilua.params.remove_from_list
---@param options? mavilua.CallOptions
---@return mavilua.answer.remove_from_list? answer
---@return mavilua.Error? err
function Client:remove_from_list(params, options) end

---@class mavilua.params.get_clients
---@field offset? integer|string how many clients to leave out
---@field limit? integer|string most clients to answer; 500 when not given; at most 500
---@field list? mavilua.id number of the list
---@field reverse? mavilua.flag oldest first; only without list

---@class mavilua.answer.get_clients.clients
---@field id integer
---@field platform_id string
---@field client_type integer
---@field name? string
---@field avatar? string
---@field message_id? integer
---@field project_id integer
---@field created_at integer|string
---@field updated_at integer|string
---@field custom_answer? string
---@field tag? string
---@field group? string
---@field operator_start_dialog any

---@class mavilua.answer.get_clients
---@field status "success"
---@field clients mavilua.answer.get_clients.clients[]

---Clients of the project or of a list, newest first; the end is a short page.
---
---The key needs R (read clients); repeated after a failure.
---`reverse` does not go with `list`.
---@param params? mavilua.params.get_clients
---@param options? mavilua.CallOptions
---@return mavilua.answer.get_clients? answer
---@return mavilua.Error? err
function Client:get_clients(params, options) end

---@class mavilua.params.delete_clients
---@field client_ids mavilua.id[] ids of the clients; at most 500

---@class mavilua.answer.delete_clients
---@field status "success"

---Deletes clients.
---
---The key needs X (delete clients); repeated after a failure.
---@param params mavilua.params.delete_clients
---@param options? mavilua.CallOptions
---@return mavilua.answer.delete_clients? answer
---@return mavilua.Error? err
function Client:delete_clients(params, options) end

---@class mavilua.params.subscribers
---@field page? integer|string number of the page
---@field tag? string|number tag given on the subscription page
---@field group? mavilua.id id of the group the subscriber belongs to
---@field date_from? integer|string subscribed at or after this Unix time
---@field date_to? integer|string subscribed until this Unix time
---@field client_type? integer|string number of the messenger; all when not given

---@class mavilua.answer.subscribers
---@field id integer
---@field tag? string
---@field created_at integer|string
---@field name? string
---@field tg_id? string
---@field group? string
---@field variables? table<string, any>

---Subscribers of one or all messengers, page by page.
---
---The key needs R (read clients); repeated after a failure.
---@param params? mavilua.params.subscribers
---@param options? mavilua.CallOptions
---@return mavilua.answer.subscribers[]? answer
---@return mavilua.Error? err
function Client:subscribers(params, options) end

---@class mavilua.params.save_variables.all
---@field client_id? mavilua.id id of the client in the project
---@field clients? mavilua.id[] ids of many clients
---@field variables table<string, any> names and values

---@class mavilua.params.save_variables.by.client_id: mavilua.params.save_variables.all
---@field client_id mavilua.id id of the client in the project
---@field variables table<string, any> names and values

---@class mavilua.params.save_variables.by.clients: mavilua.params.save_variables.all
---@field clients mavilua.id[] ids of many clients
---@field variables table<string, any> names and values

---@alias mavilua.params.save_variables
---| mavilua.params.save_variables.by.client_id
---| mavilua.params.save_variables.by.clients

---Saves variables of one or many clients: "client.x" in the client, "x" in the current order.
---
---The key needs W (change clients); repeated after a failure.
---At least one of `client_id`, `clients`.
---@param params mavilua.params.save_variables
---@param options? mavilua.CallOptions
---@return mavilua.Done? answer
---@return mavilua.Error? err
function Client:save_variables(params, options) end

---@class mavilua.params.get_variables
---@field client_id mavilua.id id of the client in the project

---The variables of a client and of the current order, built-in ones included.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.get_variables
---@param options? mavilua.CallOptions
---@return table<string, any>? answer
---@return mavilua.Error? err
function Client:get_variables(params, options) end

---@class mavilua.params.find_client_id_by_platform_id
---@field platform_ids (string|number)[] ids in the messenger
---@field group_id? mavilua.id id of the bot

---@class mavilua.answer.find_client_id_by_platform_id
---@field id integer
---@field tag? string
---@field created_at integer|string
---@field name? string
---@field avatar? string
---@field platform_id string
---@field group? string
---@field variables? table<string, any>

---Clients by their ids in the messenger.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.find_client_id_by_platform_id
---@param options? mavilua.CallOptions
---@return mavilua.answer.find_client_id_by_platform_id[]? answer
---@return mavilua.Error? err
function Client:find_client_id_by_platform_id(params, options) end

---@class mavilua.params.online_chat_client_id
---@field recipient mavilua.id id of the dialogue: SaleBotPro.recipient_id on the site
---@field name? string|number name of the client
---@field tag? string|number tag of the client

---@class mavilua.answer.online_chat_client_id
---@field client_id integer

---The client of a dialogue in the online chat of a site.
---
---The key needs W (change clients); repeated after a failure.
---@param params mavilua.params.online_chat_client_id
---@param options? mavilua.CallOptions
---@return mavilua.answer.online_chat_client_id? answer
---@return mavilua.Error? err
function Client:online_chat_client_id(params, options) end

---@class mavilua.params.whatsapp_client_id
---@field phone mavilua.id phone number
---@field group_id? mavilua.id id of the bot

---@class mavilua.answer.whatsapp_client_id
---@field client_id integer

---The client with this WhatsApp number.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.whatsapp_client_id
---@param options? mavilua.CallOptions
---@return mavilua.answer.whatsapp_client_id? answer
---@return mavilua.Error? err
function Client:whatsapp_client_id(params, options) end

---@class mavilua.params.find_client_id_by_phone
---@field phone mavilua.id phone number; 7…, 8… and +7… are different

---@class mavilua.answer.find_client_id_by_phone
---@field status "success"
---@field client_id integer

---The client with this phone, in WhatsApp or in a variable.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.find_client_id_by_phone
---@param options? mavilua.CallOptions
---@return mavilua.answer.find_client_id_by_phone? answer
---@return mavilua.Error? err
function Client:find_client_id_by_phone(params, options) end

---@class mavilua.params.find_client_id_by_email
---@field email string|number e-mail address

---@class mavilua.answer.find_client_id_by_email
---@field status "success"
---@field client_id integer

---The client with this e-mail in a variable.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.find_client_id_by_email
---@param options? mavilua.CallOptions
---@return mavilua.answer.find_client_id_by_email? answer
---@return mavilua.Error? err
function Client:find_client_id_by_email(params, options) end

---@class mavilua.params.find_client_id_by_var
---@field var string|number name of the variable
---@field val string|number|boolean value of the variable
---@field group_id? mavilua.id id of the group
---@field search_in? "order" "order": the variables of orders

---@class mavilua.answer.find_client_id_by_var
---@field status "success"
---@field client_id integer

---The client with this value in a variable.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.find_client_id_by_var
---@param options? mavilua.CallOptions
---@return mavilua.answer.find_client_id_by_var? answer
---@return mavilua.Error? err
function Client:find_client_id_by_var(params, options) end

---@class mavilua.params.find_latest_client_id_by_var
---@field var string|number name of the variable
---@field val string|number|boolean value of the variable

---@class mavilua.answer.find_latest_client_id_by_var
---@field status "success"
---@field client_id integer

---The newest client with this value in a variable of client or order.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.find_latest_client_id_by_var
---@param options? mavilua.CallOptions
---@return mavilua.answer.find_latest_client_id_by_var? answer
---@return mavilua.Error? err
function Client:find_latest_client_id_by_var(params, options) end

---@class mavilua.params.find_all_client_id_by_var
---@field var string|number name of the variable
---@field val string|number|boolean value of the variable

---@class mavilua.answer.find_all_client_id_by_var
---@field status "success"
---@field client_ids integer[]

---All clients with this value in a variable.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.find_all_client_id_by_var
---@param options? mavilua.CallOptions
---@return mavilua.answer.find_all_client_id_by_var? answer
---@return mavilua.Error? err
function Client:find_all_client_id_by_var(params, options) end

---@class mavilua.params.find_all_client_id_by_several_vars
---@field [string] any name = value, a condition of the search

---@class mavilua.answer.find_all_client_id_by_several_vars
---@field status "success"
---@field client_ids integer[]

---All clients with these values in up to three variables, given as parameters.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.find_all_client_id_by_several_vars
---@param options? mavilua.CallOptions
---@return mavilua.answer.find_all_client_id_by_several_vars? answer
---@return mavilua.Error? err
function Client:find_all_client_id_by_several_vars(params, options) end

---@class mavilua.params.find_clients
---@field q table<string, mavilua.condition> name to value, {_in: […]}, {_not_in: […]} or {_not: value}
---@field search_in? "order" "order": the variables of orders
---@field include_all? mavilua.flag all conditions must hold (true, when not given) or any (false)

---@class mavilua.answer.find_clients
---@field status "success"
---@field client_ids integer[]

---All clients whose variables match conditions.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.find_clients
---@param options? mavilua.CallOptions
---@return mavilua.answer.find_clients? answer
---@return mavilua.Error? err
function Client:find_clients(params, options) end

---@class mavilua.params.get_current_order_id
---@field client_id mavilua.id id of the client in the project

---@class mavilua.answer.get_current_order_id
---@field status "success"
---@field order_id integer

---The current order of a client.
---
---The key needs CR (read CRM); repeated after a failure.
---@param params mavilua.params.get_current_order_id
---@param options? mavilua.CallOptions
---@return mavilua.answer.get_current_order_id? answer
---@return mavilua.Error? err
function Client:get_current_order_id(params, options) end

---@class mavilua.params.get_orders
---@field client_id mavilua.id id of the client in the project
---@field order_status? integer|string 0 active, 1 won, 2 lost; at most 2

---@class mavilua.answer.get_orders
---@field status "success"
---@field order_id integer[]

---The orders of a client; their ids stand under order_id.
---
---The key needs CR (read CRM); repeated after a failure.
---@param params mavilua.params.get_orders
---@param options? mavilua.CallOptions
---@return mavilua.answer.get_orders? answer
---@return mavilua.Error? err
function Client:get_orders(params, options) end

---@class mavilua.params.move_order_to_next_state
---@field client_id mavilua.id id of the client in the project
---@field order_id? mavilua.id id of the order; the current one when not given

---@class mavilua.answer.move_order_to_next_state
---@field status "success"
---@field state_id integer

---Moves an order to the next state of its funnel.
---
---The key needs CW (change CRM); repeated only if nothing was sent.
---@param params mavilua.params.move_order_to_next_state
---@param options? mavilua.CallOptions
---@return mavilua.answer.move_order_to_next_state? answer
---@return mavilua.Error? err
function Client:move_order_to_next_state(params, options) end

---@class mavilua.params.get_order_vars
---@field client_id mavilua.id id of the client in the project
---@field order_id? mavilua.id id of the order; the current one when not given
---@field variables? (string|number)[] names; all when not given

---@class mavilua.answer.get_order_vars
---@field status "success"
---@field result table<string, any>

---The variables of an order.
---
---The key needs CR (read CRM); repeated after a failure.
---@param params mavilua.params.get_order_vars
---@param options? mavilua.CallOptions
---@return mavilua.answer.get_order_vars? answer
---@return mavilua.Error? err
function Client:get_order_vars(params, options) end

---@class mavilua.params.set_order_vars
---@field client_id mavilua.id id of the client in the project
---@field order_id mavilua.id id of the order
---@field variables table<string, any> names and values

---@class mavilua.answer.set_order_vars
---@field status "success"

---Saves variables of an order.
---
---The key needs CW (change CRM); repeated after a failure.
---@param params mavilua.params.set_order_vars
---@param options? mavilua.CallOptions
---@return mavilua.answer.set_order_vars? answer
---@return mavilua.Error? err
function Client:set_order_vars(params, options) end

---@class mavilua.params.create_order.all
---@field client_id? mavilua.id id of the client; goes before phone and email
---@field phone? mavilua.id phone of the client; goes before email
---@field email? string|number e-mail of the client
---@field name? string|number name of the order
---@field description? string|number description of the order
---@field budget? number|string price of the order
---@field state_id? mavilua.id id of the state to put the order into

---@class mavilua.params.create_order.by.client_id: mavilua.params.create_order.all
---@field client_id mavilua.id id of the client; goes before phone and email

---@class mavilua.params.create_order.by.phone: mavilua.params.create_order.all
---@field phone mavilua.id phone of the client; goes before email

---@class mavilua.params.create_order.by.email: mavilua.params.create_order.all
---@field email string|number e-mail of the client

---@alias mavilua.params.create_order
---| mavilua.params.create_order.by.client_id
---| mavilua.params.create_order.by.phone
---| mavilua.params.create_order.by.email

---@class mavilua.answer.create_order
---@field status "success"
---@field order_id integer

---Creates an order; an unknown phone or e-mail becomes a new client.
---
---The key needs CW (change CRM); repeated only if nothing was sent.
---At least one of `client_id`, `phone`, `email`.
---@param params mavilua.params.create_order
---@param options? mavilua.CallOptions
---@return mavilua.answer.create_order? answer
---@return mavilua.Error? err
function Client:create_order(params, options) end

---@class mavilua.params.set_order_state
---@field client_id mavilua.id id of the client in the project
---@field state_id mavilua.id id of the state

---@class mavilua.answer.set_order_state
---@field status "success"

---Moves the current order of a client to a state.
---
---The key needs CW (change CRM); repeated after a failure.
---@param params mavilua.params.set_order_state
---@param options? mavilua.CallOptions
---@return mavilua.answer.set_order_state? answer
---@return mavilua.Error? err
function Client:set_order_state(params, options) end

---@class mavilua.params.get_order_state
---@field client_id mavilua.id id of the client in the project
---@field order_id? mavilua.id id of the order; the current one when not given

---@class mavilua.answer.get_order_state
---@field status "success"
---@field state_id integer

---The state of an order.
---
---The key needs CR (read CRM); repeated after a failure.
---@param params mavilua.params.get_order_state
---@param options? mavilua.CallOptions
---@return mavilua.answer.get_order_state? answer
---@return mavilua.Error? err
function Client:get_order_state(params, options) end

---@class mavilua.params.check_insta_subscription
---@field user_name string|number name of the person in Instagram
---@field login string|number login of the bot's account

---@class mavilua.answer.check_insta_subscription
---@field username string
---@field account_id string
---@field avatar? string
---@field real_name? string
---@field is_follower boolean
---@field status integer|string

---Whether a person follows an Instagram account.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.check_insta_subscription
---@param options? mavilua.CallOptions
---@return mavilua.answer.check_insta_subscription? answer
---@return mavilua.Error? err
function Client:check_insta_subscription(params, options) end

---@class mavilua.params.check_whatsapp
---@field phone mavilua.id phone number in any format

---@class mavilua.answer.check_whatsapp
---@field status "success"
---@field exists boolean

---Whether a phone number has WhatsApp; needs a connected WhatsApp.
---
---The key needs R (read clients); repeated after a failure.
---@param params mavilua.params.check_whatsapp
---@param options? mavilua.CallOptions
---@return mavilua.answer.check_whatsapp? answer
---@return mavilua.Error? err
function Client:check_whatsapp(params, options) end

---@class mavilua.params.connected_channels

---@class mavilua.answer.connected_channels.viber
---@field id integer
---@field group_id integer|string
---@field uri string
---@field name? string
---@field enabled boolean

---@class mavilua.answer.connected_channels.telegram
---@field id integer
---@field group_id integer|string
---@field short_name string
---@field name? string
---@field enabled boolean

---@class mavilua.answer.connected_channels.whatsapp
---@field id integer
---@field group_id integer|string
---@field name? string
---@field enabled? boolean
---@field status integer

---@class mavilua.answer.connected_channels.vkontakte
---@field id integer
---@field group_id integer|string
---@field group string

---@class mavilua.answer.connected_channels
---@field project_id integer
---@field viber? mavilua.answer.connected_channels.viber[]
---@field facebook? table<string, any>[]
---@field telegram? mavilua.answer.connected_channels.telegram[]
---@field whatsapp? mavilua.answer.connected_channels.whatsapp[]
---@field avito? table<string, any>[]
---@field ok? table<string, any>[]
---@field vkontakte? mavilua.answer.connected_channels.vkontakte[]
---@field online_chat? table<string, any>[]

---The messengers connected to the project, with the group_id of each.
---
---The key needs R (read clients); repeated after a failure.
---@param params? mavilua.params.connected_channels
---@param options? mavilua.CallOptions
---@return mavilua.answer.connected_channels? answer
---@return mavilua.Error? err
function Client:connected_channels(params, options) end

---@class mavilua.params.get_messages

---@class mavilua.answer.get_messages.messages
---@field id integer
---@field condition? string
---@field answer? string
---@field message_type? integer|string
---@field description? string

---@class mavilua.answer.get_messages
---@field status "success"
---@field messages mavilua.answer.get_messages.messages[]

---The blocks of the bot's schema.
---
---The key needs R (read clients); repeated after a failure.
---@param params? mavilua.params.get_messages
---@param options? mavilua.CallOptions
---@return mavilua.answer.get_messages? answer
---@return mavilua.Error? err
function Client:get_messages(params, options) end
