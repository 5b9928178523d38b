"""What all panels call the methods, and how their boxes mark those that lack weights here."""

from collections.abc import Collection

from qtpy.QtWidgets import QComboBox

METHOD_TITLES = {
    "colorful": "Colorful (Zhang 2016)",
    "deep": "Deep (Cheng 2015)",
    "unet": "U-Net, L1 (Nazeri 2018)",
    "gan": "GAN (Nazeri 2018)",
    "pix2pix": "pix2pix (Isola 2017)",
}
"""Method → its title, first author and year; :data:`napari_colorize.methods.METHODS` has the rest.

*U-Net, L1* is the baseline that Nazeri et al. compare their GAN with: the same generator, trained
on the absolute error alone.
"""

NETWORK_TITLES = {
    "colorful-paper": "Colorful (Zhang 2016)",
    "colorful-compact": "Colorful, compact",
    "colorful-hypercolumn": "Colorful, hypercolumns",
    "deep": "Deep (Cheng 2015)",
    "unet-cifar": "U-Net for 32 px (Nazeri 2018)",
    "unet-places": "U-Net for 256 px (Nazeri 2018)",
    "unet-pix2pix": "U-Net of pix2pix (Isola 2017)",
    "unet-compact": "U-Net, compact",
}
"""Architecture → what the panel calls it; the compact ones are this project's own."""

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
