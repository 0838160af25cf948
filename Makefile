# make demo: serve the page.  make check: lint and the quick tests.  make test: lint and all tests.  Each makes the
# virtual environment .venv, and installs again only when a requirements file has changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes, each with whole files of tests, the long ones of the page first; one thread each, since threads that
# wait for each other cost more.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo check test lint clean

help:
	@echo "make demo   install what the app needs and serve it on http://127.0.0.1:7860"
	@echo "make check  install what the tests need, lint, and run the quick tests: under two minutes on two cores"
	@echo "make test   install what the tests need, lint, and run every test"
	@echo "make clean  remove the virtual environment"
	@echo "PYTHON=...  the Python (3.10 or newer) that the environment is made with; default: python3"

demo: $(VENV)/app.stamp
	$(BIN)/python app.py

check: lint
	$(PYTEST) -m "not slow and not browser"

test: lint
	$(PYTEST)

lint: $(VENV)/dev.stamp
	bash scripts/system_packages.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

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
