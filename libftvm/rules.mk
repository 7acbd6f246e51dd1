# The library for embedders: its floors and what protoc-c made, as a shared and as a static library.
# Both show the functions of libftvm/include/ftvm/ and nothing else.

VERSION := $(shell sed -nE 's/^\#define FTVM_VERSION_(MAJOR|MINOR|PATCH) +([0-9]+).*/\2/p' libftvm/include/ftvm/ftvm.h | paste -sd.)
LIBRARY_SONAME  := libftvm.so.$(firstword $(subst ., ,$(VERSION)))
LIBRARY_SHARED  := $(BUILD)/libftvm.so.$(VERSION)
LIBRARY_LINKS   := $(BUILD)/$(LIBRARY_SONAME) $(BUILD)/libftvm.so
LIBRARY_STATIC  := $(BUILD)/libftvm.a
LIBRARY_OBJECTS := $(foreach f,libftvm replication logging $(HOOKS_FOLDER),$(call objects,$(f))) $(PROTO).o
# As in libftvm/ftvm.pc.in. Of xxHash only the header is used.
LIBRARY_LIBS    := $(shell pkg-config --libs libprotobuf-c 2>/dev/null) -lev

.PHONY: library
all: library
library: $(LIBRARY_SHARED) $(LIBRARY_LINKS) $(LIBRARY_STATIC) ## Build libftvm, shared and static

# A sanitizer's functions are those of the program.
$(LIBRARY_SHARED): $(LIBRARY_OBJECTS) libftvm/ftvm.map
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-soname,$(LIBRARY_SONAME) -Wl,--version-script=libftvm/ftvm.map \
		$(if $(SANITIZE),,-Wl,-z,defs) $(filter %.o,$^) $(LIBRARY_LIBS) -o $@

$(LIBRARY_LINKS): $(LIBRARY_SHARED)
	$(Q)ln -sf $(<F) $@

# One object: in an archive of many, what they share would be seen by everybody.
$(BUILD)/lib/libftvm-whole.o: $(LIBRARY_OBJECTS)
	@mkdir -p $(@D)
	$(Q)$(CC) -r -nostdlib $^ -o $@
	$(Q)objcopy --localize-hidden $@

$(LIBRARY_STATIC): $(BUILD)/lib/libftvm-whole.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# Embedders within the tree (examples, tests of the interface) have what one outside of it has: the
# public headers, and the library.
EMBEDDER_HEADERS := $(wildcard libftvm/include/ftvm/*.h)
EMBEDDER_CFLAGS   = $(filter-out -fvisibility=hidden,$(CFLAGS)) -Ilibftvm/include
EMBEDDER_LIBS    := $(LIBRARY_STATIC) $(LIBRARY_LIBS) -lm
EMBEDDER_NEEDS   := $(LIBRARY_STATIC) $(EMBEDDER_HEADERS)

.PHONY: examples
examples: ## Build the examples (build/examples)
