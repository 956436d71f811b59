# `make demo` is the main job on this machine, `make test` every check. Both set up what they need.
# Everything is kept in .venv, .local and app/wheelhouse; `make clean` removes it.

PYTHON := .venv/bin/python
SCRIPTS := daggerw .ci/run $(wildcard rehearsal/*.sh app/*.sh)
PACKAGES := -p ci -p rehearsal

.DEFAULT_GOAL := help
.PHONY: help setup demo test check test-server test-dagger lock wheelhouse status clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; \
	do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## Install and start what demo and test need (says what, before it does it)
	@rehearsal/setup.sh

demo: setup ## Build, check, publish and verify the app against a registry on this machine
	@rehearsal/demo.sh

test: setup check ## Every check, and every test of the released functions
	@. .local/rehearsal/env && export DOCKER_HOST && $(PYTHON) -m pytest --ignore=tests/server

test-server: setup ## The deploy's transaction, in the making, on servers of its own (ten minutes)
	@. .local/rehearsal/env && export DOCKER_HOST && $(PYTHON) -m pytest tests/server

check: .venv/dev.lock ## Lint, types, shell scripts, Dockerfile
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy $(PACKAGES)
	.venv/bin/shellcheck --external-sources $(SCRIPTS)
	.venv/bin/hadolint app/Dockerfile

.venv/dev.lock: locks/uv.txt locks/dev.txt
	@rehearsal/venv.sh dev

test-dagger: .venv/dev.lock ## The engine's and the stages' tests on a real Dagger
	@rehearsal/test-dagger.sh

lock: ## Recompile locks/*.txt from pyproject.toml
	@rehearsal/lock.sh

wheelhouse: .venv/dev.lock ## Fetch the app's wheels for both platforms, for builds without a network
	@PYTHON=$(CURDIR)/$(PYTHON) app/wheelhouse.sh

status: ## Show what the rehearsal runs and where
	@$(PYTHON) -m rehearsal status

clean: ## Stop what was started here and remove what was made; Debian packages stay
	@rehearsal/clean.sh
