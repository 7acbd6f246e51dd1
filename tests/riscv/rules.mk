# Guest programs for the tests of the hart, and the measurement of its speed.

HART_GUEST_CC := $(CROSS)gcc
HART_GUEST_CFLAGS := -O2 -march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -fno-pic -no-pie -static -nostdlib \
	-fno-asynchronous-unwind-tables -fno-stack-protector -Wall -Wextra -Werror

$(BUILD)/bench/guest/mips.elf: bench/guest/start.S bench/guest/mips.c
	@mkdir -p $(@D)
	$(HART_GUEST_CC) $(HART_GUEST_CFLAGS) -Wl,-Ttext=0x80000000,--build-id=none $^ -o $@

$(BUILD)/%.bin: $(BUILD)/%.elf
	$(CROSS)objcopy -O binary $< $@

$(BUILD)/bench/riscv_mips: bench/riscv_mips.c $(BUILD)/lib/vmm-riscv.a $(BUILD)/lib/vmm-state.a $(BUILD)/bench/guest/mips.bin
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(filter %.c %.a,$^) $(LDFLAGS) $(LDLIBS) -o $@

.PHONY: bench-hart
bench-hart: $(BUILD)/bench/riscv_mips ## Measure the speed of the hart alone
	$< $(BUILD)/bench/guest/mips.bin

HART_GUEST_DIR := $(BUILD)/tests/riscv/guest

$(HART_GUEST_DIR)/%.elf: tests/riscv/guest/%.S
	@mkdir -p $(@D)
	$(HART_GUEST_CC) $(HART_GUEST_CFLAGS) -Wl,-Ttext=0x80000000,--build-id=none $< -o $@

$(HART_GUEST_DIR)/runner: tests/riscv/guest/runner.c tests/riscv/differential/layout.h
	@mkdir -p $(@D)
	$(HART_GUEST_CC) -O2 -static -I. -Wall -Wextra -Werror $< -o $@

HART_DIFFERENTIAL := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/riscv/differential/*.c))
$(BUILD)/tests/riscv/test_%: CPPFLAGS += -DHART_GUEST_DIR='"$(HART_GUEST_DIR)"'
$(HART_DIFFERENTIAL): CPPFLAGS += -DHART_GUEST_DIR='"$(HART_GUEST_DIR)"'
$(BUILD)/tests/riscv/test_differential: $(HART_DIFFERENTIAL) | $(HART_GUEST_DIR)/stub.bin $(HART_GUEST_DIR)/runner
