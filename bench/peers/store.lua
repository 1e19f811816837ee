-- nginx: a webhook decoded, stored in Redis (appendfsync always) and handled, then answered.
ngx.req.read_body()
local body = ngx.req.get_body_data()
local event = cjson.decode(body)
local redis = ngx.socket.tcp()
assert(redis:connect("unix:" .. ngx.var.document_root .. "/redis.sock", { pool_size = 512 }))
assert(redis:send { "*3\r\n$5\r\nRPUSH\r\n$6\r\nevents\r\n$", #body, "\r\n", body, "\r\n" })
local answer = assert(redis:receive())
if answer:sub(1, 1) ~= ":" then return ngx.exit(503) end
redis:setkeepalive(60000, 512)
local text, client = event.message, event.client.id
if not (text and client) then return ngx.exit(400) end
ngx.header.content_length = 2
ngx.print "ok"
