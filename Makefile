# Weiguang. `make demo` shows it, `make run` keeps it up, `make test` proves it. Nothing is needed but Python >= 3.11 and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# BROKER=embedded (default) or BROKER=kafka (Apache Kafka, needs Java 17 and Maven)
BROKER ?= embedded
export BROKER
# Some images suppress bytecode; then each process of the tests compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE
UV_VERSION := 0.13.9
# Test sessions side by side; each starts servers of its own. Three leave a fifth of two cores idle: many a test waits.
WORKERS ?= 4

# `make bench`: rounds, worker processes of the ingest (1,2,4: a row for each number), and whatever else `python -m dev.bench --help` names.
ROUNDS ?= 5
INGEST_WORKERS ?= 1
BENCH_OPTIONS ?=

.PHONY: help setup demo run screens test test-unit test-kafka test-depth test-again test-all drill check format docs lock hooks clean audit bench bench-pair bench-scale bench-console bench-http

help:
	@echo "make demo        set up, start the stack, play two months of a district, print its report (BROKER=kafka: on Apache Kafka)"
	@echo "make run         the same stack, kept up, pages on http://127.0.0.1:8000 (WEIGUANG_PORT=… for another port)"
	@echo "make test        check and all tests, in breadth; make test-kafka: what exercises a broker's clients, on Apache Kafka"
	@echo "make test-all    that, and the depth: 200 examples, whole drills (make test-depth alone: ROTATE=2/3 for a part)"
	@echo "make drill       long random histories, 50 kills, zombies, crowds; prints its seed (SEED=… plays it again, BROKER=kafka)"
	@echo "make check       format, lint, spelling, types, architecture and contract tests: what pre-commit and CI run"
	@echo "make docs        write the parts of docs/ that follow from the code, and the catalogues of the pages' sentences"
	@echo "make screens     take the pictures of docs/screens again (needs Chromium)"
	@echo "make audit       prove the invariants of the data in var/    make clean   forget var/ and the caches"
	@echo "make bench       measure the ingest beside a bare loop and beside peers (ROUNDS=5); make bench-scale: on 10 million transfers"
	@echo "make bench-pair OLD=PATH  measure the ingest (or the index) beside another checkout's, batch by batch in turn"
	@echo "make bench-console  measure the operators' console: live rows, the index, searches, scrolling, viewers"
	@echo "make bench-http  measure check-ins beside a bare route, rosters and the search for people over HTTP"
	@echo "make hooks       install the pre-commit hook                 make lock    resolve the locks again"

# Two stamps: demo and run need less than the tests do.
RUN_STAMP := $(VENV)/.stamp-run
DEV_STAMP := $(VENV)/.stamp-dev

$(VENV)/bin/python:
	@$(PYTHON) dev/stack/environment.py --create $(VENV)

$(RUN_STAMP): requirements/embedded.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing what the stack needs (exact versions, checked hashes) …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/embedded.lock
	@$(PY) dev/stack/environment.py --link .
	@touch $@

$(DEV_STAMP): requirements/dev.lock $(RUN_STAMP)
	@echo "installing what the tests need …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.lock
	@touch $@

# The peers refuse some of our versions, so they get an environment of their own.
BENCH_VENV := .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.stamp
$(BENCH_STAMP): requirements/bench.lock $(RUN_STAMP)
	@[ -x $(BENCH_VENV)/bin/python ] || $(PYTHON) dev/stack/environment.py --create $(BENCH_VENV)
	@echo "installing what is compared with …"
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/bench.lock
	@touch $@

setup: $(DEV_STAMP)

demo: $(RUN_STAMP)
	@exec $(PY) -m dev.cli demo

run: $(RUN_STAMP)
	@exec $(PY) -m dev.cli run

audit: $(RUN_STAMP)
	@exec $(PY) -m dev.cli audit

bench: $(BENCH_STAMP)
	@exec $(PY) -m dev.bench --rounds $(ROUNDS) --workers $(INGEST_WORKERS) $(BENCH_OPTIONS)

bench-pair: $(RUN_STAMP)
	@exec $(PY) -m dev.bench.pair --old "$(OLD)" $(BENCH_OPTIONS)

bench-scale: $(RUN_STAMP)
	@exec $(PY) -m dev.bench.scale --workers $(INGEST_WORKERS) $(BENCH_OPTIONS)

bench-console: $(DEV_STAMP)
	@exec $(PY) -m dev.bench.console $(BENCH_OPTIONS)

bench-http: $(RUN_STAMP)
	@exec $(PY) -m dev.bench.http $(BENCH_OPTIONS)

# Types on one core, laws and contracts on the other, and there the first time all tests, compiled once for all sessions.
COLLECTED := $(VENV)/.stamp-collected
check: $(DEV_STAMP)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(VENV)/bin/codespell
	@$(PY) -m mypy & types=$$!; \
	$(PY) -m pytest -q tests/test_architecture.py tests/unit/test_words.py tests/contract || { wait $$types; exit 1; }; \
	[ $(COLLECTED) -nt $(DEV_STAMP) ] || { $(PY) -m pytest -q --collect-only tests >/dev/null && touch $(COLLECTED); }; \
	wait $$types

format: $(DEV_STAMP)
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

# What tests compare with the code: events, settings, metrics, the index of decisions, the catalogues.
docs: $(RUN_STAMP)
	$(PY) -m shared.contracts docs
	$(PY) -m dev.docs.reference
	$(PY) -m dev.docs.records
	$(PY) -m dev.docs.catalogue

# The pictures in docs/screens, by the system's Chromium, of a small district of their own.
screens: $(DEV_STAMP)
	@exec $(PY) -m dev.screens

# Apache Kafka and whole drills leave no such gaps.
test-kafka test-depth: WORKERS = 2
SIDE_BY_SIDE = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
CHECKED := --ignore=tests/test_architecture.py --ignore=tests/unit/test_words.py --ignore=tests/contract

# Complete in breadth: every kind of test, few examples of each property, a part of each drill.
test: check
	$(PY) -m pytest -q $(SIDE_BY_SIDE) $(CHECKED)

# What is deep, and 200 examples and whole drills of what grows. ROTATE=2/3: the second of three parts.
test-depth: $(DEV_STAMP)
	DEPTH=deep $(PY) -m pytest -q $(SIDE_BY_SIDE) $(if $(ROTATE),--rotate $(ROTATE)) tests

# What failed last, once more and alone: does it fail without load too?
test-again: $(DEV_STAMP)
	$(PY) -m pytest -q --last-failed --last-failed-no-failures none tests

test-all: test test-depth

test-unit: $(DEV_STAMP)
	$(PY) -m pytest -q tests/unit

test-kafka: $(DEV_STAMP)
	BROKER=kafka $(PY) -m pytest -q -m kafka $(SIDE_BY_SIDE) tests/integration tests/drill tests/e2e

# One session alone: what it measures should not be disturbed by another.
drill: $(DEV_STAMP)
	DRILL=full $(PY) -m pytest -q tests/drill

# The locks carry hashes and hold on every platform from Python 3.11 on; they name no index and no address.
lock: $(DEV_STAMP)
	$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	COMPILE="$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate"; \
	$$COMPILE pyproject.toml -o requirements/base.lock; \
	$$COMPILE pyproject.toml -c requirements/base.lock --extra embedded -o requirements/embedded.lock; \
	$$COMPILE pyproject.toml -c requirements/base.lock --extra embedded --extra dev -o requirements/dev.lock; \
	$$COMPILE --group bench -o requirements/bench.lock

hooks:
	git config core.hooksPath .githooks
	@echo "pre-commit runs make check"

clean:
	@if [ -x $(PY) ]; then $(PY) -m dev.cli clean; fi
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis $(COLLECTED)
	find . -name __pycache__ -not -path './$(VENV)/*' -not -path './$(BENCH_VENV)/*' -prune -exec rm -rf {} +
