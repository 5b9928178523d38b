"""What all panels call the methods, and how their boxes mark those that lack weights here."""

from collections.abc import Collection

from qtpy.QtWidgets import QComboBox

from napari_colorize.methods import METHOD_TITLES

WITHOUT_WEIGHTS = "no weights"


def title_of(method: str) -> str:
    """Return what a method is called on screen; an unknown one by its own name."""
    return METHOD_TITLES.get(method, method)


def short_title_of(method: str) -> str:
    """Return the title without author and year, for tables."""
    return title_of(method).partition(" (")[0]


def mark_methods(box: QComboBox, usable: Collection[str]) -> None:
    """Say in a box of methods which of them lack weights; entries of other kinds are left alone."""
    for index in range(box.count()):
        method = box.itemData(index)
        if method in METHOD_TITLES:
            missing = "" if method in usable else f", {WITHOUT_WEIGHTS}"
            box.setItemText(index, METHOD_TITLES[method] + missing)
    view = box.view()
    if view is not None:  # the list may be wider than the box, so that no mark is cut
        view.setMinimumWidth(view.sizeHintForColumn(0) + 8)


def no_weights_for(method: str) -> str:
    """Return the sentence that says how a method gets its weights."""
    return (
        f"There are no weights for {title_of(method)} on this machine. Bring some: "
        "Plugins → Colorize → Models, Import file…"
    )
