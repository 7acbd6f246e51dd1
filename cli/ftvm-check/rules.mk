# ftvm-check has the library from where the machine that it loads has it: the shared one, beside it
# in the build, and in lib/ where it is installed. Empty: where the system's linker finds it.
CHECK_RUNPATH ?= $$ORIGIN:$$ORIGIN/../lib
CHECK_LDFLAGS  = -Wl,-rpath,'$(CHECK_RUNPATH)'

PROGRAMS += $(BUILD)/ftvm-check
all: $(BUILD)/ftvm-check
$(BUILD)/ftvm-check: $(call objects,cli/ftvm-check) $(LIBRARY_SHARED) $(LIBRARY_LINKS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) -L$(BUILD) -lftvm -ldl $(if $(CHECK_RUNPATH),$(CHECK_LDFLAGS)) -o $@
