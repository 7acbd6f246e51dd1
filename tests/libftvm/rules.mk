# The machine that the node's tests run.
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/libftvm/test_*.c)): $(BUILD)/tests/libftvm/toy_machine.o
