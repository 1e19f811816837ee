# mavilua: build, run, test. `make help` lists the targets.

MODE ?= release
B := build/$(MODE)
PREFIX ?= /usr/local
LUA_VERSION := 5.4
LUA := lua$(LUA_VERSION)
# Other Luas that the module is installed for, and that it is tried with; what is built for 5.1 is
# LuaJIT's, too.
OTHER_LUAS := 5.1
TRIED_LUAS := 5.1 5.2 5.3
ifeq ($(origin CC),default)
CC := gcc
endif

# Debian packages; `tools/need.sh` installs what is missing.
NEED_BUILD := libc6-dev pkg-config liblua5.4-dev liblua5.1-0-dev libcurl4-openssl-dev libjansson-dev libmicrohttpd-dev \
              libsqlite3-dev libedit-dev
NEED_RUN := $(NEED_BUILD) ca-certificates tzdata
NEED_TEST := $(NEED_RUN) libc-bin luarocks lua5.4 lua-busted lua-cjson lua-socket curl sqlite3 openssl nodejs npm \
             nginx libnginx-mod-http-lua lua-resty-core php-cli procps systemd luajit2 lua5.1 lua5.2 lua5.3 \
             liblua5.2-dev liblua5.3-dev \
             zsh man-db mandoc lua-ldoc lua-markdown
NEED_TEST += g++ valgrind # programs with the library
NEED_NGINX := $(NEED_BUILD) curl nginx libnginx-mod-http-lua lua-resty-core
NEED_TEST += dpkg-dev binutils fakeroot lintian # make deb
NEED_DEB := $(NEED_BUILD) dpkg-dev binutils
NEED_DEB := $(NEED_BUILD) dpkg-dev binutils
NEED_LINT := $(NEED_RUN) lua-check clang clang-tidy cppcheck
NEED_FUZZ := $(NEED_RUN) clang libclang-rt-14-dev llvm

# Asked for once, when first used: before `need` has run there may be no pkg-config.
once = $(eval $(1) := $(2))$($(1))
PKGS_MODULE := libcurl jansson
PKGS ?= lua$(LUA_VERSION) $(PKGS_MODULE) libmicrohttpd sqlite3
PKG_CFLAGS = $(call once,PKG_CFLAGS,$(shell pkg-config --cflags $(PKGS)))
PKG_LIBS = $(call once,PKG_LIBS,$(shell pkg-config --libs $(PKGS)))
# The terminal of `mavilua repl`: the program alone has it.
EDIT_LIBS = $(call once,EDIT_LIBS,$(shell pkg-config --libs libedit))
MODULE_LIBS = $(call once,MODULE_LIBS,$(shell pkg-config --libs $(PKGS_MODULE)))

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wpointer-arith \
        -Wwrite-strings -Wvla -Wundef -Wformat=2
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SAN_tsan := -fsanitize=thread
SAN_fuzz := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
OPT_release := -O2 -g
OPT_asan := -O1 -g -fno-omit-frame-pointer $(SAN_asan)
OPT_tsan := -O1 -g $(SAN_tsan)
OPT_fuzz := -O1 -g $(SAN_fuzz)

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARN) $(WERROR) $(OPT_$(MODE)) -fPIC \
             -fvisibility=hidden -pthread -Icsrc $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
OBJCOPY ?= objcopy
LINK = $(CC) $(SAN_$(MODE)) $(LDFLAGS)

# The module is base, api and lua without the script VM and the configuration; the program is everything.
MODULE_SRC := $(wildcard csrc/base/*.c csrc/api/*.c) \
              $(filter-out csrc/lua/vm%.c csrc/lua/config.c,$(wildcard csrc/lua/*.c))
PROGRAM_SRC := $(wildcard csrc/base/*.c csrc/api/*.c csrc/time/*.c csrc/lua/*.c csrc/net/*.c csrc/store/*.c \
               csrc/host/*.c csrc/sandbox/*.c csrc/service/*.c csrc/cli/*.c)
# The library is the program without its commands. Of libmavilua.a one object is made in which all but
# the public names are local.
LIBRARY_SRC := $(filter-out csrc/cli/%,$(PROGRAM_SRC)) $(wildcard csrc/embed/*.c)
VERSION := $(shell sed -n 's/^\#define MV_VERSION "\(.*\)"/\1/p' csrc/base/version.h)
SONAME := libmavilua.so.0
UNIT_SRC := $(wildcard csrc/test/*_test.c)
FUZZ_SRC := $(wildcard csrc/test/fuzz_*.c)
LUA_SRC := $(sort $(wildcard lua/mavilua/*.lua lua/mavilua/*/*.lua))
C_FILES := $(wildcard csrc/*.h csrc/*/*.c csrc/*/*.h)

obj = $(patsubst csrc/%.c,$(B)/%.o,$(1))
PROGRAM_OBJ := $(call obj,$(PROGRAM_SRC)) $(B)/gen/embedded.o $(B)/gen/sandbox_data.o
LIBRARY_OBJ := $(call obj,$(LIBRARY_SRC)) $(B)/gen/embedded.o $(B)/gen/sandbox_data.o
LIBRARY := $(B)/$(SONAME) $(B)/libmavilua.a
LIB := $(B)/libmavilua-all.a
FUZZERS := $(patsubst csrc/test/%.c,$(B)/fuzz/%,$(FUZZ_SRC))
UNITS := $(patsubst csrc/test/%.c,$(B)/test/%,$(UNIT_SRC))

ifeq ($(OPT_$(MODE)),)
$(error MODE is release, asan, tsan or fuzz, not "$(MODE)")
endif

.PHONY: all help run demo torture test unit spec lint asan tsan soak fuzz-smoke fuzz docs bench-ack bench-sandbox bench-backlog bench-scale bench-schedules bench-nginx module program library install install-program install-library install-module install-manual install-rock uninstall clean

# The module for another Lua, such as 5.1: only what includes lua.h is compiled anew.
other_core = $(B)/lib-$(1)/mavilua/core.so
OTHER_CORES := $(foreach v,$(OTHER_LUAS),$(call other_core,$(v)))
TRIED_CORES := $(foreach v,$(TRIED_LUAS),$(call other_core,$(v)))

all: $(B)/mavilua $(B)/lib/mavilua/core.so $(OTHER_CORES) $(LIBRARY) ## build program, module and library

program: $(B)/mavilua ## build the program alone

library: $(LIBRARY) ## build the library for C and C++ alone

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' Makefile | sort | awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

# ---- building ------------------------------------------------------------------------------------

$(B)/mavilua: $(B)/cli/main.o $(LIB)
	$(LINK) -o $@ $< -Wl,--whole-archive $(LIB) -Wl,--no-whole-archive -Wl,-E $(PKG_LIBS) $(EDIT_LIBS) -lm -ldl -pthread

$(LIB): $(filter-out $(B)/cli/main.o,$(PROGRAM_OBJ))
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/$(SONAME): $(LIBRARY_OBJ) csrc/embed/mavilua.map
	$(LINK) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,csrc/embed/mavilua.map -o $@ $(LIBRARY_OBJ) \
	  $(PKG_LIBS) -lm -ldl -pthread

$(B)/libmavilua.a: $(LIBRARY_OBJ)
	$(LD) -r -o $(B)/libmavilua.o $(LIBRARY_OBJ)
	$(OBJCOPY) --localize-hidden --localize-symbol=luaopen_mavilua_core $(B)/libmavilua.o
	@rm -f $@
	$(AR) rcs $@ $(B)/libmavilua.o

# In a folder of its own, so that LUA_CPATH can name it beside the program of the same name.
$(B)/lib/mavilua/core.so: $(call obj,$(MODULE_SRC))
	@mkdir -p $(@D)
	$(LINK) -shared -o $@ $^ $(MODULE_LIBS) -lm -pthread

$(B)/%.o: csrc/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define for_other_lua
$(B)/lua-$(1)/%.o: csrc/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(call once,LUA_CFLAGS_$(1),$$(shell pkg-config --cflags lua$(1))) $$(ALL_CFLAGS) -MMD -MP -c -o $$@ $$<

$(call other_core,$(1)): $(call obj,$(filter-out csrc/lua/%,$(MODULE_SRC))) \
                         $(patsubst csrc/%.c,$(B)/lua-$(1)/%.o,$(filter csrc/lua/%,$(MODULE_SRC)))
	@mkdir -p $$(@D)
	$$(LINK) -shared -o $$@ $$^ $$(MODULE_LIBS) -lm -pthread
endef
$(foreach v,$(TRIED_LUAS),$(eval $(call for_other_lua,$(v))))

# The Lua sources inside the program, so that one file is all it needs.
$(B)/gen/embedded.c: tools/embed.sh $(LUA_SRC)
	@mkdir -p $(@D)
	sh tools/embed.sh $(LUA_SRC) > $@.new
	@mv $@.new $@

# The sandbox's tables and its built-in seed, likewise.
$(B)/gen/sandbox_data.c: tools/embed_text.sh csrc/sandbox/schema.sql csrc/sandbox/seed.json
	@mkdir -p $(@D)
	sh tools/embed_text.sh sandbox/data.h mv_sandbox_schema=csrc/sandbox/schema.sql \
	  mv_sandbox_seed=csrc/sandbox/seed.json > $@.new
	@mv $@.new $@

$(B)/gen/%.o: $(B)/gen/%.c
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/test/%: $(B)/test/%.o $(LIB)
	$(LINK) -o $@ $^ -Wl,-E $(PKG_LIBS) -lm -ldl -pthread

# The library is tried as its users have it.
$(B)/test/embed_test: $(B)/test/embed_test.o $(B)/libmavilua.a
	$(LINK) -o $@ $^ $(PKG_LIBS) -lm -ldl -pthread

$(B)/torture_world.so: csrc/test/torture_world.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(WERROR) -O2 -fPIC -shared -o $@ $< -ldl

$(B)/fuzz/%: $(B)/test/%.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer -o $@ $^ -Wl,-E $(PKG_LIBS) -lm -ldl -pthread

-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)
.SECONDARY:

need-%:
	@sh tools/need.sh $(NEED_$(shell echo $* | tr a-z A-Z))

# The targets that do everything build side by side, unless the caller said how.
CORES := $(shell nproc)
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(CORES))

# ---- running -------------------------------------------------------------------------------------

run: need-run ## build, start host and sandbox with a shop, show a conversation, go on serving
	@$(MAKE) -s $(PARALLEL) all
	@sh examples/demo.sh $(B)/mavilua --stay

demo: need-run ## as run, but ending by itself with a summary
	@$(MAKE) -s $(PARALLEL) all
	@sh examples/demo.sh $(B)/mavilua

# ---- testing -------------------------------------------------------------------------------------

test: need-test ## build and run all tests
	@$(MAKE) -s $(PARALLEL) all units $(TRIED_CORES)
	@failed=0; for suite in unit spec answers $(SUITES_VM); do $(MAKE) -s suite-$$suite || failed=1; done; \
	[ -n "$$CI" ] || sh tools/total.sh; exit $$failed

# The sanitizers' programs run busted themselves: `mavilua run busted`.
asan: need-test ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) -s $(PARALLEL) MODE=asan all units
	@failed=0; for suite in unit spec answers; do $(MAKE) -s MODE=asan suite-$$suite || failed=1; done; exit $$failed

tsan: need-test ## the tests under ThreadSanitizer
	@$(MAKE) -s $(PARALLEL) MODE=tsan all units
	@failed=0; for suite in unit spec answers; do $(MAKE) -s MODE=tsan suite-$$suite || failed=1; done; exit $$failed

SUFFIX := $(if $(filter release,$(MODE)),,-$(MODE))
export ASAN_OPTIONS := detect_leaks=1:abort_on_error=0:exitcode=99
export UBSAN_OPTIONS := print_stacktrace=1
export TSAN_OPTIONS := suppressions=$(CURDIR)/tools/tsan.supp exitcode=66 halt_on_error=0 history_size=4
BUSTED := $(shell command -v busted)
BUSTED_release = $(LUA) $(BUSTED)
BUSTED_asan = $(B)/mavilua run $(BUSTED)
BUSTED_tsan = $(B)/mavilua run $(BUSTED)
SPEC ?= spec examples
# Specs wait more than they compute.
LANES ?= $(shell expr 2 \* $(CORES))
# What every sandbox of the specs answered, for suite-answers.
ANSWERS = $(CURDIR)/build/results/answers$(SUFFIX).jsonl
# Preloaded into the host by spec/torture; the sanitizers take no library before their own.
WORLD_release = build/release/torture_world.so
# What spec/bench_spec.lua measures with.
SMOKE_release = $(B)/bench/http_load $(B)/bench/bare_mhd
SPEC_ENV = MAVILUA_TORTURE_LIBRARY=$(if $(WORLD_$(MODE)),$(CURDIR)/$(WORLD_$(MODE))) MAVILUA_SANDBOX_CHECK=$(ANSWERS) MAVILUA_BIN=$(CURDIR)/$(B)/mavilua MAVILUA_MODE=$(MODE) \
  LUA_CPATH='$(CURDIR)/$(B)/lib/?.so;;' LUA_PATH='$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$(CURDIR)/?.lua;;'

.PHONY: suite-unit suite-spec suite-answers units fuzzers
suite-unit: $(UNITS)
	@sh tools/suite.sh unit$(SUFFIX) 900 sh -c "printf '%s\n' $(UNITS) | sh tools/lanes.sh $(CORES) env"
suite-spec: $(WORLD_$(MODE)) $(SMOKE_$(MODE))
	@mkdir -p build/results && rm -f $(ANSWERS)
	@$(SPEC_ENV) sh tools/suite.sh spec$(SUFFIX) 1500 sh -c "find $(SPEC) -name '*_spec.lua' | sort -r | \
	  sh tools/lanes.sh $(LANES) $(BUSTED_$(MODE)) --helper=spec/support/helper.lua -o plainTerminal"
# Answers of the sandbox against docs/openapi.json, and that document by a validator from npm.
# The module's specs on another Lua: suite-luajit, suite-lua5.1 and so on.
# In 5.1 and 5.2 a wait inside a sort or a metamethod is an error, which is much of spec/loop_spec.lua.
MODULE_SPECS = $(patsubst %,spec/%_spec.lua,acceptance batches client core http map mavilua pace pages \
               pipeline retry send values $(if $(filter lua5.1 lua5.2,$*),,loop))
SUITES_VM := luajit $(TRIED_LUAS:%=lua%)
VM_VERSION = $(if $(filter luajit,$*),5.1,$(*:lua%=%))
$(SUITES_VM:%=suite-%): suite-%: $(TRIED_CORES)
	@LUA_CPATH='$(CURDIR)/$(B)/lib-$(VM_VERSION)/?.so;;' MAVILUA_BIN=$(CURDIR)/$(B)/mavilua MAVILUA_MODE=$(MODE) \
	  LUA_PATH='$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$(CURDIR)/?.lua;;' \
	  sh tools/suite.sh spec-$* 300 $* $(BUSTED) --helper=spec/support/helper.lua -o plainTerminal \
	  $(or $(VM_SPEC),$(MODULE_SPECS))
suite-answers: tools/openapi/node_modules/.package-lock.json
	@sh tools/suite.sh answers$(SUFFIX) 120 node tools/openapi/check.mjs docs/openapi.json $(ANSWERS)

%/node_modules/.package-lock.json: %/package-lock.json
	@NODE_EXTRA_CA_CERTS="$${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" npm ci --prefix $* --no-audit --no-fund --loglevel error
	@touch $@

units: $(UNITS)
fuzzers: $(FUZZERS)

unit: ## the C unit tests alone
	@$(MAKE) -s suite-unit
spec: all $(WORLD_$(MODE)) $(SMOKE_$(MODE)) ## the specs alone (SPEC=spec/client_spec.lua for one)
	@mkdir -p build/results
	@$(SPEC_ENV) $(BUSTED_$(MODE)) --helper=spec/support/helper.lua -o plainTerminal $(SPEC)

KILLS ?= 1000
TORTURE ?=
torture: need-test ## the host killed 1,000 times under load (KILLS, TORTURE="--seed N"): nothing may be lost
	@$(MAKE) -s all $(WORLD_release)
	@$(SPEC_ENV) $(B)/mavilua run spec/torture/main.lua --kills $(KILLS) $(TORTURE)

lint: need-lint ## warnings as errors on gcc and clang, luacheck, clang-tidy, cppcheck
	@sh tools/suite.sh lint 900 sh tools/lint.sh '$(ALL_CFLAGS)'

SOAK_SECONDS ?= 60
soak: need-test ## 64 who write to and read from a sandbox for a minute (MODE=asan, MODE=tsan too)
	@$(MAKE) -s all
	@MAVILUA_SOAK=$(SOAK_SECONDS) $(MAKE) -s spec SPEC=spec/sandbox/storm_spec.lua

FUZZ_SECONDS ?= 30
fuzz-smoke: need-fuzz ## each fuzz target for a few seconds (FUZZ_SECONDS)
	@$(MAKE) -s $(PARALLEL) MODE=fuzz CC=clang fuzzers
	@sh tools/suite.sh fuzz 7200 sh tools/fuzz.sh $(FUZZ_SECONDS) build/fuzz/fuzz
fuzz: ## each fuzz target for ten minutes
	@$(MAKE) -s fuzz-smoke FUZZ_SECONDS=600

GUIDES_MADE := cli configuration sandbox assumptions
# Man pages, below man/ of the source and share/man.
PAGES := man1/mavilua.1 man5/mavilua.conf.5
docs: all ## make what of docs/, library/ and man/ the program knows itself
	$(B)/mavilua run tools/actions_doc.lua > docs/actions.md
	$(B)/mavilua actions --openapi > docs/openapi.json
	$(B)/mavilua run tools/stubs.lua > library/mavilua/actions.d.lua
	@set -e; for guide in $(GUIDES_MADE); do \
	  $(B)/mavilua run tools/guide_doc.lua $(B)/mavilua docs/$$guide.md > $(B)/guide.new; \
	  cat $(B)/guide.new > docs/$$guide.md; rm $(B)/guide.new; done; \
	for page in $(notdir $(PAGES)); do $(B)/mavilua run tools/man_doc.lua $(B)/mavilua $$page > man/$$page; done

# LDoc's own `env lua` may find a Lua that lacks what it needs.
LDOC_DIR ?= build/ldoc
.PHONY: ldoc
ldoc: ## HTML pages of the doc comments of lua/, in build/ldoc
	@mkdir -p $(LDOC_DIR)
	@lua5.1 $$(command -v ldoc) --quiet --fatalwarnings -c config.ld -d $(LDOC_DIR) .

# ---- measuring -----------------------------------------------------------------------------------

# The peers are measured beside the program; they are no part of it.
$(B)/bench/%: bench/peers/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(OPT_$(MODE)) -o $@ $< -lmicrohttpd -lsqlite3 -lcurl

NEED_BENCH := $(NEED_RUN) lua5.1 lua-cjson lua-curl lua-socket nginx libnginx-mod-http-lua redis-server webhook nodejs \
              npm postgresql sqlite3 procps
PEERS := http_load bare_mhd bare_sql bare_curl free_port
.PHONY: bench bench-quick bench-peers
BENCH = $(B)/mavilua $(B)/lib-5.1/mavilua/core.so $(PEERS:%=$(B)/bench/%) bench/peers/pgboss/node_modules/.package-lock.json
bench: need-bench ## the program beside its peers: a table, bench/results.json and bench/results.svg
	@$(MAKE) -s $(PARALLEL) bench-peers && sh bench/run.sh $(B) full

bench-quick: need-bench ## the same in under two minutes, with fewer and shorter runs
	@$(MAKE) -s $(PARALLEL) bench-peers && sh bench/run.sh $(B) quick

bench-peers: $(BENCH)

bench-sandbox: need-build $(B)/mavilua $(B)/bench/http_load $(B)/bench/bare_mhd ## a sandbox's start, reads and writes beside bare libmicrohttpd
	@sh bench/sandbox.sh $(B)/mavilua $(B)/bench

bench-ack: need-build $(B)/mavilua $(B)/bench/http_load ## the acknowledgement of webhooks at 2,000 a second beside one fsync
	@sh bench/ack.sh $(B)/mavilua $(B)/bench

bench-schedules: need-build $(B)/mavilua ## what ten thousand schedules cost an idle host
	@sh bench/schedules.sh $(B)/mavilua

EVENTS ?= 1000000
bench-backlog: need-build $(B)/mavilua $(B)/bench/http_load ## a million waiting events (EVENTS): the rate beside that at a thousand
	@sh bench/backlog.sh $(B)/mavilua $(B)/bench/http_load $(EVENTS)

CLIENTS ?= 1000000
bench-scale: need-build $(B)/mavilua $(B)/bench/http_load $(B)/bench/bare_sql ## a sandbox with a million clients (CLIENTS) beside bare SQL
	@sh bench/scale.sh $(B)/mavilua $(B)/bench $(CLIENTS)

bench-nginx: need-nginx $(B)/mavilua $(B)/bench/http_load $(call other_core,5.1) ## a static page of an nginx in which 200 requests wait for an action
	@sh bench/nginx.sh $(B)/mavilua $(B)/bench $(B)/lib-5.1

# ---- installing ----------------------------------------------------------------------------------

LUA_DIR ?= $(PREFIX)/share/lua/$(LUA_VERSION)
C_DIR ?= $(PREFIX)/lib/lua/$(LUA_VERSION)
install: all install-program install-library install-module $(OTHER_LUAS:%=install-module-%) install-manual ## install program, library and modules below $(DESTDIR)$(PREFIX)

install-program: $(B)/mavilua
	install -D -m 755 $(B)/mavilua $(DESTDIR)$(PREFIX)/bin/mavilua

LIB_DIR ?= $(PREFIX)/lib
INCLUDE_DIR ?= $(PREFIX)/include
install-library: $(LIBRARY)
	install -D -m 755 $(B)/$(SONAME) $(DESTDIR)$(LIB_DIR)/libmavilua.so.$(VERSION)
	ln -sf libmavilua.so.$(VERSION) $(DESTDIR)$(LIB_DIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIB_DIR)/libmavilua.so
	install -D -m 644 $(B)/libmavilua.a $(DESTDIR)$(LIB_DIR)/libmavilua.a
	install -D -m 644 csrc/mavilua.h $(DESTDIR)$(INCLUDE_DIR)/mavilua.h
	install -D -m 644 /dev/null $(DESTDIR)$(LIB_DIR)/pkgconfig/mavilua.pc
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIB_DIR)|; s|@INCLUDEDIR@|$(INCLUDE_DIR)|' \
	  -e 's|@VERSION@|$(VERSION)|; s|@REQUIRES@|$(PKGS)|' csrc/embed/mavilua.pc.in \
	  > $(DESTDIR)$(LIB_DIR)/pkgconfig/mavilua.pc

CORE = $(B)/lib/mavilua/core.so
install-module: $(CORE)
	install -D -m 755 $(CORE) $(DESTDIR)$(C_DIR)/mavilua/core.so
	@set -e; for f in $(LUA_SRC:lua/%=%); do install -D -m 644 lua/$$f $(DESTDIR)$(LUA_DIR)/$$f; done

install-module-%: $(B)/lib-%/mavilua/core.so
	@$(MAKE) -s install-module CORE=$< LUA_DIR=$(PREFIX)/share/lua/$* C_DIR=$(PREFIX)/lib/lua/$*

# What is read beside them: by man, language servers and shells.
STUBS := $(wildcard library/*.lua library/*/*.lua)
SHARE = $(DESTDIR)$(PREFIX)/share
$(B)/completion/%: $(B)/mavilua
	@mkdir -p $(@D)
	$(B)/mavilua completion $* > $@.$$$$ && mv $@.$$$$ $@

install-manual: $(B)/completion/bash $(B)/completion/zsh
	install -D -m 644 $(B)/completion/bash $(SHARE)/bash-completion/completions/mavilua
	install -D -m 644 $(B)/completion/zsh $(SHARE)/zsh/site-functions/_mavilua
	@set -e; for f in $(PAGES); do install -D -m 644 man/$${f#*/} $(SHARE)/man/$$f; done
	@set -e; for f in $(STUBS); do install -D -m 644 $$f $(SHARE)/mavilua/$$f; done

# Libraries lie where Debian has those of this architecture.
DEB = build/mavilua_$(VERSION)_$(shell dpkg --print-architecture).deb
.PHONY: deb
deb: need-deb ## a Debian package of it all: build/mavilua_VERSION_ARCHITECTURE.deb
	@$(MAKE) -s $(PARALLEL) all
	@rm -rf $(B)/deb && $(MAKE) -s install DESTDIR=$(CURDIR)/$(B)/deb PREFIX=/usr \
	  LIB_DIR=/usr/lib/$(shell dpkg-architecture -q DEB_HOST_MULTIARCH) >/dev/null
	@sh tools/deb.sh $(CURDIR)/$(B)/deb $(DEB)

# The module alone, for LuaRocks: needs libcurl and jansson, and LUA_INCDIR when pkg-config does not know Lua.
MODULE_B = build/module$(subst /,-,$(LUA_INCDIR))
module: ## build the module alone
	@$(MAKE) B=$(MODULE_B) PKGS="$(if $(LUA_INCDIR),,lua$(LUA_VERSION)) $(PKGS_MODULE)" \
	  CPPFLAGS="$(if $(LUA_INCDIR),-I$(LUA_INCDIR)) $(CPPFLAGS)" $(MODULE_B)/lib/mavilua/core.so

install-rock:
	@$(MAKE) -s install-module B=$(MODULE_B)

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/mavilua $(SHARE)/bash-completion/completions/mavilua \
	  $(SHARE)/zsh/site-functions/_mavilua $(PAGES:%=$(SHARE)/man/%)
	rm -f $(DESTDIR)$(LIB_DIR)/libmavilua.so $(DESTDIR)$(LIB_DIR)/libmavilua.so.* $(DESTDIR)$(LIB_DIR)/libmavilua.a \
	  $(DESTDIR)$(LIB_DIR)/pkgconfig/mavilua.pc $(DESTDIR)$(INCLUDE_DIR)/mavilua.h
	rm -rf $(SHARE)/mavilua $(foreach v,$(LUA_VERSION) $(OTHER_LUAS),$(DESTDIR)$(PREFIX)/lib/lua/$(v)/mavilua \
	  $(DESTDIR)$(PREFIX)/share/lua/$(v)/mavilua)

clean: ## remove everything built
	rm -rf build
