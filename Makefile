VENV ?= .venv
WORKERS ?= 1
SCALES ?= 1 10
PYTHON ?= python3
BIN = $(VENV)/bin
LUIGI = $(BIN)/luigi --module luigi_tasks
CSV = $(addprefix data/,features_attributes.csv features_financials.csv lms_loan_daily.csv feature_clickstream.csv)

.PHONY: run test test-slow bench data install lint clean

run: install data  ## everything: from nothing to the dashboard
	$(LUIGI) Pipeline --local-scheduler --workers $(WORKERS)
	$(BIN)/python -m luigi_tasks summary

test: $(VENV)/.installed-test lint  ## lint, format, types and tests
	$(BIN)/pytest -n 2 -rs -m "not slow"

test-slow: $(VENV)/.installed-test  ## a Spark cluster, a killed worker, 200 tasks on 4 workers
	$(BIN)/pytest -rs -m slow

bench: install  ## time and memory by stage; SCALES="1 10 50" are multiples of 12,500 customers
	$(BIN)/python benchmarks/bench.py $(SCALES)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/.installed

data: install  ## sample extracts, unless there are extracts
	@ls $(CSV) >/dev/null 2>&1 || $(BIN)/python -m luigi_tasks sample-data --out data

clean:  ## all outputs; the extracts stay
	rm -rf datamart/bronze datamart/silver datamart/gold datamart/quarantine
	rm -rf datamart/governance model_store reports .cache logs

$(VENV)/.installed: setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable .[test]
	touch $@
