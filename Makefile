# Afterimage. `make help` lists the commands.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
export DATA_DIR ?= var
export PORT ?= 5000
export HOST ?= 127.0.0.1
BASE_URL ?= http://127.0.0.1:$(PORT)
COMPOSE ?= docker compose

# Models in a folder beside the checkout are used as the mirror.
ifeq ($(strip $(MODEL_MIRROR)),)
ifneq ($(wildcard ../shared/models/.),)
MODEL_MIRROR := $(abspath ../shared/models)
endif
endif
export MODEL_MIRROR
ifneq ($(wildcard $(MODEL_MIRROR)/.),)
export MODEL_MIRROR_DIR ?= $(MODEL_MIRROR)
endif

.DEFAULT_GOAL := help
.PHONY: help run test test-all check fix e2e container-tests bench bench-peers faults models migrate migration reindex holdings dead-letters outlines admin demo build up down logs start secrets \
	migrate-head coverage-tests static-tests inference-tests test-tensorflow attach-db bash bash-ai \
	constraints requirements audit sbom clean webhook-secret tensorflow drift-report

help: ## List the commands
	@grep -hE '^[a-z0-9 -]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9 -]+):.*## */\1\t/' | expand -t 22

# ---- the two commands

# Make glibc return the memory of large images to the system (docs/operations.md).
MALLOC = MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=8388608 MALLOC_TRIM_THRESHOLD_=16777216

run: $(BIN)/.run ## Start everything: http://127.0.0.1:5000 (PORT=, DATA_DIR=)
	@$(BIN)/python -m engine.models pull & $(BIN)/python -m migrations; migrated=$$?; wait; exit $$migrated
	@exec env $(MALLOC) $(BIN)/gunicorn -c python:api.gunicorn_conf --workers 1 'standalone:from_env()'

# Two processes share the tests, file by file. Tests that measure CPU, memory or waiting, or load
# TensorFlow, run after them, in one process. 5 is the exit status of "no tests".
# `make check` runs tests/house. Without PYTHONDONTWRITEBYTECODE, a service starts a second sooner.
PYTEST = env -u DATA_DIR -u PORT -u HOST -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --ignore=tests/house
PARALLEL = -n 2 --dist loadfile
SLOWER = slow or fuzz or browser or faults
ALONE = alone or tensorflow

test: $(BIN)/.test ## Run the quick tests (finds MariaDB, RabbitMQ, Docker by itself)
	@$(PYTEST) $(PARALLEL) -m "not ($(SLOWER) or $(ALONE))" $(ARGS)

test-all: $(BIN)/.test ## Run all tests: also kills, fuzzing, browser, TensorFlow if installed
	@failed=0; \
	$(PYTEST) $(PARALLEL) -m "not ($(ALONE))" $(ARGS) || [ $$? -eq 5 ] || failed=1; \
	$(PYTEST) -m "$(ALONE)" $(ARGS) || [ $$? -eq 5 ] || failed=1; \
	exit $$failed

# ---- development

check static-tests: $(BIN)/.check ## Lint, types, import rules, size budgets, generated tables, migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/house
	@echo "check: passed"

fix: $(BIN)/.check ## Format, sort, and write the documents' tables
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .
	@$(BIN)/python -m tests.house.generated_tables

coverage-tests: $(BIN)/.test ## The tests with coverage
	@$(BIN)/pip install -q coverage
	@$(BIN)/coverage run --source api,common,engine,standalone -m pytest $(ARGS) && $(BIN)/coverage report

inference-tests: $(BIN)/.test ## The engine's tests alone
	@$(BIN)/python -m pytest tests/engine $(ARGS)

tensorflow: $(BIN)/.tensorflow ## Add the TensorFlow runtime to the virtual environment (2 GB)

test-tensorflow: $(BIN)/.tensorflow ## Run the tests that need TensorFlow
	@$(PYTEST) -m tensorflow $(ARGS)

e2e: $(BIN)/.test ## The end-to-end test against a running service (BASE_URL=)
	@BASE_URL=$(BASE_URL) $(BIN)/python -m pytest -q tests/e2e $(ARGS)

container-tests: $(BIN)/.test ## Rights, proxy and survival of the running containers, after `make build up`
	@BASE_URL=$(BASE_URL) COMPOSE="$(COMPOSE)" $(BIN)/python -m pytest tests/containers $(ARGS)

bench: $(BIN)/.test $(VENV)/yardstick/.done ## Images a second of the service, and its ratio to the bare limit (ARGS=--help)
	@$(BIN)/python -m bench $(ARGS)
	@$(BIN)/python -m bench.runtimes

bench-peers: $(BIN)/.test $(VENV)/yardstick/.done $(VENV)/peers/.done ## The service beside FastAPI, BentoML, LitServe and Celery (ARGS=--help)
	@$(BIN)/python -m bench.peers $(ARGS)

faults: $(BIN)/.test ## 500 kills during 10,000 uploads, with a ledger and figures (ARGS=--help)
	@env -u DATA_DIR -u PORT -u HOST $(BIN)/python -m tests.faults $(ARGS)

models: $(BIN)/.run ## Install the models (MODEL_MIRROR= folder or URL, else by download)
	@$(BIN)/python -m engine.models pull

reindex: $(BIN)/.run ## Rebuild the search index from the rows, while everything runs
	@$(BIN)/python -m engine.reindex

migrate migrate-head: $(BIN)/.run ## Bring the database of DATABASE_URL up to date
	@$(BIN)/python -m migrations

webhook-secret: $(BIN)/.run ## Create a new webhook signing secret; the previous one also signs for 24 hours
	@$(BIN)/python -m engine.webhooks rotate

migration: $(BIN)/.run ## A new migration from the tables (M="what changes")
	@$(BIN)/python -m migrations revision --autogenerate -m "$(M)"

admin: $(BIN)/.run ## Create the first admin; asks for a password (NAME=, EMAIL=)
	@$(BIN)/python -m api.accounts create-admin "$(NAME)" --email "$(EMAIL)"

demo: $(BIN)/.run ## A demo user with a gallery, on a running service of your own (IMAGES=folder, BASE_URL=)
	@BASE_URL=$(BASE_URL) $(BIN)/python docs/demo.py $(if $(IMAGES),"$(IMAGES)")

outlines: $(BIN)/.run ## A page with a photograph and its outlines, from a running service (IMAGE=, BASE_URL=)
	@BASE_URL=$(BASE_URL) $(BIN)/python docs/outlines.py "$(IMAGE)"

drift-report: $(BIN)/.monitoring ## Write a drift report (FILE=, MODEL=name@version)
	@$(BIN)/python -m engine.drift_report $(or $(FILE),$(DATA_DIR)/drift.html) $(if $(MODEL),--model $(MODEL))

holdings: $(BIN)/.run ## Show the content of each table and folder, and its bound (ARGS=--json for programs)
	@$(BIN)/python -m engine.holdings $(ARGS)

dead-letters: $(BIN)/.run ## Show the messages that no engine could use (ARGS=--purge deletes them)
	@$(BIN)/python -m engine.dead_letters $(ARGS)

# ---- containers

build: ## Build the images
	@$(COMPOSE) build

up start: secrets ## Start the served stack (ARGS="--scale engine=2")
	@$(COMPOSE) up -d --wait $(ARGS)

secrets: ## Create the stack's missing passwords as files in secrets/
	@sh docker/secrets.sh

down: ## Stop it (its data stay in their volumes)
	@$(COMPOSE) down

logs: ## Follow its logs
	@$(COMPOSE) logs -f

attach-db: ## A database client on the stack's MySQL
	@$(COMPOSE) exec mysql sh -c 'MYSQL_PWD=$$(cat "$$MYSQL_ROOT_PASSWORD_FILE") exec mysql -u root afterimage'

bash: ## A shell in the API's container
	@$(COMPOSE) exec api bash

bash-ai: ## A shell in the engine's container
	@$(COMPOSE) exec engine bash

# ---- the virtual environment; a stamp file an extra

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)

# Python compiles a module when it is first imported; compiling all of them here takes 14 seconds.
$(BIN)/.run: setup.cfg constraints.txt | $(BIN)/python
	@echo "installing ..."
	@$(BIN)/pip install -q --disable-pip-version-check --no-compile -c constraints.txt -e '.[api,engine]'
	@touch $@

$(BIN)/.test: $(BIN)/.run
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[api,engine,test]'
	@touch $@

$(BIN)/.check: $(BIN)/.test
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[api,engine,test,check]'
	@touch $@

$(BIN)/.monitoring: $(BIN)/.run
	@echo "installing Evidently ..."
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[api,engine,monitoring]'
	@touch $@

$(BIN)/.release: $(BIN)/.run
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[release]'
	@touch $@

# What the benchmark compares with has a virtual environment of its own.
$(VENV)/yardstick/.done: bench/yardstick/requirements.txt | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)/yardstick
	@$(VENV)/yardstick/bin/pip install -q --disable-pip-version-check -r bench/yardstick/requirements.txt
	@touch $@

$(VENV)/peers/.done: bench/peers/requirements.txt | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/pip install -q --disable-pip-version-check -r bench/peers/requirements.txt
	@touch $@

$(BIN)/.tensorflow: $(BIN)/.test
	@echo "installing TensorFlow ..."
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[tensorflow]'
	@touch $@

constraints: $(BIN)/.check ## Write the exact versions installed now to constraints.txt
	@{ head -n 2 constraints.txt; $(BIN)/pip freeze --exclude-editable; } > constraints.new && mv constraints.new constraints.txt

# The packages of the containers. LOCK does not read pip's configuration: SSL_CERT_FILE and UV_DEFAULT_INDEX are its own.
LOCK = $(BIN)/uv pip compile -q --no-config --generate-hashes --no-header --no-annotate \
	--python-version 3.11 --python-platform linux -c constraints.txt

requirements: $(BIN)/.release ## Write what the containers install, with hashes, from setup.cfg and constraints.txt
	@$(LOCK) --extra api --extra sentry -o requirements/api.txt setup.cfg
	@$(LOCK) --extra engine --extra sentry -o requirements/engine.txt setup.cfg

audit: $(BIN)/.release ## Compare what the containers install with known vulnerabilities (uses PyPI's advisory database)
	@for part in api engine; do \
	  $(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/$$part.txt || exit 1; done

sbom: $(BIN)/.release ## Write what the containers hold as CycloneDX, build/sbom-api.json and build/sbom-engine.json
	@mkdir -p build
	@for part in api engine; do \
	  $(BIN)/cyclonedx-py requirements --output-reproducible -o build/sbom-$$part.json requirements/$$part.txt || exit 1; done

clean: ## Remove the virtual environment and caches (not DATA_DIR)
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
