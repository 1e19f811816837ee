---@meta mavilua.testing
-- Tests of bots, as the editor's language server knows them.

---@class mavilua.testing
local testing = {}

---@class mavilua.testing.Options
---@field script? string path of the bot's script; this or `source`
---@field source? string Lua text
---@field seed? string|table a seed, or the path of a JSON file; otherwise the built-in shop
---@field now? string|number UTC, "2026-01-05 09:00", or unix seconds
---@field clock? "virtual"|"real"
---@field settings? table<string, any> of the sandbox
---@field workers? integer 1

---@class mavilua.testing.Pattern
---@field pattern string

---A name that is in the seed or was used before, or an id.
---@alias mavilua.testing.who string|integer

---@class mavilua.testing.Test
---@field bot mavilua.Client a client of the sandbox
---@field sandbox string address of the sandbox
---@field host string address of the host
---@field admin string address of the host's admin listener
local Test = {}

---Starts host and sandbox.
---@param options mavilua.testing.Options
---@return mavilua.testing.Test
function testing.start(options) end

---Matches what the bot says by a Lua pattern, in `assert_said`.
---@param text string
---@return mavilua.testing.Pattern
function testing.pattern(text) end

---Asks the sandbox's control API.
---@param method "GET"|"POST"|"PUT"|"DELETE"
---@param path string what follows /_sandbox/
---@param json? any
---@return any
function Test:control(method, path, json) end

---What the host and the sandbox logged so far.
---@return string
function Test:log() end

---Waits until nothing happens any more.
---@param seconds? number the longest it may take; 20
function Test:wait_idle(seconds) end

---The time of day of host and sandbox.
---@return number unix seconds
function Test:now() end

---Lets time pass, from one moment at which something is due to the next.
---@param time mavilua.duration
function Test:advance(time) end

---The id of a client.
---@param who mavilua.testing.who
---@return integer
function Test:client(who) end

---@class mavilua.testing.Said
---@field attachments? string[]
---@field group? string the channel of a new client

---A client writes; a name that nobody has becomes a new client.
---@param who mavilua.testing.who
---@param text? string
---@param more? mavilua.testing.Said
---@return integer message_id
function Test:client_says(who, text, more) end

---The conversation with a client since the start, oldest first.
---@param who mavilua.testing.who
---@return table<string, any>[]
function Test:conversation(who) end

---What the bot said to a client since the start.
---@param who mavilua.testing.who
---@return string[]
function Test:bot_said(who) end

---The variables of a client and of the current order.
---@param who mavilua.testing.who
---@return table<string, any>
function Test:variables(who) end

---The state of a client's current order; nil when there is none.
---@param who mavilua.testing.who
---@return string? name
---@return integer? id
function Test:order_state(who) end

---@class mavilua.testing.HookOptions
---@field secret? string
---@field headers? table<string, string|number>
---@field body? string bytes, instead of json

---Somebody calls a hook of the host.
---@param name string
---@param json? any
---@param options? mavilua.testing.HookOptions
---@return mavilua.Reply
function Test:hook(name, json, options) end

---@class mavilua.testing.PayOptions: mavilua.testing.HookOptions
---@field hook? string its name; "payment"
---@field id? string of the payment

---A payment provider calls the hook "payment".
---@param who mavilua.testing.who
---@param amount number
---@param options? mavilua.testing.PayOptions
---@return mavilua.Reply
function Test:pay_hook(who, amount, options) end

---The host's events that failed, newest first.
---@return table<string, any>[]
function Test:failures() end

---Raises unless this, and nothing else, is what the bot said since the last `assert_said`.
---@param who mavilua.testing.who
---@param expected string|mavilua.testing.Pattern|(string|mavilua.testing.Pattern)[]
function Test:assert_said(who, expected) end

---Raises unless the client's current order is in the state; nil: there is no order.
---@param who mavilua.testing.who
---@param expected? string|integer
function Test:assert_order_state(who, expected) end

---Raises unless the variables have these values; mavilua.null: is not there.
---@param who mavilua.testing.who
---@param expected table<string, any>
function Test:assert_variables(who, expected) end

---Ends host and sandbox.
function Test:stop() end

return testing
