--- What was typed, made a function.
-- @internal mavilua.repl.chunk
local chunk = {}

local NAME = "=stdin"

local function is_unfinished(problem)
  return problem:find "<eof>'?$" ~= nil
end

--- Compiles a text: an expression, one behind "=", or statements.
-- @param text string
-- @param line number: of its first line, for messages
-- @return function, or nil and what is wrong (nil: it is not finished yet)
function chunk.compile(text, line)
  local blank = ("\n"):rep(line - 1)
  local asked, count = text:gsub("^%s*=", "", 1)
  local fn = load(blank .. "return " .. asked, NAME)
  if fn then return fn end
  local problem
  fn, problem = load(blank .. (count > 0 and "return " .. asked or text), NAME)
  if fn then return fn end
  if is_unfinished(problem) then return nil end
  return nil, problem
end

return chunk
