# Tests of the lab's own parts: what they claim of a fault must be so.
LAB_TESTED := $(LAB_OBJECTS) $(filter-out %/main.o,$(EXPERIMENT))

$(BUILD)/tests/lab/%: tests/lab/%.c $(LAB_TESTED) $(TEST_RUNNER)
	@mkdir -p $(@D)
	$(call say,TEST  $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $< $(filter %.o,$^) $(LDFLAGS) -ljansson -linih -lm -lcriterion -o $@
