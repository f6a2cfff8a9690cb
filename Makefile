# `make run` and `make test` need nothing before them but Python (3.11 or newer), git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The locks name all that is needed; an older pip, asked to resolve, looks beyond them.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps
# What an installer says is kept, and shown where it fails.
LOG := $(VENV)/install.log
QUIETLY := sh -c '"$$@" >>$(LOG) 2>&1 || { tail -n 30 $(LOG) >&2; echo "All of it is in $(LOG)." >&2; exit 1; }' quietly
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet
# What docs/style is held against. tests/web/test_site_texts.py holds the texts of pages to the same rules.
PROSE := README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md bench/README.md docs
# The one library of the site, kept in the repository: pages load nothing from elsewhere.
UPLOT := 1.6.32
UPLOT_SHA512 := 2883159c6ebccefbb95d751b0b82d010f9e1c0ec41b8bc96d401eda66e882935c89a46cb824332fa369b8cb8122cc6ac36e186cd09bf7a9ded3a4c93c6989023
UPLOT_FOLDER := src/homeroom/site/assets/vendor/uplot
# The order of the tests: another one whenever a test changes, and the same each time that they run.
ORDER := --randomly-seed=$(shell printf '%d' 0x0$$(git log -1 --format=%h --abbrev=7 -- tests 2>/dev/null))

.PHONY: help run test test-deploy rehearse check format-site bench docs lock vendor clean

help: ## Show these lines
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/run.done ## Run a working class site on http://localhost:8086, or at another PORT=…
	@$(BIN)/homeroom run $(if $(PORT),--port $(PORT))

test: $(VENV)/dev.done ## Run all tests: HTTP, command line, browser; on SQLite and PostgreSQL
	@tests/ensure-browsers.sh && $(BIN)/pytest -n 3 $(ORDER) -m "not deploy" $(ARGS) || \
		{ test $$? -eq 3 && test -z "$$CI" && $(BIN)/pytest -n 2 $(ORDER) -m "not browser and not deploy" $(ARGS); }

test-deploy: $(VENV)/dev.done ## Run the deployment: containers, Nginx, certificates, updates, AWS, a machine (installs them as root)
	@tests/deploy/ensure-tools.sh
	@$(BIN)/pytest -n 2 -p no:randomly --no-loadscope-reorder -m deploy tests/deploy $(ARGS)

rehearse: $(VENV)/dev.done ## Rehearse the whole deployment on this machine, in two to four minutes; KEEP=1 keeps its folder
	@tests/deploy/ensure-tools.sh rehearsal
	@$(BIN)/python -m tests.deploy.rehearse

check: $(VENV)/dev.done ## Lint, types, import rules, dependencies, migrations, scripts, prose, translations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry src
	@tests/check-migrations.sh $(BIN)
	@tests/site/check.sh $(BIN)/python
	@$(BIN)/python -m tests.docs.prose $(PROSE)
	@$(BIN)/python -m tests.docs.command_line
	@$(BIN)/python -m tests.translations
	@$(BIN)/sphinx-build -W --keep-going -q -b dummy docs docs/_build/dummy

format-site: ## Write the site's scripts and styles as `make check` wants them
	@cd tests/site && node_modules/.bin/biome check --write --config-path=. ../../src/homeroom/site .

bench: $(VENV)/bench.done ## Measure every claim on speed beside its peers; ONLY=guarded_list for one
	@$(BIN)/python bench/run.py $(ONLY) $(ARGS)

docs: $(VENV)/dev.done ## Build the documentation into docs/_build/html
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

lock: $(VENV)/dev.done ## Resolve the dependencies anew
	@$(LOCK) --group build -o requirements/run.txt
	@$(LOCK) --group build --group test --group check --group deploy --group docs --group lock \
		--constraint requirements/run.txt -o requirements/dev.txt
	@$(LOCK) --group bench --constraint requirements/dev.txt -o requirements/bench.txt

vendor: ## Copy the site's chart library anew, as pinned above
	@set -e; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	npm pack --silent --pack-destination "$$work" uplot@$(UPLOT) >/dev/null; \
	echo "$(UPLOT_SHA512)  $$work/uplot-$(UPLOT).tgz" | sha512sum --check --quiet; \
	tar -xzf "$$work/uplot-$(UPLOT).tgz" -C "$$work"; \
	mkdir -p $(UPLOT_FOLDER); \
	cp "$$work/package/LICENSE" "$$work/package/dist/uPlot.min.css" $(UPLOT_FOLDER); \
	{ cat "$$work/package/dist/uPlot.iife.min.js"; echo 'export default uPlot;'; } > $(UPLOT_FOLDER)/uPlot.min.js; \
	cd $(UPLOT_FOLDER) && sha256sum LICENSE uPlot.min.css uPlot.min.js > SHA256SUMS

clean: ## Remove what these commands made, but never instance/
	rm -rf $(VENV) build dist docs/_build src/*.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Homeroom needs Python 3.11 or newer; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python lacks the venv module. Install it: sudo apt install python3-venv" >&2; exit 1; }
	@echo "Making the virtual environment …"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/run.done: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing Homeroom …"
	@$(QUIETLY) $(PIP) --require-hashes -r requirements/run.txt
	@$(QUIETLY) $(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.done: requirements/dev.txt $(VENV)/run.done
	@echo "Installing what tests and checks need …"
	@$(QUIETLY) $(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/bench.done: requirements/bench.txt $(VENV)/dev.done
	@echo "Installing what is measured beside Homeroom …"
	@$(QUIETLY) $(PIP) --require-hashes -r requirements/bench.txt
	@touch $@
