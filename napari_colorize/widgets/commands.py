"""One-click commands: what menus, the command palette and keys do. Problems are shown in sentences.

Each takes the viewer, which napari injects, and does what a panel's button does.
"""

from typing import TYPE_CHECKING, Any

from napari_colorize.widgets.colorize import panel as colorize_panel
from napari_colorize.widgets.evaluate import panel as evaluate_panel
from napari_colorize.widgets.layers.opening import record_of_layer
from napari_colorize.widgets.layers.results import PREVIEW_KEY, RECORD_KEY
from napari_colorize.widgets.shared import clipboard as _clipboard
from napari_colorize.widgets.shared.docking import bring_forward

if TYPE_CHECKING:
    import napari.viewer

PLUGIN = colorize_panel.PLUGIN
colorize_current_slice = colorize_panel.colorize_current_slice


def colorize_all_planes(viewer: "napari.viewer.Viewer") -> None:
    """Colour every plane of the active image layer; opens the panel if need be."""
    from napari.layers import Image
    from napari.utils.notifications import show_info

    layer = viewer.layers.selection.active
    if not isinstance(layer, Image):
        show_info("Select an image layer first; that is what will be coloured.")
        return
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, colorize_panel.PANEL)
    bring_forward(panel)
    panel.choose(layer)
    every = panel.ui.planes.findData(True)
    if every < 0:
        show_info(f"Layer '{layer.name}' is a single plane; it is coloured as it is.")
    else:
        panel.ui.planes.setCurrentIndex(every)
    panel.run()


def evaluate_selected(viewer: "napari.viewer.Viewer") -> None:
    """Compare the two selected RGB layers: the predicted one against the other."""
    from napari.layers import Image
    from napari.utils.notifications import show_info

    # napari hands commands a proxy; looking up a layer in the selection needs the real ones.
    layers = getattr(viewer, "__wrapped__", viewer).layers
    images = [
        layer
        for layer in layers
        if layer in layers.selection and isinstance(layer, Image) and layer.rgb
    ]
    if len(images) != 2:
        show_info("Select two RGB layers: a predicted colour and the true one.")
        return
    images.sort(key=lambda layer: RECORD_KEY not in layer.metadata)
    if all(RECORD_KEY in layer.metadata for layer in images):
        show_info("Both layers are predicted colour; one of them is taken for the truth.")
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, evaluate_panel.PANEL)
    bring_forward(panel)
    panel.choose(*images)
    panel.run()


def copy_legend(viewer: "napari.viewer.Viewer") -> None:
    """Put the figure legend of the active, predicted layer on the clipboard."""
    from napari.utils.notifications import show_info

    record = _record_of_active(viewer)
    if record is not None:
        show_info(_clipboard.copy_legend(record, viewer.layers.selection.active.name))


def copy_python(viewer: "napari.viewer.Viewer") -> None:
    """Put the Python call that makes the active, predicted layer again on the clipboard."""
    from napari.utils.notifications import show_info

    record = _record_of_active(viewer)
    if record is not None:
        show_info(_clipboard.copy_python(record, viewer.layers.selection.active.name))


def _record_of_active(viewer: "napari.viewer.Viewer") -> dict[str, Any] | None:
    from napari.utils.notifications import show_info

    layer = viewer.layers.selection.active
    record = None if layer is None else record_of_layer(layer)
    if record is None and layer is not None and PREVIEW_KEY in layer.metadata:
        show_info("A preview is no result and has no record; press Run, and select the new layer.")
    elif record is None:
        show_info("Select a layer that Colorize has made; only it knows how it was made.")
    return record
