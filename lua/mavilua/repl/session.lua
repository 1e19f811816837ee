--- The prompt's inside: runs what was typed, prints what came of it. The terminal is the program's
-- (csrc/cli/repl*.c), which calls the functions below, each with one text.
-- @internal mavilua.repl.session
local core = require "mavilua.core"
local chunk = require "mavilua.repl.chunk"
local client = require "mavilua.client"
local complete = require "mavilua.repl.complete"
local errors = require "mavilua.errors"
local help = require "mavilua.repl.help"
local json = require "mavilua.cli.json"
local mavilua = require "mavilua"
local printer = require "mavilua.repl.printer"
local program = require "mavilua.program"
local scalar = require "mavilua.repl.scalar"
local secret = require "mavilua.secret"

local session = {}

-- What one prompt remembers: there is one in a VM.
local state = { pending = "", line = 0, first = 1 }

local write, tostring, xpcall = io.write, tostring, xpcall
local error_output = io.stderr

local function columns()
  local answer = program("columns", {})
  return answer and answer.columns or 100
end

-- A value as a program reads it: a string as it is, anything else as JSON if it can be.
local function plain_text(value)
  if type(value) ~= "table" then return state.redact(tostring(value)) end
  if scalar.own_text(value) or not core.encode(value) then return state.redact(scalar.line(value)) end
  return state.redact(json(value, false))
end

local function print_value(value)
  if state.readable then
    write(printer.text(value, { columns = columns(), redact = state.redact }), "\n")
  else
    write(plain_text(value), "\n")
  end
end

local failure_fields = { "kind", "action", "status", "code", "attempts", "retryable", "retry_after", "sent", "body" }

-- A failed call with its fields, the message first.
local function failure_text(err)
  local lines = { tostring(err) }
  for _, name in ipairs(failure_fields) do
    if err[name] ~= nil then lines[#lines + 1] = ("  %-10s %s"):format(name, tostring(err[name])) end
  end
  return table.concat(lines, "\n")
end

local function error_text(problem)
  if errors.is(problem) and state.readable then return failure_text(problem) end
  if type(problem) == "string" then return problem end
  return scalar.line(problem)
end

-- At a prompt a single line needs no number; from a pipe every message has one.
local function placed(text)
  if state.readable and not state.pending:find "\n" then return (text:gsub("^stdin:%d+: ", "")) end
  if state.readable or text:find "^stdin:%d+: " then return text end
  return ("stdin:%d: %s"):format(state.first, text)
end

local function report(problem)
  local text = printer.lines(state.redact(placed(error_text(problem))))
  error_output:write(state.readable and "error: " or "mavilua repl: ", text, "\n")
  return "failed"
end

-- `print` for a terminal: texts of strangers do not steer it.
local function safe_print(...)
  local texts = {}
  for i = 1, select("#", ...) do
    local text = state.redact(tostring((select(i, ...))))
    texts[i] = state.readable and printer.lines(text) or text
  end
  write(table.concat(texts, "\t"), "\n")
end

-- What an expression gave. A failed call is an error, as it would be in a script that asserts it.
local function show(ok, ...)
  local count = select("#", ...)
  if not ok then return report((...)) end
  if count == 0 then return "done" end
  if count >= 2 and (...) == nil and errors.is((select(2, ...))) then return report((select(2, ...))) end
  _G._ = (...)
  for i = 1, count do print_value((select(i, ...))) end
  return "done"
end

local function same(problem)
  return problem
end

local function run(text)
  local fn, problem = chunk.compile(text, state.readable and 1 or state.first)
  if fn then return show(xpcall(fn, same)) end
  return problem and report(problem) or "more"
end

-- "help", "help NAME"; nil: the line is no question.
local function topic_of(text)
  if text:find "^%s*help%s*;?%s*$" and rawget(_G, "help") == nil then return true end
  return text:match "^%s*help%s+[\"']?([%a_][%w_]*)[\"']?%s*$" or text:match "^%s*help%s+bot:([%a_][%w_]*)%s*$"
end

local function tell(topic)
  local text, problem = help.about(topic ~= true and topic or nil)
  if not text then return report(problem) end
  write(state.readable and help.wrap(text, columns()) or text, "\n")
  return "done"
end

--- Begins: makes the globals `mavilua` and `bot`.
-- @param options JSON text: `readable` (for a person at a terminal, otherwise for a program)
-- @return the platform's address
function session.start(options)
  local defaults = package.loaded["mavilua.defaults"] or {}
  state.readable = core.decode(options).readable
  state.redact = secret.redactor(defaults.api_key or "")
  _G.mavilua, _G.print = mavilua, safe_print
  _G.bot = client.new {}
  return tostring(_G.bot):match "%((.*)%)$"
end

--- Takes the next line.
-- @param line string
-- @return "done", "failed" (it was told why) or "more" (the statement goes on)
function session.line(line)
  state.line = state.line + 1
  if state.pending == "" then state.first = state.line end
  local topic = state.pending == "" and topic_of(line)
  if topic then return tell(topic) end
  state.pending = state.pending .. (state.pending == "" and "" or "\n") .. line
  local outcome = run(state.pending)
  if outcome ~= "more" then state.pending = "" end
  io.stdout:flush()
  return outcome
end

--- Drops the statement that is not finished.
function session.forget()
  state.pending = ""
end

--- The input is over.
-- @return "done", or "failed": a statement is not finished
function session.finish()
  if state.pending:find "^%s*$" then return "done" end
  return report(("stdin:%d: the statement is not finished"):format(state.first))
end

--- Completes the word before the cursor.
-- @param text string: the line up to the cursor
-- @return {insert, names}
function session.complete(text)
  local before = state.pending
  local found = complete.at(before == "" and text or before .. "\n" .. text)
  found.names = core.array(found.names)
  return found
end

return session
