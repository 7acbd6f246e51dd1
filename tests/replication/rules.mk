# The engine's tests in virtual time run the simulator's cluster of toy guests.
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/replication/test_traces_*.c tests/replication/test_every_*.c)): \
	$(CLUSTER_OBJECTS) $(BUILD)/tests/replication/golden.o

# Exploring is shown to find the mutants of the protocol: what it runs is the simulator's own build.
$(BUILD)/tests/replication/test_explore: $(filter-out $(patsubst %,$(BUILD)/sim/fault-injection/simulator/%.o,\
	$(filter-out mutant,$(SIM_PROGRAM))),$(SIM_OBJECTS))
