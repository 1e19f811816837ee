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

include tools/mk/packages.mk

# Asked for once, when first used: before `need` has run there may be no pkg-config.
once = $(eval $(1) := $(2))$($(1))
PKGS_MODULE := libcurl jansson
PKGS ?= lua$(LUA_VERSION) $(PKGS_MODULE) libmicrohttpd sqlite3
PKG_CFLAGS = $(call once,PKG_CFLAGS,$(shell pkg-config --cflags $(PKGS)))
PKG_LIBS = $(call once,PKG_LIBS,$(shell pkg-config --libs $(PKGS)))
# The terminal of `mavilua repl`: the program alone has it.
# What it loads itself when it needs it is not linked: cli/late_*.c have its names.
PROGRAM_LIBS = $(call once,PROGRAM_LIBS,$(shell pkg-config --libs $(filter-out libcurl,$(PKGS))))
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
ONLY_PROGRAM := $(filter $(B)/cli/main.o $(B)/cli/late_%.o,$(PROGRAM_OBJ))
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
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' Makefile tools/mk/*.mk | sort | awk -F '\t' '{ printf "  make %-15s %s\n", $$1, $$2 }'

# ---- building ------------------------------------------------------------------------------------

$(B)/mavilua: $(ONLY_PROGRAM) $(LIB)
	$(LINK) -o $@ $(ONLY_PROGRAM) -Wl,--whole-archive $(LIB) -Wl,--no-whole-archive -Wl,-E $(PROGRAM_LIBS) $(EDIT_LIBS) -lm -ldl -pthread

$(LIB): $(filter-out $(ONLY_PROGRAM),$(PROGRAM_OBJ))
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

$(B)/cli/late_curl.o: csrc/cli/late_curl.c
	@mkdir -p $(@D)
	name=$$(CC="$(CC)" LDFLAGS="$(LDFLAGS)" sh tools/soname.sh libcurl curl) && \
	  $(CC) $(ALL_CFLAGS) "-DMV_LATE_CURL=\"$$name\"" -MMD -MP -c -o $@ $<

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

include tools/mk/test.mk tools/mk/docs.mk tools/mk/bench.mk tools/mk/install.mk

clean: ## remove everything built
	rm -rf build
