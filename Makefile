# Every target sets itself up: a virtual environment in .venv, the dependencies, the package.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check slow bench scores clean

demo: $(VENV)/core  ## train on the shipped table, then predict and evaluate with the saved model
	$(BIN)/clearprop train penguins --target species --out penguins.safetensors
	$(BIN)/clearprop predict penguins.safetensors penguins | head -n 6
	$(BIN)/clearprop evaluate penguins.safetensors penguins

test: $(VENV)/dev  ## the fast tier
	$(BIN)/clearprop warmup
	$(BIN)/python -m pytest -n 2 --dist loadfile

slow: $(VENV)/bench  ## the slow tier: peers, long fuzzing
	$(BIN)/python -m pytest -m slow

check: $(VENV)/dev  ## lint, format, strict types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/bench  ## one training step beside PyTorch, scikit-learn and JAX
	$(BIN)/python benchmarks/step.py

scores: $(VENV)/dev  ## test scores beside scikit-learn's MLP, written to docs/scores.md
	$(BIN)/python benchmarks/scores.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis penguins.safetensors

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "clearprop needs Python 3.11 or newer; say where it is: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/core: pyproject.toml | $(VENV)/python
	@echo "installing clearprop into $(VENV) (once; about a minute) ..."
	$(PIP) --editable .
	@touch $@

$(VENV)/dev: pyproject.toml | $(VENV)/core
	@echo "installing the developers' tools into $(VENV) (once) ..."
	$(PIP) --editable '.[dev]'
	@touch $@

# The CPU build of PyTorch is pinned in pyproject.toml: a plain `torch` pulls several GB.
$(VENV)/bench: pyproject.toml | $(VENV)/dev
	@echo "installing the peers into $(VENV) (once; large) ..."
	$(PIP) --editable '.[dev,bench]'
	@touch $@
