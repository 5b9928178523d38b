"""The panel *Guide*: colour that a person decides, by strokes, points and regions."""

from napari_colorize.widgets.guide.panel import GuidePanel

__all__ = ["GuidePanel"]
