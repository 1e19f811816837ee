-- nginx: a webhook decoded and handled, nothing stored.
ngx.req.read_body()
local event = cjson.decode(ngx.req.get_body_data())
local text, client = event.message, event.client.id
if not (text and client) then return ngx.exit(400) end
ngx.header.content_length = 2
ngx.print "ok"
