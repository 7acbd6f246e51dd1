# The documentation: a site of HTML pages (docs/site.txt has their order), with the API reference
# made from the public headers' comments.
.PHONY: docs docs-api diagrams

docs: docs-api ## Make the documentation as HTML (build/docs)
	$(call say,SITE  $(BUILD)/docs)
	$(Q)docs/tools/site.py $(BUILD)/docs

docs-api:
	@rm -rf $(BUILD)/docs $(BUILD)/api-xml
	@mkdir -p $(BUILD)/docs
	$(call say,API   $(BUILD)/docs/api)
	$(Q)(cat docs/Doxyfile; echo OUTPUT_DIRECTORY = $(BUILD); echo PROJECT_NUMBER = $(VERSION)) | doxygen - 2>$(BUILD)/docs-api.log
	@cat $(BUILD)/docs-api.log; test ! -s $(BUILD)/docs-api.log

# Pictures of the pages, kept beside their sources, as those who read Markdown elsewhere see them too.
# Each says which text it was made of, which tests/docs/diagrams.sh looks at.
diagrams: ## Draw the pictures of the documentation again (docs/diagrams)
	docs/tools/diagrams.sh
