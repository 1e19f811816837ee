# What of the documentation the program and its sources know themselves.

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
