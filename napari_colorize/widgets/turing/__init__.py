"""The panel that asks which picture is real."""

from napari_colorize.widgets.turing.panel import TuringPanel

__all__ = ["TuringPanel"]
