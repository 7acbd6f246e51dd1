# Manual pages: man/NAME.SECTION.md becomes $(BUILD)/man/NAME.SECTION. Their date is that of the
# source's last commit, or SOURCE_DATE_EPOCH.
.PHONY: man

MAN_PAGES := $(patsubst man/%.md,$(BUILD)/man/%,$(wildcard man/*.[1357].md))

# Each function that a page of section 3 names finds it by its own name, too.
MAN_ALIASES := $(shell for page in man/*.3.md; do sed -n '3{s/ - .*//;s/,//g;p;q}' $$page | \
	tr ' ' '\n' | sed -n "s|.*|&|;\#^$$(basename $$page .3.md)\$$#d;p" | sed "s|$$|:$$(basename $$page .md)|"; done)
MAN_ALIAS_PAGES := $(foreach a,$(MAN_ALIASES),$(BUILD)/man/$(firstword $(subst :, ,$(a))).3)
MAN_PAGES += $(MAN_ALIAS_PAGES)

man: $(MAN_PAGES) ## Make the manual pages (build/man)

define man_alias
$(BUILD)/man/$(firstword $(subst :, ,$(1))).3: man/$(lastword $(subst :, ,$(1))).md
	@mkdir -p $$(@D)
	@echo '.so man3/$(lastword $(subst :, ,$(1)))' > $$@
endef
$(foreach a,$(MAN_ALIASES),$(eval $(call man_alias,$(a))))

$(BUILD)/man/%: man/%.md man/to_man.sh
	@mkdir -p $(@D)
	$(call say,MAN   $@)
	$(Q)man/to_man.sh $< $(VERSION) > $@
