"""Where torch cannot be loaded into a running napari, a sentence says what to do."""

import builtins
import gc
import subprocess
import sys
import textwrap

import pytest

from napari_colorize.checkpoints.loading import without_collecting
from napari_colorize.widgets.shared.preflight import TorchUnavailableError, load_torch
from napari_colorize.widgets.shared.words import sentence_of


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

    with pytest.raises(TorchUnavailableError, match=r"napari-colorize napari"):
        load_torch()


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("No module named 'torch'"), OSError("libtorch.so: not found")]
)
def test_a_missing_or_broken_torch_names_the_install_page(importing_torch_raises, error):
    importing_torch_raises(error)

    with pytest.raises(TorchUnavailableError, match="install page") as caught:
        load_torch()
    assert str(error) in sentence_of(caught.value, "Colouring failed")


@pytest.mark.skipif(sys.platform != "linux", reason="libraries are bound in another way")
def test_loading_torch_leaves_other_threads_their_time():
    """The import alone would hold the interpreter for a fifth of a second at a stretch."""
    code = """
        import threading, time
        from napari_colorize.widgets.shared.preflight import _map_libraries
        done = threading.Event()
        thread = threading.Thread(target=lambda: (_map_libraries(), done.set()))
        gaps, last = [], time.perf_counter()
        thread.start()
        while not done.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now
        with open("/proc/self/maps") as maps:
            mapped = maps.read()
        assert "libtorch_cpu.so" in mapped
        assert "/cv2" in mapped
        import sys
        assert not {"torch", "cv2"} & set(sys.modules)
        print(len(gaps), max(gaps))
        import torch
        import cv2
        assert torch.ones(2).sum() == 2
        assert cv2.resize(torch.ones(4, 4).numpy(), (2, 2)).shape == (2, 2)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    beats = int(done.stdout.split()[0])
    assert beats > 5  # with the interpreter held there would be one or two


def test_the_collector_is_left_as_it_was():
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            with without_collecting():
                assert not gc.isenabled()
            assert gc.isenabled() == enabled
        finally:
            gc.enable()


def test_a_loaded_torch_passes():
    import torch  # noqa: F401

    load_torch()
