#!/usr/bin/env lua5.4
-- What `webhook` starts for each request: decodes it and handles it.
local event = require "cjson".decode(arg[1])
local text, client = event.message, event.client.id
if not (text and client) then os.exit(1) end
io.write "ok"
