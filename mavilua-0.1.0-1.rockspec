rockspec_format = "3.0"
package = "mavilua"
version = "0.1.0-1"
source = {
  url = "git+https://example.com/mavilua/mavilua.git",
  tag = "v0.1.0",
}
description = {
  summary = "The HTTP API of Mavibot and Salebot as Lua functions",
  detailed = [[
    Every action of the platform's HTTP API as a Lua function that takes a table and returns a table,
    with checked parameters, exact numbers, retries that never send twice, paging and batches.
  ]],
  license = "MIT",
}
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1.0",
}
external_dependencies = {
  CURL = { library = "curl" },
  JANSSON = { library = "jansson" },
}
build = {
  type = "make",
  build_target = "module",
  build_variables = {
    CFLAGS = "$(CFLAGS)",
    LUA_INCDIR = "$(LUA_INCDIR)",
  },
  install_target = "install-rock",
  install_variables = {
    LUA_INCDIR = "$(LUA_INCDIR)",
    LUA_DIR = "$(LUADIR)",
    C_DIR = "$(LIBDIR)",
  },
  copy_directories = { "library" },
}
