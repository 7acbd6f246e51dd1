# The tests of the documentation; tests/check.sh has them as the stage "docs".
.PHONY: check-listings

DOCS_PREFIX := build/check-docs/prefix

check-listings: $(BUILD)/ftvm $(BUILD)/ftvm-sim $(BUILD)/ftvm-lab man ## Execute and compile the documentation's listings
	@rm -rf build/check-docs
	@$(MAKE) -s install PREFIX=$(CURDIR)/$(DOCS_PREFIX)
	tests/docs/listings.py $(DOCS_PREFIX) $(LISTINGS)
