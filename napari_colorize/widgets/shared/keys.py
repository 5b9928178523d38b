"""Key bindings. Made in code, since napari (0.9) does nothing with those of a manifest."""

from collections.abc import Callable
from typing import Any

Command = Callable[[Any], None]
"""Takes the viewer."""

KEYS: dict[str, Command] = {}
"""Key → command, as registered; documented in ``docs/napari.md``."""


def on_key(key: str) -> Callable[[Command], Command]:
    """Register a command for a key; every panel binds what is registered in its viewer."""

    def register(command: Command) -> Command:
        KEYS[key] = command
        return command

    return register


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
