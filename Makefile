# Every target sets up what it needs; a set-up that is done already costs no time. `make help` lists all.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test setup dev check lint fast ci bench lock clean journeys storms chaos chaos-short failpoints mutants \
  interleavings interleavings-short month month-short

VENV := .venv
PY := $(VENV)/bin/python
RUN_STAMP := $(VENV)/.run-requirements
DEV_STAMP := $(VENV)/.dev-requirements
CODE := $(wildcard smsbot consent conversations appointments integrations privacy reports webhooks api dashboard public \
  simulator commands scripts bench wsgi.py worker.py scheduler.py manage.py)
# What `make check` runs of the tests, the slow ones left out: the floors, the rules of consent, one text's whole way.
FAST := tests/architecture tests/spine \
  $(addprefix tests/smsbot/test_,crypto.py masking.py segments.py signatures.py texts.py) \
  $(addprefix tests/consent/test_,gate.py permits.py policy.py state.py wishes.py words.py) \
  $(addprefix tests/conversations/test_,delivery.py intake.py outbox.py replies.py)
# Targets that `make ci` runs after lint and test, as soon as they exist.
LATER := storms chaos-short interleavings-short month-short journeys

# A virtual environment that does not run (its Python is gone, or it was never finished) is as good as none.
ifneq ($(shell $(PY) -c 'import pip' >/dev/null 2>&1 && echo works),works)
  $(shell rm -f $(RUN_STAMP) $(DEV_STAMP))
endif

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(RUN_STAMP) ## set up and run everything here, with the demo; Ctrl-C stops it
	@exec $(PY) manage.py up

test: $(DEV_STAMP) ## set up and run the whole test suite
	@$(PY) -m pytest -n 3 --dist worksteal

setup: $(RUN_STAMP) ## the set-up alone
	@echo "ready: $(PY) manage.py --help"

dev: $(DEV_STAMP)

check: lint fast ## lint, types, floors and the fast tests

lint: $(DEV_STAMP)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy $(CODE)
	@$(PY) scripts/suppressions.py .

fast: $(DEV_STAMP)
	@$(PY) -m pytest -n 2 --dist worksteal -m "not slow" $(FAST)

ci: lint test $(LATER) ## what CI runs

storms: $(DEV_STAMP) ## STOP against 500 replies in flight, ten seeded storms
	@$(PY) -m pytest tests/races/storms.py -q -s

journeys: $(DEV_STAMP) ## a lead and an agent in a real browser, and every page at two widths, light and dark
	@CHROMIUM=$$($(PY) -m scripts.browser) && export CHROMIUM && $(PY) -m pytest tests/journeys -s

SEED ?= 1
SECONDS_OF_CHAOS := $(if $(filter environment% command%,$(origin SECONDS)),$(SECONDS),60)

chaos: $(DEV_STAMP) ## kill, pause and restart everything while leads text: make chaos SEED=7 SECONDS=120
	@$(PY) -m tests.chaos --seed $(SEED) --seconds $(SECONDS_OF_CHAOS)

failpoints: $(DEV_STAMP) ## kill and fail a process at every named step, one after the other
	@$(PY) -m tests.chaos.failpoints

mutants: $(DEV_STAMP) ## break the product on purpose, one promise at a time: each has to be noticed
	@$(PY) -m tests.chaos.mutants

chaos-short: $(DEV_STAMP)
	@$(PY) -m tests.chaos --seed 1 --seconds 40

interleavings: $(DEV_STAMP) ## ten thousand leads in random order, judged from outside, and the sabotages that this notices
	@$(PY) -m tests.interleavings --jobs 2
	@$(PY) -m tests.interleavings.mutants

interleavings-short: $(DEV_STAMP)
	@$(PY) -m tests.interleavings --worlds 6 --jobs 2

month: $(DEV_STAMP) ## thirty days of two businesses' traffic in a few minutes, judged from outside and by `consent check`
	@$(PY) -m tests.month

month-short: $(DEV_STAMP)
	@$(PY) -m tests.month --days 5

bench: $(DEV_STAMP) ## every bench, about twelve minutes; bench-accept, bench-burst, bench-latency, bench-gate, bench-passport, bench-live each alone
	@for one in accept burst latency gate passport live; do echo "== $$one"; $(PY) -m bench.$$one || failed=1; done; test -z "$$failed"

bench-%: $(DEV_STAMP)
	@$(PY) -m bench.$* $(ARGS)

lock: $(DEV_STAMP) ## write the lock files anew from requirements*.in
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" requirements.in -o requirements.txt
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt

clean: ## remove the virtual environment and caches; the data in .smsbot stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# With an empty HOME pip would put its cache beside us. A user's or a shell's own settings must not change what we get.
PIP = env -u PYTHONHOME -u PYTHONPATH -u PIP_USER -u PIP_TARGET -u PIP_PREFIX $(PY) -m pip --disable-pip-version-check \
  --no-input --quiet $$(test -n "$${HOME:-}" || echo --no-cache-dir) install --require-hashes

$(RUN_STAMP): requirements.txt
	@$(MAKE_VENV)
	@echo "installing what smsbot needs, this takes a minute the first time"
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(RUN_STAMP)
	@echo "installing what the tests need"
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@

define MAKE_VENV
if ! $(PY) -c 'import pip' >/dev/null 2>&1; then \
  found=; seen=; \
  for candidate in $${PYTHON:-} python3.11 python3.12 python3 python; do \
    version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
    seen="$$seen $$candidate=$$version"; \
    case "$$version" in 3.11|3.12) found=$$candidate; break;; esac; \
  done; \
  if test -z "$$found"; then \
    echo "smsbot needs Python 3.11 or 3.12 (found:$${seen:- none}): install one, or name it: make PYTHON=/path/to/python3.11" >&2; \
    exit 2; \
  fi; \
  env -u PYTHONHOME -u PYTHONPATH "$$found" -m venv --clear $(VENV) || { \
    echo "$$found cannot make a virtual environment: install its venv package (Debian: python3-venv)" >&2; exit 2; }; \
fi
endef
