# Installs what `make` built, and takes it away again. Installing builds nothing that is there, so root
# need not.

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/ftvm
DESTDIR    ?=

PROGRAMS  += $(BUILD)/ftvm
# Those that an installed library is enough for. The demonstration stands on the fault lab.
EXAMPLES  := $(filter-out examples/linux-pair/%,$(foreach f,*.c *.h *.cpp *.S *.ld *.asm Makefile README.md,\
	$(wildcard examples/*/$(f) examples/*/*/$(f))))
# Made by those who want it (make docs), and installed if it is there.
HTML      := $(BUILD)/docs

.PHONY: install uninstall
all: man

# What goes where.
program  = $(DESTDIR)$(BINDIR)/$(notdir $(1))
library  = $(DESTDIR)$(LIBDIR)/$(notdir $(1))
pc_file  = $(DESTDIR)$(LIBDIR)/pkgconfig/ftvm.pc
header   = $(DESTDIR)$(INCLUDEDIR)/ftvm/$(notdir $(1))
man_page = $(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))
document = $(DESTDIR)$(DOCDIR)/$(1)

# They stand in ftvm.pc, where a space separates. DESTDIR may have spaces.
check_folders = $(foreach v,PREFIX BINDIR LIBDIR INCLUDEDIR MANDIR DOCDIR,\
	$(if $(filter-out 1,$(words $($(v))))$(filter-out /%,$($(v))),$(error $(v)="$($(v))" is not an absolute path without spaces)))
# In ftvm.pc, what is below PREFIX is named from there, so that the whole can be moved.
from_prefix = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))
# The linker's cache is that of the running system, not of a folder that will be packed.
ldconfig = @[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

define newline


endef

install: all ## Install all of it: PREFIX, DESTDIR, or BINDIR, LIBDIR, INCLUDEDIR, MANDIR, DOCDIR
	$(check_folders)
	$(foreach f,$(PROGRAMS),install -D -m 755 $(f) "$(call program,$(f))"$(newline))
	install -D -m 755 $(LIBRARY_SHARED) "$(call library,$(LIBRARY_SHARED))"
	$(foreach f,$(LIBRARY_LINKS),ln -sf $(notdir $(LIBRARY_SHARED)) "$(call library,$(f))"$(newline))
	install -D -m 644 $(LIBRARY_STATIC) "$(call library,$(LIBRARY_STATIC))"
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call from_prefix,$(LIBDIR))|' -e 's|@VERSION@|$(VERSION)|' -e 's|@DOCDIR@|$(call from_prefix,$(DOCDIR))|' \
		-e 's|@INCLUDEDIR@|$(call from_prefix,$(INCLUDEDIR))|' libftvm/ftvm.pc.in | install -D -m 644 /dev/stdin "$(pc_file)"
	$(foreach f,$(EMBEDDER_HEADERS),install -D -m 644 $(f) "$(call header,$(f))"$(newline))
	$(foreach f,$(MAN_PAGES),install -D -m 644 $(f) "$(call man_page,$(f))"$(newline))
	$(foreach f,$(EXAMPLES),install -D -m 644 $(f) "$(call document,$(f))"$(newline))
	[ ! -d $(HTML) ] || { install -d "$(call document)" && cp -rT $(HTML) "$(call document,html)"; }
	$(ldconfig)

# Folders that are not ours alone stay.
uninstall: ## Remove what install put there, with the same PREFIX and the like
	$(check_folders)
	rm -f $(foreach f,$(PROGRAMS),"$(call program,$(f))") "$(pc_file)"
	rm -f $(foreach f,$(LIBRARY_SHARED) $(LIBRARY_LINKS) $(LIBRARY_STATIC),"$(call library,$(f))")
	rm -f $(foreach f,$(EMBEDDER_HEADERS),"$(call header,$(f))")
	$(if $(MAN_PAGES),rm -f $(foreach f,$(MAN_PAGES),"$(call man_page,$(f))"))
	rm -rf $(foreach f,$(sort $(dir $(EXAMPLES))) html,"$(call document,$(f))")
	for folder in "$(call header)" "$(call document,examples)" "$(call document)"; do \
		[ ! -d "$$folder" ] || rmdir --ignore-fail-on-non-empty "$$folder"; \
	done
	$(ldconfig)
