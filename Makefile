# Everything a developer needs goes through make; `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
CACHE ?= $(or $(HAVUZ_CACHE),$(HOME)/.cache/havuz)
UV_VERSION := 0.13.9
UV := $(CACHE)/uv-$(UV_VERSION)/bin/uv
MANIFESTS ?= examples/quickstart
PORT ?= 8080
WORKERS ?= 2
BUILDER ?= docker
TAG ?= dev
RUN := $(UV) run --frozen --no-sync
export UV_PYTHON_DOWNLOADS := never

.PHONY: help up sync lint format types test unit component faults clients browser apiserver e2e images generate check fuzz bench fault-matrix soak scale simulate docs clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-13s %s\n", $$1, $$2}'

# uv, pinned, in a virtual environment of its own outside the checkout.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "havuz needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@mkdir -p $(CACHE)
	@$(PYTHON) -m venv $(CACHE)/uv-$(UV_VERSION) && $(CACHE)/uv-$(UV_VERSION)/bin/pip install --quiet uv==$(UV_VERSION)

sync: $(UV) ## install what havuz and its tests need, as locked
	@$(UV) sync --quiet --frozen --python $(PYTHON)

up: $(UV) ## run havuz on this machine: no cluster, no key (MANIFESTS=dir PORT=n)
	@$(UV) sync --quiet --frozen --inexact --no-dev --python $(PYTHON)
	@exec $(UV) run --frozen --no-sync --no-dev havuz up --manifests $(MANIFESTS) --port $(PORT)

lint: sync ## ruff, import contracts, generated files current
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) lint-imports
	$(RUN) python -m havuz_contract.crdgen --check
	PYTHONPATH=tests $(RUN) python -m harness.pairings --check

format: sync ## rewrite the code as ruff wants it
	$(RUN) ruff check --fix
	$(RUN) ruff format

types: sync ## mypy, strict
	$(RUN) mypy

unit: sync ## pure functions
	$(RUN) pytest -n $(WORKERS) tests/house tests/unit tests/golden

component: sync ## the real gateway, a real Valkey, scripted providers on sockets
	$(RUN) pytest -n $(WORKERS) tests/component

faults: sync ## processes killed and races on one balance, with the books proved afterwards
	$(RUN) pytest -n $(WORKERS) tests/faults

clients: sync ## the same, called by the official SDKs, PHP and curl
	$(RUN) pytest -n $(WORKERS) tests/clients

browser: sync ## the pages in Chromium, in both languages, wide and narrow (HAVUZ_SCREENSHOTS=folder keeps pictures)
	$(RUN) pytest tests/browser

apiserver: sync ## the operator against a real Kubernetes control plane
	$(RUN) pytest tests/apiserver

e2e: sync ## images, a node, helm install, and outages under load (root on Debian, or KUBECONFIG of any cluster)
	HAVUZ_REQUIRE_NODE=1 $(RUN) pytest -s tests/e2e

# Every file is dated by the commit, so that the same commit gives the same layers; docker reads the variable.
images: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct)
images: BUILD_FLAGS ?= $(if $(filter docker,$(BUILDER)),,--timestamp=$(SOURCE_DATE_EPOCH))
images: ## both images (BUILDER=docker|podman|buildah REGISTRY=registry.example.com/team/ TAG=dev)
	for side in gateway operator; do \
	  $(BUILDER) build $(BUILD_FLAGS) -f $$side/Dockerfile -t $(REGISTRY)havuz-$$side:$(TAG) . || exit 1; \
	done

test: lint types ## everything above, then what did not run is said
	@tests/run $(WORKERS)

check: lint types unit ## what should pass before a commit

generate: sync ## CRDs, their chart, the API reference and the table of protocol pairings
	$(RUN) python -m havuz_contract.crdgen
	PYTHONPATH=tests $(RUN) python -m harness.pairings

fuzz: sync ## ten minutes of junk at the wire languages (HAVUZ_FUZZ_SECONDS=n)
	PYTHONPATH=tests $(RUN) python -m harness.fuzz

bench: sync ## havuz beside nginx, Envoy, Portkey, LiteLLM and a plain proxy (ARGS="--only havuz nginx --rounds 5")
	$(RUN) python -m bench $(ARGS)

fault-matrix: sync ## every way in which keys fail, under load: what clients see, and what waiting it costs
	$(RUN) python -m bench.fault_matrix

soak: sync ## an hour of every kind of request: what the gateway holds over time, and whether it grows (ARGS="--minutes 10")
	$(RUN) python -m bench.soak $(ARGS)

scale: sync ## the operator and gateways of 10,000 Projects on a real API server (ARGS="--projects 1000")
	$(RUN) python -m bench.scale $(ARGS)

simulate: sync ## a large fleet in virtual time: what gossip costs, how a pool heals (ARGS="--pods 1000 --only refused")
	$(RUN) python -m bench.simulation $(ARGS)

docs: $(UV) ## build the documentation site
	@$(UV) sync --quiet --frozen --group docs --python $(PYTHON)
	$(RUN) mkdocs build --strict

clean: ## remove what was built inside the checkout
	rm -rf .venv .havuz site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
