# The lab: hosts, cables and replicas, on which the demonstration, the end-to-end tests, the
# measurements and the experiments stand.

LAB_FOLDERS := fault-injection/lab fault-injection/lab/faults fault-injection/lab/workloads fault-injection/hooks
LAB_OBJECTS := $(foreach f,$(LAB_FOLDERS),$(call objects,$(f)))
