# The Debian packages, as somebody gets them who installs them; tests/check.sh has it as the stage "packages".
.PHONY: check-packages
check-packages: ## Build the Debian packages, and use them in a fresh Debian
	@tests/packages/smoke.sh
