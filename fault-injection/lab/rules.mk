# The lab: hosts, cables and replicas, on which the demonstration, the end-to-end tests, the
# measurements and the experiments stand.

LAB_FOLDERS := fault-injection/lab fault-injection/lab/faults fault-injection/lab/workloads \
	fault-injection/lab/measure fault-injection/hooks
LAB_OBJECTS := $(foreach f,$(LAB_FOLDERS),$(call objects,$(f)))

# Experiments: the command, and the build of ftvm that faults can reach into. They use all that is
# built, and the files of the lab's own that is below them.
EXPERIMENT  := $(call objects,fault-injection/lab/experiment)
EXPERIMENTS := $(patsubst %.ini,%,$(notdir $(wildcard fault-injection/lab/experiments/*.ini)))
LAB         := $(BUILD)/ftvm-lab
LAB_RUN     := $(LAB) run --ftvm $(BUILD)/ftvm --hooked-ftvm $(BUILD)/hooks/ftvm \
	--kernel $(GUEST)/Image --initrd $(GUEST)/initrd.cpio.gz
LAB_RESULTS := $(BUILD)/experiments
N           := 10000

$(LAB): $(EXPERIMENT) $(LAB_OBJECTS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -ljansson -linih -lm -o $@

# A build of its own, which knows itself what is new.
.PHONY: hooked-ftvm
hooked-ftvm:
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/hooks HOOKS=1 $(BUILD)/hooks/ftvm

lab: $(BUILD)/ftvm $(LAB) hooked-ftvm ## Build ftvm-lab, which runs experiments, and the ftvm for its faults

.PHONY: campaign experiments check-lab
campaign: lab | $(GUEST)/Image ## Random faults on living pairs (N=10000); goes on where it was interrupted
	$(LAB_RUN) fault-injection/lab/experiments/campaign.ini --repetitions $(N) --results $(BUILD)/campaign

# A broken promise is a finding: the others are run all the same, and it is told in the end.
experiments: lab | $(GUEST)/Image ## Run the shipped experiments, and write their reports into docs/experiments
	@mkdir -p docs/experiments; status=0; \
	for name in $(filter-out check,$(EXPERIMENTS)); do \
		echo "$$name:"; \
		$(LAB_RUN) fault-injection/lab/experiments/$$name.ini --results $(LAB_RESULTS) \
			--output docs/experiments/$$name.html || status=$$?; \
		[ $$status -lt 128 ] || exit $$status; \
		cp $(LAB_RESULTS)/$$name.csv docs/experiments/ || exit 1; \
	done; exit $$status

check-lab: lab | $(GUEST)/Image ## Fifty random faults, as a test
	@$(LAB_RUN) fault-injection/lab/experiments/check.ini --results $(BUILD)/check/lab --fresh
