"""Whether napari's window waits for planes that are coloured when somebody looks at them.

That is a setting of napari itself: *Preferences → Experimental → Render Layers Asynchronously*.
"""


def window_waits() -> bool:
    """Return whether napari asks for planes in its main thread, and waits for them."""
    from napari.settings import get_settings

    return not get_settings().experimental.async_


def render_in_background() -> None:
    """Have napari ask for planes in a thread of its own, from now on and in later sessions."""
    from napari.settings import get_settings

    get_settings().experimental.async_ = True
