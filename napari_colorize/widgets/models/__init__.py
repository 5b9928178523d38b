"""The panel that lists weights, fetches and imports them."""

from napari_colorize.widgets.models.panel import ModelsPanel

__all__ = ["ModelsPanel"]
