# chip8, a small machine made fault tolerant (README.md here), and its programs.

CHIP8_MACHINE  := $(patsubst %,$(BUILD)/examples/chip8/%.o,chip8 chip8_state node)
CHIP8_PARTS    := $(patsubst %,$(BUILD)/examples/chip8/%.o,keys terminal console headless options)
CHIP8_PROGRAMS := $(patsubst %.asm,$(BUILD)/%.ch8,$(wildcard examples/chip8/programs/*.asm))

.PHONY: chip8
chip8: $(BUILD)/chip8 $(BUILD)/chip8-check.so $(CHIP8_PROGRAMS) ## Build the CHIP-8 example and its programs

$(BUILD)/chip8: $(BUILD)/examples/chip8/main.o $(CHIP8_PARTS) $(CHIP8_MACHINE) $(LIBRARY_STATIC)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBRARY_LIBS) -lm -o $@

$(BUILD)/chip8-asm: $(BUILD)/examples/chip8/assembler.o
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

# For ftvm-check, which has the library.
$(BUILD)/chip8-check.so: $(BUILD)/examples/chip8/check.o $(CHIP8_MACHINE)
	$(call say,LINK  $@)
	$(Q)$(CC) -shared $(LDFLAGS) $^ -o $@

$(BUILD)/examples/chip8/programs/%.ch8: examples/chip8/programs/%.asm $(BUILD)/chip8-asm
	@mkdir -p $(@D)
	$(call say,ASM   $@)
	$(Q)$(BUILD)/chip8-asm $< $@
