# A foreign processor, unicorn's, made fault tolerant (README.md here). Built when it is asked for, as it
# needs libunicorn: `make unicorn-pair`.

UNICORN         := examples/unicorn
UNICORN_OBJECTS := $(call objects,$(UNICORN))
UNICORN_MACHINE := $(filter-out %/main.o %/check.o %/measure.o,$(UNICORN_OBJECTS))
UNICORN_GUESTS  := $(patsubst %,$(BUILD)/unicorn-%.bin,monitor work ticks)
UNICORN_LIBS     = $(shell pkg-config --libs unicorn)

$(UNICORN_OBJECTS): override CPPFLAGS += -I$(UNICORN) $(shell pkg-config --cflags unicorn 2>/dev/null)

.PHONY: unicorn-pair
unicorn-pair: $(BUILD)/unicorn-pair $(BUILD)/unicorn-check.so $(BUILD)/unicorn-measure $(UNICORN_GUESTS)

$(BUILD)/unicorn-pair: $(UNICORN_MACHINE) $(BUILD)/$(UNICORN)/main.o $(LIBRARY_STATIC)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ $(UNICORN_LIBS) $(LIBRARY_LIBS) -o $@

# What it needs of libftvm is in the program that loads it.
$(BUILD)/unicorn-check.so: $(UNICORN_MACHINE) $(BUILD)/$(UNICORN)/check.o
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) -shared $^ $(UNICORN_LIBS) -o $@

$(BUILD)/unicorn-measure: $(BUILD)/$(UNICORN)/measure.o
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ $(UNICORN_LIBS) -o $@

# The guests: start.S and a program of one or two files, or one of assembly alone.
UNICORN_GUEST_FLAGS := -march=rv64im_zicsr -mabi=lp64 -mcmodel=medany -std=gnu11 -O2 -ffreestanding -fno-pic -fno-pie \
	-nostdlib -static -Wl,--build-id=none -Wall -Wextra -Werror -I$(UNICORN) -I$(UNICORN)/guest
UNICORN_SOURCES_monitor := start.S monitor.c console.c
UNICORN_SOURCES_work    := start.S work.c
UNICORN_SOURCES_ticks   := ticks.S
unicorn_sources = $(addprefix $(UNICORN)/guest/,$(UNICORN_SOURCES_$(1)))
define unicorn_guest_rule
$(BUILD)/unicorn-$(1).elf: $(call unicorn_sources,$(1)) $(wildcard $(UNICORN)/guest/*.[hl]* $(UNICORN)/board.h)
	$(call say,GUEST $$@)
	$(Q)$(CROSS)gcc $(UNICORN_GUEST_FLAGS) -T $(UNICORN)/guest/guest.ld $(call unicorn_sources,$(1)) -o $$@
endef
$(foreach g,monitor work ticks,$(eval $(call unicorn_guest_rule,$(g))))

$(BUILD)/unicorn-%.bin: $(BUILD)/unicorn-%.elf
	$(Q)$(CROSS)objcopy -O binary $< $@
