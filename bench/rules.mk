# The measurements (make bench). tests/riscv/rules.mk has the rules for riscv_mips.

BENCH_MEASURE := $(filter-out $(BUILD)/bench/riscv_mips.o,$(call objects,bench))
BENCH_MIPS    := $(if $(shell command -v $(CROSS)gcc),$(BUILD)/bench/riscv_mips)

$(BUILD)/bench/measure: $(BENCH_MEASURE) $(LAB_OBJECTS)
	$(CC) $(LDFLAGS) $^ -ljansson -o $@

bench: $(BUILD)/ftvm $(BUILD)/bench/measure $(BENCH_MIPS) ## Measure speed, latency, failover (BENCH=cpu,failover for parts; BENCHFLAGS="--help")
	@[ -e $(GUEST)/Image ] || guest/build.sh $(GUEST) || echo 'bench: there is no guest to measure'
	$(BUILD)/bench/measure --ftvm $(BUILD)/ftvm --kernel $(GUEST)/Image --initrd $(GUEST)/initrd.cpio.gz \
		--mips $(BUILD)/bench/riscv_mips --program $(BUILD)/bench/guest/mips.bin \
		--results $(BUILD)/bench-results $(if $(BENCH),--only $(BENCH)) $(BENCHFLAGS)
