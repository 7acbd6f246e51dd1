# The tests of the documentation; tests/check.sh has them as the stage "docs".
.PHONY: check-listings docs-prefix

DOCS_PREFIX := build/check-docs/prefix

# What a reader has installed.
docs-prefix: all
	@rm -rf build/check-docs
	@$(MAKE) -s install PREFIX=$(CURDIR)/$(DOCS_PREFIX)

check-listings: docs-prefix $(BUILD)/ftvm-sim $(BUILD)/ftvm-lab ## Execute and compile the documentation's listings
	tests/docs/listings.py $(DOCS_PREFIX) $(LISTINGS)
