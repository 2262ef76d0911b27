# Everything starts here; `make` alone lists what there is. Each target sets up what it needs by itself.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PY := .venv/bin/python

COMMA := ,
# The conformance suite looks at other users' processes: who is not root runs every fault on Docker alone.
ENGINES_TESTED := $(if $(filter 0,$(shell id -u)),compose$(COMMA)process,compose)
COMMAND_TESTS := tests/integration/test_system_of_commands.py
ENGINE_TESTS := $(if $(filter 0,$(shell id -u)),tests/conformance,tests/conformance/test_every_fault.py) $(COMMAND_TESTS)
# About half of the time of the tests of foreign systems.
TRIAL_TESTS := $(addprefix tests/systems/,test_trial.py test_try_jobs.py test_doors_agree.py)

.DEFAULT_GOAL := help
.PHONY: help setup python venv dev images demo examples test lint docs simulate fuzz conformance hosts prove-receipts prove-examples prove-anchors example-defects two-terminals system-rounds mutants judge-claims judge-outside bench clean lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r t d; do printf '  make %-13s %s\n' "$$t" "$$d"; done

python:
	@[ -n "$(PYTHON)" ] || { echo "stormlab: no Python 3.11 or newer found. Install one (apt-get install python3), or name it: make setup PYTHON=/path/to/python3" >&2; exit 70; }

venv: python
	@$(PYTHON) driver/machine/virtualenv.py

dev: python ## the packages of tests and linters in .venv, beside those that the lab itself needs
	@$(PYTHON) driver/machine/virtualenv.py dev

setup: venv ## make this machine ready: .venv, a Docker engine that answers, base images
	@$(PY) lab.py setup

images: setup
	@echo "stormlab: building the images"
	@$(PY) lab.py build

demo: venv ## the whole lab once: 20 workers, a thundering herd, a verdict and a report; on Docker if it can be had, else on processes
	@engine=$${STORMLAB_ENGINE:-}; why="as STORMLAB_ENGINE says"; \
	if [ -z "$$engine" ]; then \
		if $(PY) lab.py setup; then engine=compose; why="since a Docker engine answers"; \
		else engine=process; why="since no Docker engine can be had here (see above)"; fi; \
	fi; \
	echo "stormlab: the demo runs on the engine $$engine, $$why"; \
	$(PY) lab.py scenario thundering_herd --workers 20 --duration 60 --engine $$engine

examples: setup ## the images of examples/, from Debian's packages where no registry answers
	@$(PY) -m driver.machine.example_images

lint: dev ## ruff, mypy --strict, spelling
	@echo "stormlab: ruff, mypy and codespell"
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/codespell

docs: dev ## write the pages that are made from the code, and the docs site in build/site, without the network
	@$(PY) -m docs.generate
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict
	@echo "stormlab: look at it with: $(PY) -m http.server --directory build/site --bind 127.0.0.1"

test: lint images ## every test: lint, Go, unit, simulation, integration, end to end on real containers
	@echo "stormlab: the Go tests of chaos/toxiproxy"
	@set -a; . .stormlab/machine.env; docker buildx build --network host --target test --progress plain \
		--build-arg GO_BASE --secret id=ca,src=$$STORMLAB_CA --secret id=build_env,src=$$STORMLAB_BUILD_ENV chaos/toxiproxy
	@echo "stormlab: the Go tests of the outside judge"
	@set -a; . .stormlab/machine.env; docker buildx build --network host --target test --progress plain \
		--build-arg GO_BASE --secret id=ca,src=$$STORMLAB_CA --secret id=build_env,src=$$STORMLAB_BUILD_ENV tests/outside_judge/checker
	@$(PY) -m driver.machine.browser
	@echo "stormlab: the Python tests, unit and simulation, a process for each core (some minutes)"
	@$(PY) -m pytest -n auto --dist loadfile --ignore=tests/integration --ignore=tests/e2e --ignore=tests/systems --ignore=tests/conformance --ignore=tests/hosts
	@echo "stormlab: the Python tests on real containers and processes: foreign systems, engines, the lab, side by side (some minutes)"
	@mkdir -p build; beside() { $(PY) -m pytest "$${@:2}" >build/$$1.log 2>&1 & }; \
		trap 'kill $$trials $$systems $$engines' INT TERM; \
		beside trials $(TRIAL_TESTS) tests/integration --ignore=$(COMMAND_TESTS); trials=$$!; \
		beside systems tests/systems $(TRIAL_TESTS:%=--ignore=%); systems=$$!; \
		STORMLAB_CONFORMANCE=$(ENGINES_TESTED) beside engines $(ENGINE_TESTS); engines=$$!; \
		$(PY) -m pytest tests/e2e; failed=$$?; \
		for one in $$engines $$systems $$trials; do wait $$one || failed=1; done; \
		cat build/engines.log build/systems.log build/trials.log; exit $$failed

simulate: dev ## histories of trouble under a virtual clock: make simulate SEEDS=10000 FIRST=0
	@$(PY) -m tests.simulation --first $${FIRST:-0} --seeds $${SEEDS:-1000}

fuzz: dev ## a million hostile inputs against a live coordinator, with good workers beside it (some minutes)
	@$(PY) -m tests.fuzz --live 1000000 --keep

conformance: dev images ## one suite on every engine that answers here, as root; ENGINES=compose,process must all answer (some minutes for each)
	@STORMLAB_CONFORMANCE=$(ENGINES) $(PY) -m tests.conformance --write

hosts: dev images ## runs and the conformance suite on three Docker hosts in namespaces of this machine, as root (some minutes)
	@$(PY) -m pytest tests/hosts
	@$(PY) -m tests.hosts.conformance

prove-receipts: dev images ## captures of packets must find a thousand receipts of every kind true (hours; EACH=2 is a minute)
	@$(PY) -m tests.captures --each $${EACH:-1000} --copies $${COPIES:-1} --write

prove-examples: dev images ## every link fault of the catalogue has its receipt on each example system (some minutes)
	@$(PY) -m tests.example_faults --write

prove-anchors: dev images ## a fault with an anchor strikes at the same byte in a thousand of a thousand repeats (some minutes)
	@$(PY) -m tests.anchored_faults --write

example-defects: dev images ## defects in the code of examples/, each before the scenario that must catch it, and healthy runs (two hours; ONLY=jobs; go on: RESUME=1)
	@$(PY) -m tests.example_defects $(if $(ONLY),--only $(ONLY)) $(if $(RESUME),--resume)

two-terminals: dev images ## pairs of commands at once on one lab, drawn by a seed: PAIRS=20 SEED=1 (some minutes)
	@$(PY) -m tests.two_terminals --pairs $${PAIRS:-20} --seed $${SEED:-1} --write

system-rounds: dev images ## a system behind doors up and down 50 times, commands killed among them: nothing is left (some minutes)
	@$(PY) -m tests.system_rounds --rounds $${ROUNDS:-50} --seed $${SEED:-1} --write

mutants: dev ## known defects, and DRAWN=500 that a seed draws (SEED=1; go on: RESUME=1), in a copy of the code: are they caught? (hours)
	@$(PY) -m tests.mutants
	@$(PY) -m tests.mutants.drawn --count $${DRAWN:-500} --seed $${SEED:-1} $(if $(RESUME),--resume)

judge-claims: dev ## judge 10,000 generated histories of foreign systems by both judges: they must agree (a minute or two)
	@$(PY) -m tests.second_judge.claims_agreement --histories $${HISTORIES:-10000} --write

judge-outside: dev setup ## ask our checks and Porcupine about 10,000 histories: they must agree (some minutes)
	@$(PY) -m tests.outside_judge agree --write

bench: dev $(if $(filter lab up faults,$(ONLY)),images) ## the benchmarks, each row beside its baseline, and their page (one: make bench ONLY=storm)
	@$(PYTHON) driver/machine/virtualenv.py bench
	@$(PY) -m driver.machine.redis_server
	@$(if $(or $(if $(ONLY),,all),$(filter judge,$(ONLY))),$(PY) -m driver.machine.browser)
	@$(PY) -m benchmarks $(ONLY)

lock: ## pin the newest versions anew (needs uv: pip install uv, and npm)
	@for f in requirements requirements-dev requirements-bench containers; do \
		v=3.11; [ $$f != containers ] || v=3.13; \
		uv pip compile -q --upgrade --universal --python-version $$v --generate-hashes --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links $$f.in -o $$f.lock || exit 1; \
		sed -i "1i # Pinned with hashes from $$f.in by \`make lock\`. Don't edit." $$f.lock; \
	done
	@for f in examples/*/requirements.in; do \
		uv pip compile -q --upgrade --universal --python-version 3.13 --generate-hashes --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links $$f -o $${f%.in}.txt || exit 1; \
		sed -i "1i # Pinned with hashes from requirements.in by \`make lock\`. Don't edit." $${f%.in}.txt; \
	done
	@for f in examples/*/package.json; do (cd $${f%/*} && npm update --package-lock-only --no-audit --no-fund) || exit 1; done

clean: ## take the lab down, and remove .venv, caches and what the set-up noted (results/ stay)
	@if [ -x $(PY) ] && [ -f lab.py ]; then $(PY) lab.py down || true; fi
	@[ ! -f .env ] || { sed -i '/^COMPOSE_PROJECT_NAME=stormlab-[0-9a-f]\{6\}$$/d' .env; [ -s .env ] || rm .env; }
	@rm -rf .venv .stormlab .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
