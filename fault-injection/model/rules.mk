# The model of the protocol. It needs no build: spin makes a verifier from it, and the C compiler a program.

.PHONY: model
model: ## Check the protocol's model with spin (MODEL=deep for larger bounds, MODEL="--trap no-claim --story")
	@BUILD=$(BUILD) fault-injection/model/check.sh $(if $(filter deep,$(MODEL)),--deep,$(MODEL))
