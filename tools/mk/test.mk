# Tests, sanitizers, fuzzers, lint.

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
LANES ?= $(shell expr 3 \* $(CORES))
# These take longest: begun last, they would be waited for when all other lanes have ended.
LONGEST := torture host/operating_alerts guides sandbox/clock luarocks sandbox/crash sandbox/actions embed nginx/hup deb \
           host/events_cancel host/events_hook_answers host/running_stop host/events_reconcile cli config
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
	  sh tools/first.sh $(LONGEST:%=spec/%_spec.lua) | \
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

FUZZ_SECONDS ?= 25
fuzz-smoke: need-fuzz ## each fuzz target for a few seconds (FUZZ_SECONDS)
	@$(MAKE) -s $(PARALLEL) MODE=fuzz CC=clang fuzzers
	@sh tools/suite.sh fuzz 7200 sh tools/fuzz.sh $(FUZZ_SECONDS) build/fuzz/fuzz
fuzz: ## each fuzz target for ten minutes
	@$(MAKE) -s fuzz-smoke FUZZ_SECONDS=600
