"""Tiled TIFF as a source: slides and volumes that are read piece by piece, level by level."""

from functools import lru_cache
from typing import Any

from napari_colorize.files.pages import place_of
from napari_colorize.volumes.ngff import AXES, Image, Level, Source

SUFFIXES = (".tif", ".tiff", ".btf", ".svs", ".ndpi", ".scn")
"""In small letters: of files that tifffile opens as pyramids of tiles."""


def is_tiff(path: str) -> bool:
    """Tell by its name whether a path is a TIFF's."""
    return path.lower().endswith(SUFFIXES)


def open_tiff(path: str) -> Source:
    """Find out what a TIFF's first series holds; no pixels are read.

    Raises
    ------
    ValueError
        It is no TIFF, is in colour, or its axes are not of t, c, z, y, x.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            letters = series.axes.lower().replace("q", "z").replace("i", "z")
            place = place_of(file, tuple(zip(letters[:-2], series.shape[:-2], strict=True)))
            across, channels = _pixel_size(file, series), () if place is None else place.channels
            levels = [tuple(level.shape) for level in series.levels]
            keyframe, dtype = series.keyframe, series.dtype.name
    except (OSError, ValueError, IndexError, tifffile.TiffFileError) as error:
        raise ValueError(f"{path} cannot be read as a TIFF ({error}).") from None
    planes = letters.replace("c", "")  # channels may lie anywhere: ImageJ has them after z
    if planes != "".join(axis for axis in AXES if axis in planes) or not letters.endswith("yx"):
        colour = " Its pictures are in colour already." if "s" in letters else ""
        raise ValueError(
            f"{path} has the axes {letters!r}; grey images of t, z, y, x, in this order, and c can "
            f"be coloured.{colour}"
        )
    step = None if place is None else place.micrometres
    sizes = {"z": step, "y": across and across[1], "x": across and across[0]}
    strip = (keyframe.rowsperstrip, levels[0][-1])
    chunk = tuple(keyframe.tile or strip) if keyframe.is_tiled else strip
    found = []
    for number, shape in enumerate(levels):
        scale = tuple(
            (sizes.get(axis) or 1.0) * round(levels[0][at] / shape[at], 6)
            for at, axis in enumerate(letters)
        )
        chunks = (*(1,) * (len(shape) - 2), *chunk[-2:])
        found.append(Level(str(number), shape, chunks, scale, (0.0,) * len(shape)))
    image = Image(
        path=path,
        group="",
        name=path.replace("\\", "/").rpartition("/")[2].partition(".")[0],
        axes=letters,
        units=tuple("micrometer" if sizes.get(axis) else None for axis in letters),
        dtype=dtype,
        levels=tuple(found),
        channels=channels,
    )
    return Source(path, (image,))


@lru_cache(maxsize=8)
def tiff_array(path: str, level: int) -> Any:
    """Open a level of a TIFF's first series as a zarr array, for reading; kept open for a while."""
    import tifffile
    import zarr

    return zarr.open(tifffile.imread(path, aszarr=True, series=0, level=level), mode="r")


def _pixel_size(file: Any, series: Any) -> tuple[float, float] | None:
    """Return the width and height of a pixel in micrometres, where the file says it."""
    import tifffile

    page = series.keyframe
    if file.is_imagej:
        unit = str((file.imagej_metadata or {}).get("unit", ""))
        if unit not in ("um", "µm", "\\u00B5m", "micron", "microns"):
            return None
        x, y = page.get_resolution()
    elif int(page.resolutionunit) == int(tifffile.RESUNIT.NONE):
        return None
    else:
        x, y = page.get_resolution(tifffile.RESUNIT.MICROMETER)
    return (1 / x, 1 / y) if x > 0 and y > 0 else None
