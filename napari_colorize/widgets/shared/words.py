"""What panels say of errors, and the texts that they put on the clipboard."""

from typing import Any

from qtpy.QtGui import QGuiApplication

from napari_colorize.checkpoints.errors import CheckpointError, Remedy
from napari_colorize.widgets.shared.preflight import TorchUnavailableError

SPEAKING_ERRORS = (ValueError, TypeError, MemoryError, OSError, TorchUnavailableError)
"""Their messages are sentences written for the person at the screen."""


def sentence_of(error: Exception, failed: str, extra: str = "", *, in_models: bool = False) -> str:
    """Return what to show of an error: our own sentences as they are, others introduced.

    Parameters
    ----------
    error : Exception
    failed : str
        What introduces an error that is no sentence: ``"Colouring failed"``.
    extra : str
        What to install where a package is missing: ``"evaluate"`` or ``"train"``.
    in_models : bool
        It is shown in the panel *Models*, whose buttons then need no directions.
    """
    if isinstance(error, CheckpointError):
        return error.in_words(IN_MODELS if in_models else IN_OTHER_PANELS)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'A file'} cannot be used: {error.strerror}."
    if isinstance(error, SPEAKING_ERRORS) and str(error):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and extra:
        return (
            f"{error}. This panel needs extra packages; install napari-colorize[{extra}] and "
            "restart napari."
        )
    return f"{failed}: {type(error).__name__}: {error}"


def _remedies(models: str) -> dict[Remedy, str]:
    """Return the controls that the remedies stand for; ``models`` says where to find them."""
    fetch, verify, import_file = (f"{models}{b}" for b in ("Fetch", "Verify", "Import file…"))
    return {
        Remedy.FETCH: f"Fetch them with {fetch}.",
        Remedy.FETCH_OR_IMPORT: (f"Fetch some with {fetch}, or import a file with {import_file}."),
        Remedy.IMPORT: f"Import a file with {import_file}.",
        Remedy.IMPORT_FIRST: f"Import it first with {import_file}.",
        Remedy.IMPORT_FROM_BROWSER: (
            f"Open it in a browser, download the file there, and use {import_file}."
        ),
        Remedy.IMPORT_WITHOUT_INTERNET: (
            "Check the connection; on a machine without internet, copy the file over and use "
            f"{import_file}."
        ),
        Remedy.VERIFY: f"Verify them with {verify}.",
        Remedy.OTHER_ADDRESS: f"If the file has moved, get a copy of it and use {import_file}.",
        Remedy.TRY_LATER: "Try again later.",
        Remedy.CONTINUE: "Press Fetch again to continue.",
        Remedy.OTHER_NAME: "Choose another name under Name.",
        Remedy.OTHER_NAME_OR_REPLACE: "Choose another name under Name.",
        Remedy.NAME_ARCHITECTURE: (
            "Choose it below, under When importing, Network; whoever made the weights can say "
            "which it is."
        ),
    }


IN_OTHER_PANELS = _remedies("Plugins → Colorize → Models, ")
IN_MODELS = _remedies("")


def copy_text(text: str, what: str) -> str:
    """Put a text on the clipboard and return a sentence that says so: *"… is on the clipboard."*"""
    clipboard = QGuiApplication.clipboard()
    if clipboard is None:
        return "This desktop has no clipboard."
    clipboard.setText(text)
    return f"{what} is on the clipboard."


def copy_legend(record: dict[str, Any], name: str = "") -> str:
    """Copy the figure legend of a result, the layer ``name``; return what to say."""
    return copy_text(record["legend"], f"The figure legend{_of(name)}")


def copy_short_legend(record: dict[str, Any], name: str = "") -> str:
    """Copy the few words for a small figure; return what to say."""
    from napari_colorize.records.legend import short_legend

    return copy_text(short_legend(record), f"The short legend{_of(name)}")


def copy_methods(record: dict[str, Any], name: str = "") -> str:
    """Copy the paragraph for the methods section of a paper; return what to say."""
    from napari_colorize.records.legend import methods_paragraph

    return copy_text(methods_paragraph(record), f"The methods paragraph{_of(name)}")


def copy_python(record: dict[str, Any], name: str = "") -> str:
    """Copy the Python call that makes a result, the layer ``name``, again; return what to say."""
    from napari_colorize.records import record as provenance

    return copy_text(provenance.as_python(record).rstrip(), f"The Python code{_of(name)}")


def _of(name: str) -> str:
    return f" of '{name}'" if name else ""
