PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
WORKERS ?= 2
COVERED ?= 95
WORKED := -q -n $(WORKERS) --dist loadgroup
FUZZED := tests/access/test_fuzz.py tests/access/test_four_eyes_everywhere.py

# Checks judge production's settings, whatever .env says, and connect to no database that matters.
PRODUCTION := VALHALLA_ENV_FILE= ENV=production GO_LIVE_ENFORCE=1 API_AUTH=token FOUR_EYES=1 HTTPS=1 DEBUG=0 \
	SECRET_KEY=never-served-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG \
	ALLOWED_HOSTS=valhalla.example DATABASE_URL=sqlite:///.venv/lint.sqlite3

# A run of the tests starts dozens of processes, which need not compile the same files again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help .venv run demo test coverage chaos mutants bench screenshots lint statistics fuzz clean

help: ## say what there is
	@awk -F ':[^#]*## ' '/^[a-z.]+:.*## / { printf "  make %-11s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv: $(STAMP) ## install everything into .venv, again only when a requirement has changed

$(STAMP): requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-dev.txt
	@touch $@

# Made once and never again: it is the operator's file from then on. It holds a secret, hence the umask.
.env: | $(STAMP)
	@umask 077 && key=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') && \
		sed "s|^SECRET_KEY=.*|SECRET_KEY=$$key|" .env.example > .env.new && mv .env.new .env
	@echo "Wrote .env, the trial profile, with a new secret key."

run: .venv .env ## serve on http://localhost:8000: migrated, seeded, with a first operator
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py seed_governance
	@$(BIN)/python manage.py create_first_operator
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@exec $(BIN)/python -m valhalla.serve

demo: .venv .env ## fill the database with demo data, and say where to look
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py seed_governance
	@$(BIN)/python manage.py seed_demo
	@echo "Now 'make run', and look at http://localhost:8000/admin/ and http://localhost:8000/api/governance/review."

test: .venv ## run every test, on SQLite and on PostgreSQL
	@$(BIN)/python -m tests $(WORKED)

# A target of its own: tracing doubles the time of a run.
coverage: .venv ## run the tests on SQLite and tell what they cover, with branches
	@$(BIN)/pytest $(WORKED) --cov --cov-fail-under=$(COVERED) --database=sqlite

chaos: .venv ## kill 50 workers, 10 databases and 10 deliverers, and hold what is left against what was promised
	@CHAOS_ROUNDS=10 CHAOS_WORKER_KILLS=5 CHAOS_NOTICES=2000 CHAOS_NOTICE_KILLS=10 $(BIN)/pytest -q --database=postgresql tests/chaos

mutants: .venv ## break the risk guard on purpose, one way at a time: a test must notice each
	@$(BIN)/python -m tests.mutants

bench: .venv ## measure side by side with what the product must not fall behind, and write bench/RESULTS.md
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-bench.txt
	@$(BIN)/python -m bench

screenshots: .venv ## picture every page of the console for the documents, from demo data, into docs/images
	@$(BIN)/pytest -q -p no:randomly tests/browser/pictures.py

lint: .venv ## run every check, the cheapest first
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/lint-imports --no-logo
	$(PRODUCTION) $(BIN)/mypy
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(PRODUCTION) $(BIN)/python manage.py makemigrations --check --dry-run

statistics: .venv ## measure what docs/statistics.md promises, and write its figures and plots (minutes)
	$(BIN)/python -m bench.statistics

fuzz: .venv ## send FUZZ_EXAMPLES odd requests to each operation of the API, by every role, on both databases
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} $(BIN)/pytest -q $(FUZZED) --database=sqlite
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} $(BIN)/pytest -q $(FUZZED) --database=postgresql

clean: ## remove what can be made again; .env and the database stay
	rm -rf .venv staticfiles .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
