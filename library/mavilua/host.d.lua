---@meta mavilua.host
-- What a script of `mavilua serve` may ask of the host, as the editor's language server knows it.

---@class mavilua.host
---@field kv mavilua.host.kv values that stay, shared by all handlers and workers
---@field log mavilua.host.log log lines of the run
local host = {}

---Seconds, or a text such as "90s", "2h30m", "1d".
---@alias mavilua.duration number|string

-- ---- events ------------------------------------------------------------------------------------------

---What every handler is told of its event.
---@class mavilua.host.Common
---@field id integer the same at every attempt
---@field attempt integer from 1
---@field source "webhook"|"hook"|"schedule"|"job"|"report"
---@field kind string
---@field key? string the ordering key
---@field accepted_at number unix seconds
---@field due_at number unix seconds

---@class mavilua.host.Client
---@field id mavilua.id
---@field recipient? string the id in the messenger
---@field client_type? integer number of the messenger
---@field name? string
---@field avatar? string
---@field created_at? integer|string
---@field tag? string
---@field group? string
---@field variables table<string, any>

---@class mavilua.host.Attachment
---@field url string
---@field type? string

---A webhook of the platform.
---@class mavilua.host.Event: mavilua.host.Common
---@field source "webhook"
---@field kind "message"|"sent"|"callback"|"order_state"|"member"|"other"
---@field text string "" when there is none
---@field message? any as it came
---@field client mavilua.host.Client
---@field client_id mavilua.id
---@field attachments mavilua.host.Attachment[] always a list
---@field is_input boolean
---@field delivered? boolean
---@field error_message? string
---@field message_id? mavilua.id the block that sent it
---@field project_id? mavilua.id
---@field raw table<string, any> the webhook as it came
---@field captures? string[] after a match by pattern
---@field order? mavilua.host.Order kind "order_state"
---@field member? "joined"|"left" kind "member"
---@field callback? "api"|"task"|"link"|"payment" kind "callback"
---@field payment? mavilua.host.Payment callback "payment"

---@class mavilua.host.Order
---@field pipeline string
---@field stage string
---@field order_id? mavilua.id

---@class mavilua.host.Payment
---@field hash string
---@field amount number|string

---@class mavilua.host.OrderEvent: mavilua.host.Event
---@field order mavilua.host.Order

---@class mavilua.host.MemberEvent: mavilua.host.Event
---@field member "joined"|"left"

---@class mavilua.host.CallbackEvent: mavilua.host.Event
---@field callback "api"|"task"|"link"|"payment"

---@class mavilua.host.Request: mavilua.host.Common
---@field source "hook"
---@field name string
---@field method string
---@field path string
---@field query table<string, string>
---@field headers table<string, string> names in small letters
---@field body string bytes
---@field json? any the body decoded; nil when it is no JSON
---@field form? table<string, string>

---What a hook's handler returns: the body, or all of the reply.
---@alias mavilua.host.Response string|mavilua.host.ResponseTable

---@class mavilua.host.ResponseTable
---@field status? integer 200 to 599
---@field json? any
---@field body? string
---@field headers? table<string, string|number>

---@class mavilua.host.Moment: mavilua.host.Common
---@field source "schedule"
---@field name string
---@field planned number unix seconds

---@class mavilua.host.Job: mavilua.host.Common
---@field source "job"
---@field name string
---@field args any

---@class mavilua.host.Report: mavilua.host.Common
---@field source "report"
---@field kind "dead"|"late"
---@field text string all of it in a sentence
---@field event? mavilua.host.DeadEvent kind "dead"
---@field schedule? mavilua.host.LateSchedule kind "late"

---@class mavilua.host.DeadEvent
---@field id integer
---@field source string
---@field name? string
---@field key? string
---@field handler? string
---@field attempts integer
---@field reason? string
---@field accepted_at number unix seconds

---@class mavilua.host.LateSchedule
---@field name string
---@field expect number seconds
---@field last_success? number unix seconds

---To be returned from a handler: see host.retry, host.cancel, host.dead.
---@class mavilua.host.Verdict

-- ---- handlers ----------------------------------------------------------------------------------------

---All that are given must hold; each but `pattern` may be a list of which one must.
---@class mavilua.host.Match
---@field text? string|string[] the whole text; capitals do not count
---@field contains? string|string[] a part of it; capitals do not count
---@field pattern? string a Lua pattern; its captures are in `event.captures`
---@field client_type? mavilua.id|mavilua.id[]
---@field group? mavilua.id|mavilua.id[]

---@class mavilua.host.JobOptions
---@field attempts? integer tries until it is dead; 8
---@field max_age? mavilua.duration older ones go dead instead of running
---@field timeout? mavilua.duration longest time of a run
---@field on_fail? "block"|"park"|"skip" whether the key waits while it is tried again; "block"
---@field concurrency? integer runs of it at once, over all workers

---@class mavilua.host.Options: mavilua.host.JobOptions
---@field name? string unique; in logs and metrics

---@class mavilua.host.HookOptions: mavilua.host.JobOptions
---@field secret? string asked for; without it everybody may call
---@field key? string path of the ordering key in the body, such as "customer.id"
---@field dedupe? string|fun(request: mavilua.host.Request): (string|integer)? path, "body", or what tells requests apart
---@field signature? "standard"|"sha256" the secret signs instead of being sent
---@field signature_header? string
---@field signature_prefix? string
---@field timestamp_header? string
---@field tolerance? mavilua.duration how far a signature's time may be off; "5m"

---@class mavilua.host.EveryOptions: mavilua.host.Options
---@field overlap? "skip"|"queue"|"cancel"|"allow" when the run before is not finished; "skip"
---@field missed? "one"|"all"|"skip" when the host was down; "one"
---@field jitter? mavilua.duration up to so long later
---@field expect? mavilua.duration report when no run has ended well for so long

---@class mavilua.host.CronOptions: mavilua.host.EveryOptions
---@field timezone? string such as "Europe/Oslo"

---Registers a handler for webhooks of the platform.
---@param kind "message"|"sent"|"any"
---@param match mavilua.host.Match|string|fun(event: mavilua.host.Event): any
---@param fn fun(event: mavilua.host.Event): mavilua.host.Verdict?
---@param options? mavilua.host.Options
---@overload fun(kind: "message"|"sent"|"any", fn: (fun(event: mavilua.host.Event): mavilua.host.Verdict?), options?: mavilua.host.Options)
---@overload fun(kind: "order_state", match: mavilua.host.Match|string|(fun(event: mavilua.host.Event): any), fn: (fun(event: mavilua.host.OrderEvent): mavilua.host.Verdict?), options?: mavilua.host.Options)
---@overload fun(kind: "order_state", fn: (fun(event: mavilua.host.OrderEvent): mavilua.host.Verdict?), options?: mavilua.host.Options)
---@overload fun(kind: "member", match: mavilua.host.Match|string|(fun(event: mavilua.host.Event): any), fn: (fun(event: mavilua.host.MemberEvent): mavilua.host.Verdict?), options?: mavilua.host.Options)
---@overload fun(kind: "member", fn: (fun(event: mavilua.host.MemberEvent): mavilua.host.Verdict?), options?: mavilua.host.Options)
---@overload fun(kind: "callback", match: mavilua.host.Match|string|(fun(event: mavilua.host.Event): any), fn: (fun(event: mavilua.host.CallbackEvent): mavilua.host.Verdict?), options?: mavilua.host.Options)
---@overload fun(kind: "callback", fn: (fun(event: mavilua.host.CallbackEvent): mavilua.host.Verdict?), options?: mavilua.host.Options)
function host.on(kind, match, fn, options) end

---Registers a handler for requests to `/hook/<name>`.
---@param name string letters, digits and -._~
---@param options mavilua.host.HookOptions
---@param fn fun(request: mavilua.host.Request): (mavilua.host.Response|mavilua.host.Verdict)?
---@overload fun(name: string, fn: fun(request: mavilua.host.Request): (mavilua.host.Response|mavilua.host.Verdict)?)
function host.hook(name, options, fn) end

---Registers a handler for the moments of a cron expression.
---@param expression string 5 fields, or 6 with seconds first, or "@daily" and its like
---@param options mavilua.host.CronOptions
---@param fn fun(moment: mavilua.host.Moment): mavilua.host.Verdict?
---@overload fun(expression: string, fn: fun(moment: mavilua.host.Moment): mavilua.host.Verdict?)
function host.cron(expression, options, fn) end

---Registers a handler that runs at an interval, aligned to 1970.
---@param interval mavilua.duration "15m", or seconds (1 or more)
---@param options mavilua.host.EveryOptions
---@param fn fun(moment: mavilua.host.Moment): mavilua.host.Verdict?
---@overload fun(interval: mavilua.duration, fn: fun(moment: mavilua.host.Moment): mavilua.host.Verdict?)
function host.every(interval, options, fn) end

---Registers a job: a function that `host.after` and `host.at` start later, by name.
---@param name string unique
---@param fn fun(args: any, event: mavilua.host.Job): mavilua.host.Verdict?
---@param options? mavilua.host.JobOptions
function host.job(name, fn, options) end

---Registers who is told of events that go dead and of schedules that are late.
---@param fn fun(report: mavilua.host.Report): mavilua.host.Verdict?
---@param options? mavilua.host.JobOptions
function host.on_dead(fn, options) end

-- ---- inside a handler --------------------------------------------------------------------------------

---@class mavilua.host.StartOptions
---@field key? mavilua.id ordering key
---@field id? mavilua.id a job with the same id is not added twice

---Starts a job after a while; it is stored with the handler's completion.
---@param delay mavilua.duration
---@param name string of a `host.job`
---@param args? any what JSON can hold
---@param options? mavilua.host.StartOptions
function host.after(delay, name, args, options) end

---Starts a job at a moment.
---@param moment number unix seconds
---@param name string of a `host.job`
---@param args? any what JSON can hold
---@param options? mavilua.host.StartOptions
function host.at(moment, name, args, options) end

---@class mavilua.host.OnceOptions
---@field confirm? fun(key: string): any the result, or true, if it was done; nil or false if it is to be run

---Runs a function once for a key, whatever the number of attempts, and returns its results.
---@generic Result
---@param key mavilua.id
---@param fn fun(): Result
---@param options? mavilua.host.OnceOptions
---@return Result
function host.once(key, fn, options) end

---@class mavilua.host.kv
local kv = {}

---The value of a key, or nil.
---@param key mavilua.id
---@return any
function kv.get(key) end

---Stores a value.
---@param key mavilua.id
---@param value any what JSON can hold, but nil
---@param ttl? mavilua.duration it is gone after that
function kv.set(key, value, ttl) end

---Removes a key, if it is there.
---@param key mavilua.id
function kv.delete(key) end

---Adds to a number; a key that is not there counts as 0.
---@param key mavilua.id
---@param by? number 1
---@return number sum as this handler sees it
function kv.incr(key, by) end

---Waits; other events go on meanwhile.
---@param seconds mavilua.duration
function host.sleep(seconds) end

---@class mavilua.host.log
local log = {}

---@param message any
---@param fields? table<string, any>
function log.debug(message, fields) end

---@param message any
---@param fields? table<string, any>
function log.info(message, fields) end

---@param message any
---@param fields? table<string, any>
function log.warn(message, fields) end

---@param message any
---@param fields? table<string, any>
function log.error(message, fields) end

---To be returned: another attempt after a while. What the handler wrote is dropped.
---@param delay mavilua.duration
---@param reason? string
---@return mavilua.host.Verdict
function host.retry(delay, reason) end

---To be returned: nothing is to be done for this event. What the handler wrote is kept.
---@param reason? string
---@return mavilua.host.Verdict
function host.cancel(reason) end

---To be returned: give the event up. What the handler wrote is dropped.
---@param reason? string
---@return mavilua.host.Verdict
function host.dead(reason) end

---The event whose handler runs; nil while the script is loaded.
---@return mavilua.host.Event|mavilua.host.Request|mavilua.host.Moment|mavilua.host.Job|mavilua.host.Report|nil
function host.event() end

---Seconds in a duration such as "1h30m".
---@param value mavilua.duration
---@return number
function host.seconds(value) end

---@class mavilua.host.ReconcileOptions
---@field bot? mavilua.Client needed at the top of the script
---@field name? string tells several bots apart
---@field sent? boolean also what was sent to clients
---@field all_clients? boolean also those that seem unchanged
---@field automatic? boolean at the top of the script; false: only by hand
---@field since? mavilua.duration in a handler: unix seconds, or how long ago
---@field clients? mavilua.id[] in a handler: only these
---@field older? boolean in a handler: since may be over 7 days back

---Finds messages that no webhook brought, and runs them as if one had.
---@param options? mavilua.host.ReconcileOptions
function host.reconcile(options) end

return host
