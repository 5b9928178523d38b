"""One-click commands: what menus, the command palette and keys do. Problems are shown in sentences.

Each takes the viewer, which napari injects, and does what a panel's button does.
"""

from typing import TYPE_CHECKING, Any

from napari_colorize.widgets.layers.choice import PREVIEW_KEY, RECORD_KEY, is_ours, record_of_layer
from napari_colorize.widgets.shared import words as _clipboard
from napari_colorize.widgets.shared.panel import COLORIZE, EVALUATE, on_key, open_panel

if TYPE_CHECKING:
    import napari.viewer


@on_key("Control-Alt-C")
def colorize_current_slice(viewer: "napari.viewer.Viewer") -> None:
    """Colour the plane on screen of the selected image layers; opens the panel if need be."""
    panel = _panel_with_choice(viewer)
    if panel is not None:
        panel.ui.planes.setCurrentIndex(0)
        panel.run()


@on_key("Control-Alt-P")
def colorize_all_planes(viewer: "napari.viewer.Viewer") -> None:
    """Colour every plane of the selected image layers; opens the panel if need be."""
    from napari.utils.notifications import show_info

    panel = _panel_with_choice(viewer)
    if panel is None:
        return
    every = panel.ui.planes.findData(True)
    if every < 0:
        name = panel.ui.layer.layer.name
        show_info(f"Layer '{name}' is a single plane; it is coloured as it is.")
    else:
        panel.ui.planes.setCurrentIndex(every)
    panel.run()


def _panel_with_choice(viewer: "napari.viewer.Viewer") -> Any:
    """Return the panel with the selected layers chosen; ``None`` where nothing can be coloured."""
    from napari.layers import Image
    from napari.utils.notifications import show_info

    # napari hands commands a proxy; looking up a layer in the selection needs the real ones.
    layers = getattr(viewer, "__wrapped__", viewer).layers
    images = [one for one in layers if one in layers.selection and isinstance(one, Image)]
    if not images:
        show_info("Select an image layer first; that is what will be coloured.")
        return None
    panel = open_panel(viewer, COLORIZE)
    sources = [layer for layer in images if not is_ours(layer)]
    if len(sources) > 1:
        panel.ui.layer.choose_selected()
    elif sources:
        panel.choose(sources[0])
    elif not panel.choose(images[0]):
        show_info(f"'{images[0].name}' was made by Colorize; select the image it was made of.")
        return None
    return panel


@on_key("Control-Alt-E")
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
    panel = open_panel(viewer, EVALUATE)
    panel.choose(*images)
    panel.run()


@on_key("Control-Alt-L")
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
    """Return the record of the active layer; a layer without one is said to have none."""
    from napari.utils.notifications import show_info

    layer = viewer.layers.selection.active
    record = None if layer is None else record_of_layer(layer)
    if record is None and layer is not None and PREVIEW_KEY in layer.metadata:
        show_info("A preview is no result and has no record; press Run, and select the new layer.")
    elif record is None:
        show_info("Select a layer that Colorize has made; only it knows how it was made.")
    return record
