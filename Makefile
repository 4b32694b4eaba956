# Everything a person or CI types. `make setup` makes .venv from the lock file; nothing else needs to be installed by hand.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK := requirements/dev.txt
# Every extra but kerberos, which is compiled against the headers of MIT Kerberos and has a lock file of its own.
EXTRAS := --extra credssp --extra keyring --extra postgres --extra rehearsal
KERBEROS := requirements/kerberos.txt
KERBEROS_STAMP := $(VENV)/.kerberos
PIN := $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header
# Debian packages with the real servers that the tests talk to; see docs/how-to/develop.md.
DEBIAN := samba smbclient openssh-server openssh-client openipmi ipmitool freeipmi-tools postgresql redis-server \
	krb5-kdc krb5-admin-server libkrb5-dev gcc python3-dev
# Every file with a main is a benchmark; the others are what they are made of.
BENCHES := $(patsubst bench/%.py,%,$(shell grep -l '^def main() ->' bench/*.py))
TESTS ?= tests
DEMO ?=

.PHONY: setup servers demo check test bench lock docs clean help

help:  ## Show what can be made.
	@grep -E '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(STAMP) $(KERBEROS_STAMP)  ## Make the virtual environment.

$(STAMP): $(LOCK) pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCK)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(KERBEROS_STAMP): $(STAMP) $(KERBEROS)
	@sh .ci/kerberos $(BIN)/pip $(KERBEROS) $@

servers:  ## Install the real servers for the tests where that is permitted, else say which are missing.
	@sh .ci/servers $(DEBIAN)

demo: $(STAMP)  ## Repair a simulated crash-looping fleet on this machine.
	$(BIN)/unloop demo $(DEMO)

check: setup  ## Format, lint, types, layers, generated docs.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/figures.py --check

test: servers  ## Run every test; real servers are skipped where they are missing, and demanded in CI.
	@$(MAKE) --no-print-directory setup
	$(BIN)/pytest $(TESTS) -n 2 --dist loadgroup

bench: $(BENCHES:%=bench-%)  ## Run every benchmark, one after the other; each writes bench/results/NAME.json.

bench-%: setup  ## Run one: make bench-fleet, bench-storm …; docs/benchmarks.md says what each measures.
	@test -n "$(filter $*,$(BENCHES))" || { echo "$* is none of: $(BENCHES)"; exit 2; }
	$(BIN)/python bench/$*.py

.NOTPARALLEL: bench

docs: setup  ## Write the generated reference pages anew, and the figures of the benchmarks.
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/figures.py

lock:  ## Pin every dependency anew, with hashes.
	$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet uv
	$(PIN) $(EXTRAS) --group dev pyproject.toml --output-file $(LOCK)
	echo 'pyspnego[kerberos]' | $(PIN) --constraint $(LOCK) - --output-file $(KERBEROS)

clean:  ## Remove everything that make made.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache demo
