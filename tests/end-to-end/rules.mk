# The end-to-end tests: real processes in network namespaces, a Linux guest, real faults. They take
# minutes, and need /dev/net/tun and iproute2.

END_TO_END := $(BUILD)/tests/end-to-end/end-to-end

$(END_TO_END): $(call objects,tests/end-to-end) $(LAB_OBJECTS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -ljansson -o $@

.PHONY: check-e2e
check-e2e: $(BUILD)/ftvm $(END_TO_END) | $(GUEST)/Image $(GUEST)/initrd.cpio.gz ## Kill, stop, cut off real replicas (E2E="--seed N", or parts of names)
	@$(END_TO_END) --ftvm $(BUILD)/ftvm --kernel $(GUEST)/Image --initrd $(GUEST)/initrd.cpio.gz $(E2E)
