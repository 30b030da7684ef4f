VENV ?= .venv
WORKERS ?= 1
SCALES ?= 1 10 50
PORT ?= 8082
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d " ")
PYTHON ?= python3
BIN = $(VENV)/bin
LUIGI = $(BIN)/luigi --module luigi_tasks

.DEFAULT_GOAL := help
.PHONY: help run scheduler test test-slow fuzz torture bench lint install lock data sample-data dvc-commit experiments clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: install data  ## everything: from nothing to the dashboard; WORKERS=N, SCHEDULER=http://…
	$(LUIGI) Pipeline $(if $(SCHEDULER),--scheduler-url $(SCHEDULER),--local-scheduler) \
		--workers $(WORKERS)
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/dvc commit --force --quiet; fi

# luigid takes its address from no file, and without one it listens on all of them.
scheduler: install  ## luigid for this machine alone, with its web page; PORT=8082
	mkdir -p logs
	$(BIN)/luigid --address 127.0.0.1 --port $(PORT)

test: $(VENV)/.installed-test lint  ## the checks of make lint, then the tests
	$(BIN)/pytest -n 2 -rs -m "not slow and not nightly"

test-slow: $(VENV)/.installed-test  ## every table on Spark local, on a cluster and on Connect, and more
	$(BIN)/pytest -rs -m "slow or nightly" $(ONLY)

# The seed stands in the output: SEED=N tries the same examples again.
fuzz: $(VENV)/.installed-test  ## the properties of tests/fuzz with many new examples; SEED=N
	$(BIN)/pytest -n 2 --dist load tests/fuzz --hypothesis-profile=long --hypothesis-seed=$(SEED)

bench: $(VENV)/.installed-test  ## time and memory by stage; SCALES="1 10 50" are multiples of 12,500 customers
	$(BIN)/python benchmarks/bench.py $(SCALES)

torture: install  ## kill, starve, race and damage runs, 40 min; ONLY="--only kills --kills 20"
	$(BIN)/python -m benchmarks.torture $(ONLY)

lint: $(VENV)/.installed-test  ## rules, format, types, the order of the rooms, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python -m luigi_tasks generate --check

install: $(VENV)/.installed model_store/README.md  ## the virtual environment, with the package in it

lock:  ## constraints.txt afresh: the newest versions that the bounds of pyproject.toml allow
	set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	$(PYTHON) -m venv "$$fresh"; \
	"$$fresh"/bin/pip install --quiet --editable .[catboost,s3,test,xgboost]; \
	{ echo "# All that pip install -e .[catboost,s3,test,xgboost] brings on Linux; make lock, $$($(PYTHON) -V)"; \
	"$$fresh"/bin/pip list --format freeze --exclude-editable \
		--exclude pip --exclude setuptools --exclude wheel | LC_ALL=C sort -f; } >constraints.txt

data: install  ## sample extracts, unless data/ holds a CSV file
	@ls data/*.csv data/*/*.csv 2>/dev/null | grep -q . || $(BIN)/python -m luigi_tasks sample-data --out data

sample-data: install  ## the sample extracts afresh, and the .dvc files that fit them
	$(BIN)/python -m luigi_tasks sample-data --out data --force
	$(BIN)/dvc add data/*.csv

# Luigi first: what it calls stale must not be recorded as up to date.
dvc-commit: install  ## after a run by Luigi: record its outputs in dvc.lock, without rerunning
	$(LUIGI) Pipeline --local-scheduler --workers $(WORKERS)
	$(BIN)/dvc commit --force --quiet

# Of the metrics those that people compare, and no digests of files.
experiments: install  ## the experiments side by side: what differs in settings and main metrics
	@$(BIN)/dvc exp show --no-pager --only-changed --drop '.*/|model_store|.*\.unseen' \
		--drop 'book\.live\.(?!(auc|ks|brier|calibration_gap)$$)|candidates\.[^.]*\.(?!auc$$)'

clean: model_store/README.md  ## all outputs; the extracts, the audit trail and the marker stay
	rm -rf datamart/bronze datamart/silver datamart/gold datamart/quarantine .cache logs
	find model_store $(wildcard reports) -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

$(VENV)/.installed: setup.py pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .[s3,test]
	touch $@

# Not in git: DVC versions model_store whole, and refuses an output in which git holds a file.
model_store/README.md:
	@mkdir -p $(@D)
	@echo "Here lie best_model_N.pkl, label_encoders_N.pkl and model_metadata_N.json" \
		"of every generation N, and in candidates/ what they were chosen from." >$@
