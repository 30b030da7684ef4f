VENV ?= .venv
WORKERS ?= 1
SCALES ?= 1 10 50
PYTHON ?= python3
BIN = $(VENV)/bin
LUIGI = $(BIN)/luigi --module luigi_tasks
CSV = $(addprefix data/,features_attributes.csv features_financials.csv lms_loan_daily.csv feature_clickstream.csv)

.PHONY: run test test-slow bench data sample-data dvc-commit install lint clean

run: install data  ## everything: from nothing to the dashboard
	$(LUIGI) Pipeline --local-scheduler --workers $(WORKERS)
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(MAKE) --no-print-directory dvc-commit; fi
	$(BIN)/python -m luigi_tasks summary

test: $(VENV)/.installed-test lint  ## lint, format, types and tests
	$(BIN)/pytest -n 2 -rs -m "not slow"

test-slow: $(VENV)/.installed-test  ## every table on Spark local, on a cluster and on Connect, and more
	$(BIN)/pytest -rs -m slow $(ONLY)

bench: install  ## time and memory by stage; SCALES="1 10 50" are multiples of 12,500 customers
	$(BIN)/python benchmarks/bench.py $(SCALES)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/.installed

data: install  ## sample extracts, unless there are extracts
	@ls $(CSV) >/dev/null 2>&1 || $(BIN)/python -m luigi_tasks sample-data --out data

sample-data: install  ## the sample extracts afresh, and the .dvc files that fit them
	$(BIN)/python -m luigi_tasks sample-data --out data --force
	$(BIN)/dvc add $(CSV)

# Luigi first: what it calls stale must not be recorded as up to date.
dvc-commit: install  ## after a run by Luigi: record its outputs in dvc.lock, without rerunning
	$(LUIGI) Pipeline --local-scheduler --workers $(WORKERS)
	$(BIN)/dvc commit --force --quiet

clean:  ## all outputs; the extracts, the audit trail and the marker stay
	rm -rf datamart/bronze datamart/silver datamart/gold datamart/quarantine
	rm -rf model_store reports .cache logs

$(VENV)/.installed: setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable .[test]
	touch $@
