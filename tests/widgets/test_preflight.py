"""Where torch cannot be loaded into a running napari, a sentence says what to do."""

import builtins
import sys

import pytest

from napari_colorize.widgets._preflight import TorchUnavailableError, load_torch
from napari_colorize.widgets._runner import sentence_of


@pytest.fixture
def importing_torch_raises(monkeypatch):
    """Return a function that makes ``import torch`` raise an error."""
    real = builtins.__import__

    def prepare(error: Exception) -> None:
        def importing(name, *args, **kwargs):
            if name == "torch":
                raise error
            return real(name, *args, **kwargs)

        monkeypatch.delitem(sys.modules, "torch", raising=False)
        monkeypatch.setattr(builtins, "__import__", importing)

    return prepare


def test_windows_torch_after_qt_names_the_launcher(importing_torch_raises):
    error = OSError("[WinError 1114] A dynamic link library initialization routine failed")
    error.winerror = 1114
    importing_torch_raises(error)

    with pytest.raises(TorchUnavailableError, match=r"python -m napari_colorize\.widgets\.launch"):
        load_torch()


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("No module named 'torch'"), OSError("libtorch.so: not found")]
)
def test_a_missing_or_broken_torch_names_the_install_page(importing_torch_raises, error):
    importing_torch_raises(error)

    with pytest.raises(TorchUnavailableError, match="install page") as caught:
        load_torch()
    assert str(error) in sentence_of(caught.value)


def test_a_loaded_torch_passes():
    import torch  # noqa: F401

    load_torch()
