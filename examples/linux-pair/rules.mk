# The demonstration: a Linux pair that loses its primary (README.md here).

PAIR_OBJECTS := $(call objects,examples/linux-pair)

$(BUILD)/linux-pair: $(PAIR_OBJECTS) $(LAB_OBJECTS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -ljansson -o $@

$(GUEST)/Image $(GUEST)/initrd.cpio.gz:
	guest/build.sh $(GUEST)

# One command on a fresh machine: what it needs is installed first, and only then can make see it.
.PHONY: run-demo
demo: ## Watch a pair lose its primary, three times (DEMO="--help" for options)
	@./deps.sh
	@$(MAKE) --no-print-directory run-demo

run-demo: $(BUILD)/ftvm $(BUILD)/linux-pair | $(GUEST)/Image $(GUEST)/initrd.cpio.gz
	@$(BUILD)/linux-pair --ftvm $(BUILD)/ftvm --kernel $(GUEST)/Image --initrd $(GUEST)/initrd.cpio.gz $(DEMO)
