"""What the Turing panel says of an error."""

from napari_colorize.widgets.shared.panel_words import in_panel_words
from napari_colorize.widgets.shared.preflight import TorchUnavailableError

SPEAKING_ERRORS = (ValueError, TypeError, MemoryError, TorchUnavailableError)
"""Their messages are sentences written for the person at the screen."""


def sentence_of(error: Exception) -> str:
    """Return what to show of an error: our own sentences as they are, others introduced."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'A file'} cannot be used: {error.strerror}."
    if isinstance(error, (*SPEAKING_ERRORS, OSError)) and str(error):
        return in_panel_words(str(error))
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{error}. The Turing test needs the extra packages of the evaluation; install "
            "napari-colorize[evaluate] and restart napari."
        )
    return f"The Turing test failed: {type(error).__name__}: {error}"
