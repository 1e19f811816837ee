# mavilua: build, run, test. `make help` lists the targets.

MODE ?= release
B := build/$(MODE)
CC ?= gcc
PREFIX ?= /usr/local
LUA_VERSION := 5.4
VERSION := $(shell cat VERSION)

PKGS_MODULE := lua$(LUA_VERSION) libcurl jansson
PKGS_HOST := $(PKGS_MODULE) libmicrohttpd sqlite3

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wpointer-arith \
        -Wwrite-strings -Wvla -Wundef -Wformat=2
OPT_release := -O2 -g
OPT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT_tsan := -O1 -g -fsanitize=thread
LINK_asan := -fsanitize=address,undefined
LINK_tsan := -fsanitize=thread

CFLAGS ?=
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARN) $(WERROR) $(OPT_$(MODE)) -fPIC -fvisibility=hidden -pthread -Icsrc -I$(B)/gen \
  -DMV_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS_HOST)) $(CFLAGS)
HOST_LIBS = $(LINK_$(MODE)) $(shell pkg-config --libs $(PKGS_HOST)) -lm -ldl -pthread
MODULE_LIBS = $(LINK_$(MODE)) $(shell pkg-config --libs libcurl jansson) -lm -pthread

# The module is base, api and lua without the script VM; the program is everything.
MODULE_SRC := $(wildcard csrc/base/*.c csrc/api/*.c) $(filter-out csrc/lua/vm%.c,$(wildcard csrc/lua/*.c))
PROGRAM_SRC := $(wildcard csrc/base/*.c csrc/api/*.c csrc/lua/*.c csrc/net/*.c csrc/store/*.c csrc/host/*.c \
               csrc/sandbox/*.c csrc/cli/*.c)
LIB_SRC := $(filter-out csrc/cli/main.c,$(PROGRAM_SRC))
UNIT_SRC := $(wildcard csrc/test/*_test.c)
EMBED_LUA := $(sort $(wildcard lua/mavilua/*.lua lua/mavilua/*/*.lua))

obj = $(patsubst csrc/%.c,$(B)/%.o,$(1))
UNITS := $(patsubst csrc/test/%.c,$(B)/test/%,$(UNIT_SRC))

.PHONY: all clean unit
all: $(B)/mavilua $(B)/mavilua/core.so

$(B)/mavilua: $(call obj,$(PROGRAM_SRC)) $(B)/gen/embedded.o
	$(CC) -o $@ $^ -Wl,-E $(HOST_LIBS)

$(B)/mavilua/core.so: $(call obj,$(MODULE_SRC))
	@mkdir -p $(@D)
	$(CC) -shared -o $@ $^ $(MODULE_LIBS)

$(B)/%.o: csrc/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The Lua sources inside the program, so that one file is all it needs.
$(B)/gen/embedded.c: tools/embed.sh $(EMBED_LUA)
	@mkdir -p $(@D)
	sh tools/embed.sh $(EMBED_LUA) > $@
$(B)/gen/embedded.o: $(B)/gen/embedded.c
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/test/%: $(B)/test/%.o $(call obj,$(LIB_SRC)) $(B)/gen/embedded.o
	$(CC) -o $@ $^ -Wl,-E $(HOST_LIBS)

unit: $(UNITS)
	@set -e; for t in $(UNITS); do $$t; done

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.SECONDARY:
