# Milepost's commands. They need make, Python 3.11 or newer and a package index. They install
# everything else into .venv from the lock files in requirements/.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# A name on PATH can be a version manager's shim without a Python behind it, so run each one.
ifndef PYTHON
PYTHON := $(shell for python in python3.13 python3.12 python3.11 python3; do \
  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo "$$python"; break; fi; done)
endif

BIN := .venv/bin
STACK ?= milepost
SENDER ?=
PARAMETERS ?=
UPGRADE ?=
LIST ?=

export MILEPOST_PYTHON := $(CURDIR)/$(BIN)/python
export SAM_CLI_TELEMETRY := 0
# If it is set, each of the many processes of a test run compiles all its imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo check test test-fast test-storms test-deep browser-test lint format bench structure build deploy lock clean for-local for-dev has-python has-sender

help: ## List the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1#\2/p' $(MAKEFILE_LIST) | awk -F'#' '{printf "%-15s %s\n", $$1, $$2}'

demo: for-local ## Run the whole stack on this machine, with an inbox
	@PYTHONPATH=layers/common:tools $(BIN)/python -m local demo

check: for-local ## Check the files in workflows/ for errors
	@$(BIN)/milepost check workflows

# Browser tests and stack tests mostly wait, so three workers run on two cores.
WITH_BROWSER = if command -v chromedriver >/dev/null && command -v chromium chromium-browser google-chrome chrome >/dev/null; \
  then export MILEPOST_BROWSER=1; else \
  echo "Not run: tests/browser, because Chromium with chromedriver is not on PATH (Debian: chromium, chromium-driver)."; fi

test: for-dev ## Run all checks: style, types, layers, tests with coverage
	@$(MAKE) lint
	@$(WITH_BROWSER); $(BIN)/python -m pytest -m "not deep" -n 3 --dist loadfile --cov --cov-report=term

# Folders and files that deploy, emulate AWS, or run whole journeys.
NOT_FAST = $(addprefix --ignore=tests/,browser faults journeys local security stack) \
  --ignore-glob='*/test_functions_*' --ignore-glob='*/test_both_stores_*'

test-fast: for-dev ## Run the tests that fit into a minute: no stack, no storms, few examples
	@HYPOTHESIS_PROFILE=fast $(BIN)/python -m pytest -m "not deep and not slow" -n 2 -q $(NOT_FAST)

test-storms: for-dev ## Run all the storms of faults
	@$(BIN)/python -m pytest -m deep -n 2 --dist worksteal tests/faults

test-deep: for-dev ## Run the longest storms and kill tests, and property tests with many examples
	@HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -m "deep or law" -n 2 --dist worksteal

browser-test: for-dev ## Test the public pages and the browser script in Chromium, if it is installed
	@$(WITH_BROWSER); [ -z "$${MILEPOST_BROWSER:-}" ] || $(BIN)/python -m pytest -q tests/browser

lint: for-dev ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@PYTHONPATH=layers/common:tools $(BIN)/lint-imports

format: for-dev ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: for-dev ## Measure what the README claims about speed and cost
	@PYTHONPATH=layers/common:tools $(BIN)/python -m bench

structure: for-dev ## Measure the code's structure: modules on three paths, sizes, reach (LIST=--list: names)
	@PYTHONPATH=layers/common:tools $(BIN)/python -m bench.structure $(LIST)

build: for-local ## Build the stack into .aws-sam, for Lambda's Python on arm64
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/sam build
	@$(BIN)/python layers/common/build.py --advise

deploy: has-sender build ## Deploy to AWS: make deploy SENDER=shop@mail.example.com [STACK=milepost]
	@$(BIN)/sam deploy --stack-name "$(STACK)" --parameter-overrides SenderAddress="$(SENDER)" $(PARAMETERS)

lock: for-dev ## Write the lock files; with UPGRADE=--upgrade to the newest versions allowed
	@$(BIN)/python requirements/lock.py $(UPGRADE)

clean: ## Remove everything that these commands created
	@rm -rf .venv .aws-sam .milepost .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build milepost.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

has-sender:
	@[ -n "$(SENDER)" ] || { echo "Name the sender address: make deploy SENDER=shop@mail.example.com" >&2; exit 1; }

for-local for-dev: has-python
	@"$(PYTHON)" requirements/venv.py $(@:for-%=%)

has-python:
	@[ -n "$(PYTHON)" ] || { echo "Milepost needs Python 3.11 or newer. PATH has none as python3.13, python3.12, python3.11 or python3. Name one with make PYTHON=/path/to/python." >&2; exit 1; }
