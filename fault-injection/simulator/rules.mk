# The simulator: engine, codec and arbiter in a build of their own, with mutants and allocations that
# can be made to fail. Tests of the engine link the plain ones with the cluster.

SIM_SOURCES := $(wildcard fault-injection/simulator/*.c logging/*.c replication/engine*.c replication/trace.c) \
	replication/arbiter.c replication/arbiter_file.c replication/arbiter_file_calls.c replication/arbiter_none.c \
	replication/arbiter_record.c replication/arbiter_rules.c
SIM_OBJECTS := $(SIM_SOURCES:%.c=$(BUILD)/sim/%.o) $(PROTO).o

# As one piece of code, it is a quarter faster. Clang would want another linker for that.
SIM_WHOLE := $(if $(SANITIZE)$(findstring clang,$(CC)),,-flto=auto)

$(SIM_OBJECTS): | $(PROTO).h
$(BUILD)/sim/%.o: %.c
	@mkdir -p $(@D)
	$(call say,SIM   $<)
	$(Q)$(CC) $(CPPFLAGS) -DFTVM_MUTANTS $(CFLAGS) $(SIM_WHOLE) -MMD -MP -c $< -o $@

$(BUILD)/ftvm-sim: $(SIM_OBJECTS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS) $(SIM_WHOLE) $(LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc $^ \
		$(shell pkg-config --libs $(PKGS_logging)) -o $@

# What is not the program's own: for tests in virtual time.
SIM_PROGRAM := main options hunt mutant allocation explore_table
CLUSTER_OBJECTS := $(filter-out $(SIM_PROGRAM:%=$(BUILD)/fault-injection/simulator/%.o),\
	$(call objects,fault-injection/simulator))

.PHONY: sim sim-long
sim: $(BUILD)/ftvm-sim ## Pairs in virtual time with faults from seeds, and every mutant must be found (SIM="--runs 100000")
	$(BUILD)/ftvm-sim $(SIM)
	$(BUILD)/ftvm-sim --explore
	$(BUILD)/ftvm-sim --mutants

sim-long: $(BUILD)/ftvm-sim ## The same from a new first seed, for as long as one likes (SECONDS=3600)
	$(BUILD)/ftvm-sim --seconds $(or $(SECONDS),3600) --first $(or $(FIRST),$(shell date +%s)000) $(SIM)
