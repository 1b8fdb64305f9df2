# shoepod: `make demo` shows it, `make test` proves it. Needs git, make and Python 3.11-3.13 with venv.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first interpreter that is new enough and can make a virtual environment.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && command -v $$p && break; done)

.PHONY: help setup demo test check bench soak package clean stack python

help:
	@echo "make demo   set up and run a simulated run end to end; prints the report's path"
	@echo "make test   set up and run the tests"
	@echo "make check  lint, types, import rules"
	@echo "make bench  speed and latency, as JSON"
	@echo "make soak   the full-length bars, as JSON (about 25 minutes)"
	@echo "make stack  Mosquitto, InfluxDB 2 and Grafana in containers, on loopback"

python:
	@test -n "$(PYTHON)" || { \
	echo "shoepod needs Python 3.11, 3.12 or 3.13 with venv. Install it with one of:" >&2; \
	echo "  Debian/Ubuntu:  sudo apt-get install -y python3 python3-venv" >&2; \
	echo "  macOS:          brew install python@3.12" >&2; \
	exit 1; }

$(STAMP): pyproject.toml constraints.txt | python
	@echo "setting up $(VENV) with $(PYTHON)"
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,check]"
	@touch $@

setup: $(STAMP)

demo: setup
	$(BIN)/shoepod demo --out demo-out $(DEMO_ARGS)

test: setup
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

# Without vqf (no network) its figures are null, with the reason.
bench: setup
	@$(BIN)/python -c "import vqf" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]" >&2 || true
	@$(BIN)/python -m tests.benchmarks.bench

soak: setup
	@$(BIN)/python -m tests.soak.soak

# The built wheel in an environment of its own, run from another folder.
package: python
	rm -rf dist .package
	"$(PYTHON)" -m venv .package
	.package/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt .
	cd .package && ./bin/shoepod --version && ./bin/shoepod demo --plain --seconds 12 --out demo-out

stack: setup
	test -f config/.env || $(BIN)/python -m sensor_bridge.stack_env
	docker compose -f config/compose.yaml up -d

clean:
	rm -rf $(VENV) .package demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
