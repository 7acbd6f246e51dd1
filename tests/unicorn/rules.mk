# Tests of the machine of examples/unicorn, for tests/examples/unicorn.sh.

UNICORN_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unicorn/test_*.c))

unicorn-pair: $(if $(UNICORN_IS_HERE),$(UNICORN_TESTS))
$(UNICORN_TESTS): override CPPFLAGS += -I$(UNICORN) $(shell pkg-config --cflags unicorn 2>/dev/null) -DGUESTS='"$(abspath $(UNICORN_OUT))"'
$(UNICORN_TESTS): $(UNICORN_GUESTS)
$(BUILD)/tests/unicorn/%: tests/unicorn/%.c $(UNICORN_MACHINE) $(UNICORN_OUT)/check.o $(LIBRARY_STATIC) $(TEST_RUNNER)
	@mkdir -p $(@D)
	$(call say,TEST  $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(filter %.c %.o %.a,$^) $(LDFLAGS) $(UNICORN_LIBS) $(LIBRARY_LIBS) -lcriterion -o $@
