# Everything is done from here: `make help`. Needs git, make and a Python 3.11 or newer with venv.

SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
HOME_OF_TESTS = $(CURDIR)/.redrive/test
HOME_OF_DEMO = $(CURDIR)/.redrive/demo
CODE := manage.py config imports bills tests
WORKERS ?= 2
PYTEST_ARGS ?= -q
# A file's tests stay together; tests/side_by_side.py says which begins when.
TESTS_AT_ONCE ?= 4
SIDE_BY_SIDE = -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder

# Python 3.11 and 3.12 first: for them Redis comes from PyPI, where the machine has none.
CANDIDATES := python3.12 python3.11 python3.13 python3.14 python3

export WORKERS
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Tests start some two hundred processes: none of them compiles again what another one has compiled.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help run worker demo test quick check bench faults mutants locale lock setup browser clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

run: $(VENV)/runtime $(VENV)/browser ## the admin, WORKERS=2 workers, the sweeper and the sandbox; PORT=8000
	@exec $(PYTHON) -m config.dev.processes run

worker: $(VENV)/runtime $(VENV)/browser ## workers and the sweeper only: what a second host runs; WORKERS=2
	@exec $(PYTHON) -m config.dev.processes worker

demo: export REDRIVE_HOME = $(HOME_OF_DEMO)
demo: $(VENV)/runtime $(VENV)/browser ## both stories from end to end, against the sandbox
	@$(PYTHON) -m config.dev.servers wipe
	@exec $(PYTHON) manage.py demo

test: export REDRIVE_HOME = $(HOME_OF_TESTS)
test: $(VENV)/development $(VENV)/browser ## all tests but the long fault runs
	@$(PYTHON) -m pytest -m "not faults" $(SIDE_BY_SIDE) $(PYTEST_ARGS)

quick: export REDRIVE_HOME = $(HOME_OF_TESTS)
quick: $(VENV)/development ## the tests that need no browser and no worker process
	@$(PYTHON) -m pytest -m "not slow and not faults" $(SIDE_BY_SIDE) $(PYTEST_ARGS)

faults: export REDRIVE_HOME = $(HOME_OF_TESTS)
faults: $(VENV)/development $(VENV)/browser ## the long fault runs; SEEDS=20; writes docs/reliability.md
	@$(PYTHON) -m tests.faults --seeds $(or $(SEEDS),20)
	@$(PYTHON) -m pytest -m faults $(PYTEST_ARGS)

mutants: $(VENV)/development ## breaks the source in over sixty places; a test must notice each
	@exec $(PYTHON) -m tests.mutants

bench: export REDRIVE_HOME = $(CURDIR)/.redrive/bench
bench: $(VENV)/development $(VENV)/browser ## the benchmarks; writes tests/bench/RESULTS.md; BENCH=import runs one
	@exec $(PYTHON) -m tests.bench $(BENCH)

check: export REDRIVE_HOME = $(HOME_OF_TESTS)
check: $(VENV)/development ## format, lint, types, import rules, templates, migrations, check --deploy
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy $(CODE)
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command as lint; lint()'
	$(PYTHON) -m tests.vocabulary
	$(PYTHON) -m djlint --quiet --check templates
	$(PYTHON) -m djlint --quiet --lint templates
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING

# What a production host sets, made up: `check --deploy` judges the settings, and connects to nothing.
PRODUCTION = DEBUG=0 SECRET_KEY=0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ \
	DATABASE_URL=postgres://redrive@db.example/redrive REDIS_URL=redis://redis.example/0 \
	ALLOWED_HOSTS=redrive.example BEHIND_PROXY=true CREDENTIAL_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=

locale: export REDRIVE_HOME = $(HOME_OF_TESTS)
locale: $(VENV)/runtime ## collect the sentences of the pages for their Swedish, and compile it; needs gettext
	$(PYTHON) manage.py makemessages -l sv --add-location file --no-obsolete --ignore .venv --ignore tests
	$(PYTHON) manage.py compilemessages --ignore .venv

lock: $(VENV)/development ## requirements.lock: requirements.txt with the hashes of its files
	@$(PYTHON) -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock requirements.txt

setup: $(VENV)/runtime $(VENV)/development $(VENV)/browser ## the environment, a browser, the database
	@$(PYTHON) manage.py migrate --verbosity 0

browser: $(VENV)/runtime ## look for a browser again, or install one
	@$(PYTHON) -m config.dev.browser
	@touch $(VENV)/browser

clean: ## remove what `make` made, but never the data (.redrive)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Each of these is a stamp: done again only when what it was made from has changed.
$(VENV)/runtime: requirements.txt $(VENV)/made
	@echo "Installing what Redrive runs on …"
	@$(PYTHON) -m pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/development: requirements-dev.txt requirements.txt $(VENV)/made
	@echo "Installing what its tests need …"
	@$(PYTHON) -m pip install --quiet -r requirements-dev.txt
	@touch $(VENV)/runtime $@

$(VENV)/browser: $(VENV)/runtime
	@$(PYTHON) -m config.dev.browser
	@touch $@

$(VENV)/made:
	@if $(PYTHON) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		touch $@; exit 0; \
	fi; \
	rm -rf $(VENV); seen=; \
	for python in $(CANDIDATES); do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		seen=$$python; \
		$$python -c 'import ensurepip, venv' 2>/dev/null || continue; \
		echo "Making $(VENV) with $$python …"; \
		$$python -m venv $(VENV) && touch $@ && exit 0; \
	done; \
	if [ -n "$$seen" ]; then \
		echo "$$seen cannot make virtual environments. Install its venv (Debian: apt-get install python3-venv)." >&2; \
	else \
		echo "No Python 3.11 or newer was found. Install one, with venv." >&2; \
	fi; exit 1
