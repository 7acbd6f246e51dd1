# The engine's tests in virtual time run the simulator's cluster of toy guests.
CLUSTER_OBJECTS := $(call objects,fault-injection/simulator) $(BUILD)/tests/replication/golden.o
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/replication/test_traces_*.c tests/replication/test_random_*.c \
	tests/replication/test_every_*.c)): $(CLUSTER_OBJECTS)

# Exploring is shown to find the mutants of the protocol: all that it runs is built with them.
EXPLORED_OBJECTS := $(patsubst %.c,$(BUILD)/mutants/%.o,$(foreach f,fault-injection/simulator replication logging,\
	$(filter-out %/main.c,$(call sources,$(f)))))
$(BUILD)/mutants/%.o: %.c | $(PROTO).h
	@mkdir -p $(@D)
	$(call say,CC    $< with mutants)
	$(Q)$(CC) $(CPPFLAGS) -DFTVM_MUTANTS $(CFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/tests/replication/test_explore: $(EXPLORED_OBJECTS)
