"""Key bindings. Made in code, since napari (0.9) does nothing with those of a manifest."""

from collections.abc import Callable
from typing import Any

from napari_colorize.widgets import commands

KEYS: dict[str, Callable[[Any], None]] = {
    "Control-Alt-C": commands.colorize_current_slice,
    "Control-Alt-P": commands.colorize_all_planes,
    "Control-Alt-E": commands.evaluate_selected,
    "Control-Alt-L": commands.copy_legend,
}
"""Key → command; documented in ``docs/napari.md``."""


def bind_keys(viewer: Any) -> None:
    """Bind the keys in a viewer, but none that is bound there already.

    Parameters
    ----------
    viewer : napari.viewer.Viewer or napari.components.ViewerModel
        Bound once; a second call changes nothing.
    """
    from napari.utils.key_bindings import coerce_keybinding

    for key, command in KEYS.items():
        binding = coerce_keybinding(key)
        taken = binding in viewer.keymap or binding in type(viewer).class_keymap
        if not taken:
            viewer.bind_key(key, command)
