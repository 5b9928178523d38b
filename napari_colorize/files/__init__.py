"""Pictures from and to disk: PNG, JPEG and TIFF in; PNG and TIFF out, with their provenance.

Results are written beside their place and renamed into it, so that nothing half-written stays
and nothing is replaced unless that was asked for.
"""

from napari_colorize.files.pages import Page, Resolution, StackPlace, UnreadableFile
from napari_colorize.files.reading import Frames, count_pages, iter_pages, open_stack, read
from napari_colorize.files.records import read_records, read_sidecar, sidecar_of
from napari_colorize.files.writing import WRITABLE, uncertainty_of, write, write_planes
from napari_colorize.records.source import READABLE

__all__ = [
    "READABLE",
    "WRITABLE",
    "Frames",
    "Page",
    "Resolution",
    "StackPlace",
    "UnreadableFile",
    "count_pages",
    "iter_pages",
    "open_stack",
    "read",
    "read_records",
    "read_sidecar",
    "sidecar_of",
    "uncertainty_of",
    "write",
    "write_planes",
]
