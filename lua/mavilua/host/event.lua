--- Platform webhooks as handlers see them: one shape, whatever the platform sent.
-- The forms are those of "API of the editor", section on the webhook, and those that programs have
-- seen (attachments as a Python list in a string, flags as strings).
-- @internal mavilua.host.event

local text = require "mavilua.host.text"

-- Not as methods: those are the script's to replace, and what it does is watched from its handler on only.
-- For the same reason no metamethods are called: an array of JSON has a metatable that scripts can reach.
local find, gmatch, gsub, match = string.find, string.gmatch, string.gsub, string.match

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
    local url = rawget(item, "attachment_url") or rawget(item, "url")
    if type(url) == "string" then
      list[#list + 1] = { url = url, type = rawget(item, "attachment_type") or rawget(item, "type") }
    end
  end
end

-- "['url1', 'url2']", or one bare url.
local function attachments_of_text(list, s)
  if not find(s, "^%s*%[") then
    if find(s, "^%s*%a[%w+.-]*://") then
      add_attachment(list, text.trim(s))
    end
    return
  end
  for _, url in gmatch(s, "([\"'])(.-)%1") do
    add_attachment(list, url)
  end
end

--- A list of {url =, type = or nil} from null, a list of urls, a list of tables, one table, or a
-- string that holds a list.
function event.attachments(value)
  local list = {}
  if type(value) == "string" then
    attachments_of_text(list, value)
  elseif type(value) == "table" and (rawget(value, "attachment_url") or rawget(value, "url")) then
    add_attachment(list, value)
  elseif type(value) == "table" then
    local item = rawget(value, 1)
    for i = 2, math.huge do
      if item == nil then break end
      add_attachment(list, item)
      item = rawget(value, i)
    end
  end
  return list
end

local function shallow_copy(from)
  local copy = {}
  for name, value in next, from do
    copy[name] = value
  end
  return copy
end

local function client_of(raw, copy)
  local client = type(raw.client) == "table" and copy(raw.client) or {}
  client.recipient = client.recepient -- the platform spells it so
  if type(client.variables) ~= "table" then
    client.variables = {}
  end
  return client
end

-- crm_state_changed <Pipeline>:<Stage>
local function order_of(e, raw)
  local pipeline, stage = match(e.text, "^crm_state_changed%s+([^:]*):(.*)$")
  if not pipeline then
    return nil
  end
  local id = rawget(e.client.variables, "callback_query_id") or raw.callback_query_id
  return { pipeline = text.trim(pipeline), stage = text.trim(stage), order_id = tonumber(id) or id }
end

local members = { new_chat_member = "joined", left_chat_member = "left" }

-- Texts that the platform itself writes into `message` when something happened outside the chat.
local function callback_of(e)
  if find(e.text, "^new_task_added_callback") or find(e.text, "edit_task_callback", 1, true) then
    return "task"
  end
  if find(e.text, "link_was_pressed", 1, true) then
    return "link"
  end
  local hash, amount = match(e.text, "^(%w+)_success%s+(%d[%d.,]*)%s*$")
  if hash and #hash >= 8 then
    e.payment = { hash = hash, amount = tonumber((gsub(amount, ",", "."))) or amount }
    return "payment"
  end
  return nil
end

local function classify(e, raw)
  local special = find(e.text, "_", 1, true) -- each text of the platform has one
  if special then
    e.order = order_of(e, raw)
    if e.order then
      return "order_state"
    end
    e.member = members[text.trim(e.text)]
    if e.member then
      return "member"
    end
  end
  if raw.message_from_outside ~= nil and tonumber(raw.message_from_outside) == 3 then
    e.callback = "api"
  elseif special and e.is_input then
    e.callback = callback_of(e)
  end
  if e.callback then
    return "callback"
  end
  if type(raw.client) ~= "table" then
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

--- Fills `e` (id, attempt, …) from the decoded webhook `raw`; sets `e.kind`. `copy`, if given, copies a
-- table one level deep.
function event.fill(e, raw, copy)
  raw = type(raw) == "table" and raw or {}
  e.raw = raw
  raw = getmetatable(raw) == nil and raw or {} -- an array has no members
  e.message = raw.message
  e.text = text_of(raw.message)
  e.client = client_of(raw, copy or shallow_copy)
  e.client_id = e.client.id
  e.attachments = event.attachments(raw.attachments)
  e.is_input = event.flag(raw.is_input, true)
  e.delivered = event.flag(raw.delivered, nil)
  e.error_message = raw.error_message
  e.message_id = raw.message_id
  e.project_id = raw.project_id
  e.kind = classify(e, raw)
  return e
end

return event
