"""Load torch inside a running Qt programme, and say what to do where that cannot work."""

import sys

WINDOWS_DLL_INIT_FAILED = 1114

START_WITH_TORCH_FIRST = (
    "PyTorch cannot be loaded into this napari, because on Windows it has to be loaded before Qt "
    "(WinError 1114, pytorch issue 166628). Close napari and start it with "
    "'python -m napari_colorize.widgets.launch', which loads PyTorch first."
)


class TorchUnavailableError(RuntimeError):
    """PyTorch cannot be imported here; the message says what to do."""


def load_torch() -> None:
    """Import torch, or raise a sentence that helps.

    Raises
    ------
    TorchUnavailableError
        torch is missing, broken, or was asked for after Qt on Windows.
    """
    if "torch" in sys.modules:
        return
    try:
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
