---@meta mavilua
-- The module as the editor's language server knows it; the actions are in mavilua/actions.d.lua.

---@class mavilua
---@field version string such as "0.1.0"
---@field null lightuserdata JSON's null, equal to cjson.null; it is true in conditions: compare with it
---@field http mavilua.http requests to other services
local mavilua = {}

---An integer or its digits: ids have up to 64 bits, more than every Lua can count.
---@alias mavilua.id integer|string

---@alias mavilua.flag boolean|0|1|"0"|"1"|"true"|"false"|"True"|"False"

---@alias mavilua.scalar string|number|boolean

---The value that a variable has, or `{_in = list}`, `{_not_in = list}`, `{_not = value}`.
---@alias mavilua.condition mavilua.scalar|mavilua.ConditionIn|mavilua.ConditionNotIn|mavilua.ConditionNot

---@class mavilua.ConditionIn
---@field _in mavilua.scalar[]

---@class mavilua.ConditionNotIn
---@field _not_in mavilua.scalar[]

---@class mavilua.ConditionNot
---@field _not mavilua.scalar

---@class mavilua.Button
---@field type "reply"|"inline"
---@field text string
---@field line? integer
---@field index_in_line? integer
---@field url? string
---@field color? string
---@field one_time? mavilua.flag

---@class mavilua.Buttons
---@field hint? string text above the buttons
---@field buttons mavilua.Button[]

---The plain "ok" of the platform.
---@class mavilua.Done
---@field status "success"
---@field text? string

-- ---- the client --------------------------------------------------------------------------------------

---@class mavilua.ClientOptions
---@field api_key? string else MAVILUA_API_KEY, else the text of the file that MAVILUA_API_KEY_FILE names
---@field base_url? string else MAVILUA_BASE_URL, else https://chatter.mavibot.ai
---@field timeout? number seconds of one attempt; 30
---@field connect_timeout? number seconds of its connecting; 5
---@field retries? integer most repeats of a call that may be repeated; 2
---@field max_retry_wait? number seconds that a server's Retry-After may ask for; 60
---@field rate? number calls a second; not limited
---@field daily_quota? integer calls a UTC day; not limited
---@field quota_dict? string in nginx: the lua_shared_dict that counts the day's calls for all workers
---@field verify? boolean check the server's certificate; true
---@field ca_file? string a PEM file of further trust
---@field keep_null? boolean nulls in objects become mavilua.null instead of being absent
---@field transport? mavilua.transport sends in libcurl's place
---@field runtime? mavilua.Runtime in the place of the system's clock
---@field trace? fun(event: mavilua.TraceEvent) is told of each request, reply, failure and repeat
---@field on_retry? fun(event: mavilua.TraceEvent) is told before each repeat

---@class mavilua.CallOptions
---@field timeout? number seconds of one attempt
---@field retries? integer most repeats

---@class mavilua.Runtime
---@field sleep? fun(seconds: number)
---@field now? fun(): number seconds that never go back
---@field time? fun(): number unix seconds

---@class mavilua.TraceEvent
---@field what "request"|"reply"|"failure"|"retry"
---@field action string
---@field attempt integer
---@field method? string
---@field url? string without the key
---@field status? integer
---@field kind? mavilua.error_kind
---@field message? string
---@field seconds? number
---@field delay? number seconds until the repeat

---@class mavilua.Request
---@field action? string
---@field method string
---@field url string
---@field headers table<string, string>
---@field body? string
---@field timeout number
---@field connect_timeout number
---@field verify boolean
---@field ca_file? string
---@field once boolean it must not be sent twice

---@class mavilua.RawReply
---@field status integer
---@field headers? table<string, string> names in small letters
---@field body? string

---@class mavilua.TransportError
---@field kind? "network"|"timeout"|"certificate"|"decode"
---@field message? string
---@field sent? boolean false: no byte reached the other side

---@alias mavilua.transport fun(request: mavilua.Request): mavilua.RawReply?, mavilua.TransportError?

---@alias mavilua.error_kind
---| "network" # no connection, or it broke
---| "timeout" # no answer in time
---| "certificate" # the server's certificate is not trusted
---| "http" # a status of 400 or more
---| "api" # refused inside a 200
---| "ambiguous" # it may have been done, and nobody knows
---| "decode" # the answer cannot be understood
---| "quota" # the daily_quota is used up
---| "state" # of pipelines: the order is in a state without a name
---| "transition" # of pipelines: the states do not lead there
---| "guard" # of pipelines: the guard says no
---| "conflict" # of pipelines: somebody else moved the order

---A failed call; `tostring(err)` reads well.
---@class mavilua.Error
---@field kind mavilua.error_kind
---@field message string
---@field action? string
---@field status? integer HTTP status
---@field code? string the platform's word, such as "client_not_found"
---@field attempts? integer how often it was tried
---@field retryable? boolean the same call may be made again without doing anything twice
---@field retry_after? number seconds to wait
---@field body? string the beginning of the answer, at most 2 KiB
---@field sent? boolean whether the request may have arrived
---@field state_id? mavilua.id kind "state": the order's
---@field state? string kind "conflict": where the order is
---@field allowed? string[] kind "transition": where the order may go
---@field done? integer of in_batches: how many elements are done
---@field partial? table of in_batches: the answers until then, merged

---@class mavilua.Client
local Client = {}

---Calls an action by its name, also one that the table does not know: that is sent as it is.
---@param name mavilua.action|string
---@param params? table
---@param options? mavilua.CallOptions
---@return table? answer
---@return mavilua.Error? err
function Client:call(name, params, options) end

---Walks all rows of a paged action, each id once. A failed call raises its `err`.
---@param action "get_clients"
---@param params? mavilua.params.get_clients `limit` is the size of a page
---@param options? mavilua.CallOptions
---@return fun(): mavilua.answer.get_clients.clients, integer iterator row and position to go on from
---@overload fun(self: mavilua.Client, action: "subscribers", params?: mavilua.params.subscribers, options?: mavilua.CallOptions): (fun(): mavilua.answer.subscribers, integer)
function Client:each(action, params, options) end

---The actions that `in_batches` splits a list for.
---@alias mavilua.list_action
---| "send_callback_by_platform_id"
---| "broadcast"
---| "load_clients"
---| "add_to_list"
---| "remove_from_list"
---| "delete_clients"
---| "save_variables"
---| "find_client_id_by_platform_id"

---@class mavilua.BatchOptions
---@field params? table the action's further parameters
---@field param? string which parameter takes the list, when there are several
---@field size? integer elements of a call; the documented limit, or 100
---@field progress? fun(done: integer, total: integer) called before the first call and after each
---@field timeout? number seconds of one attempt
---@field retries? integer most repeats of a call

---Calls an action with a list of any length, in parts; stops at the first failure.
---@param action mavilua.list_action
---@param list any[]
---@param options? mavilua.BatchOptions
---@return table? answers merged: lists joined, numbers added
---@return mavilua.Error? err with `done` and `partial`
---@return integer? done how many elements are done, of a failure
function Client:in_batches(action, list, options) end

---@return integer used calls since 00:00 UTC
---@return number left math.huge without a quota
function Client:quota() end

---Makes a client: a method for each action of the platform's API.
---@param options? mavilua.ClientOptions
---@return mavilua.Client bot
function mavilua.client(options) end

-- ---- side by side ------------------------------------------------------------------------------------

---@class mavilua.MapOptions
---@field concurrency? integer most items under way at once; 32
---@field stop_on_error? boolean take no further item after one failed

---Calls a function for each item, several at a time; API calls in it wait side by side.
---@generic Item, Result
---@param items Item[]
---@param fn fun(item: Item, index: integer): Result?, any
---@param options? mavilua.MapOptions
---@return table<integer, Result> results in the order of the items
---@return table<integer, any> errors by index; empty when all went well
function mavilua.map(items, fn, options) end

-- ---- pipelines ---------------------------------------------------------------------------------------

---@class mavilua.PipelineState
---@field name string
---@field id mavilua.id

---@class mavilua.PipelineOptions
---@field bot mavilua.Client
---@field states table<string, mavilua.id>|mavilua.PipelineState[] by name, or a list in the funnel's order
---@field transitions? table<string, string|string[]> without it every move is allowed
---@field guard? table<string, fun(ctx: mavilua.PipelineContext): any, string?> asked before an order enters a state
---@field on? mavilua.PipelineHooks called after the platform moved the order

---@class mavilua.PipelineHooks
---@field enter? table<string, fun(ctx: mavilua.PipelineContext)>
---@field leave? table<string, fun(ctx: mavilua.PipelineContext)>

---@class mavilua.PipelineContext
---@field client_id mavilua.id
---@field order_id? mavilua.id nil: the current order
---@field from string
---@field to string
---@field bot mavilua.Client
---@field data any

---@class mavilua.MoveOptions
---@field order_id? mavilua.id must be the client's current order
---@field data? any for guards and hooks
---@field verify? boolean read the state again after the move; true

---@class mavilua.Moved
---@field from string
---@field to string
---@field changed boolean

---@class mavilua.Pipeline
local Pipeline = {}

---Makes a pipeline: order states by name, with allowed moves, guards and hooks.
---@param options mavilua.PipelineOptions
---@return mavilua.Pipeline
function mavilua.pipeline(options) end

---The number of a state.
---@param name string
---@return mavilua.id
function Pipeline:id(name) end

---The name of a state, or nil when the pipeline does not name it.
---@param id mavilua.id
---@return string?
function Pipeline:name(id) end

---Which states an order may enter from a state.
---@param from string
---@return string[]
function Pipeline:allowed(from) end

---The state of a client's order.
---@param client_id mavilua.id
---@param order_id? mavilua.id nil: the current order
---@return string? name
---@return mavilua.id|mavilua.Error state_id its number, or the error
function Pipeline:state(client_id, order_id) end

---Moves a client's order to a state; to where it is, that succeeds without a change.
---@param client_id mavilua.id
---@param to string
---@param options? mavilua.MoveOptions
---@return mavilua.Moved?
---@return mavilua.Error? err
function Pipeline:move(client_id, to, options) end

---Moves a client's order to the next state of its funnel.
---@param client_id mavilua.id
---@param options? mavilua.MoveOptions
---@return mavilua.Moved?
---@return mavilua.Error? err
function Pipeline:next(client_id, options) end

---Whether a client's order may enter a state now.
---@param client_id mavilua.id
---@param to string
---@param options? mavilua.MoveOptions
---@return boolean? may nil when the state cannot be read
---@return mavilua.Error? err
function Pipeline:can(client_id, to, options) end

-- ---- other services ----------------------------------------------------------------------------------

---@class mavilua.http
local http = {}

---@class mavilua.HttpOptions
---@field method? string GET, or POST with a body
---@field query? table<string, string|number|boolean> added to the url
---@field headers? table<string, string|number>
---@field json? any sent as JSON
---@field form? table<string, string|number|boolean> sent as a form
---@field body? string bytes
---@field timeout? number seconds; 30
---@field connect_timeout? number seconds; 5
---@field max_reply? integer bytes; 64 MiB
---@field verify? boolean check the server's certificate; true
---@field ca_file? string a PEM file of further trust
---@field transport? mavilua.transport sends in libcurl's place

---@class mavilua.HttpRequest: mavilua.HttpOptions
---@field url string

---@class mavilua.Reply
---@field status integer
---@field ok boolean status 200 to 299
---@field headers table<string, string> names in small letters
---@field body string
---@field seconds? number
local Reply = {}

---The body read as JSON.
---@return any value nil when it is none
---@return string? message
function Reply:json() end

---Sends a request; a reply comes back whatever its status.
---@param request mavilua.HttpRequest
---@return mavilua.Reply?
---@return mavilua.Error? err
function http.request(request) end

---@param address string
---@param options? mavilua.HttpOptions
---@return mavilua.Reply?
---@return mavilua.Error? err
function http.get(address, options) end

---@param address string
---@param options? mavilua.HttpOptions
---@return mavilua.Reply?
---@return mavilua.Error? err
function http.post(address, options) end

-- ---- values and time ---------------------------------------------------------------------------------

---Marks a table as a JSON array, so that an empty one is sent as `[]`.
---@generic List: table
---@param list? List
---@return List
function mavilua.array(list) end

---Whether a table carries the array mark.
---@param value any
---@return boolean
function mavilua.is_array(value) end

---JSON of a value, exactly.
---@param value any
---@return string? text
---@return string? message names the part that cannot be sent
function mavilua.encode(value) end

---Reads JSON.
---@param text string
---@param keep_null? boolean null members of objects become mavilua.null instead of being absent
---@return any value
---@return string? message
function mavilua.decode(text, keep_null) end

---@class mavilua.ActionParam
---@field name string
---@field type string
---@field required boolean
---@field doc string
---@field limit? integer
---@field least? integer
---@field choices? string[]

---@class mavilua.ActionRule
---@field kind "any"|"one"|"all"|"needs"|"forbids"
---@field names string[]

---@class mavilua.ActionRow
---@field name mavilua.action
---@field subject string
---@field doc string
---@field method "GET"|"POST"
---@field permission "R"|"W"|"X"|"CR"|"CW"
---@field retry "safe"|"idempotent"|"once"
---@field idempotent_if? string
---@field params mavilua.ActionParam[]
---@field items? mavilua.ActionParam[]
---@field rules mavilua.ActionRule[]
---@field extras "refused"|"variables"|"conditions"
---@field extras_limit? integer
---@field bare_array boolean
---@field universal boolean
---@field unlimited boolean
---@field answer string
---@field refusal? string
---@field may_miss boolean
---@field source string

---The action table: the caller's own copy.
---@return mavilua.ActionRow[]
function mavilua.actions() end

---Waits; inside a task the others go on meanwhile.
---@param seconds number
function mavilua.sleep(seconds) end

---Seconds since some moment, never going back.
---@return number
function mavilua.now() end

---@return number unix seconds
function mavilua.time() end

return mavilua
