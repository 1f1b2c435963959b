# The two commands of a fresh machine: `make up`, `make test`. `make help` lists the rest.
STACK ?= dev
PYTHON ?= python3
# More than cores: a test against the lab mostly waits, as the provider does for ten seconds after each Service.
TEST_WORKERS ?= 4
VENV := .venv
BIN := $(VENV)/bin
SOURCES := __main__.py naming.py catalog components engines lab operate policy releases settings stacks tests

.DEFAULT_GOAL := help
.PHONY: help up down shell render topology crds policy smoke verify test check format goldens docs lock bench clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  STACK=$(STACK) names the stack: Pulumi.$(STACK).yaml, or a path to any other stack's file."

# The stamp is younger than the pins only once every pin is installed: an interrupted install is repeated.
$(VENV)/.installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "installing the pinned packages into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

up: $(VENV)/.installed ## bring stack STACK up on its cluster; the lab is built and started where it is the lab's
	@$(BIN)/python -m operate up --stack $(STACK)

down: $(VENV)/.installed ## stop the lab and remove it, with the state of its stacks
	@$(BIN)/python -m lab down

shell: $(VENV)/.installed ## a shell whose pulumi and kubectl speak to the lab
	@eval "$$($(BIN)/python -m lab env)" && pulumi stack select --create $(STACK) && \
		echo "pulumi and kubectl speak to the lab, stack $(STACK) is selected; leave with exit" && exec "$${SHELL:-sh}"

render: OUT ?= build/render/$(STACK)
render: $(VENV)/.installed ## write the manifests of STACK into OUT, one file per object, without a cluster
	@$(BIN)/python -m operate render --stack $(STACK) --out $(OUT)

topology: $(VENV)/.installed ## draw STACK, from gateway to GPUs, as SVG into OUT and as Mermaid text beside it
	@$(BIN)/python -m operate topology --stack $(STACK) $(if $(OUT),--out $(OUT))

crds: $(VENV)/.installed ## fetch the CRD files that the release line of STACK pins, for `pulumi up` without make
	@$(BIN)/python -m operate crds --stack $(STACK)

policy: $(VENV)/.installed ## preview STACK and judge it by the policy pack; OFFLINE=1 needs no cluster and no credentials
	@$(BIN)/python -m operate policy --stack $(STACK) $(if $(OFFLINE),--without-cluster) \
		$(if $(CONFIG),--config $(CONFIG)) $(if $(COMMENT),--markdown $(COMMENT))

smoke: $(VENV)/.installed ## answer requests to STACK by the real picker and Envoy, from nothing, in a namespace of its own
	@$(BIN)/python -m operate smoke --stack $(STACK) $(if $(KEEP),--keep $(KEEP))

verify: $(VENV)/.installed ## ask the cluster of STACK, or that of CONTEXT, whether it answers requests, and why not
	@$(BIN)/python -m operate verify --stack $(STACK) $(if $(CONTEXT),--context $(CONTEXT))

test: $(VENV)/.installed ## every test, those against the lab included
	@$(BIN)/python -m lab build --all
	@$(BIN)/python -m pytest --numprocesses $(TEST_WORKERS) --dist loadgroup

check: $(VENV)/.installed ## format, lint and types, as CI runs them
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy $(SOURCES)

format: $(VENV)/.installed ## write the format
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

goldens: $(VENV)/.installed ## write the goldens anew, to be read as a diff
	@$(BIN)/python -m pytest tests/golden --write-goldens

docs: $(VENV)/.installed ## write anew what is generated: README.md's config table, docs/policies.md, the pack's data
	@$(BIN)/python -m operate docs

bench: $(VENV)/.installed ## measure what the README promises, as ratios against something real
	@$(BIN)/python -m operate bench

lock: $(VENV)/.installed ## resolve the direct dependencies of pyproject.toml into the pinned requirements
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

clean: down ## the lab, build results and the virtual environment
	@rm -rf $(VENV) build
