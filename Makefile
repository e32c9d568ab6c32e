# Lamplight: `make demo` runs the whole way on this machine, `make test` proves it. Both install what they need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NO_UPDATE_NOTIFIER := 1

DOCUMENTS := mkdocs.yml $(shell find docs -type f)

.PHONY: help demo docs test faults lint fmt screenshots bench fuzz fuzz-engine fuzz-api client sandbox flow run lock clean chromium redis faketime prometheus bench-contracts mutate-contracts

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# --- installing: hash-checked, repeated only when the lock files change -----------------------------------
# uv installs in seconds what takes pip a minute; where it can't be had, pip does the same work.
define install
	@{ $(BIN)/python -m pip install --quiet --require-hashes -r .ci/uv.txt 2>/dev/null \
	  && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1); } \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r $(1)
endef

.venv/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Lamplight needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@echo "Installing the Python packages (once, hash-checked)…"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call install,requirements.txt)
	@touch $@

.venv/dev: requirements-dev.txt .venv/runtime
	@echo "Installing the test and lint tools (once, hash-checked)…"
	$(call install,requirements-dev.txt)
	@touch $@

node_modules/.runtime: package-lock.json
	@echo "Installing the local chain (once)…"
	@npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

node_modules/.dev: package-lock.json
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@ node_modules/.runtime

# Programs of Debian's that the tests need: (1) the program, (2) its package, (3) who needs it.
define debian
	@command -v $(1) >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq >/dev/null \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(2) >/dev/null; } \
	  || { echo "The tests of $(3) need $(2): apt-get install $(2)"; exit 1; }
endef

chromium:
	$(call debian,chromium,chromium,pages)

redis:
	$(call debian,redis-server,redis-server,the deployment)

faketime:
	$(call debian,faketime,faketime,clocks that are set back)

prometheus:
	$(call debian,promtool,prometheus,alarms and dashboards)

# --- what people use --------------------------------------------------------------------------------------------
demo: .venv/runtime node_modules/.runtime ## the whole way on a local chain: quotes, scores, an approved root, a claim
	@[ ! -x $(BIN)/mkdocs ] || $(MAKE) --no-print-directory site/index.html \
	  || echo "The documentation could not be built; the demo goes on without it."
	@$(BIN)/python manage.py demo $(ARGS)

sandbox: .venv/runtime node_modules/.runtime ## a made-up market that your own bot quotes in (ARGS="--account 0x…")
	@$(BIN)/python manage.py sandbox $(ARGS)

run: .venv/runtime node_modules/.runtime ## web, worker, beat and the head's follower with your settings (.env), embedded where unset
	@$(BIN)/python manage.py run $(ARGS)

flow: .venv/dev node_modules/.runtime ## real order flow the whole way (ARGS="--events 22000" or all)
	@$(BIN)/python manage.py flow $(ARGS)

# Most tests wait more than they work, so three at a time; a file's tests stay together, for they share what it starts.
WORKERS ?= 3
test: .venv/dev node_modules/.dev chromium redis prometheus faketime ## every test (ARGS="-k name" for some, WORKERS=4 for more at a time)
	@# Compiled and kept once, not by each of them at the same time.
	@$(BIN)/python -m rewards.engine score tests/vectors/bundles/1 >/dev/null
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

faults: .venv/dev node_modules/.runtime redis faketime ## lying nodes, reorgs, kills, restarts, full disks, clocks in their full counts (docs/faults.md); log: .lamplight/faults.log
	@$(BIN)/python -m rewards.engine score tests/vectors/bundles/1 >/dev/null
	@mkdir -p .lamplight && FAULTS=full $(BIN)/python -m pytest tests/faults -v --timeout=3600 --durations=0 $(ARGS) | tee .lamplight/faults.log

lint: .venv/dev node_modules/.runtime ## ruff, mypy, import contracts, migrations, artefacts that match their sources, known faults of packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy rewards onchain accounts audit config
	cd clients/python && ../../$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m onchain.contracts.build --check
	$(BIN)/python .ci/known_faults.py

docs: .venv/dev ## build the documentation from docs/ into site/; the application serves it under /docs/
	@$(MAKE) --no-print-directory site/index.html

# Beside the old one until it is whole, for whoever reads meanwhile.
site/index.html: $(DOCUMENTS)
	@rm -rf site.new && $(BIN)/mkdocs build --quiet --strict --site-dir site.new
	@$(BIN)/python -m whitenoise.compress --quiet site.new
	@rm -rf site && mv site.new site

fmt: .venv/dev ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

screenshots: .venv/dev chromium site/index.html ## pictures of every page, phone and desk, by day and night (ARGS="--stress --only programme")
	@$(BIN)/python tests/e2e/screenshots.py $(ARGS)

bench: .venv/dev node_modules/.dev ## the measured figures, printed as tables
	@$(BIN)/python -m tests.bench $(ARGS)

fuzz-engine: .venv/dev ## compare the engine with its reference on epochs of many seeds (SEEDS="0 1000")
	@NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=.venv/numba-checked $(BIN)/python -m tests.engine.fuzz $(or $(SEEDS),0 1000)

fuzz-api: .venv/dev ## ask the API for all that its description allows and forbids, 2,000 times as each of three roles (CASES=2000)
	@FUZZ_API_CASES=$(or $(CASES),2000) $(BIN)/python -m pytest tests/api/test_fuzzed.py -q --timeout=7200 --show-capture=no

fuzz: fuzz-engine fuzz-api ## both of the above

client: .venv/dev ## write the Python client's rows and routes anew from the API's description
	@mkdir -p .lamplight && $(BIN)/python manage.py spectacular --format openapi-json --file .lamplight/openapi.json
	@$(BIN)/python clients/python/generate.py .lamplight/openapi.json clients/python/lamplight_client
	@$(BIN)/ruff format --quiet clients/python/lamplight_client

bench-contracts: .venv/dev node_modules/.dev ## 200,000 random calls of the distributor, 10,000 trees with other libraries
	@$(BIN)/python -W ignore -m tests.contracts.machine --calls 200000 $(ARGS)
	@$(BIN)/python -W ignore -m tests.contracts.differential --trees 10000

mutate-contracts: .venv/dev node_modules/.dev ## without each line that defends a guarantee a test of the distributor fails
	@$(BIN)/python -m tests.contracts.mutate $(ARGS)

LOCK := uv pip compile --quiet --python-version 3.11 --exclude-newer "$$(date -d '7 days ago' +%F)" --generate-hashes --no-header pyproject.toml

lock: ## work out the locked versions again (needs uv; nothing younger than a week)
	$(LOCK) --extra dev --extra production -o requirements-dev.txt
	$(LOCK) -c requirements-dev.txt --extra production -o requirements-production.txt
	$(LOCK) -c requirements-dev.txt -o requirements.txt
	npm install --package-lock-only --ignore-scripts

clean: ## remove what was installed and all local data
	rm -rf .venv node_modules .lamplight staticfiles site .pytest_cache .mypy_cache .ruff_cache
