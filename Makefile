# `make` lists what there is to do. All of it runs in the virtual environment .venv, which
# is made on first use, with the versions of constraints.txt, and remade when they change.

PYTHON ?= python3
VENV ?= .venv
STRESS ?= 34

# Notebooks draw into the page, whatever the shell asks of Matplotlib.
unexport MPLBACKEND

BIN := $(VENV)/bin
READY := $(VENV)/.ready

# A dead kernel is noticed at the time-out only (nbval's own is 2000 s), and the cache
# plugin would leave a folder beside the notebooks. Notebooks are named one by one, so
# that pytest does not look for doctests in notebooks/execute.py.
NBVAL := $(BIN)/python -m pytest -q --nbval --nbval-current-env --nbval-cell-timeout=120 \
	--nbval-kernel-startup-timeout=120 --nbval-sanitize-with notebooks/sanitize.cfg \
	-p no:cacheprovider
# Two notebooks at a time: the cells of one belong together. Not where coverage is
# measured, for it would miss what kernels of pytest-xdist do.
TWO := -n 2 --dist loadfile
# Without --cov-config the kernels would not see `branch = true`, and would count for 0 %.
COV := --cov=mds_sim --cov-config=pyproject.toml --cov-report=

.DEFAULT_GOAL := help
.PHONY: help setup lab demo test lint types unit nbval browser stress coverage notebooks site pictures clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## make the virtual environment, if it is missing or old

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(BIN)/python -m mds_sim lab

demo: $(READY)  ## see the package work, in the terminal
	@$(BIN)/python -m mds_sim demo

test: lint types unit nbval browser  ## check everything, as the CI server does

lint: $(READY)  ## check style and layout
	@echo "==> ruff"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(READY)  ## check types
	@echo "==> mypy"
	@$(BIN)/mypy

unit: $(READY)  ## run the tests and the examples in docstrings
	@echo "==> pytest: tests and docstrings"
	@$(BIN)/python -m pytest -q

nbval: $(READY)  ## run each notebook again and compare it with its stored outputs
	@echo "==> pytest: notebooks"
	@$(NBVAL) $(TWO) notebooks/*.ipynb

browser: $(READY)  ## use notebooks and site in Chromium as people do, if there is one
	@echo "==> pytest: in the browser"
	@$(BIN)/python -m pytest -q -rs -m browser tests/browser

stress: $(READY)  ## kill and cut the power STRESS times as often as the tests do (an hour)
	@MDS_SIM_STRESS=$(STRESS) $(BIN)/python -m pytest -q tests/stress

coverage: $(READY)  ## measure what tests and notebooks reach, into htmlcov/
	@$(BIN)/coverage erase
	@$(BIN)/python -m pytest -q $(COV)
	@$(NBVAL) $(COV) --cov-append notebooks/*.ipynb
	@$(BIN)/coverage report
	@$(BIN)/coverage html --quiet
	@echo "==> htmlcov/index.html"

notebooks: $(READY)  ## run the notebooks and save them with their outputs
	@$(BIN)/python notebooks/execute.py

site: $(READY)  ## build the site from the notebooks as they were last run, into site/
	@$(BIN)/python docs/build.py

pictures: $(READY)  ## make the moving pictures of the README
	@$(BIN)/python docs/pictures.py

clean:  ## remove the virtual environment and all that is generated
	@rm -rf $(VENV) htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache \
		.ruff_cache build dist site *.egg-info notebooks/.ipynb_checkpoints
	@find mds_sim tests benchmarks notebooks -name __pycache__ -type d -prune \
		-exec rm -rf {} + 2>/dev/null || true

# The stamp is written last: a setup that was interrupted starts anew.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "mds_sim needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)."; \
		echo "Name another one, for example: make PYTHON=python3.12"; exit 1; } >&2
	@echo "==> setting up $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
		--constraint constraints.txt --editable ".[lab,test,docs]"
	@touch $@
