# Debian packages that the targets need; `tools/need.sh` installs what is missing.

NEED_BUILD := libc6-dev pkg-config liblua5.4-dev liblua5.1-0-dev libcurl4-openssl-dev libjansson-dev libmicrohttpd-dev \
              libsqlite3-dev libedit-dev
NEED_RUN := $(NEED_BUILD) ca-certificates tzdata
NEED_TEST := $(NEED_RUN) libc-bin luarocks lua5.4 lua-busted lua-cjson lua-socket curl sqlite3 openssl nodejs npm \
             nginx libnginx-mod-http-lua lua-resty-core php-cli procps systemd luajit2 lua5.1 lua5.2 lua5.3 \
             liblua5.2-dev liblua5.3-dev
NEED_TEST += zsh man-db mandoc lua-ldoc lua-markdown # what is read beside the program
NEED_TEST += g++ valgrind # programs with the library
NEED_TEST += dpkg-dev binutils fakeroot lintian # make deb
NEED_DEB := $(NEED_BUILD) dpkg-dev binutils
NEED_LINT := $(NEED_RUN) lua-check clang clang-tidy cppcheck
NEED_FUZZ := $(NEED_RUN) clang libclang-rt-14-dev llvm
NEED_NGINX := $(NEED_BUILD) curl nginx libnginx-mod-http-lua lua-resty-core
NEED_BENCH := $(NEED_RUN) lua5.1 lua-cjson lua-curl lua-socket nginx libnginx-mod-http-lua redis-server webhook nodejs \
              npm postgresql sqlite3 procps
