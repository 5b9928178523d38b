"""Load torch inside a running Qt programme, and say what to do where that cannot work."""

import contextlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from napari_colorize.checkpoints.loading import without_collecting

WINDOWS_DLL_INIT_FAILED = 1114

START_WITH_TORCH_FIRST = (
    "PyTorch cannot be loaded into this napari, because on Windows it has to be loaded before Qt "
    "(WinError 1114, pytorch issue 166628). Close napari and start it with "
    "'napari-colorize napari', which loads PyTorch first."
)


class TorchUnavailableError(RuntimeError):
    """PyTorch cannot be imported here; the message says what to do."""


def load_torch() -> None:
    """Import torch, or raise a sentence that helps.

    Called beside the main thread, it leaves the window responsive meanwhile.

    Raises
    ------
    TorchUnavailableError
        torch is missing, broken, or was asked for after Qt on Windows.
    """
    if "torch" in sys.modules:
        return
    try:
        with without_collecting():
            _map_libraries()
            import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise TorchUnavailableError(
            f"PyTorch is not installed in this Python ({sys.executable}): {error}. Install it as "
            "the napari-colorize install page says, and restart napari."
        ) from error
    except OSError as error:
        if getattr(error, "winerror", None) == WINDOWS_DLL_INIT_FAILED:
            raise TorchUnavailableError(START_WITH_TORCH_FIRST) from error
        raise TorchUnavailableError(
            f"PyTorch is installed but cannot be loaded: {error}. Reinstall it as the "
            "napari-colorize install page says, and restart napari."
        ) from error


def _map_libraries() -> None:
    """Load the two largest libraries ahead of their modules, without holding the interpreter.

    ``import`` holds it while the system loads a library, which for each of these takes a tenth to
    a fifth of a second. A call of a C function through ctypes does not, and the import then finds
    it loaded.
    """
    if sys.platform != "linux":
        return  # elsewhere libraries are found, and bound to each other, in another way
    import ctypes

    with contextlib.suppress(Exception):  # the import itself says what is wrong, and better
        load = ctypes.CDLL(None).dlopen
        load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
        for module, pattern in (("torch", "lib/libtorch_cpu.so"), ("cv2", "cv2*.so")):
            spec = find_spec(module)
            if spec is not None and spec.origin is not None and module not in sys.modules:
                for library in Path(spec.origin).parent.glob(pattern):
                    load(os.fsencode(library), os.RTLD_LAZY)
