# chip8, a small machine made fault tolerant, and its programs, as the project's own tests run them. Who
# copies the folder has its Makefile instead.

CHIP8          := $(BUILD)/examples/chip8
CHIP8_MACHINE  := $(patsubst %,$(CHIP8)/%.o,chip8 chip8_state node)
CHIP8_PARTS    := $(patsubst %,$(CHIP8)/%.o,keys terminal console headless options)
CHIP8_PROGRAMS := $(patsubst %.asm,$(BUILD)/%.ch8,$(wildcard examples/chip8/programs/*.asm))

examples: chip8
.PHONY: chip8
chip8: $(CHIP8)/chip8 $(CHIP8)/chip8-check.so $(CHIP8_PROGRAMS) ## Build the game that survives, and its programs

$(CHIP8)/chip8: $(CHIP8)/main.o $(CHIP8_PARTS) $(CHIP8_MACHINE) $(EMBEDDER_NEEDS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) $(EMBEDDER_LIBS) -o $@

$(CHIP8)/chip8-asm: $(CHIP8)/assembler.o
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

# For ftvm-check, which brings the library.
$(CHIP8)/chip8-check.so: $(CHIP8)/check.o $(CHIP8_MACHINE)
	$(call say,LINK  $@)
	$(Q)$(CC) -shared $(LDFLAGS) $^ -o $@

$(CHIP8)/programs/%.ch8: examples/chip8/programs/%.asm $(CHIP8)/chip8-asm
	@mkdir -p $(@D)
	$(call say,ASM   $@)
	$(Q)$(CHIP8)/chip8-asm $< $@
