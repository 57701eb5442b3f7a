# `make run` starts a tracker; nothing needs to be done before. `make help` tells the rest.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
INSTALL := scripts/install $(PYTHON) $(VENV)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)
TWO := --numprocesses 2 --no-loadscope-reorder
PROJECT := pyproject.toml --extra embedded --group build

PREFIX ?= $(if $(filter 0,$(shell id -u)),/usr/local,$(HOME)/.local)

.PHONY: help run web install uninstall test lint lock screenshots clean

help: ## tell what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## start a tracker on port 8000; ARGS="--port 9000": with these flags
	@scripts/web --optional
	@exec $(BIN)/tracker serve $(ARGS)

web: ## add the libraries of the pages that share files; needs npm. `make run` does it by itself
	@scripts/web

install: ## put `tracker` on PATH: into ~/.local, as root /usr/local; PREFIX=/opt: elsewhere
	@scripts/web --optional
	@scripts/on-path install $(PYTHON) "$(PREFIX)"

uninstall: ## remove what `make install` put there
	@scripts/on-path uninstall $(PYTHON) "$(PREFIX)"

test: $(VENV)/dev.stamp ## run all tests, with coverage; ARGS="-k udp": some, without
	@scripts/test-tools $(BIN)/python
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	$(BIN)/pytest --cov --cov-fail-under=90 $(TWO) --ignore=tests/hostile
	$(BIN)/pytest tests/hostile # alone: they measure how long good clients wait
endif

lint: $(VENV)/dev.stamp ## check format, style, types and the floors
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy tracker workers tests
	$(BIN)/lint-imports --no-cache

lock: $(VENV)/dev.stamp ## make the lock files again; ARGS=--upgrade: with newer versions
	$(COMPILE) $(PROJECT) --output-file requirements.lock
	$(COMPILE) $(PROJECT) --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock
	$(COMPILE) tests/deploy/checkov.in --output-file tests/deploy/checkov.lock
	cd tests/clients && npm install --package-lock-only
	cd web && npm install --package-lock-only
	cd tests/clients/anacrolix && go mod tidy

screenshots: $(VENV)/dev.stamp ## take the pictures of the documentation again
	@scripts/test-tools $(BIN)/python
	$(BIN)/python -m tests.web.screenshots docs/images

clean: ## remove what the other commands made
	rm -rf $(VENV) build *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf tests/clients/node_modules web/node_modules tracker/web/static/vendor
	find tracker workers tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/run.stamp: requirements.lock pyproject.toml
	@$(INSTALL) requirements.lock
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml
	@$(INSTALL) requirements-dev.lock
	@touch $@ $(VENV)/run.stamp
