# The example as the project's own tests run it, with all warnings. Who copies the folder has its
# Makefile instead.

examples: $(BUILD)/examples/counter/counter $(BUILD)/examples/counter/counter.so

$(BUILD)/examples/counter/counter: examples/counter/counter.c $(EMBEDDER_NEEDS)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(EMBEDDER_CFLAGS) $< $(LDFLAGS) $(EMBEDDER_LIBS) -o $@

# For ftvm-check, which brings the library.
$(BUILD)/examples/counter/counter.so: examples/counter/check.c examples/counter/counter.c $(EMBEDDER_HEADERS)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(EMBEDDER_CFLAGS) -shared $< $(LDFLAGS) -o $@
