# Tests of the examples as real processes; tests/check.sh has them as the stage "examples". An example
# adds its programs to the prerequisites of `examples`, and tests/examples/NAME.sh.
.PHONY: check-examples
check-examples: examples ## Run the examples as pairs that lose replicas
	@tests/examples/all.sh $(BUILD)
