# The machine's tests run bare-metal guests, and Linux where `make guest` has made it.
GUESTS := $(patsubst %.c,$(BUILD)/%.img,$(wildcard tests/vmm/guest/*.c))
GUEST_CFLAGS := -march=rv64gc -mabi=lp64d -mcmodel=medany -O2 -ffreestanding -fno-stack-protector -nostdlib -static \
	-Wall -Wextra -Werror -Wl,--no-warn-rwx-segments -Wl,--build-id=none
$(BUILD)/tests/vmm/guest/%.img: tests/vmm/guest/%.c $(addprefix tests/vmm/guest/,start.S guest.ld guest.h)
	@mkdir -p $(@D)
	$(CROSS)gcc $(GUEST_CFLAGS) -T tests/vmm/guest/guest.ld tests/vmm/guest/start.S $< -o $(@:.img=.elf)
	$(CROSS)objcopy -O binary $(@:.img=.elf) $@
$(BUILD)/tests/vmm/%: private override CPPFLAGS += -DTEST_GUESTS='"$(BUILD)/tests/vmm/guest"' -DTEST_LINUX='"$(GUEST)"'
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/vmm/*.c)): $(GUESTS)
