--- Platform webhooks as handlers see them: one shape, whatever the platform sent.
-- The forms are those of "API of the editor", section on the webhook, and those that programs have
-- seen (attachments as a Python list in a string, flags as strings).
-- @internal mavilua.host.event

local text = require "mavilua.host.text"

local event = {}

--- Every kind that a handler can be registered for.
event.kinds = { "message", "sent", "callback", "order_state", "member", "any" }

--- A flag in any of its forms (1, "1", true, "true"); `default` when it is absent or none of them.
function event.flag(value, default)
  if value == true or value == 1 or value == "1" or value == "true" then
    return true
  end
  if value == false or value == 0 or value == "0" or value == "false" then
    return false
  end
  return default
end

local function add_attachment(list, item)
  if type(item) == "string" and item ~= "" then
    list[#list + 1] = { url = item }
  elseif type(item) == "table" then
    local url = item.attachment_url or item.url
    if type(url) == "string" then
      list[#list + 1] = { url = url, type = item.attachment_type or item.type }
    end
  end
end

-- "['url1', 'url2']", or one bare url.
local function attachments_of_text(list, s)
  if not s:find("^%s*%[") then
    if s:find("^%s*%a[%w+.-]*://") then
      add_attachment(list, text.trim(s))
    end
    return
  end
  for _, url in s:gmatch("([\"'])(.-)%1") do
    add_attachment(list, url)
  end
end

--- A list of {url =, type = or nil} from null, a list of urls, a list of tables, one table, or a
-- string that holds a list.
function event.attachments(value)
  local list = {}
  if type(value) == "string" then
    attachments_of_text(list, value)
  elseif type(value) == "table" and (value.attachment_url or value.url) then
    add_attachment(list, value)
  elseif type(value) == "table" then
    for _, item in ipairs(value) do
      add_attachment(list, item)
    end
  end
  return list
end

local function shallow_copy(from)
  local copy = {}
  for name, value in pairs(from) do
    copy[name] = value
  end
  return copy
end

local function client_of(raw)
  local client = shallow_copy(type(raw.client) == "table" and raw.client or {})
  client.recipient = client.recepient -- the platform spells it so
  client.variables = type(client.variables) == "table" and client.variables or {}
  return client
end

-- crm_state_changed <Pipeline>:<Stage>
local function order_of(e)
  local pipeline, stage = e.text:match("^crm_state_changed%s+([^:]*):(.*)$")
  if not pipeline then
    return nil
  end
  local id = e.client.variables.callback_query_id or e.raw.callback_query_id
  return { pipeline = text.trim(pipeline), stage = text.trim(stage), order_id = tonumber(id) or id }
end

local members = { new_chat_member = "joined", left_chat_member = "left" }

-- Texts that the platform itself writes into `message` when something happened outside the chat.
local function callback_of(e)
  if tonumber(e.raw.message_from_outside) == 3 then
    return "api"
  end
  if not e.is_input then
    return nil
  end
  if e.text:find("^new_task_added_callback") or e.text:find("edit_task_callback", 1, true) then
    return "task"
  end
  if e.text:find("link_was_pressed", 1, true) then
    return "link"
  end
  local hash, amount = e.text:match("^(%w+)_success%s+(%d[%d.,]*)%s*$")
  if hash and #hash >= 8 then
    e.payment = { hash = hash, amount = tonumber((amount:gsub(",", "."))) or amount }
    return "payment"
  end
  return nil
end

local function classify(e)
  e.order = order_of(e)
  if e.order then
    return "order_state"
  end
  e.member = members[text.trim(e.text)]
  if e.member then
    return "member"
  end
  e.callback = callback_of(e)
  if e.callback then
    return "callback"
  end
  if type(e.raw.client) ~= "table" then
    return "other"
  end
  return e.is_input and "message" or "sent"
end

local function text_of(message)
  if type(message) == "string" then
    return message
  end
  return type(message) == "number" and tostring(message) or ""
end

--- Fills `e` (id, attempt, …) from the decoded webhook `raw`; sets `e.kind`.
function event.fill(e, raw)
  raw = type(raw) == "table" and raw or {}
  e.raw = raw
  e.message = raw.message
  e.text = text_of(raw.message)
  e.client = client_of(raw)
  e.client_id = e.client.id
  e.attachments = event.attachments(raw.attachments)
  e.is_input = event.flag(raw.is_input, true)
  e.delivered = event.flag(raw.delivered, nil)
  e.error_message = raw.error_message
  e.message_id = raw.message_id
  e.project_id = raw.project_id
  e.kind = classify(e)
  return e
end

return event
