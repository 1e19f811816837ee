std = "min"
max_line_length = 120
files["lua/mavilua/resty*"] = { read_globals = { "ngx" } }
files["lua/mavilua/nginx/*"] = { read_globals = { "ngx" } }
files["lua/mavilua/nginx.lua"] = { std = "luajit", globals = { "ngx" } }
files["spec"] = { std = "+busted+lua54", read_globals = { "unpack", "newproxy" } }
files["spec/support/helper.lua"] = { globals = { "table" } }
files["examples"] = { std = "lua54" }
files["examples/*_spec.lua"] = { std = "+busted+lua54" }
files["bench"] = { std = "lua54" }
files["bench/peers/handle.lua"] = { std = "ngx_lua", read_globals = { "cjson" } }
files["bench/peers/store.lua"] = { std = "ngx_lua", read_globals = { "cjson" } }
exclude_files = { "build" }
