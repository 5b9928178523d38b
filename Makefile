# make demo      colourise a few photographs and lay them out on one contact sheet
# make test      everything that must hold, headless, in minutes
# make test-all  the slow checks too
# make test-pyside6  the panels again, with PySide6 in the place of PyQt6
# make napari    napari with the panel docked and a sample loaded
# make docs      the pictures and model cards in docs/, made again
# make bench     every operator against its peers and limits, and the whole path
# make clean     what the commands above have made
#
# Everything goes into .venv, at the versions of constraints.txt. Choices:
#   make PYTHON=python3.12 …   another Python (3.11 or newer)
#   make TORCH=cuda …          PyTorch's CUDA build instead of the CPU one
#   make test WORKERS=4        processes that share the tests, where there are more than two cores
#   make bench BENCH=--help    what can be left out, shortened or published

PYTHON ?= python3
TORCH ?= cpu
WORKERS ?= 2
BENCH ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

TORCH_VERSION := $(shell sed -n 's/^torch==//p' constraints.txt)
SOURCES := setup.py pyproject.toml constraints.txt $(wildcard csrc/*.* csrc/*/*.*)
APT := $(shell [ "$$(id -u)" = 0 ] && command -v apt-get)
QT_PACKAGES := libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libxkbcommon0 \
               libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 \
               libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libgl1-mesa-dri xauth xvfb

HEADLESS := xvfb-run -a -s "-screen 0 1920x1200x24"
# A file's tests stay in one process. Each process opens its windows on a virtual screen of its own.
TESTS := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all test-pyside6 lint napari docs bench clean

demo: $(VENV)/base
	$(BIN)/python docs/make_demo.py --output demo

test: lint qt
	$(TESTS) -m "not slow"

test-all: lint qt
	$(TESTS)

# PySide6 lies in a folder of its own, as two bindings in one environment hide which is in use.
test-pyside6: qt $(VENV)/pyside6/.done
	QT_API=pyside6 PYTEST_QT_API=pyside6 PYTHONPATH=$(VENV)/pyside6 $(TESTS) -m "not slow" tests/widgets

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

napari: $(VENV)/dev
	$(BIN)/napari-colorize napari

docs: qt
	$(BIN)/python docs/make_demo.py --output demo --picture docs/images/demo.jpg
	$(BIN)/python docs/make_microscopy.py
	$(BIN)/python docs/make_cards.py
	$(BIN)/python docs/make_stacks.py --picture docs/images/stacks.jpg
	$(HEADLESS) $(BIN)/python docs/make_screenshots.py
	$(HEADLESS) $(BIN)/python docs/make_animation.py

bench: $(VENV)/bench
	GLIBC_TUNABLES=glibc.malloc.tcache_count=0 PYTHONPATH=$(VENV)/contrib:tests/benchmarks $(BIN)/python -W ignore -m bench $(BENCH)

clean:
	rm -rf $(VENV) build demo *.egg-info napari_colorize/*.so .pytest_cache .mypy_cache .ruff_cache

# A target is a file that is written last, so that an interrupted set-up starts again.

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; say make PYTHON=… to choose one."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	    { [ -n "$(APT)" ] && apt-get update -qq && apt-get install -y -qq python3-venv; } || \
	    { echo "Python's venv is missing. Run: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# A torch that is already there stays, whatever its build.
$(VENV)/torch: $(VENV)/python constraints.txt
	@$(BIN)/python -c 'import torch, sys; sys.exit(torch.__version__.split("+")[0] != "$(TORCH_VERSION)")' \
	    2>/dev/null || $(MAKE) --no-print-directory torch-$(TORCH)
	@touch $@

.PHONY: torch-cpu torch-cuda
torch-cpu:
	$(PIP) install -q -c constraints.txt "torch==$(TORCH_VERSION)+cpu" 2>/dev/null || \
	    $(PIP) install -q -c constraints.txt --extra-index-url https://download.pytorch.org/whl/cpu \
	        "torch==$(TORCH_VERSION)+cpu"

torch-cuda:
	$(PIP) install -q -c constraints.txt "torch==$(TORCH_VERSION)"

$(VENV)/base: $(VENV)/torch $(SOURCES)
	@$(BIN)/python -c 'import os, sys, sysconfig as s; sys.exit(not os.path.exists(s.get_paths()["include"] + "/Python.h"))' || \
	    { [ -n "$(APT)" ] && apt-get update -qq && apt-get install -y -qq python3-dev; } || \
	    echo "Python.h is missing, so the operators will run in plain torch. Run: sudo apt-get install python3-dev"
	$(PIP) install -q -c constraints.txt setuptools wheel pybind11 ninja
	$(PIP) install -q -c constraints.txt --no-build-isolation -e .
	@$(BIN)/python -c 'from napari_colorize import ops; print("operators:", ops.backend())'
	@touch $@

$(VENV)/dev: $(VENV)/base
	$(PIP) install -q -c constraints.txt --no-build-isolation -e ".[dev]"
	@touch $@

# OpenCV with contrib's ximgproc has the same files as the OpenCV that the package needs, so the two
# cannot share an environment. It lies in a folder of its own instead, put before the environment
# by `bench` alone: tests and users keep their OpenCV, and torch need not be installed a second time.
$(VENV)/bench: $(VENV)/base
	$(PIP) install -q -c constraints.txt --no-build-isolation -e ".[bench]"
	@rm -rf $(VENV)/contrib
	$(PIP) install -q --no-deps --target $(VENV)/contrib \
	    "$$(sed -n 's/^opencv-python-headless/opencv-contrib-python-headless/p' constraints.txt)"
	@touch $@

$(VENV)/pyside6/.done: $(VENV)/dev
	@rm -rf $(VENV)/pyside6
	$(PIP) install -q --no-deps -c constraints.txt --target $(VENV)/pyside6 PySide6-Essentials shiboken6
	@touch $@

# Real windows are opened on a virtual screen.
.PHONY: qt
qt: $(VENV)/dev
	@$(HEADLESS) $(BIN)/python -c 'from qtpy.QtWidgets import QApplication; QApplication([])' >/dev/null 2>&1 || \
	    { [ -n "$(APT)" ] && apt-get update -qq && apt-get install -y -qq $(QT_PACKAGES); } || \
	    { echo "Qt's system libraries are missing. Run: sudo apt-get install $(QT_PACKAGES)"; exit 1; }
