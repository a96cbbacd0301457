# Milepost's commands. Each of them works on a fresh machine that has make, Python 3.11 or newer and a
# package index; what they need is installed into .venv from the lock files in requirements/.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# A name on PATH may be a shim of a version manager that runs nothing, so each one is asked.
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
# Where it is set, each of the many processes of a test run compiles all it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo check test test-fast test-deep browser-test lint format bench structure build deploy lock clean for-local for-dev has-python has-sender

help: ## Say what each command does
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1#\2/p' $(MAKEFILE_LIST) | awk -F'#' '{printf "%-15s %s\n", $$1, $$2}'

demo: for-local ## Run the whole stack on this machine, with an inbox to look into
	@PYTHONPATH=layers/common:tools $(BIN)/python -m local demo

check: for-local ## Say everything that is wrong with the files in workflows/
	@$(BIN)/milepost check workflows

# The browser's tests wait for it most of the time, so they run beside the others. So do those of the
# deployed stack, wherefore there is one process more than the two cores that are counted on.
WITH_BROWSER = if command -v chromedriver >/dev/null && command -v chromium chromium-browser google-chrome chrome >/dev/null; \
  then export MILEPOST_BROWSER=1; else \
  echo "Not run: tests/browser, for there is no Chromium with its chromedriver on PATH (Debian: chromium, chromium-driver)."; fi

test: for-dev ## Everything that must hold: style, types, layers, tests with coverage
	@$(MAKE) lint
	@$(WITH_BROWSER); $(BIN)/python -m pytest -m "not deep" -n 3 --dist loadfile --cov --cov-report=term

# Folders and files that deploy, imitate AWS, or tell stories from end to end.
NOT_FAST = $(addprefix --ignore=tests/,browser faults journeys local security stack) \
  --ignore-glob='*/test_functions_*' --ignore-glob='*/test_both_stores_*'

test-fast: for-dev ## What a minute is enough for: no stack, no storms, few examples
	@HYPOTHESIS_PROFILE=fast $(BIN)/python -m pytest -m "not deep and not slow" -n 2 -q $(NOT_FAST)

test-deep: for-dev ## The longest storms and kills, and laws with many examples
	@HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -m "deep or law" -n 2 --dist worksteal

browser-test: for-dev ## Look at readers' pages and the browser snippet in a real Chromium, if there is one
	@$(WITH_BROWSER); [ -z "$${MILEPOST_BROWSER:-}" ] || $(BIN)/python -m pytest -q tests/browser

lint: for-dev ## Style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@PYTHONPATH=layers/common:tools $(BIN)/lint-imports

format: for-dev ## Put the code into the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: for-dev ## Measure what the README claims about speed and cost
	@PYTHONPATH=layers/common:tools $(BIN)/python -m bench

structure: for-dev ## Measure how the code is laid out: modules on three paths, sizes, reach (LIST=--list: their names)
	@PYTHONPATH=layers/common:tools $(BIN)/python -m bench.structure $(LIST)

build: for-local ## Build the stack into .aws-sam, for Lambda's Python on arm64
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/sam build
	@$(BIN)/python layers/common/build.py --advise

deploy: has-sender build ## Deploy to AWS: make deploy SENDER=shop@mail.example.com [STACK=milepost]
	@$(BIN)/sam deploy --stack-name "$(STACK)" --parameter-overrides SenderAddress="$(SENDER)" $(PARAMETERS)

lock: for-dev ## Write the lock files; with UPGRADE=--upgrade to the newest versions allowed
	@$(BIN)/python requirements/lock.py $(UPGRADE)

clean: ## Remove everything that a command made
	@rm -rf .venv .aws-sam .milepost .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build milepost.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

has-sender:
	@[ -n "$(SENDER)" ] || { echo "Say which address mail comes from: make deploy SENDER=shop@mail.example.com" >&2; exit 1; }

for-local for-dev: has-python
	@"$(PYTHON)" requirements/venv.py $(@:for-%=%)

has-python:
	@[ -n "$(PYTHON)" ] || { echo "Milepost needs Python 3.11 or newer, and none was found on PATH as python3.13, python3.12, python3.11 or python3. Name one with make PYTHON=/path/to/python." >&2; exit 1; }
