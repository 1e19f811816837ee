--- Takes an API key out of texts that leave the client: errors and traces.
-- @internal mavilua.secret
local core = require "mavilua.core"
local url = require "mavilua.url"

local secret = {}

local PUBLIC = "sandbox" -- every sandbox's key: no secret, and a word that its messages need
local SHORTEST = 6 -- the platform's keys have 32 digits; to hide a "k" would tear all words apart

local function lower_escapes(text)
  return (text:gsub("%%%x%x", string.lower))
end

-- All spellings of the key that an address or an answer may hold.
local function spellings(key)
  local list, seen = {}, {}
  local escaped = url.escape(key)
  for _, form in ipairs { key, escaped, lower_escapes(escaped), url.escape(escaped) } do
    if not seen[form] then list[#list + 1] = form end
    seen[form] = true
  end
  return list
end

-- Addresses of attachments hold the token of the bot: https://api.telegram.org/file/bot<digits>:<token>/…
local function hide_tokens(text)
  if not text:find("/bot%d") then return text end
  return (text:gsub("(/bot)%d+:[%w_-]+", "%1[redacted]"):gsub("(/bot)%d+%%3[Aa][%w_-]+", "%1[redacted]"))
end

--- Makes a function that hides a key.
-- @param key string
-- @return function(text) -> the text with every spelling of the key, and tokens of bots in addresses,
--   replaced by "[redacted]"; what is not a string comes back as it is
function secret.redactor(key)
  local hidden = key ~= PUBLIC and #key >= SHORTEST
  local forms = hidden and spellings(key) or {}
  return function(text)
    if type(text) ~= "string" then return text end
    for _, form in ipairs(forms) do text = core.redact(text, form) end
    return hide_tokens(text)
  end
end

return secret
