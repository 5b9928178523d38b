"""``python -m napari_colorize.cli``, where the console script is not on the path."""

from napari_colorize.cli import main

main()
