# Every target says what it does in `make help`. The work is done in devcloud/ and by the tools; nothing is decided here.

PYTHON ?= python3
VENV := .venv/bin
DEV := $(VENV)/python -m devcloud
# What the end-to-end tests run on: a development cloud of their own, so that they never touch the one you live in.
TEST_DEV_DIR := build/test-cloud
SERVICES := tests/cluster tests/attacks tests/admission
PYTEST := $(VENV)/pytest

.DEFAULT_GOAL := help
.PHONY: help environment demo up down status logs reset test lint test-unit test-cluster test-services test-parts soak soak-services soak-parts mutants crds requirements clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment:
	@$(PYTHON) -m devcloud.bootstrap

demo: environment ## a cloud service's whole life on real control planes, each step verified; report in build/demo/
	@$(DEV) demo

up: environment ## start the development cloud (state in .dev/ or $GOVCLOUD_DEV_DIR)
	@$(DEV) up

down: environment ## end what `make up` started; the data stays
	@$(DEV) down

status: environment ## what runs and where; exit code 2 when not all of it does (make turns every failure into 2)
	@$(DEV) status

logs: environment ## the end of every log; one of them with NAME=controller
	@$(DEV) logs $(NAME)

reset: environment ## fresh databases and controller state, in seconds
	@$(DEV) reset

test: lint test-unit test-cluster ## everything that must pass before a change goes in

lint: environment ## style, types, and which part may import which
	@$(VENV)/ruff check .
	@$(VENV)/mypy
	@$(VENV)/mypy --follow-imports=silent devcloud/*.py devcloud/demo/*.py
	@$(VENV)/mypy --config-file devcloud/openstack/mypy.ini
	@PYTHONPATH=operator:. $(VENV)/lint-imports

test-unit: environment ## units and contracts; needs no control plane, takes seconds
	@mkdir -p build
	@$(PYTEST) -m "not cluster and not soak" -n 2 --dist worksteal --junit-xml=build/test-unit.xml

test-cluster: environment ## end to end, on two development clouds side by side
	@mkdir -p build
	@$(MAKE) --no-print-directory --keep-going -j2 test-services test-parts

# The end of a pipe must not hide how its beginning ended.
test-services test-parts soak-services soak-parts: SHELL := /bin/bash
test-services test-parts soak-services soak-parts: .SHELLFLAGS := -o pipefail -c

test-services: environment ## the half of it that works on requests, with the controller
	@mkdir -p build
	@GOVCLOUD_DEV_DIR=$(TEST_DEV_DIR) $(DEV) run -- $(PYTEST) $(SERVICES) -m "cluster and not soak" \
	  --junit-xml=build/test-services.xml 2>&1 | sed -u 's/^/[services] /'

test-parts: environment ## the other half: provider, engine, backups, the development cloud itself
	@mkdir -p build
	@GOVCLOUD_DEV_DIR=$(TEST_DEV_DIR)-parts $(DEV) run -- $(PYTEST) $(addprefix --ignore=,$(SERVICES)) -m "cluster and not soak" \
	  --junit-xml=build/test-parts.xml 2>&1 | sed -u 's/^/[parts] /'

soak: environment ## the exhaustive rest, for two hours or more, on two development clouds side by side; GOVCLOUD_SEED=n draws again what a run drew
	@mkdir -p build
	@$(MAKE) --no-print-directory --keep-going -j2 soak-services soak-parts

soak-services: environment ## the half of it that works on requests, with the controller
	@mkdir -p build
	@GOVCLOUD_DEV_DIR=$(TEST_DEV_DIR) $(DEV) run -- $(PYTEST) $(SERVICES) -v -m soak --timeout=0 \
	  --junit-xml=build/soak-services.xml 2>&1 | sed -u 's/^/[services] /'

soak-parts: environment ## the other half, in three workers: lives and kills drawn from a seed, lost answers, the audit log
	@mkdir -p build
	@GOVCLOUD_DEV_DIR=$(TEST_DEV_DIR)-parts $(DEV) run -- $(PYTEST) $(addprefix --ignore=,$(SERVICES)) -v -m soak --timeout=0 -n 3 --dist worksteal \
	  --junit-xml=build/soak-parts.xml 2>&1 | sed -u 's/^/[parts] /'

mutants: environment ## how many small faults in the audit package its tests find, for hours; in slices with MODULES="frames merkle" MINUTES=10, of a sample with SAMPLE=20 SEED=1
	@$(VENV)/python bench/mutants.py $(MODULES) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) --show

crds: environment ## write crds/ anew from the API models
	@PYTHONPATH=operator:. $(VENV)/python -m govcloud.api.crd crds

requirements: environment ## resolve requirements/*.in anew and pin every hash
	@$(DEV) requirements

clean: environment ## remove what can be made again: .venv, build/; the development cloud must be down
	@$(DEV) down
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .venv
