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


def copy_legend(record: dict[str, Any]) -> str:
    """Copy the figure legend of a result; return what to say."""
    return copy_text(record["legend"], "The figure legend")


def copy_python(record: dict[str, Any]) -> str:
    """Copy the Python call that makes a result again; return what to say."""
    from napari_colorize import provenance

    return copy_text(provenance.as_python(record), "The Python code")
