"""Which of several plugins saves a layer: ours first, since it passes on what is not its own."""

PLUGIN = "napari-colorize"


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
