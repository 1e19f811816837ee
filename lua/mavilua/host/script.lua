--- A bot under `mavilua run`: webhooks come from standard input, one JSON object a line, and are handled one after
-- the other. Inside the program only.
-- @internal mavilua.host.script

local core = require "mavilua.core"
local direct = require "mavilua.host.direct"
local write_log = require "mavilua.host.log"

local script = {}

local DATA_ERROR, SOFTWARE_ERROR = 65, 70 -- of sysexits

local running = {}
local runner = direct.new {
  where = "`mavilua run`", log = write_log, sleep = core.sleep, time = core.time,
  context = function() return running end,
}

script.native = runner.native

local function complain(line, what)
  io.stderr:write(core.hide_tokens(("mavilua run: line %d of standard input: %s\n"):format(line, what)))
end

-- What is to be told of a webhook's run, or nil.
local function problem_of(result)
  if result.verdict == "done" or result.verdict == "cancelled" then return nil end
  local reason = result.reason or "the handler gave it up"
  return ("%s: %s%s"):format(result.handler or "no handler", reason, result.trace or "")
end

--- Called after the script: handles what standard input brings, if the script registered handlers.
-- @param terminal whether somebody types there
function script.feed(terminal)
  if runner:handlers() == 0 then return end
  if terminal then
    io.stderr:write("mavilua run: webhooks are read from standard input, one JSON object a line; "
      .. "`mavilua serve` receives them over HTTP\n")
  end
  local status, number = 0, 0
  for line in io.lines() do
    number = number + 1
    if line:find "%S" then
      local webhook, problem = direct.read(line)
      if not webhook then
        status = DATA_ERROR
        complain(number, "this is no webhook: " .. problem)
      else
        problem = problem_of(runner:handle(webhook))
        if problem then
          status = SOFTWARE_ERROR
          complain(number, problem)
        end
      end
    end
  end
  if status ~= 0 then os.exit(status) end
end

return script
