# Tests of the build with hooks alone: the shared page, the lab's side of it, and the replica's.
HOOKS_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/hooks/test_*.c))
$(HOOKS_TESTS): $(LAB_OBJECTS) $(BUILD)/tests/libftvm/toy_machine.o
