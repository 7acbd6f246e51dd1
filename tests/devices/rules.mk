# Tests of the devices link what stands in for the world around a device: tests/devices/support.
DEVICE_TEST_OBJECTS := $(call objects,tests/devices/support)
DEVICE_TESTS        := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/devices/*.c))

$(DEVICE_TESTS): $(DEVICE_TEST_OBJECTS)
$(DEVICE_TESTS): LDLIBS := $(DEVICE_TEST_OBJECTS) $(call archives_from,vmm/devices vmm/state) $(LDLIBS)
