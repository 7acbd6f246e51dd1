# Tests of the CHIP-8 example: the machine by itself, the assembler and the programs. Pairs of it:
# tests/examples/chip8.sh.
CHIP8_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/chip8/test_*.c))
UNIT_TESTS  += $(CHIP8_TESTS)

$(CHIP8_TESTS): $(BUILD)/%: %.c $(CHIP8_MACHINE) $(CHIP8_PARTS) $(CHIP8)/chip8-asm $(CHIP8_PROGRAMS) $(EMBEDDER_NEEDS) $(TEST_RUNNER)
	@mkdir -p $(@D)
	$(call say,TEST  $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DCHIP8_ASM='"$(CHIP8)/chip8-asm"' -DCHIP8_PROGRAMS='"$(CHIP8)/programs"' \
		-MMD -MP $< $(filter %.o,$^) $(LDFLAGS) $(EMBEDDER_LIBS) -lcriterion -o $@

examples: $(BUILD)/tests/chip8/reference
$(BUILD)/tests/chip8/reference: $(BUILD)/tests/chip8/reference.o $(patsubst %,$(CHIP8)/%.o,chip8 headless terminal)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@
