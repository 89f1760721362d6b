# Everything here sets up what it needs: CPython 3.11 to 3.13, make and a package index are enough.
# The recipes are one line each: what they do is in tools/.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# Nothing from the caller's shell may change what is imported.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONSAFEPATH PYTHONWARNINGS VIRTUAL_ENV

# The first interpreter that really starts: a pyenv shim may exist and yet be dead.
PYTHON := $(shell for name in "$$PYTHON" python3 python3.13 python3.12 python3.11 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[123].*/bin/python; do \
	"$$name" -I -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { echo "$$name"; break; }; done)
RUN = $(if $(PYTHON),$(PYTHON),$(error CPython 3.11, 3.12 or 3.13 with venv is needed (Debian: apt-get install python3-venv))) -m
GATES = $(RUN) tools.gates

.PHONY: help build check unit test nightly browser dashboards appinspect audit demo bench clean requirements format

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## build the add-on, start the lab, send a realistic incident, show what arrived
	@$(RUN) tools.environments dev
	@.venv/bin/python -m lab.demo

test: ## everything that CI runs
	@$(GATES) test

check: ## format, lint and types
	@$(GATES) check

format: ## put the code into its format and mend what the linter can
	@$(RUN) tools.environments dev
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

build: ## output/TA_send_to_soar/ and dist/TA_send_to_soar-<version>.tar.gz
	@$(RUN) tools.build

unit: ## tests of soarlink on 3.9 and 3.13, with coverage
	@$(GATES) unit

browser: ## tests of the pages in Chromium; pictures in build/screenshots
	@$(GATES) browser

dashboards: ## Splunk's dashboard renderer for `lab serve` and the tests (needs Node.js)
	@$(RUN) tools.studio

nightly: ## SIGKILLs at random moments, 320 of them (SEED=… repeats the choices)
	@$(GATES) nightly

appinspect: ## all checks of Splunk AppInspect on the package
	@$(GATES) appinspect

audit: ## known vulnerabilities and insecure code
	@$(GATES) audit

bench: build ## speed and memory, as ratios in one run
	@$(RUN) tools.environments dev
	@.venv/bin/python -m tests.bench

requirements: ## recompile the pins (UPGRADE=1: raise them)
	@$(RUN) tools.environments dev
	@.venv/bin/python -m tools.requirements $(if $(UPGRADE),--upgrade)

clean: ## remove what was built and every environment
	rm -rf output dist build .lab .venv .envs .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
