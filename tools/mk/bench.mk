# Measuring.

# The peers are measured beside the program; they are no part of it.
$(B)/bench/%: bench/peers/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(OPT_$(MODE)) -o $@ $< -lmicrohttpd -lsqlite3 -lcurl

PEERS := http_load bare_mhd bare_sql bare_curl free_port
.PHONY: bench bench-quick bench-peers
BENCH = $(B)/mavilua $(B)/lib-5.1/mavilua/core.so $(PEERS:%=$(B)/bench/%) bench/peers/pgboss/node_modules/.package-lock.json
ROWS ?=
bench: need-bench ## the program beside its peers: a table, bench/results.json and results.svg (ROWS=calls for some)
	@$(MAKE) -s $(PARALLEL) bench-peers && sh bench/run.sh $(B) full "$(ROWS)"

bench-quick: need-bench ## the same in under two minutes, with fewer and shorter runs
	@$(MAKE) -s $(PARALLEL) bench-peers && sh bench/run.sh $(B) quick "$(ROWS)"

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
