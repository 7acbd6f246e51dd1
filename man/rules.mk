# Manual pages: man/NAME.SECTION.md becomes $(BUILD)/man/NAME.SECTION. Their date is that of the
# source's last commit, or SOURCE_DATE_EPOCH.
.PHONY: man

MAN_PAGES := $(patsubst man/%.md,$(BUILD)/man/%,$(wildcard man/*.md))

man: $(MAN_PAGES) ## Make the manual pages (build/man)

$(BUILD)/man/%: man/%.md man/to_man.sh
	@mkdir -p $(@D)
	$(call say,MAN   $@)
	$(Q)man/to_man.sh $< $(VERSION) > $@
