# The lab: hosts, cables and replicas, on which the demonstration, the end-to-end tests, the
# measurements and the experiments stand.

LAB_OBJECTS := $(call objects,fault-injection/lab)
LAB_MEASURE := $(call objects,fault-injection/lab/measure)
