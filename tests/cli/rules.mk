# ftvm-check, and a machine for it to load.
$(BUILD)/tests/cli/test_check: $(BUILD)/ftvm-check $(PLANTED)
