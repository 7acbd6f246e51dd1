# The end-to-end tests: real processes in network namespaces, a Linux guest, real faults. They take
# minutes, need /dev/net/tun and iproute2, and are no part of `make check`.

$(BUILD)/tests/end-to-end/end-to-end: $(call objects,tests/end-to-end) $(LAB_OBJECTS)
	$(CC) $(LDFLAGS) $^ -ljansson -o $@

.PHONY: check-e2e
check-e2e: $(BUILD)/ftvm $(BUILD)/tests/end-to-end/end-to-end | $(GUEST)/Image $(GUEST)/initrd.cpio.gz ## Kill, stop, cut off real replicas (E2E="--seed N" or parts of names)
	$(BUILD)/tests/end-to-end/end-to-end --ftvm $(BUILD)/ftvm --kernel $(GUEST)/Image --initrd $(GUEST)/initrd.cpio.gz $(E2E)
