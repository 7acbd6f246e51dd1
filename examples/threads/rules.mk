# The ledger: a node in an event loop that its program has anyway.
$(BUILD)/examples/threads/ledger: examples/threads/ledger.c $(HEADERS) $(LIBRARY_STATIC)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) -std=gnu11 $(WARN) -g -Ilibftvm/include $< $(LIBRARY_STATIC) $(LIBRARY_LIBS) -lm -pthread -o $@
