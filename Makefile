# make demo: serve the page.  make test: all tests.  Both make the virtual environment .venv, and install again only
# when a requirements file has changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test clean

help:
	@echo "make demo   install what the app needs and serve it on http://127.0.0.1:7860"
	@echo "make test   install what the tests need, lint, and run every test"
	@echo "make clean  remove the virtual environment"
	@echo "PYTHON=...  the Python (3.10 or newer) that the environment is made with; default: python3"

demo: $(VENV)/app.stamp
	$(BIN)/python app.py

test: $(VENV)/dev.stamp
	bash scripts/system_packages.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.stamp: requirements.txt | $(BIN)/pip
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-train.txt requirements-dev.txt | $(BIN)/pip
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV)
