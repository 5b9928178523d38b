"""The panel that colours, and its form over the parameters."""

from napari_colorize.widgets.colorize.form import ParameterForm
from napari_colorize.widgets.colorize.panel import ColorizePanel

__all__ = ["ColorizePanel", "ParameterForm"]
