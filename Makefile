# Every target sets itself up: a virtual environment in .venv, the dependencies, the package.
PYTHON ?= python3
VENV := .venv
OLDEST := .venv-oldest
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: docs experiments workshop bad-input report explained worksheets pictures constructions notes-checked demo test test-oldest check slow bench bench-quick scaling scores clean

demo: $(VENV)/core  ## train on the shipped table, then predict and evaluate with the saved model
	$(BIN)/clearprop train penguins --target species --out penguins.safetensors
	$(BIN)/clearprop predict penguins.safetensors penguins | head -n 6
	$(BIN)/clearprop evaluate penguins.safetensors penguins

test: $(VENV)/dev  ## the fast tier
	$(BIN)/clearprop warmup
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-oldest: $(OLDEST)/floors  ## the estimators with the oldest versions that pyproject.toml allows
	$(OLDEST)/bin/clearprop warmup
	$(OLDEST)/bin/python -m pytest -n 2 --dist loadfile tests/estimators src/clearprop/estimators

slow: $(VENV)/bench  ## the slow tier: peers, long fuzzing, pages in chromium, LaTeX (apt install chromium texlive-latex-recommended)
	$(BIN)/python -m pytest -m slow
	$(BIN)/python -m pytest tests/adoption  # PyTorch's networks, which the fast tier skips

check: $(VENV)/dev  ## lint, format, strict types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/bench  ## speed beside PyTorch, scikit-learn, JAX and ONNX Runtime: benchmarks/results, some 15 minutes
	$(BIN)/python -m benchmarks.speed

bench-quick: $(VENV)/bench  ## the same for four networks with Adam in float32, 3 minutes
	$(BIN)/python -m benchmarks.speed --quick

scaling: $(VENV)/dev  ## step times of fits by many workers, modelled: docs/scaling-out (measured by: python -m benchmarks.distributed measure)
	$(BIN)/python -m benchmarks.distributed

scores: $(VENV)/dev  ## test scores beside scikit-learn's MLP, written to docs/scores.md
	$(BIN)/python benchmarks/scores.py

explained: $(VENV)/core  ## one weight of a trained network derived for a penguin: docs/explained
	mkdir -p docs/explained
	$(BIN)/clearprop train penguins --target species --hidden 8 --out penguins.safetensors --quiet
	for to in text latex html; do \
	  $(BIN)/clearprop explain penguins.safetensors penguins --row 3 --of "W[1][2,4]" --terms 4 --to $$to \
	    --out docs/explained/penguin.$$(echo $$to | sed 's/text/txt/; s/latex/tex/'); \
	done

worksheets: $(VENV)/core  ## an exercise of each kind and its key: docs/worksheets
	mkdir -p docs/worksheets
	for kind in descent perceptron; do for to in text latex html; do \
	  end=$$(echo $$to | sed 's/text/txt/; s/latex/tex/'); \
	  $(BIN)/clearprop worksheet --kind $$kind --seed 7 --to $$to \
	    --out docs/worksheets/$$kind-sheet.$$end --answers docs/worksheets/$$kind-key.$$end; \
	done; done

docs: $(VENV)/docs  ## the documentation site: build/docs/index.html; a warning, such as a link that leads nowhere, is an error
	$(BIN)/python -m sphinx --builder html --fresh-env --fail-on-warning --keep-going --nitpicky --quiet \
	  --conf-dir docs/website docs build/docs
	@echo "built build/docs/index.html"

bad-input: $(VENV)/dev  ## what is said of every fault of a table: docs/bad-input.md
	$(BIN)/python tests/bad_input.py

report: $(VENV)/core  ## a page about the training on the shipped table: docs/report
	mkdir -p docs/report
	$(BIN)/clearprop train penguins --target species --exclude bill_length_mm --out penguins.safetensors --quiet \
	  --report docs/report/penguins.html

pictures: $(VENV)/dev  ## distributions by layer over training, as docs/diagnosis.md shows them: docs/diagnosis
	$(BIN)/python docs/diagnosis/pictures.py

constructions: $(VENV)/core  ## networks written down, drawn and counted: docs/constructions.md, docs/constructions
	$(BIN)/python docs/constructions/pictures.py

notes-checked: $(VENV)/core  ## every formula, claim and number of the notes, run: docs/notes-checked.md
	$(BIN)/python docs/notes_checked

experiments: $(VENV)/core  ## what the course notes say, tried: docs/experiments.md and its pictures, a minute
	$(BIN)/python examples/experiments

workshop: $(VENV)/workshop  ## the workshop's notebooks, executed: build/workshop (with PyTorch, where it is installed)
	$(BIN)/python docs/workshop

clean:
	rm -rf $(VENV) $(OLDEST) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis penguins.safetensors

$(VENV)/python $(OLDEST)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "clearprop needs Python 3.11 or newer; say where it is: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(@D)
	@touch $@

$(VENV)/core: pyproject.toml | $(VENV)/python
	@echo "installing clearprop into $(VENV) (once; about a minute) ..."
	$(PIP) --editable .
	@touch $@

$(VENV)/dev: pyproject.toml | $(VENV)/core
	@echo "installing the developers' tools into $(VENV) (once) ..."
	$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/docs: pyproject.toml | $(VENV)/core
	@echo "installing the documentation's builder into $(VENV) (once) ..."
	$(PIP) --editable '.[docs]'
	@touch $@

$(VENV)/workshop: pyproject.toml | $(VENV)/core
	@echo "installing the notebooks' tools into $(VENV) (once) ..."
	$(PIP) --editable '.[workshop]'
	@touch $@

# The CPU build of PyTorch is pinned in pyproject.toml: a plain `torch` pulls several GB.
$(VENV)/bench: pyproject.toml | $(VENV)/dev
	@echo "installing the peers into $(VENV) (once; large) ..."
	$(PIP) --editable '.[dev,bench,browser,ray,workshop]'
	@touch $@

# Each floor stands once, in pyproject.toml: its `name>=1.6` is `name==1.6.*` here.
$(OLDEST)/floors: pyproject.toml | $(OLDEST)/python
	@$(OLDEST)/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))' || \
	  { rm -r $(OLDEST); echo "the oldest versions have wheels for Python 3.11 and 3.12 only; say where one is:" \
	    "make test-oldest PYTHON=/path/to/python3.12"; exit 1; }
	@echo "installing the oldest versions into $(OLDEST) (once; about a minute) ..."
	@$(OLDEST)/bin/python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	  print(*[given.partition(";")[0].replace(">=", "==") + ".*" for given in project["dependencies"]], sep="\n")' > $@.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --constraint $@.txt --editable . pytest pytest-xdist cloudpickle pandas pyarrow
	@mv $@.txt $@
