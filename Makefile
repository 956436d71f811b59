# `make demo` is the main job on this machine, `make test` every check. Both set up what they need.
# Everything is kept in .venv, .local and app/wheelhouse; `make clean` removes it.

PYTHON := .venv/bin/python
SCRIPTS := daggerw .ci/run $(wildcard rehearsal/*.sh app/*.sh)
PACKAGES := -p ci -p rehearsal

.DEFAULT_GOAL := help
.PHONY: help setup demo test server check faults bench test-dagger lock wheelhouse status clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; \
	do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## Install and start what demo and test need (says what, before it does it)
	@rehearsal/setup.sh

demo: setup ## Release the app to a registry and a server on this machine; a bad image is kept out
	@rehearsal/demo.sh

test: setup server check ## Every check and every test
	@. .local/rehearsal/env && export DOCKER_HOST && $(PYTHON) -m pytest -n 2

# Without one, its tests are skipped and say so; where CI is set, they fail.
server: setup ## Start the server to deploy to, where the rehearsal has a Docker of its own
	@. .local/rehearsal/env && [ -z "$$REHEARSAL_OWN_ENGINE" ] || $(PYTHON) -m rehearsal.server up >/dev/null || :

faults: setup server ## Every row of the failure catalogue on real parts; writes docs/scoreboard.md
	@. .local/rehearsal/env && export DOCKER_HOST && \
	$(PYTHON) -m tests.board.figures .local/figures.json && \
	{ $(PYTHON) -m pytest -n 2 -p tests.board.plugin --board=.local/faults.json --hypothesis-seed=0 || :; } && \
	$(PYTHON) -m tests.board .local/faults.json .local/figures.json docs/scoreboard.md

bench: setup server ## Measure against docker, crane, skopeo, compose; writes docs/benchmarks*.md (an hour)
	@. .local/rehearsal/env && export DOCKER_HOST && $(PYTHON) -m bench && \
	$(PYTHON) -m bench scale && $(PYTHON) -m bench deploy

check: .venv/dev.lock ## Lint, types, shell scripts, Dockerfile
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy $(PACKAGES)
	.venv/bin/shellcheck --external-sources $(SCRIPTS)
	.venv/bin/hadolint app/Dockerfile

.venv/dev.lock: locks/uv.txt locks/dev.txt
	@rehearsal/venv.sh dev

test-dagger: .venv/dev.lock ## The engine's and the calls' tests on a real Dagger
	@rehearsal/test-dagger.sh

lock: ## Recompile locks/*.txt from pyproject.toml
	@rehearsal/lock.sh

wheelhouse: .venv/dev.lock ## Fetch the app's wheels for both platforms, for builds without a network
	@PYTHON=$(CURDIR)/$(PYTHON) app/wheelhouse.sh

status: ## Show what the rehearsal runs and where
	@$(PYTHON) -m rehearsal status

clean: ## Stop what was started here and remove what was made; Debian packages stay
	@rehearsal/clean.sh
