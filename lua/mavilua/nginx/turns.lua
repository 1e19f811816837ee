--- Turns: what has the same key runs one after another, each when all before it have ended.
-- @internal mavilua.nginx.turns
local runtime = require "mavilua.runtime"
local semaphore = require "ngx.semaphore"

local turns = {}
turns.__index = turns

local LOST = 10 -- times the patience: what has not ended by then ended with its request, and nobody was told

--- Makes them, for one worker.
-- @param patience seconds that one waits for those before it
function turns.new(patience)
  return setmetatable({ patience = patience, last = {} }, turns)
end

-- Lets go who waits for a turn, and for those that gave up waiting for it.
local function finish(self, key, turn)
  while turn do
    if self.last[key] == turn then self.last[key] = nil end
    turn.ended:post(1) -- one waits at most: each waits for the one before it alone
    turn = turn.heir
  end
end

-- When the one began that a turn waits for, through those before it.
local function began(turn)
  while turn.before do turn = turn.before end
  return turn.since
end

-- Whoever waits for `mine` waits for the one before it instead, which may still be running.
local function give_up(self, key, mine)
  if runtime.now() - began(mine) < LOST * self.patience then
    mine.before.heir = mine
  else
    finish(self, key, mine)
  end
end

--- Calls a function when those before it with the same key have ended.
-- @param key string
-- @param fn function that raises no error
-- @param ... its arguments
-- @return what it returns first; nil when the others take too long, and it was not called
function turns:run(key, fn, ...)
  local before = self.last[key]
  local mine = { ended = semaphore.new(), before = before }
  self.last[key] = mine
  if before and not before.ended:wait(self.patience) then
    give_up(self, key, mine)
    return nil
  end
  mine.before, mine.since = nil, runtime.now()
  local result = fn(...)
  finish(self, key, mine)
  return result
end

return turns
