# A foreign processor, unicorn's, made fault tolerant (README.md here), as the project's own tests run it,
# with all warnings. Who copies the folder has its Makefile instead. `make` leaves it out, and so does
# `make examples` where there is no libunicorn.

UNICORN          := examples/unicorn
UNICORN_OUT      := $(BUILD)/$(UNICORN)
UNICORN_OBJECTS  := $(call objects,$(UNICORN))
UNICORN_MACHINE  := $(filter-out %/main.o %/terminal.o %/check.o %/measure.o,$(UNICORN_OBJECTS))
UNICORN_PROGRAMS := $(addprefix $(UNICORN_OUT)/,unicorn-pair unicorn-check.so unicorn-measure)
UNICORN_GUESTS   := $(addprefix $(UNICORN_OUT)/,monitor.bin work.bin ticks.bin)
UNICORN_LIBS      = $(shell pkg-config --libs unicorn)
UNICORN_IS_HERE  := $(shell pkg-config --exists unicorn && echo yes)

$(UNICORN_OBJECTS): override CPPFLAGS += -I$(UNICORN) $(shell pkg-config --cflags unicorn 2>/dev/null)

.PHONY: unicorn-pair
unicorn-pair: $(UNICORN_PROGRAMS) $(UNICORN_GUESTS)
examples: $(if $(UNICORN_IS_HERE),unicorn-pair)

$(UNICORN_OUT)/unicorn-pair: $(UNICORN_MACHINE) $(UNICORN_OUT)/main.o $(UNICORN_OUT)/terminal.o $(LIBRARY_STATIC)
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ $(UNICORN_LIBS) $(LIBRARY_LIBS) -o $@

# What it needs of libftvm is in the program that loads it.
$(UNICORN_OUT)/unicorn-check.so: $(UNICORN_MACHINE) $(UNICORN_OUT)/check.o
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) -shared $^ $(UNICORN_LIBS) -o $@

$(UNICORN_OUT)/unicorn-measure: $(UNICORN_OUT)/measure.o
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ $(UNICORN_LIBS) -o $@

UNICORN_GUEST_FLAGS := -march=rv64im_zicsr -mabi=lp64 -mcmodel=medany -std=gnu11 -O2 -ffreestanding -fno-pic -fno-pie \
	-nostdlib -static -Wl,--build-id=none -Wall -Wextra -Werror -I$(UNICORN) -I$(UNICORN)/guest
UNICORN_SOURCES_monitor := start.S monitor.c console.c
UNICORN_SOURCES_work    := start.S work.c
UNICORN_SOURCES_ticks   := ticks.S
unicorn_sources = $(addprefix $(UNICORN)/guest/,$(UNICORN_SOURCES_$(1)))
define unicorn_guest_rule
$(UNICORN_OUT)/$(1).elf: $(call unicorn_sources,$(1)) $(wildcard $(UNICORN)/guest/*.h) $(UNICORN)/guest/guest.ld $(UNICORN)/board.h
	@mkdir -p $$(@D)
	$(call say,GUEST $$@)
	$(Q)$(CROSS)gcc $(UNICORN_GUEST_FLAGS) -T $(UNICORN)/guest/guest.ld $(call unicorn_sources,$(1)) -o $$@
endef
$(foreach g,monitor work ticks,$(eval $(call unicorn_guest_rule,$(g))))

$(UNICORN_OUT)/%.bin: $(UNICORN_OUT)/%.elf
	$(Q)$(CROSS)objcopy -O binary $< $@
