"""The layer that shows a preview: one at a time, replaced in place, never taken for a result."""

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.widgets.colorize.preview import Preview
from napari_colorize.widgets.layers.results import PREVIEW_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

NOTE = (
    "A preview for setting parameters: reduced, of one plane, replaced at every move. It is not a "
    "result and has no record of how it was made."
)


class PreviewLayer:
    """Shows previews in a viewer, in a layer right above their source.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    """

    def __init__(self, viewer: "ViewerModel") -> None:
        self._viewer = viewer
        self._layer: weakref.ref[Image] | None = None
        self._source: weakref.ref[Image] | None = None

    @property
    def layer(self) -> "Image | None":
        """The layer, while the viewer has it."""
        layer = self._layer() if self._layer is not None else None
        return layer if any(one is layer for one in self._viewer.layers) else None

    def was(self, layer: Any) -> bool:
        """Whether this is the layer, wherever it is now."""
        return self._layer is not None and self._layer() is layer

    @property
    def source(self) -> "Image | None":
        """What the layer is a preview of."""
        return self._source() if self._source is not None else None

    def show(self, preview: Preview) -> None:
        """Show a preview in place of the one before; drop it if its source is gone."""
        source = preview.look.job.layer()
        if source is None or not any(layer is source for layer in self._viewer.layers):
            self.remove()
            return
        layer = self.layer
        if layer is None or self.source is not source or layer.data.shape != preview.rgb.shape:
            self.remove()
            self._add(preview, source)
            return
        for name, value in preview.look.placement.items():
            if not _same(getattr(layer, name), value):
                setattr(layer, name, value)
        layer.data = preview.rgb

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        layer = self.layer
        self._layer = self._source = None
        if layer is not None:
            self._keeping_selection(lambda: self._viewer.layers.remove(layer))

    def _add(self, preview: Preview, source: "Image") -> None:
        from napari.layers import Image

        layer = Image(
            preview.rgb,
            rgb=True,
            name=f"{preview.look.job.name} (preview, predicted colour)",
            metadata={PREVIEW_KEY: NOTE},
            **preview.look.placement,
        )
        self._layer, self._source = weakref.ref(layer), weakref.ref(source)
        place = self._viewer.layers.index(source) + 1
        self._keeping_selection(lambda: self._viewer.layers.insert(place, layer))

    def _keeping_selection(self, change: Any) -> None:
        """Change the list of layers, but not what somebody has selected in it."""
        selection = self._viewer.layers.selection
        before = [layer for layer in selection if layer is not self.layer]
        change()
        selection.intersection_update(before)
        selection.update(before)


def _same(one: Any, other: Any) -> bool:
    if hasattr(one, "affine_matrix"):
        one = one.affine_matrix
    if isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
