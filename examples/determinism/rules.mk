# A machine in a shared object, for ftvm-check and its tests. That has the library already.
PLANTED := $(BUILD)/examples/determinism/planted.so
$(PLANTED): $(BUILD)/examples/determinism/planted.o
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) -shared $< -o $@

.PHONY: examples
examples: $(PLANTED)
