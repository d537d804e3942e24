# Python 3.11 or newer with venv is all it takes. The dependencies come from wherever your pip is set up to look.
PY ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check
# The requirements files name all that is installed, so that nothing is left for pip to resolve: it would take the newest
# `coverage[toml]` beside the pinned `coverage`, and refuse it for want of a hash.
PINNED = $(PIP) --no-deps --require-hashes
# As many tests at a time as tests/conftest.py tells.
TESTS = pytest --numprocesses auto --dist worksteal

.PHONY: demo help test check crash story fuzz soak mutants fix bench lock sbom audit

demo: .venv/run ## the whole thing on this machine: fake providers, real daemon, receivers that verify
	.venv/bin/python -m notifier demo

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 10

test: .venv/dev ## all tests, without the other checks
	.venv/bin/python -m $(TESTS)

check: .venv/dev ## all that must hold before a change goes in
	.venv/bin/python -m pip check
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m coverage erase
	.venv/bin/python -m coverage run -m $(TESTS)
	.venv/bin/python -m coverage combine --quiet
	.venv/bin/python -m coverage report

# With Node.js at hand, `check` has a foreign implementation of the signatures verify ours, and lets nothing skip it.
ifneq ($(and $(shell command -v node 2>/dev/null),$(shell command -v npm 2>/dev/null)),)
check: export NOTIFIER_REQUIRE_NODE = 1
check: tests/node/node_modules
endif

# The long forms of what `check` has some seconds of; what they have found so far is in docs/reliability.md. Each can be
# made longer: `make crash KILLS=5000`. So many times as long as in `check`, rounded up, is $(call times,this long,as in check).
times = $$(( ($(1) + $(2) - 1) / $(2) ))
LONG = .venv/bin/python -m pytest --timeout=0 -s
FUZZED = tests/config/test_config_silence.py tests/config/test_config_fuzz.py tests/providers/test_conformance_troubles.py \
	tests/providers/test_provider_xml.py tests/providers/test_shapes.py tests/encoding/test_encoding_question.py \
	tests/encoding/test_encoding_wish.py tests/test_api_fuzz.py
crash: KILLS = 1000
crash: .venv/dev ## a thousand kills at random moments, or KILLS=5000, and four at every named point
	NOTIFIER_LONGER=$(call times,$(KILLS),25) $(LONG) tests/test_kill.py tests/test_crash.py
story: STORIES = 3500
story: .venv/dev ## 3500 random stories, or STORIES=10000: deliveries, endpoints, and providers that misbehave
	NOTIFIER_LONGER=$(call times,$(STORIES),140) $(LONG) tests/test_story.py tests/test_lanes.py tests/test_health_story.py \
		tests/test_provider_story.py
fuzz: MINUTES = 60
fuzz: .venv/dev ## an hour, or MINUTES=120, of whatever a config, a provider, /encoding and the API may be given
	NOTIFIER_LONGER=$(call times,$(MINUTES) * 13,4) $(LONG) $(FUZZED)
soak: MINUTES = 30
soak: .venv/dev ## half an hour at a steady load, or MINUTES=600
	NOTIFIER_LONGER=$(call times,$(MINUTES) * 60,12) $(LONG) tests/test_soak.py
mutants: .venv/dev ## every small change to the core that no test of it sees
	.venv/bin/python tests/mutants.py

fix: .venv/dev ## the format, what ruff can mend, and the tables of the documents
	.venv/bin/ruff format
	.venv/bin/ruff check --fix
	.venv/bin/python tests/tables.py

bench: .venv/dev ## how fast it is, how late and how polite
	.venv/bin/python -m bench
	.venv/bin/python -m bench.polling

LOCK = uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet
lock: ## the newest versions that pyproject.toml allows; needs uv
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) pyproject.toml --group dev --output-file requirements-dev.txt
	$(LOCK) --group audit --output-file requirements-audit.txt

sbom: .venv/run ## what the daemon is made of, by the lock, as CycloneDX has it
	.venv/bin/python contrib/sbom.py > sbom.json

# What runs is among what is for the tests.
AUDITED = .venv/audit/bin/pip-audit --disable-pip --require-hashes --strict --progress-spinner off $(AUDIT)
audit: .venv/audit/bin/pip-audit ## whether a hole is known of anything that is pinned; asks PyPI, or whom AUDIT says
	$(AUDITED) -r requirements-dev.txt
	$(AUDITED) -r requirements-audit.txt

.venv/bin/pip:
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "needs Python 3.11: make PY=python3.11"; exit 1; }
	@$(PY) -m venv .venv || { echo "no venv here: sudo apt install python3-venv"; exit 1; }

.venv/run: requirements.txt | .venv/bin/pip
	$(PINNED) -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt pyproject.toml | .venv/bin/pip
	$(PINNED) -r requirements-dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/run

.venv/audit/bin/pip-audit: requirements-audit.txt | .venv/bin/pip
	@$(PY) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

tests/node/node_modules: tests/node/package-lock.json
	npm ci --prefix tests/node --loglevel=error --no-audit --no-fund
	@touch $@
