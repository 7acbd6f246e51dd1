# The demonstration: a Linux pair that loses its primary (README.md here).

LAB_OBJECTS  := $(call objects,examples/linux-pair/lab)
PAIR_OBJECTS := $(call objects,examples/linux-pair)

$(BUILD)/linux-pair: $(PAIR_OBJECTS) $(LAB_OBJECTS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -ljansson -o $@

$(GUEST)/Image $(GUEST)/initrd.cpio.gz:
	guest/build.sh $(GUEST)

demo: $(BUILD)/ftvm $(BUILD)/linux-pair | $(GUEST)/Image $(GUEST)/initrd.cpio.gz ## Watch a pair lose its primary, three times (DEMO="--help" for options)
	@$(BUILD)/linux-pair --ftvm $(BUILD)/ftvm --kernel $(GUEST)/Image --initrd $(GUEST)/initrd.cpio.gz $(DEMO)
