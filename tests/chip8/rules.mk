# Tests of the CHIP-8 example: the machine by itself, the assembler and the programs.
CHIP8_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/chip8/test_*.c))
UNIT_TESTS  += $(CHIP8_TESTS)

$(BUILD)/tests/chip8/%: tests/chip8/%.c $(CHIP8_MACHINE) $(BUILD)/chip8 $(BUILD)/chip8-asm $(CHIP8_PROGRAMS) $(TEST_RUNNER)
	@mkdir -p $(@D)
	$(call say,TEST  $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DCHIP8_BINARY='"$(BUILD)/chip8"' -DCHIP8_ASM='"$(BUILD)/chip8-asm"' \
		-DCHIP8_PROGRAMS='"$(BUILD)/examples/chip8/programs"' -MMD -MP $< $(filter %.o,$^) $(LDFLAGS) \
		$(LIBRARY_STATIC) $(LIBRARY_LIBS) -lm -lcriterion -o $@
