# `make` alone lists the targets. Everything runs in .venv, which is made from the lock the first
# time; PYTHON=python runs in the environment that is active instead (conda, Binder).

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BOOTSTRAP ?= python3
WORKERS ?= 2
NAMES ?=
AGAINST ?=
OPTIONS ?=
# The order of the tests; the same seed gives the same order again.
SEED := $(or $(SEED),$(shell echo $$RANDOM))

# The same numbers whatever the machine's language, time zone or number of threads.
export TZ := UTC
export LANG := C.UTF-8
export LC_ALL := C.UTF-8
export PYTHONHASHSEED := 0
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export NUMEXPR_NUM_THREADS := 1
export PYTHONDONTWRITEBYTECODE :=
ifneq ($(shell grep -m1 -o avx2 /proc/cpuinfo 2>/dev/null),)
export OPENBLAS_CORETYPE := Haswell
export NPY_DISABLE_CPU_FEATURES := AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR
endif

ifdef PYTHON
RUN := "$(PYTHON)"
USE :=
DEVELOP :=
else
RUN := .venv/bin/python
USE := .venv/.installed
DEVELOP := .venv/.installed-dev
endif

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo "  PYTHON=python uses the active environment; OPTIONS=\"--only 08_province_brief\" goes to make report, others to make lab and make peers"

report: $(USE) ## run what has changed and build reports/index.html
	@$(RUN) -m analysis report $(OPTIONS)

check-data: $(USE) ## list every fault in data/raw
	@$(RUN) -m analysis check-data

test: $(DEVELOP) ## test the package and every number stored in the notebooks
	@echo "Tests in the random order of SEED=$(SEED)"
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q \
		--randomly-seed=$(SEED) --nbval tests packages notebooks

test-slow: $(DEVELOP) ## the tests that take minutes: crashes, simulations, clusters
	@echo "Tests in the random order of SEED=$(SEED)"
	@$(RUN) -m pytest -n $(WORKERS) --dist loadfile -q --randomly-seed=$(SEED) --slow \
		--timeout 3600 tests packages

fuzz: $(DEVELOP) ## many more cases of bad data than `make test` tries
	@ANALYSIS_FUZZ=1 $(RUN) -m pytest -n $(WORKERS) -q --timeout 3600 tests/test_*_damaged.py tests/test_readings_properties.py

mutate: $(DEVELOP) ## change lines of a module and see whether the tests notice (NAMES="readings.targets")
	@$(RUN) tests/mutants.py $(NAMES) $(OPTIONS)

verify: $(USE) ## build the report twice and compare every byte; AGAINST=DIGESTS: once, with a release
	@$(RUN) -m analysis verify $(if $(AGAINST),--against "$(AGAINST)")

release: $(DEVELOP) report ## pack report, data and rounds with digests and descriptions (release/)
	@$(RUN) -m analysis release

audit: $(DEVELOP) ## look up the locked packages in the list of known vulnerabilities (needs network)
	@$(RUN) -m pip_audit --requirement requirements.lock --require-hashes --disable-pip

bench: $(DEVELOP) ## measure speed and memory; writes reports/bench.json
	@$(RUN) bench/run.py $(NAMES)

keep: $(USE) ## forecast every past origin anew, after readings or model have changed (data/benchmarks)
	@$(RUN) -m analysis.validation.store_forecasts

peers: $(USE) ## past forecasts of other models, and the check by full sampling, where out of date; needs pip install ".[peers]"
	@$(RUN) -m analysis.validation.libraries $(OPTIONS)
	@$(RUN) -m analysis.validation.full_sampling

notebooks: $(USE) ## run the notebooks in place and store clean outputs (NAMES="01_readings ...")
	@$(RUN) -m analysis notebooks $(NAMES)

# A busy port gives way to the next free one, and a container's only user may be root.
lab: $(USE) ## open JupyterLab at the welcome notebook (OPTIONS="--no-browser --port 9000")
	@mkdir -p work
	@test -e work/start.ipynb || cp examples/start.ipynb work/start.ipynb
	@$(RUN) -m jupyterlab --notebook-dir=. --LabApp.default_url=/lab/tree/notebooks/00_welcome.ipynb \
		--ServerApp.port_retries=50 $(if $(filter 0,$(shell id -u)),--allow-root) $(OPTIONS)

lint: $(DEVELOP) ## style, types, spelling and the rules for notebooks
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) -m analysis.runs.spelling
	@$(RUN) -m pytest -q -p no:cacheprovider tests/test_notebook_rules.py tests/test_environment_drift.py

clean: ## remove everything that is made: report, tables, cache
	@rm -rf reports release .cache .pytest_cache .hypothesis .ruff_cache .mypy_cache
	@find data/processed -mindepth 1 ! -name .gitkeep -delete
	@find src tests packages -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## also remove .venv
	@rm -rf .venv

lock: ## choose the newest versions again (needs uv)
	@uv pip compile pyproject.toml --extra build $(LOCK_OPTIONS) -o requirements.lock
	@uv pip compile pyproject.toml --extra dev -c requirements.lock $(LOCK_OPTIONS) -o requirements-dev.lock

LOCK_OPTIONS := --universal --python-version 3.11 --generate-hashes --upgrade --quiet \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

# Installed from the lock with every hash checked, then the package itself without dependencies.
.venv/.installed: requirements.lock pyproject.toml
	@$(BOOTSTRAP) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with BOOTSTRAP=python3.12")'
	@test -x .venv/bin/python || { echo "Making .venv ..."; $(BOOTSTRAP) -m venv .venv; }
	@echo "Installing from requirements.lock (once, a few minutes) ..."
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-dev: requirements-dev.lock packages/analysis-panels/pyproject.toml .venv/.installed
	@echo "Installing the tools for tests from requirements-dev.lock ..."
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation \
		--editable packages/analysis-panels
	@touch $@

.PHONY: help report check-data test test-slow fuzz mutate verify release audit bench keep peers notebooks lab lint clean distclean lock
