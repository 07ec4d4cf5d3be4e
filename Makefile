# Everything a person types here. Works on a bare machine with Python 3.11 to 3.13; uv is used where it is there.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
READY := .venv/.ready
LOCK_FLAGS := --extra dev --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

.PHONY: help environment demo test fuzz test-long check format benchmark benchmark-gpu lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

environment: $(READY)  ## make .venv from requirements.lock

# Bytecode is compiled here, as pip does by itself: where Python may not write it later, every start takes 3 s more.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v < (3, 14))' \
	  || { echo "OpenIGRT needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=..."; exit 1; }
	@echo "Making .venv from requirements.lock"
ifdef UV
	@uv venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	@$(PYTHON) -m venv .venv || { echo "This Python makes no environments; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endif
	@$(BIN)/python -m compileall -q src
	@touch $@

demo: $(READY)  ## a virtual patient through a whole course: a report to look at
	$(BIN)/openigrt demo --out .demo/course
	@echo "Look at it: $(CURDIR)/.demo/course/report.html"

test: $(READY)  ## everything that CI runs
	$(BIN)/pytest -n 2 -m "not long"

fuzz: $(READY)  ## feed the readers hostile files; NAME=... for one, SECONDS=... of CPU each
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(NAME)

test-long: $(READY)  ## the long tests: real data and soak
	$(BIN)/pytest -m long

check: $(READY)  ## lint, types, architecture: under a minute
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_architecture.py

format: $(READY)  ## let ruff lay the code out and fix what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

benchmark: $(READY)  ## OpenIGRT and its peers, side by side; NAME=... for one
	$(BIN)/python -m benchmarks.run $(if $(NAME),--name $(NAME))

benchmark-gpu: $(READY)  ## cone beams on a CUDA card, checked and timed (needs the extra gpu)
	$(BIN)/python -m tests.xray.gpu_cases
	$(BIN)/python -m benchmarks.cone_beam --engine gpu

lock:  ## resolve requirements.lock again (needs uv)
	uv pip compile pyproject.toml $(LOCK_FLAGS) --output-file requirements.lock

clean:  ## remove what make made
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
