# The engine's tests in virtual time run the simulator's cluster of toy guests.
CLUSTER_OBJECTS := $(filter-out %/main.o,$(call objects,fault-injection/simulator)) $(BUILD)/tests/replication/golden.o
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/replication/test_traces_*.c tests/replication/test_random_*.c \
	tests/replication/test_every_*.c)): $(CLUSTER_OBJECTS)
