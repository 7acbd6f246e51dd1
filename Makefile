# ftvm: build, test, demonstrate. `make help` lists the targets.
#
# One static archive per folder; a test binary per file tests/<folder>/*.c, linked against the
# archives at and below the floor it tests. Everything lands under $(BUILD), so sanitizer builds
# live beside the plain one.

ifeq ($(origin CC),default)
CC       := gcc
endif
BUILD    ?= build
CROSS    ?= riscv64-linux-gnu-
SANITIZE ?=
OPT      ?= -O2
# HOOKS=1: replicas that the fault lab can reach into (fault-injection/hooks/page.h).
HOOKS    ?=
# One guest image for all builds.
GUEST    ?= build/guest

PKGS_logging     := libprotobuf-c libxxhash
PKGS_replication := $(PKGS_logging)
PKGS_vmm         := libxxhash libpcap libzstd
PKGS_cli         := jansson inih
PKGS             := $(PKGS_logging) $(PKGS_vmm) $(PKGS_cli)

# The caller's CPPFLAGS, CFLAGS and LDFLAGS come after ours, so that they win.
GIVEN_CPPFLAGS := $(CPPFLAGS)
GIVEN_CFLAGS   := $(CFLAGS)
GIVEN_LDFLAGS  := $(LDFLAGS)
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
override CFLAGS = -std=gnu11 $(OPT) -g -fno-strict-aliasing -fno-omit-frame-pointer -fvisibility=hidden -fPIC -pthread \
	$(WARN) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all) $(GIVEN_CFLAGS)
override CPPFLAGS := $(if $(HOOKS),-DHOOKS) -D_GNU_SOURCE -I. -I$(BUILD) -Ilibftvm/include \
	$(shell pkg-config --cflags $(PKGS) 2>/dev/null) -I/usr/include/slirp $(GIVEN_CPPFLAGS)
override LDFLAGS := -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(GIVEN_LDFLAGS)
# Named here and not by pkg-config: no .pc file (libfdt, libev), or one that asks for more than linking needs (slirp).
LDLIBS  := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lslirp -lfdt -lev -lm

# Floors, top first: the order in which the linker wants them.
HOOKS_FOLDER := $(if $(HOOKS),fault-injection/hooks)
FOLDERS := vmm/machine vmm/riscv vmm/devices vmm/backends vmm/state libftvm replication logging $(HOOKS_FOLDER)
archive  = $(BUILD)/lib/$(subst /,-,$(1)).a
sources  = $(wildcard $(1)/*.c) $(SOURCES_$(1))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))

# The JIT's back end is chosen by the host; one without any is interpreted on.
HOST := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
JIT_HOST := $(wildcard vmm/riscv/jit/$(HOST))
SOURCES_vmm/riscv := $(if $(JIT_HOST),$(wildcard $(JIT_HOST)/*.c) \
	$(filter-out %/no_host.c,$(wildcard vmm/riscv/jit/*.c)),vmm/riscv/jit/no_host.c)

SOURCES_libftvm := $(wildcard libftvm/check/*.c) $(if $(HOOKS),libftvm/hooks/hooks.c)
SOURCES_vmm/backends := vmm/backends/disk_calls/$(if $(HOOKS),faulty,host).c

ARCHIVES := $(foreach f,$(FOLDERS),$(if $(call sources,$(f)),$(call archive,$(f))))
PROTO    := $(BUILD)/logging/log.pb-c

.PHONY: all deps guest demo check bench lab clean help format
Q := $(if $(V),,@)
say = @echo "  $(1)"
.SECONDARY:
.DELETE_ON_ERROR:

all: $(BUILD)/ftvm ## Build the ftvm command and the library

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(PROTO).c $(PROTO).h &: logging/log.proto
	@mkdir -p $(BUILD)/logging
	protoc-c --proto_path=logging --c_out=$(BUILD)/logging log.proto

$(call objects,logging): | $(PROTO).h
$(PROTO).o: WARN := -w

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC    $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
$(PROTO).o: $(PROTO).c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

define archive_rule
$(call archive,$(1)): $(call objects,$(1)) $(if $(filter logging,$(1)),$(PROTO).o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$(f))))

$(BUILD)/ftvm: $(call objects,cli) $(ARCHIVES)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

# Criterion's own runner wants the addresses that ThreadSanitizer takes, and leaks a little now and then.
TEST_RUNNER := $(if $(SANITIZE),$(BUILD)/tests/support/plain_runner.o)

# A test of a folder links that folder's archive and those below it, and what objects
# tests/<folder>/rules.mk adds to its prerequisites.
archives_from = $(foreach f,$(1),$(if $(call sources,$(f)),$(call archive,$(f))))
define test_rule
$(BUILD)/tests/$(1)/%: tests/$(1)/%.c $(call archives_from,$(2)) $(TEST_RUNNER)
	@mkdir -p $$(@D)
	$(call say,TEST  $$@)
	$(Q)$(CC) $$(CPPFLAGS) $(CFLAGS) -MMD -MP $$< $$(filter %.o,$$^) $(call archives_from,$(2)) $(LDFLAGS) $(LDLIBS) -lcriterion -o $$@
endef
$(eval $(call test_rule,logging,logging))
$(eval $(call test_rule,replication,replication logging))
$(eval $(call test_rule,libftvm,libftvm replication logging $(HOOKS_FOLDER)))
$(eval $(call test_rule,riscv,vmm/riscv vmm/state))
$(eval $(call test_rule,devices,vmm/devices vmm/state))
$(eval $(call test_rule,backends,vmm/backends $(HOOKS_FOLDER)))
$(eval $(call test_rule,vmm,$(FOLDERS)))
$(eval $(call test_rule,hooks,$(FOLDERS)))

# Tests of the command link it whole but for its main(), and run it where they say so.
CLI_OBJECTS = $(filter-out $(BUILD)/cli/main.o,$(call objects,cli))
$(BUILD)/tests/cli/%: tests/cli/%.c $(CLI_OBJECTS) $(BUILD)/ftvm $(TEST_RUNNER)
	@mkdir -p $(@D)
	$(call say,TEST  $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DFTVM_BINARY='"$(BUILD)/ftvm"' -DBUILD_FOLDER='"$(BUILD)"' -MMD -MP $< $(CLI_OBJECTS) $(TEST_RUNNER) $(ARCHIVES) $(LDFLAGS) $(LDLIBS) -lcriterion -o $@

UNIT_TESTS := $(foreach d,logging replication libftvm riscv devices backends vmm cli lab $(if $(HOOKS),hooks),\
	$(patsubst %.c,$(BUILD)/%,$(wildcard tests/$(d)/test_*.c)))

include $(wildcard libftvm/rules.mk cli/*/rules.mk install.mk fault-injection/*/rules.mk examples/*/rules.mk tests/*/rules.mk bench/rules.mk docs/rules.mk man/rules.mk)

# A list of programs, for tests/check.sh.
.PHONY: unit-tests list-unit-tests
unit-tests: $(UNIT_TESTS)
list-unit-tests:
	@printf '%s\n' $(UNIT_TESTS)

check: ## Run every test (CHECK="unit e2e" for some of the stages; tests/check.sh names them)
	@./deps.sh
	@tests/check.sh $(CHECK)

deps: ## Install, through apt, what building and testing needs
	@./deps.sh

guest: ## Make the Linux guest: Debian's kernel, busybox, Redis (build/guest)
	guest/build.sh $(GUEST)

clean: ## Remove what was built, but for the guest image
	rm -rf $(filter-out $(GUEST),$(wildcard $(BUILD)/*))

format: ## Format the sources
	git ls-files '*.c' '*.h' | xargs clang-format -i

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
