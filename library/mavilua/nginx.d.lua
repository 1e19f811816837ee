---@meta mavilua.nginx
-- Bots inside nginx, as the editor's language server knows them.

---@class mavilua.nginx
local nginx = {}

---@class mavilua.nginx.Options
---@field script string path of the bot's file
---@field secret? string of the webhook's address, /webhook/<secret>; this or `secret_file`
---@field secret_file? string a file that holds it
---@field api_key? string what `mavilua.client {}` takes then; this or `api_key_file`
---@field api_key_file? string a file that holds it
---@field base_url? string the platform's address
---@field dedupe? string name of a lua_shared_dict: message ids are remembered there

---@class mavilua.nginx.Bot
local Bot = {}

---Loads a bot file; for init_by_lua_block. An error of the file is raised.
---@param options mavilua.nginx.Options
---@return mavilua.nginx.Bot
function nginx.load(options) end

---Handles the request of a webhook, and answers it; for content_by_lua_block.
function Bot:webhook() end

return nginx
