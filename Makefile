# One verb per need. `make demo` and `make test` need nothing but Python 3.11+, git and make.
PYTHON ?= python3
BIN := .venv/bin
ONCE ?=
DATA ?=
DEMO_FLAGS := $(if $(ONCE),--once) $(if $(DATA),--data $(DATA)) $(if $(JSON),--json $(JSON)) $(ARGS)
export DEBUG ?= 1

.PHONY: setup demo run test properties chaos fuzz reference lint types contracts browser screenshots check clean

setup: .venv/installed

.venv/installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "SegSync needs Python 3.11 or newer; name it with PYTHON=…")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: setup
	@$(BIN)/python manage.py demo $(DEMO_FLAGS)

run: setup
	@$(BIN)/python manage.py run $(ARGS)

test: setup
	@$(BIN)/python -m tests.everywhere $(ARGS)

# Both evaluators on ten thousand generated cases, and a tenth as many shops to which anything happens; CASES=… for another number.
properties: setup
	SEGSYNC_PROPERTY_CASES=$(or $(CASES),10000) $(BIN)/python -m pytest tests/properties $(ARGS)

# Processes killed at random while the platforms misbehave (PostgreSQL, Redis); ARGS="--webhooks 400 --kills 25" for a short one.
chaos: setup
	@$(BIN)/python -m tests.chaos $(ARGS)

# Texts that nobody would write, for five minutes; SECONDS=… for another time.
fuzz: setup
	@$(BIN)/python -m tests.rules.fuzz $(or $(SECONDS),300)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

check: setup
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check
	$(BIN)/python manage.py rules reference --check docs/rules-reference.md

# The page of the rule language is made from the catalogue; `make check` says when it is stale.
reference: setup
	@$(BIN)/python manage.py rules reference > docs/rules-reference.md.new && mv docs/rules-reference.md.new docs/rules-reference.md

browser: setup
	@$(BIN)/python -m pytest -m browser $(ARGS)

screenshots: setup
	@$(BIN)/python -m tests.browser.screenshots

clean:
	rm -rf var .venv
