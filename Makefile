# What a person types. `make run` and `make test` create what they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run listen test test-long pythons go-clients conformance bench path attack fuzz screenshots lint format lock audit clean

run: $(VENV)/.run
	SIMULATOR_FALLBACK=1 REDIS_URL=memory:// exec $(BIN)/gunicorn -k geventwebsocket -w 1 app:app

listen: $(VENV)/.run
	$(BIN)/python listener.py

# The tests start Python some hundred times: what it compiled is kept, whatever the environment says.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/.test tests/npm/node_modules
	$(BIN)/python -m pytest -m "not long"

# The rest: soaks, and what repeats in another setting what the tests above prove; tests/long.py says what is in it.
test-long: export PYTHONDONTWRITEBYTECODE :=
test-long: $(VENV)/.test tests/npm/node_modules
	$(BIN)/python -m pytest -m long

# All of them on every Python that is here, each in an environment of its own; PYTHONS names others.
PYTHONS ?= python3.11 python3.12 python3.13 python3.14
pythons:
	@for each in $(PYTHONS); do \
		version=$$($$each -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) \
			|| { echo "$$each is not here."; continue; }; \
		echo "Python $$version:"; \
		$(MAKE) --no-print-directory test test-long PYTHON=$$each VENV=.venv/pythons/$$version || exit 1; \
	done

conformance: $(VENV)/.test
	$(BIN)/python -m tests.conformance

# The clients of Go that tests/test_clients.py runs where they are built.
go-clients:
	cd tests/clients/go && go build -o clients .

# A short look. `python -m bench.run --help` has more.
bench: $(VENV)/.bench bench/competitors/node_modules
	$(BIN)/python -m bench.run --rounds 1 --seconds 3 --cases hot,hot-ws,market,filtered

# The stranger's path: a fresh clone, every deployment, each proxy, a rolling restart, alerts, `relay check`.
path: $(VENV)/.bench
	$(BIN)/python -m bench.path

# What strangers can do to a worker, and what others notice of it. `python -m bench.attack --help` has more.
attack: $(VENV)/.run
	$(BIN)/python -m bench.attack --table

# Inputs that break what must hold, ten minutes for each reader; SECONDS=30 is a look.
fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),600)

# docs/screenshots/*.png, of a simulator's prices.
screenshots: $(VENV)/.test
	$(BIN)/python -m docs.screenshots.take

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# requirements.lock: every package that requirements.txt leads to, with its hashes, for any platform.
lock: $(VENV)/.tools
	$(VENV)/tools/bin/uv pip compile --universal --generate-hashes --python-version 3.11 --no-header \
		--no-emit-index-url --quiet requirements.txt -o requirements.lock

# Known vulnerabilities of what the lock names. It needs the advisories in PyPI's JSON interface, which a mirror
# may lack: --strict fails where a package was not found there, and so was not looked at.
audit: $(VENV)/.tools
	$(VENV)/tools/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

$(VENV)/.tools: $(VENV)/.run
	$(PYTHON) -m venv $(VENV)/tools
	$(VENV)/tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 pip-audit==2.10.1
	touch $@

clean:
	rm -rf $(VENV) fuzz bench/competitors/node_modules tests/npm/node_modules .pytest_cache .mypy_cache .ruff_cache

$(VENV)/.run: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 run") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

$(VENV)/.bench: $(VENV)/.run bench/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	touch $@

bench/competitors/node_modules: bench/competitors/package-lock.json
	@npm ci --silent --prefix bench/competitors && touch $@ || echo "npm does not work here: the Node competitor is left out."

tests/npm/node_modules: tests/npm/package-lock.json
	@npm ci --silent --prefix tests/npm && touch $@ || echo "npm does not work here: the tests of types and bundles are skipped."
