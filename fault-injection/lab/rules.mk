# The lab: hosts, cables and replicas, on which the demonstration, the end-to-end tests, the
# measurements and the experiments stand.

LAB_OBJECTS := $(foreach f,fault-injection/lab $(wildcard fault-injection/lab/faults fault-injection/lab/workloads \
	fault-injection/lab/measure),$(call objects,$(f)))
