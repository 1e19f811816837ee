--- The day's calls of a project, counted in a lua_shared_dict by all workers together.
-- @internal mavilua.resty.quota
local errors = require "mavilua.errors"

local quota = {}
quota.__index = quota

local KEPT = 2 * 86400 -- seconds that a day's count is kept

--- Makes a count; clients with the same key and address share it.
-- @param dict string, the name of the lua_shared_dict
-- @param key string, the API key; it is not stored
-- @param base_url string
-- @return what pace.new takes
function quota.new(dict, key, base_url)
  local shared = ngx.shared[dict]
  if not shared then
    errors.misuse("mavilua.client: quota_dict: nginx has no shared dictionary \"%s\"; add to its http block: "
      .. "lua_shared_dict %s 1m;", dict, dict:find("^[%w_]+$") and dict or "mavilua")
  end
  return setmetatable({
    dict = shared, name = dict, prefix = ("mavilua quota %s "):format(ngx.md5(base_url .. " " .. key)),
  }, quota)
end

--- How many calls were counted. @param day number, days since 1970
function quota:used(day)
  return self.dict:get(self.prefix .. day) or 0
end

--- Counts one more, unless that makes more than `limit`.
-- @return true; false; or false and a message when the dictionary cannot count
function quota:take(day, limit)
  local name = self.prefix .. day
  local count, problem = self.dict:incr(name, 1, 0, KEPT)
  if not count then
    return false, ("the calls of today cannot be counted in nginx's shared dictionary \"%s\": %s"):format(self.name,
      problem)
  end
  if count <= limit then return true end
  self.dict:incr(name, -1) -- what was refused does not count
  return false
end

return quota
