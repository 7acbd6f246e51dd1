# The lab: hosts, cables and replicas, on which the demonstration, the end-to-end tests, the
# measurements and the experiments stand.

LAB_FOLDERS := fault-injection/lab fault-injection/lab/faults fault-injection/lab/workloads \
	fault-injection/lab/measure fault-injection/hooks
LAB_OBJECTS := $(foreach f,$(LAB_FOLDERS),$(call objects,$(f)))

# Experiments: the command, and the build of ftvm that faults can reach into.
EXPERIMENT := $(call objects,fault-injection/lab/experiment)

$(BUILD)/ftvm-lab: $(EXPERIMENT) $(LAB_OBJECTS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -ljansson -linih -lm -o $@
