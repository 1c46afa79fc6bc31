# Everything a user types stands under `make help`.
# Targets are relative so that the path of the clone does not matter.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup compile check test fuzz soak replay planted mutate prove bench replays demo bankruptcies devnet lock clean

PYTHON_STAMP := .venv/.requirements-installed
NODE_STAMP := node_modules/.anvil-installed
PROOFS_STAMP := .venv-proofs/.requirements-installed
# Ape looks for anvil on PATH.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
# A note of one of Ape's own dependencies, printed at every start.
export PYTHONWARNINGS := ignore:Field 'import_remapping' has an incomplete definition

PY := .venv/bin/python
# Files or options for the tests, for instance: make test TESTS="tests/house -x" WORKERS=0
TESTS ?= tests
# Test processes, each with a node of its own.
WORKERS ?= 2
# How long a soak lasts.
MINUTES ?= 10
# Options of the mutation test, for instance: make mutate MUTATE="--target words --no-node"
MUTATE ?=

# Statements to prove, by parts of their names, or --lemmas; empty means all.
PROVE ?=
# A scene of the demo; empty means the default one.
SCENE ?=

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

setup: $(PYTHON_STAMP) $(NODE_STAMP) ## Install the pinned Python packages and anvil into this folder

$(PYTHON_STAMP): requirements.txt
	@bash scripts/setup_python.sh
	@touch $@

$(NODE_STAMP): package.json package-lock.json $(PYTHON_STAMP)
	@bash scripts/setup_anvil.sh
	@touch $@

compile: setup ## Compile the contracts (only what changed)
	@$(PY) -m seawall.build

check: compile ## Lint, types, source rules of the contracts, size and gas budgets
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@$(PY) -m scripts.check_sources
	@$(PY) -m scripts.check_sizes
	@$(PY) -m bench --check

test: compile ## Run the tests on a local node; TESTS="..." selects
	@.venv/bin/ape test $(TESTS) -n $(WORKERS) --dist loadfile

fuzz: compile ## Fuzz the whole system on pyrevm and on a node: the usual size, fixed seeds
	@$(PY) -m scripts.fuzz run

soak: compile ## Fuzz with fresh seeds on all cores; MINUTES=... (default 10)
	@$(PY) -m scripts.fuzz soak $(MINUTES)

replay: compile ## Play a failure that fuzz or soak kept on a node of Ape's, with a trace; FILE=...
	@$(PY) -m scripts.fuzz replay $(FILE)

planted: compile ## Plant bugs in the contracts, one at a time: does the fuzz catch them?
	@$(PY) -m scripts.planted

bench: compile ## Measure gas, write bench/gas.json and the tables of docs/gas.md
	@$(PY) -m bench --record

replays: compile ## Drive the oracle through recorded prices, write the tables of docs/oracle_replays.md
	@$(PY) -m scripts.replay_prices

mutate: compile ## Try small faults against the tests, write docs/mutation.md; MUTATE="..." takes options
	@$(PY) -m mutation $(MUTATE)

$(PROOFS_STAMP): proofs/requirements.txt $(PYTHON_STAMP)
	@bash scripts/setup_proofs.sh
	@touch $@

prove: compile $(PROOFS_STAMP) ## Prove lemmas over the reals and statements about the bytecode; PROVE="..." selects
	@.venv-proofs/bin/python -m proofs $(PROVE)

demo: compile ## Play a scene on a node of its own: SCENE=crash (a day of panic) or wipeout
	@$(PY) -m scripts.demo $(SCENE)

bankruptcies: compile ## Make 1,000 accounts bankrupt at once on a node of its own and clear them
	@$(PY) -m scripts.bankruptcies

devnet: setup ## Run a node with two-second blocks, as the network ethereum:devnet:node expects it
	@exec .venv/bin/anvil --silent --chain-id 31338 --block-time 2 --port 8545 --hardfork cancun

lock: ## Rewrite requirements.txt from requirements.in (needs uv on PATH)
	@UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url requirements.in -o requirements.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url proofs/requirements.in -o proofs/requirements.txt

clean: ## Remove everything that setup, the tests and the demo made
	@rm -rf .venv .venv-proofs node_modules .build .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
