# The judges that the tests and the demo's screenshot need, installed into $(TOOLS).

TOOLS := $(abspath $(or $(CARGO_TARGET_DIR),target))/tools
export PFTRACE_TOOLS := $(TOOLS)

# Tests that could not run for want of a tool note it there; none may in continuous integration.
SKIPS = if [ -s $(TOOLS)/skips.log ]; then echo "skipped, for want of a tool:"; sort -u $(TOOLS)/skips.log; else echo "0 tests skipped"; fi

.PHONY: tools tools-ui
tools:
	@tools/install.sh

tools-ui:
	@tools/install.sh --browser
