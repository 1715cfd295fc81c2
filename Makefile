# The commands of the project. All but `unit` work on a bare machine with Python 3.11-3.13, pip and git.
# What they make lies in .sandbox/, which can be deleted at any time.

PYTHON ?= python3
export PYTHON
RUN = $(PYTHON) -m sandbox.bootstrap
HOSTS ?=
ARGS ?=
SECONDS ?= 60
SEED ?=

.PHONY: help demo shop test unit readme messages lint format bench soak pg clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    a real shop tells the loyalty story over HTTP and checks every figure"
	@echo "make shop    the same shop, left running, with logins and queries to paste"
	@echo "make test    the suite on Saleor 2.10.1 and on every 3.x under SALEOR_HOME (~/saleor)"
	@echo "             JOBS=n so many versions at once (as many as there are processors)"
	@echo "             SCHEMA=migrations makes the tables by all of Saleor's migrations (slow)"
	@echo "make unit    the tests that need no database and no Saleor, in seconds"
	@echo "make lint    ruff and mypy"
	@echo "make readme  put the last results and the last story into the README"
	@echo "make messages  compile the translations in saleor_retention/locale"
	@echo "make format  let ruff rewrite the layout"
	@echo "make bench   the benchmarks"
	@echo "make soak    processes, connections and the database die while points move: SECONDS=600 SEED=7"
	@echo "make pg      keep PostgreSQL running between runs; make clean stops it"
	@echo
	@echo "One file on one Saleor:     make test HOSTS=3.23 ARGS=\"tests/integration/test_x.py -x\""
	@echo "The same as a script:       python3 sandbox/pytest_on.py 3.23 tests/integration/test_x.py -x"
	@echo "A Django command:           python3 sandbox/manage_on.py 3.23 makemigrations saleor_retention --check"
	@echo "A server of your own:       DATABASE_URL=postgres://user:password@localhost/postgres make test"

demo shop pg clean messages:
	@$(RUN) $@

test:
	@$(RUN) test --hosts "$(HOSTS)" -- $(ARGS)

bench:
	@$(RUN) bench --hosts "$(HOSTS)" -- $(ARGS)

soak:
	@$(RUN) soak --hosts "$(HOSTS)" -- --seconds "$(SECONDS)" $(if $(SEED),--seed "$(SEED)") $(ARGS)

unit:
	@$(RUN) unit -- $(ARGS)

readme:
	@$(RUN) readme

lint:
	@$(RUN) lint

format:
	@$(RUN) lint --fix
