# make demo: serve the page.  make test: all tests.  Both make their own virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint clean

help:
	@echo "make demo   install what the app needs and serve it on http://127.0.0.1:7860"
	@echo "make test   install what the tests need, lint, and run every test"
	@echo "make clean  remove the virtual environment"

demo: $(VENV)/app.stamp
	$(BIN)/python app.py

test: $(VENV)/dev.stamp
	bash scripts/system_packages.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.stamp: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-train.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV)
