--- What the torture shows: progress, and the table at the end.
local core = require "mavilua.core"

local report = {}

local WIDTH, EVERY = 40, 10 -- characters; seconds between lines where there is no terminal

local function is_terminal()
  return os.execute "test -t 1" == true
end

--- @return function(kills, begun): shows how far it is; with nil it ends
function report.progress(total)
  local terminal, last = is_terminal(), core.now()
  return function(kills, begun)
    if not kills then
      if terminal then io.write "\r\27[K" end
      io.write(("%d kills; now all that waits is worked off\n"):format(total))
    elseif terminal then
      local full = kills * WIDTH // total
      io.write(("\r[%s%s] %d/%d kills, %d s"):format(("#"):rep(full), ("."):rep(WIDTH - full), kills, total,
        (core.now() - begun) // 1 | 0))
    elseif core.now() - last >= EVERY then
      last = core.now()
      io.write(("%d/%d kills, %d s\n"):format(kills, total, (core.now() - begun) // 1 | 0))
    end
    io.stdout:flush()
  end
end

local function line(name, value, comment)
  print(("%-52s %9s  %s"):format(name, tostring(value), comment or ""))
end

-- Broken promises, of which none may have happened.
local promises = {
  { "lost", "acknowledged and not handled, or half committed" },
  { "out of order", "a later message of a client before or beside an earlier one" },
  { "stuck", "not worked off in three minutes" },
  { "leaked", "memory, descriptors, threads, files, rows" },
  { "twice accepted", "one message as two events" },
  { "run twice", "again though it had ended well and nobody was killed" },
  { "host.once repeated", "what is inside, and API calls in it, over all kills" },
  { "moment repeated", "of a schedule" },
  { "half-loaded code", "a handler of a script that failed to load" },
  { "died by itself", "not by a kill" },
}

local EXAMPLES = 5

local function broken_promises(seen)
  local well = true
  for _, promise in ipairs(promises) do
    local list = seen.broken[promise[1]] or {}
    line(promise[1], #list, promise[2])
    for i = 1, math.min(EXAMPLES, #list) do print("    " .. list[i]) end
    well = well and #list == 0
  end
  return well
end

local function tried(state, disturbances)
  line("killed with SIGKILL under load", state.kills - state.early, "lost; order; one commit; fencing")
  line("killed while it starts", state.early, "recovery is done again")
  line("starts refused while disk or database were", state.refused_starts, "started once that was over")
  for _, row in ipairs(disturbances) do
    if state.counts[row.name] then line(row.name, state.counts[row.name], row.against) end
  end
  if state.world then
    line("  writes and syncs that failed", state.world:get "refused")
    line("  the clock was off by, in the end, minutes", state.world:get "ahead" // 60000)
  end
  line("handlers that ate all memory", state.seen.acts.eat or 0, "the others go on")
  line("handlers that failed", state.seen.after_failure, "attempts; order while the head retries")
  line("messages sent again", state.answers.again, "dedupe")
end

--- Prints the table. @return whether all promises were kept
function report.table(state, disturbances)
  local answers, seen = state.answers, state.seen
  print(("\n%d kills in %d s, --seed %d\n"):format(state.kills, state.seconds // 1 | 0, state.options.seed))
  line("sent", answers.sent, "messages of " .. state.options.clients .. " clients")
  line("accepted", answers.accepted, "answered with 200")
  line("refused", answers.refused, "503 while nothing could be stored")
  line("without an answer", answers.unanswered, "the host was down, or killed meanwhile")
  line("handled", seen.handled, "more than accepted: stored, killed before the answer")
  line("duplicates by design", seen.after_kill, "runs repeated because the host was killed")
  line("host.once unknown by design", seen.unknown, "killed inside: told as ambiguous, not repeated")
  line("poison by design, replayed", state.poisoned, "killed twice while alone, or four times")
  line("moments of a schedule", seen.moment_count, "each at most once")
  print ""
  local well = broken_promises(seen)
  print "\ntried against"
  tried(state, disturbances)
  print(("\nmemory after %d s of load %d KiB, after as much again %d KiB; descriptors %d, %d; worked off in %d s")
    :format(state.options.calm // 2, state.before.memory, state.after.memory, state.before.fds, state.after.fds,
      state.drain_seconds // 1 | 0))
  print(well and "torture: all promises kept" or "torture: PROMISES BROKEN")
  return well
end

return report
