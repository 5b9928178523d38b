"""The panel that teaches."""

from napari_colorize.widgets.train.panel import TrainPanel

__all__ = ["TrainPanel"]
