# Installing, packaging.

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
