# Tests of the devices link what stands in for the world around a device: tests/devices/support.
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/devices/*.c)): $(call objects,tests/devices/support)
