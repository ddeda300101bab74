# One command for each intention; `make run` is all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Whoever tests keeps what is compiled, and not among the sources.
test fast soak: export PYTHONDONTWRITEBYTECODE =
test fast soak: export PYTHONPYCACHEPREFIX = $(CURDIR)/$(VENV)/compiled

.PHONY: run test check install bench demo words pins fast soak

run: $(VENV)/runtime  ## start everything; the first start prints the address and a one-time password
	@$(BIN)/python app.py

test: $(VENV)/development  ## the whole suite, on SQLite and on PostgreSQL where it is installed
	$(BIN)/pytest -n 4 --dist worksteal
	$(BIN)/python -m tests.postgres -n 4 --dist worksteal

soak: $(VENV)/development  ## the long versions: minutes of killing servers and supervisors at random; STORM_SEED=… repeats one
	$(BIN)/pytest -m soak -s
	$(BIN)/python -m tests.postgres -m soak -s

fast: $(VENV)/development  ## the suite without processes and browsers
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not browser"

check: $(VENV)/development  ## lint, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest tests/test_architecture.py tests/test_words.py

install: $(VENV)/runtime  ## the virtual environment alone

bench: $(VENV)/development  ## the measurements, each beside its floor; writes benchmarks/results.md
	$(BIN)/python -m benchmarks

demo: $(VENV)/runtime  ## load the example tasks
	@$(BIN)/flask --app app scheduler demo

words: $(VENV)/development  ## collect the sentences of the product into the catalogue and compile it
	$(BIN)/python -m scheduler.translations.collect

pins: $(VENV)/development  ## write the pinned requirements anew from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml $(PIN_OPTIONS) -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra celery $(PIN_OPTIONS) -o requirements-celery.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra celery $(PIN_OPTIONS) -o requirements-dev.txt

PIN_OPTIONS := --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Scheduler needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing what Scheduler needs …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/development: requirements-dev.txt | $(VENV)/bin/python
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/runtime
