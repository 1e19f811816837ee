--- The rows of the benchmark, as data.
-- name, unit: what is measured.
-- mine, beside: which measure of measures.lua with which argument, and, where a measure gives several numbers,
--   which of them. The same measure in several rows of a group is taken once in each round.
-- peer: what stands beside it. better: whether more or less is. reach: what mine / beside should be; a row without is
--   there to be known.
-- Rows of one group are measured by turns, in rounds; `once` ones take too long for more than one round.
-- smoke: needs nothing that the tests do not need, too.
local rows = {}

local function row(fields) rows[#rows + 1] = fields end

local function webhooks(width, list)
  for _, peer in ipairs(list) do
    row { group = "webhooks, " .. width, name = ("webhook to end of handler, %d connections"):format(width),
      unit = "events/s", mine = { "host_handles", width }, beside = { peer[1] .. "_handles", width },
      peer = peer[2], better = "more", reach = peer[3], smoke = peer.smoke }
  end
end

local peers = {
  { "nginx", "nginx + Lua, nothing stored", 0.6 },
  { "nginx_redis", "nginx + Lua + Redis, synced", 1.5 },
  { "node", "Node.js, nothing stored", 1.3, smoke = true },
  { "webhook", "webhook + a Lua script", 40 },
  { "pgboss", "Node.js + pg-boss", 10 },
}
webhooks(64, peers)
webhooks(512, peers)

row { group = "acknowledgement", name = "acknowledgement at 2,000/s, 99th percentile", unit = "ms",
  mine = { "host_acknowledges", 2000, "p99" }, beside = { "fsync" }, peer = "one fsync of the disk",
  better = "less", reach = 10, smoke = true }
row { group = "acknowledgement", name = "acknowledgement at 2,000/s, median", unit = "ms",
  mine = { "host_acknowledges", 2000, "median" }, beside = { "fsync" }, peer = "one fsync of the disk",
  better = "less", reach = 10, smoke = true }

row { group = "calls", name = "API calls from handlers, 64 in flight", unit = "calls/s",
  mine = { "host_calls", 64 }, beside = { "bare_curl_calls", 64 }, peer = "C with curl_multi",
  better = "more", reach = 0.85 }
row { group = "calls", name = "API calls from handlers, 64 in flight", unit = "calls/s",
  mine = { "host_calls", 64 }, beside = { "node_calls", 64 }, peer = "Node.js, agent of 64 sockets",
  better = "more", reach = 2.5 }
row { group = "calls", name = "API calls from handlers, one worker", unit = "calls/s",
  mine = { "one_worker_calls", 64 }, beside = { "bare_curl_calls", 64 }, peer = "C with curl_multi", better = "more" }
row { group = "script", name = "blocking API calls of a script", unit = "calls/s",
  mine = { "module_blocks" }, beside = { "lua_curl_blocks" }, peer = "lua-curl + lua-cjson",
  better = "more", reach = 1 }

row { group = "JSON", name = "decode + encode, page of 500 clients", unit = "1/s",
  mine = { "module_json", "page" }, beside = { "cjson_json", "page" }, peer = "lua-cjson",
  better = "more", reach = 1, smoke = true }
row { group = "JSON", name = "decode + encode, webhook", unit = "1/s",
  mine = { "module_json", "webhook" }, beside = { "cjson_json", "webhook" }, peer = "lua-cjson",
  better = "more", reach = 1, smoke = true }

row { group = "sandbox", name = "sandbox: get_variables", unit = "calls/s",
  mine = { "sandbox_answers", "get_variables" }, beside = { "bare_mhd_answers", "get_variables" },
  peer = "libmicrohttpd, two bytes", better = "more", reach = 0.5, smoke = true }
row { group = "sandbox", name = "sandbox: message", unit = "calls/s",
  mine = { "sandbox_answers", "message" }, beside = { "bare_mhd_answers", "message" },
  peer = "libmicrohttpd, two bytes", better = "more", reach = 0.3, smoke = true }

row { group = "memory", name = "memory of an idle host", unit = "KiB",
  mine = { "host_idle" }, beside = { "node_idle" }, peer = "Node.js", better = "less", reach = 0.3, smoke = true }
row { group = "waiting", name = "memory of a waiting handler", unit = "KiB",
  mine = { "host_waits" }, beside = { "node_waits" }, peer = "Node.js, a promise", better = "less", reach = 0.5 }

row { group = "start", name = "start of the host", unit = "ms",
  mine = { "host_starts" }, beside = { "node_starts" }, peer = "Node.js", better = "less", reach = 0.5, smoke = true }
row { group = "start", name = "start of the sandbox", unit = "ms",
  mine = { "sandbox_starts" }, beside = { "node_starts" }, peer = "Node.js", better = "less", reach = 0.5,
  smoke = true }

row { group = "scale", name = "handlers that compute 1 ms, 2 workers", unit = "events/s",
  mine = { "host_computes", 2 }, beside = { "host_computes", 1 }, peer = "1 worker", better = "more", reach = 1.6 }
row { group = "backlog", once = true, name = "handlers with a backlog of events", unit = "events/s",
  mine = { "host_works_off", nil, "many" }, beside = { "host_works_off", nil, "few" }, peer = "none waiting",
  better = "more", reach = 0.9 }
row { group = "find", once = true, name = "sandbox: find_clients over many clients", unit = "us",
  mine = { "sandbox_finds", nil, "call" }, beside = { "sandbox_finds", nil, "sql" }, peer = "the bare SQL",
  better = "less", reach = 1.3 }

return rows
