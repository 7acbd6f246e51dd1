# The library from C++, against its headers and the static library alone.
.PHONY: check-cplusplus

$(BUILD)/tests/cplusplus/pair: tests/cplusplus/pair.cpp $(EMBEDDER_NEEDS)
	@mkdir -p $(@D)
	$(call say,TEST  $@)
	$(Q)g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -g -Ilibftvm/include $< $(EMBEDDER_LIBS) -pthread -o $@

check-cplusplus: $(BUILD)/tests/cplusplus/pair ## The library from a C++ program
	@$<
