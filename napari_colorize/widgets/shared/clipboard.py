"""Texts to be pasted elsewhere: how a result was made, and how it scored."""

from typing import Any

from qtpy.QtGui import QGuiApplication


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


def copy_python(record: dict[str, Any], name: str = "") -> str:
    """Copy the Python call that makes a result, the layer ``name``, again; return what to say."""
    from napari_colorize.records import record as provenance

    return copy_text(provenance.as_python(record).rstrip(), f"The Python code{_of(name)}")


def _of(name: str) -> str:
    return f" of '{name}'" if name else ""
