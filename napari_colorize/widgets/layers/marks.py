"""How our layers are known, and saved: keys in their metadata, and whose writer comes first."""

from napari_colorize.widgets.shared.preferences import PLUGIN

RECORD_KEY = "napari_colorize"
PREVIEW_KEY = "napari_colorize_preview"
"""In the metadata of a preview, which has no record and is no image to work with."""


def prefer_our_writers() -> None:
    """Put our writers before the others of this session, so that no record is lost on saving.

    Which of several is registered first hangs on the order in which a file system lists the
    installed packages, and npe2 has no public way to say more. If a later npe2 keeps its writers
    in another place, nothing is changed: *Colorize* can still be chosen in napari's dialog.
    """
    from npe2 import PluginManager

    index = getattr(PluginManager.instance(), "_contrib", None)
    writers = getattr(index, "_writers", None)
    if isinstance(writers, list):
        writers.sort(key=lambda entry: getattr(entry[-1], "plugin_name", "") != PLUGIN)
