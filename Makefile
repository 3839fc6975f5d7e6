# Works with GNU make 3.81 (macOS) and up, and any POSIX shell.
#   make demo        letters in printed fonts -> handwritten digits; leaves runs/demo/report.html
#   make test        linters, layers, types, tests
# `make PYTHON=/path/to/python3.12 ...` chooses the interpreter.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON :=
WORKERS := 2
INSTALL := VENV='$(VENV)' PYTHON='$(PYTHON)' sh .ci/install

# OMP_NUM_THREADS=1: the tests' workers share the cores, and one thread gives the same bits everywhere.
TEST_ENV := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 PYTHONDONTWRITEBYTECODE=
PYTEST := env $(TEST_ENV) $(BIN)/python -m pytest
# A file stays with one worker, which makes its fixtures once.
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-slow mutants bench bench-domains bench-few bench-vision docs constraints clean

help:
	@sed -n 's/^#   //p' Makefile; echo 'also: make test-slow, mutants, bench, bench-domains, bench-few, bench-vision, docs, constraints, clean'

demo: $(VENV)/.installed
	$(BIN)/headstart demo --out runs/demo --force

# Every check runs, whatever failed before it, so that one round shows all there is to mend.
test: $(VENV)/.installed-dev
	@failed=''; \
	check() { echo "== $$*"; "$$@" || failed="$$failed, $$*"; }; \
	check $(BIN)/ruff check .; \
	check $(BIN)/ruff format --check .; \
	check $(BIN)/lint-imports; \
	check $(BIN)/pyright --pythonpath $(BIN)/python; \
	check $(PYTEST) $(SPREAD) -m 'not slow' tests; \
	test -z "$$failed" || { echo "Failed: $${failed#, }" >&2; exit 1; }

test-slow: $(VENV)/.installed-dev
	$(PYTEST) -m slow tests

# Faults put into copies of the package, one at a time: do the tests that are named for them notice?
mutants: $(VENV)/.installed-dev
	env $(TEST_ENV) $(BIN)/python tests/mutants/run.py --workers $(WORKERS)

# The examples with a >>> prompt in the README and in docs/ are run; so are the commands named there.
docs: $(VENV)/.installed-dev
	$(PYTEST) --doctest-glob='*.md' README.md docs tests/test_ground.py

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks.run engine peers

# The peers' own environment, build/domains-peers, is made by the benchmark from benchmarks/domains/requirements-peers.txt.
bench-domains: $(VENV)/.installed
	$(BIN)/python -m benchmarks.run domains

bench-few: $(VENV)/.installed
	$(BIN)/python -m benchmarks.run few

bench-vision: $(VENV)/.installed
	$(BIN)/python -m benchmarks.run vision

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(INSTALL) '.' && touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt
	@$(INSTALL) '.[dev]' && touch $(VENV)/.installed $@

# Pins what is installed now: exact versions, no address, nothing of this checkout itself.
constraints: $(VENV)/.installed-dev
	$(BIN)/python .ci/constraints.py > constraints.tmp && mv constraints.tmp constraints.txt

clean:
	rm -rf $(VENV)/.installed $(VENV)/.installed-dev .pytest_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
