"""The panel that scores."""

from napari_colorize.widgets.evaluate.panel import EvaluatePanel

__all__ = ["EvaluatePanel"]
