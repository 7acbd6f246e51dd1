# The engine's tests in virtual time run a cluster of toy guests.
CLUSTER_OBJECTS := $(patsubst %,$(BUILD)/tests/replication/%.o,cluster cluster_network cluster_replica toy_guest golden checks)
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/replication/test_traces_*.c tests/replication/test_random_*.c \
	tests/replication/test_every_*.c)): $(CLUSTER_OBJECTS)
