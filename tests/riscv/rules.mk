# Guest programs for the tests of the hart, and the measurement of its speed.

HART_GUEST_CC := $(CROSS)gcc
HART_GUEST_CFLAGS := -O2 -march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -fno-strict-aliasing -fno-pic -no-pie -static -nostdlib \
	-fno-asynchronous-unwind-tables -fno-stack-protector -Wall -Wextra -Werror -Wl,--no-relax,--no-warn-rwx-segments

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

# Self-checking programs: crt.S first, as it holds the entry.
$(HART_GUEST_DIR)/%.elf: tests/riscv/guest/crt.S tests/riscv/guest/%.c tests/riscv/guest/guest.h tests/riscv/guest/guest.ld
	@mkdir -p $(@D)
	$(HART_GUEST_CC) $(HART_GUEST_CFLAGS) -I. -Wl,-T,tests/riscv/guest/guest.ld,--build-id=none $(filter %.S %.c,$^) -o $@

$(HART_GUEST_DIR)/runner: tests/riscv/guest/runner.c tests/riscv/differential/layout.h
	@mkdir -p $(@D)
	$(HART_GUEST_CC) -O2 -static -I. -Wall -Wextra -Werror $< -o $@

HART_DIFFERENTIAL := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/riscv/differential/*.c))
HART_RANDOM := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/riscv/programs/*.c))
HART_LOCKSTEP := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/riscv/lockstep/*.c))
HART_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/riscv/support/*.c))
HART_PROGRAMS := $(patsubst tests/riscv/guest/%.c,$(HART_GUEST_DIR)/%.bin,\
	$(filter-out %/runner.c,$(wildcard tests/riscv/guest/*.c)))
$(BUILD)/tests/riscv/test_%: override CPPFLAGS += -DHART_GUEST_DIR='"$(HART_GUEST_DIR)"'
$(HART_DIFFERENTIAL) $(HART_SUPPORT): override CPPFLAGS += -DHART_GUEST_DIR='"$(HART_GUEST_DIR)"'
$(BUILD)/tests/riscv/test_differential: $(HART_DIFFERENTIAL) $(HART_RANDOM) | $(HART_GUEST_DIR)/stub.bin $(HART_GUEST_DIR)/runner
$(BUILD)/tests/riscv/test_hart $(BUILD)/tests/riscv/test_hostile: $(HART_SUPPORT)
$(BUILD)/tests/riscv/test_privileged $(BUILD)/tests/riscv/test_determinism: $(HART_SUPPORT) | $(HART_PROGRAMS)
$(patsubst %.c,$(BUILD)/%,$(wildcard tests/riscv/test_engine*.c)): $(HART_RANDOM) $(HART_LOCKSTEP) $(HART_SUPPORT)
