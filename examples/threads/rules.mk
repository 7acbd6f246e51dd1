# The ledger: a node in an event loop that its program has anyway.
examples: $(BUILD)/examples/threads/ledger

$(BUILD)/examples/threads/ledger: examples/threads/ledger.c $(EMBEDDER_NEEDS)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(EMBEDDER_CFLAGS) $< $(LDFLAGS) $(EMBEDDER_LIBS) -o $@
