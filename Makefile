# Two commands: `make demo` shows what Rheostat does, `make test` proves it. Both set up .venv alone.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: install demo test hosts test-hosts lint bench

install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/python tools/demo.py

test: $(READY)
	$(BIN)/python -m pytest -m 'not host'

hosts: $(READY)
	tools/hosts build

test-hosts: hosts
	tools/hosts test

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file plugins/mypy.ini
	MYPYPATH=plugins/krita $(BIN)/mypy --config-file plugins/mypy.ini -p rheostat

bench: $(READY)
	$(BIN)/python -m benchmarks.render
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.sizes
