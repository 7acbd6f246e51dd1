# Tests of the lab's parts link the lab whole, and start nothing.
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/lab/*.c)): $(LAB_OBJECTS)
