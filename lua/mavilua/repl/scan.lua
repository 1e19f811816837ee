--- Reads a piece of Lua up to the cursor: which brackets are open there, and what stands before them.
-- @internal mavilua.repl.scan
local scan = {}

-- Past a long bracket "[==[ … ]==]" at `from`; nil: there is none; beyond the text: it is not closed.
local function skip_long(text, from)
  local equals = text:match("^%[(=*)%[", from)
  if not equals then return nil end
  local _, last = text:find("]" .. equals .. "]", from, true)
  return (last or #text + 1) + 1
end

local function skip_quoted(text, from)
  local quote, at = text:sub(from, from), from + 1
  while at <= #text do
    local byte = text:sub(at, at)
    if byte == quote then return at + 1 end
    at = at + (byte == "\\" and 2 or 1)
  end
  return #text + 2
end

-- Past what is no code at `from`, and whether it is a string; nil: it is code.
local function skip_other(text, from)
  if text:find("^%-%-", from) then
    return skip_long(text, from + 2) or (text:find("\n", from, true) or #text + 1) + 1, false
  end
  if text:find("^[\"']", from) then return skip_quoted(text, from), true end
  return skip_long(text, from), true
end

local closing = { [")"] = true, ["}"] = true, ["]"] = true }
local opening = { ["("] = true, ["{"] = true, ["["] = true }

local function add(tokens, kind, text)
  tokens[#tokens + 1] = { kind = kind, text = text }
end

--- Takes a text apart.
-- @param text string
-- @return list of {kind = "name", "string" or "sign", text}; nil: it ends inside a string or a comment
function scan.tokens(text)
  local tokens, at = {}, 1
  while at <= #text do
    local past, string = skip_other(text, at)
    if past then
      if past > #text + 1 then return nil end
      if string then add(tokens, "string", text:sub(at, past - 1)) end
      at = past
    elseif text:find("^[%a_]", at) then
      local word = text:match("^[%w_]+", at)
      add(tokens, "name", word)
      at = at + #word
    elseif text:find("^%s", at) then
      at = text:find("%S", at) or #text + 1
    else
      local number = text:match("^%d[%w.]*", at)
      add(tokens, "sign", number or text:sub(at, at))
      at = at + #(number or " ")
    end
  end
  return tokens
end

--- The brackets that are open at the end.
-- @param tokens list, see scan.tokens
-- @return list of the places of their tokens, outermost first
function scan.open(tokens)
  local stack = {}
  for i, token in ipairs(tokens) do
    if token.kind == "sign" and opening[token.text] then
      stack[#stack + 1] = i
    elseif token.kind == "sign" and closing[token.text] then
      stack[#stack] = nil
    end
  end
  return stack
end

return scan
