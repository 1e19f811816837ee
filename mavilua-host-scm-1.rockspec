rockspec_format = "3.0"
package = "mavilua-host"
version = "scm-1"
source = {
  url = "git+https://example.com/mavilua/mavilua.git",
  branch = "main",
}
description = {
  summary = "Runs Lua bots for Mavibot and Salebot: webhooks, schedules, and a sandbox of the platform",
  detailed = [[
    The program `mavilua`: runs Lua scripts per incoming webhook and on a schedule without losing what
    it acknowledged, and plays the platform on one SQLite file for tests.
  ]],
  license = "MIT",
}
dependencies = {
  "lua >= 5.4, < 5.5",
  "mavilua",
}
external_dependencies = {
  CURL = { library = "curl" },
  JANSSON = { library = "jansson" },
  MICROHTTPD = { library = "microhttpd" },
  SQLITE = { library = "sqlite3" },
  LIBEDIT = { library = "edit" },
}
build = {
  type = "make",
  build_target = "program",
  build_variables = {
    CFLAGS = "$(CFLAGS)",
  },
  install_target = "install-program",
  install_variables = {
    PREFIX = "$(PREFIX)",
  },
  copy_directories = { "man" },
}
