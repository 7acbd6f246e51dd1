# Fuzzing of what reads bytes from outside, by libFuzzer of clang. A fuzzer is compiled with all that it
# tests, apart from the objects of the build, because all of it needs the instrumentation.
#
# FUZZ_RUNS bounds a run, for `make check`; `make fuzz FUZZ_RUNS=-1` goes on until something is found.

FUZZ_CC    ?= clang
FUZZ_RUNS  ?= 200000
FUZZ_FLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -pthread -fno-sanitize-recover=all
FUZZ_DIR   := $(BUILD)/tests/fuzz

.PHONY: fuzz
fuzz: $(FUZZ_DIR)/fuzz_codec $(FUZZ_DIR)/corpus/codec ## Fuzz the codec for FUZZ_RUNS inputs
	@mkdir -p $(FUZZ_DIR)/found
	$(FUZZ_DIR)/fuzz_codec -runs=$(FUZZ_RUNS) -max_len=8192 -seed=1 -verbosity=0 \
		-artifact_prefix=$(FUZZ_DIR)/found/ $(FUZZ_DIR)/corpus/codec

$(FUZZ_DIR)/fuzz_codec: tests/fuzz/fuzz_codec.c $(call sources,logging) $(PROTO).c \
		$(wildcard logging/*.h tests/logging/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $(filter %.c,$^) $(LDLIBS) -o $@

$(FUZZ_DIR)/make_corpus: tests/fuzz/make_corpus.c $(call archive,logging)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $^ $(LDFLAGS) $(LDLIBS) -o $@

$(FUZZ_DIR)/corpus/codec: $(FUZZ_DIR)/make_corpus
	@mkdir -p $@
	$< $@
	@touch $@

# A session with a device costs far more than a message: fewer of them in the same time.
FUZZ_VIRTIO_RUNS ?= 5000

.PHONY: fuzz-virtio
fuzz: fuzz-virtio
fuzz-virtio: $(FUZZ_DIR)/fuzz_virtio ## Fuzz the virtio devices for FUZZ_VIRTIO_RUNS sessions
	@mkdir -p $(FUZZ_DIR)/found $(FUZZ_DIR)/corpus/virtio
	$(FUZZ_DIR)/fuzz_virtio -runs=$(FUZZ_VIRTIO_RUNS) -max_len=4096 -len_control=0 -seed=1 -verbosity=0 \
		-artifact_prefix=$(FUZZ_DIR)/found/ $(FUZZ_DIR)/corpus/virtio

$(FUZZ_DIR)/fuzz_virtio: tests/fuzz/fuzz_virtio.c \
		$(foreach f,tests/devices/support vmm/devices vmm/state,$(call sources,$(f))) \
		$(wildcard tests/devices/support/*.h vmm/devices/*.h vmm/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $(filter %.c,$^) $(LDLIBS) -o $@

# The two engines of the hart against each other. The program's code is drawn first, so inputs are long.
FUZZ_ENGINES_RUNS ?= 500

.PHONY: fuzz-engines
fuzz: fuzz-engines
fuzz-engines: $(FUZZ_DIR)/fuzz_engines ## Fuzz interpreter against JIT for FUZZ_ENGINES_RUNS programs
	@mkdir -p $(FUZZ_DIR)/found $(FUZZ_DIR)/corpus/engines
	$(FUZZ_DIR)/fuzz_engines -runs=$(FUZZ_ENGINES_RUNS) -max_len=16384 -len_control=0 -seed=1 -verbosity=0 \
		-artifact_prefix=$(FUZZ_DIR)/found/ $(FUZZ_DIR)/corpus/engines

FUZZ_ENGINES_SOURCES := $(foreach f,tests/riscv/programs vmm/riscv vmm/state,$(call sources,$(f))) \
	$(addprefix tests/riscv/lockstep/,compare.c manners.c report.c run.c world.c) tests/riscv/support/state_buffer.c
$(FUZZ_DIR)/fuzz_engines: tests/fuzz/fuzz_engines.c $(FUZZ_ENGINES_SOURCES) \
		$(wildcard tests/riscv/*/*.h vmm/riscv/*.h vmm/riscv/jit/*.h vmm/riscv/jit/*/*.h vmm/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $(filter %.c,$^) $(LDLIBS) -o $@
