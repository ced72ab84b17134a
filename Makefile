# `make` alone lists the targets. Any of them makes .venv first, where it is missing or out of date.

PYTHON ?= python3
EXTRAS ?= dev
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup check format test smoke ablation dashboard build clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## create .venv with the pinned dependencies and this checkout

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is `$(PYTHON) -V 2>&1`; name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Installing the pinned dependencies into $(VENV); this takes a minute or more ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

check: $(INSTALLED) ## formatting, lint, types, import floors, structure, every file in conf/
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python scripts/check_structure.py
	$(BIN)/python -m pytest -q tests/config/test_composition.py

format: $(INSTALLED) ## rewrite the sources as `make check` wants them
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

# Two workers share the cores, so each computes with one thread.
test: export OMP_NUM_THREADS ?= 1
test: $(INSTALLED) ## run all tests
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

smoke: $(INSTALLED) ## every experiment and every study, end to end, at a tiny size
	$(BIN)/python scripts/smoke.py

ablation: $(INSTALLED) ## which of four regularization knobs helps? (study=four_knobs)
	$(BIN)/rnn-regexp ablate study=four_knobs
	@echo "           (here: make dashboard)"

dashboard: $(INSTALLED) ## open the recorded runs in MLflow
	$(BIN)/rnn-regexp dashboard

build: $(INSTALLED) ## source distribution and wheel in dist/
	$(BIN)/python -m build

clean: ## remove everything that can be made again, except outputs/
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
