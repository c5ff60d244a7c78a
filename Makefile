# Two commands: `make demo` shows what Rheostat does, `make test` proves it. Both set up .venv alone.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: install demo test hosts test-hosts test-gimp test-krita lint bench

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

# Each has a root, a network and processes of its own: `make --jobs 2` runs both at once.
test-hosts: test-gimp test-krita

test-gimp: hosts
	tools/hosts test -k gimp

test-krita: hosts
	tools/hosts test -k 'not gimp'

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
