# The measurements (make bench). tests/riscv/rules.mk has the rules for riscv_mips.

BENCH_MEASURE := $(filter-out $(BUILD)/bench/riscv_mips.o $(BUILD)/bench/library.o,$(call objects,bench))
BENCH_MIPS    := $(if $(shell command -v $(CROSS)gcc),$(BUILD)/bench/riscv_mips)

# Another compiler's, and with nothing of the host: make does not see what it does not have.
BENCH_LINUX   := $(if $(shell command -v $(CROSS)gcc && command -v cpio),$(BUILD)/bench/guest/linux.cpio)
BENCH_FLAGS   := -std=gnu11 -O2 -static -s -fno-tree-loop-distribute-patterns

# The initial RAM disk with the programs that are timed in Linux: one file, the first process.
$(BUILD)/bench/guest/linux/init: $(wildcard bench/guest/linux/*.c) $(wildcard bench/guest/linux/*.h)
	@mkdir -p $(@D)
	$(call say,GUEST $@)
	$(Q)$(CROSS)gcc $(BENCH_FLAGS) $(WARN) $(filter %.c,$^) -lm -o $@

$(BUILD)/bench/guest/linux.cpio: $(BUILD)/bench/guest/linux/init
	$(Q)cd $(<D) && echo init | cpio --create --format=newc --owner=0:0 --quiet > ../$(@F)

$(BUILD)/bench/measure: $(BENCH_MEASURE) $(LAB_OBJECTS)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ -ljansson -lm -o $@

$(BUILD)/bench/library: $(BUILD)/bench/library.o $(LIBRARY_STATIC)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $< $(EMBEDDER_LIBS) -o $@

.PHONY: bench-library
bench-library: $(BUILD)/bench/library ## Measure what the library costs a machine that is left alone
	$<

.PHONY: bench-deps
bench-deps: ## Install, through apt, what measurements can make use of besides: QEMU, gnuplot
	@./deps.sh qemu-system-misc opensbi gnuplot-nox

bench: $(BUILD)/ftvm $(BUILD)/bench/measure $(BENCH_MIPS) $(BENCH_LINUX) ## Measure speed, latency, failover (BENCH=cpu,failover for parts; BENCHFLAGS="--help")
	@[ -e $(GUEST)/Image ] || guest/build.sh $(GUEST) || echo 'bench: there is no guest to measure'
	$(BUILD)/bench/measure --ftvm $(BUILD)/ftvm --kernel $(GUEST)/Image --initrd $(GUEST)/initrd.cpio.gz \
		--mips $(BUILD)/bench/riscv_mips --program $(BUILD)/bench/guest/mips.bin \
		--programs-initrd $(BUILD)/bench/guest/linux.cpio --results $(BUILD)/bench-results \
		$(if $(QEMU),--qemu $(QEMU)) $(if $(BENCH),--only $(BENCH)) $(BENCHFLAGS)
