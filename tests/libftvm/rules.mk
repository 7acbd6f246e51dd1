# The machines that the node's tests and the check's run.
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/libftvm/test_*.c)): $(BUILD)/tests/libftvm/toy_machine.o $(BUILD)/tests/libftvm/toy_nodes.o
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/libftvm/test_check_*.c)): $(BUILD)/tests/libftvm/check_machine.o
