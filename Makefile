# Two commands: `make train` and `make test`. Each sets up what it needs, once.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# a folder that holds mnist/; without it $PENNYWEIGHT_DATA, then the user's cache
DATA   ?=
MINUTES ?= 10
SEED    ?= 1
# one case of the campaign, as mutants:17
CASE    ?=
# finished runs, RECIPE/seed-N, for networks whose weights the package does not bring; NETWORKS names some, else all
RUNS     ?=
NETWORKS ?=
code = pennyweight tests tools benchmarks docs/conf.py
kernels = pennyweight/native/kernels/*.h pennyweight/shipping/c/*.c pennyweight/shipping/c/*/*.c examples/*/*.[ch] tools/chips/*.c
data_flag = $(if $(DATA),--data $(DATA))
runs_flag = $(if $(RUNS),--runs $(RUNS))

# without a C compiler on the machine, a package brings one
compiler_extra = $(if $(shell command -v $${CC:-cc} || command -v clang || command -v gcc),,[compiler])
# one thread a worker: the workers themselves fill the cores
pytest = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.PHONY: help train test test-slow test-all exhaustive campaign docs browser chip-tools chip-all lint format wheel clean

help:
	@echo "make train      set up, get MNIST, train pennyweight-8k and judge it (DATA=folder holds mnist/)"
	@echo "make test       formatter, lint, types and every test not marked slow"
	@echo "make test-all   everything"
	@echo "make campaign   misfortunes of every kind for MINUTES=10, drawn by SEED=1 (docs/reliability.md)"
	@echo "make chip-all   small networks on emulated boards, measured (make chip-tools installs what that needs)"
	@echo "make browser    what the tests of pages need: Chromium, by Debian's name, and axe-core from npm"
	@echo "make docs       build the documentation site into build/site, without a network"
	@echo "make exhaustive every export of every recipe over ten thousand images (RUNS=folder of finished runs)"
	@echo "make format     let the formatters rewrite the code"
	@echo "make wheel      build what is released into dist/"
	@echo "make clean      remove the virtual environment and caches; runs/ stays"

train: $(VENV)/.train
	@if $(BIN)/pennyweight fetch mnist $(data_flag); \
	then $(BIN)/pennyweight train pennyweight-8k $(data_flag); \
	else code=$$?; [ $$code -eq 3 ] || exit $$code; \
	     echo "MNIST is not available (see above); training on the digits embedded in the package instead."; \
	     $(BIN)/pennyweight train progressive-3 --dataset digits; fi

test: $(VENV)/.dev lint
	$(pytest) -m "not slow and not exhaustive"

test-slow: $(VENV)/.dev
	$(pytest) -m slow

test-all: test test-slow

exhaustive: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python tools/agreement.py $(data_flag) $(runs_flag) $(if $(NETWORKS),--networks $(NETWORKS))
	$(if $(RUNS),OMP_NUM_THREADS=1 $(BIN)/python tools/int8_loss.py $(RUNS) $(data_flag) $(if $(NETWORKS),--recipes $(NETWORKS)))
	$(BIN)/python tools/render_docs.py
	RUNS=$(abspath $(RUNS)) $(pytest) -m exhaustive $(if $(NETWORKS),-k '$(subst $(space), or ,$(strip $(NETWORKS)))')

campaign: $(VENV)/.dev
	@PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m campaign --seed $(SEED) \
	$(if $(CASE),--case $(CASE),--minutes $(MINUTES) $(if $(REPORT),--report $(REPORT)))

browser:
	command -v chromium >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends chromium; }
	command -v npm >/dev/null || apt-get install --yes --no-install-recommends npm
	npm ci --prefix tests/browser --no-audit --no-fund

# cross-compilers, emulators, and a second compiler for the C that is exported, by Debian's names
chip-tools:
	@for tool in clang arm-none-eabi-gcc riscv64-unknown-elf-gcc qemu-system-arm qemu-system-riscv32; \
	do command -v $$tool >/dev/null || { \
	apt-get update && apt-get install --yes --no-install-recommends clang gcc-arm-none-eabi \
	libnewlib-arm-none-eabi qemu-system-arm gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc; \
	exit; }; done

chip-all: $(VENV)/.dev
	PYTHONPATH=tools OMP_NUM_THREADS=1 $(BIN)/python -m chips $(data_flag)
	$(BIN)/python tools/render_docs.py

docs: $(VENV)/.docs
	$(BIN)/python tools/build_site.py

lint: $(VENV)/.dev
	$(BIN)/ruff format --check $(code)
	$(BIN)/ruff check $(code)
	$(BIN)/clang-format --dry-run -Werror $(kernels)
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format $(code)
	$(BIN)/ruff check --fix $(code)
	$(BIN)/clang-format -i $(kernels)

# the wheel is built from the source distribution, so that this is known to hold all it takes
wheel: $(VENV)/.dev
	rm -rf build dist
	$(BIN)/python -c 'from setuptools import build_meta; build_meta.build_sdist("dist")'
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz
	@ls dist

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "Pennyweight needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: $(BIN)/python pyproject.toml constraints.txt
	$(call install,.$(compiler_extra))

$(VENV)/.dev: $(BIN)/python pyproject.toml constraints.txt
	$(call install,.[torch$(,)report$(,)ship$(,)docs$(,)dev])
	@touch $(VENV)/.train $(VENV)/.docs

, := ,
space := $() $()
$(VENV)/.docs: $(BIN)/python pyproject.toml constraints.txt
	$(call install,.[report$(,)docs])

# uv is quicker where it is there; it does not read pip's own variable for a wheel folder
define install
	@echo "Setting up $(VENV) with $(1) (once)"
	@if command -v uv >/dev/null; \
	then UV_FIND_LINKS="$${PIP_FIND_LINKS:-}" uv pip install --quiet --python $(BIN)/python -c constraints.txt --config-settings editable_mode=compat -e '$(1)'; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --config-settings editable_mode=compat -e '$(1)'; fi
	@touch $@
endef
