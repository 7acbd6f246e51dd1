# The engine's tests in virtual time run the simulator's cluster of toy guests.
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/replication/test_traces_*.c tests/replication/test_every_*.c)): \
	$(CLUSTER_OBJECTS) $(BUILD)/tests/replication/golden.o
