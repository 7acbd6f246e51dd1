# Tests of the lab's own parts: what they claim of a fault must be so.
$(BUILD)/tests/lab/%: tests/lab/%.c $(LAB_OBJECTS) $(TEST_RUNNER)
	@mkdir -p $(@D)
	$(call say,TEST  $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $< $(filter %.o,$^) $(LDFLAGS) -ljansson -lcriterion -o $@
