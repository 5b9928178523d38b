"""What a file holds: pages of pixels, their size in the world, and where those of a stack lie."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_colorize.decoders.limits import TooLarge, UnreadableFile

CENTIMETRE = 3
"""TIFF's ResolutionUnit: 1 none, 2 inch, 3 centimetre."""


@dataclass(frozen=True)
class Resolution:
    """Pixels per unit of length, as TIFF keeps it.

    Parameters
    ----------
    x, y : float
        Pixels per unit across and down.
    unit : int
        1 none, 2 inch, 3 centimetre.
    """

    x: float
    y: float
    unit: int


@dataclass(frozen=True, eq=False)
class Page:
    """One picture of a file.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3 or 4) array
        As stored, dtype kept, but upright, in RGB order, in sRGB where a profile says what the
        values mean, with 0 as black; grey pixels without data are masked
        (``numpy.ma.MaskedArray``).
    path : Path
        The file, absolute.
    index, count : int
        Which page this is, from 0, and how many the file has.
    resolution : Resolution, optional
        From TIFF tags; x is across the picture as it stands upright.
    about : dict
        What was done with the stored values, and what was left out: ``colour_model``,
        ``colour_profile``, ``no_data``, ``samples_left_out``, ``left_out`` (pages of the file that
        are no pictures), ``frames`` (how many there are, of which this is the first).
    """

    pixels: NDArray[Any]
    path: Path
    index: int = 0
    count: int = 1
    resolution: Resolution | None = None
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> dict[str, Any]:
        """What a record says about the origin: ``path``, ``about``, ``page`` of several."""
        source: dict[str, Any] = {"path": str(self.path)} | self.about
        return source | {"page": self.index} if self.count > 1 else source


@contextlib.contextmanager
def told_as_unreadable(path: Path) -> Iterator[None]:
    """Turn whatever a decoder throws at a damaged file into a sentence."""
    try:
        yield
    except (UnreadableFile, TooLarge, MemoryError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise IsADirectoryError(f"{path} is a folder; give the files in it.") from None
    except PermissionError:
        raise PermissionError(f"{path} may not be read; check its permissions.") from None
    except Exception as error:  # decoders raise anything, struct.error and KeyError included
        raise UnreadableFile(
            f"{path.name} cannot be read: it is damaged or cut short, or of a kind that is not "
            "known. Copy it again, or export it as PNG or as uncompressed TIFF."
        ) from error


_MICROMETRES = {"": 1.0, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0}
_MICROMETRES |= {"\\u00B5m": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}


@dataclass(frozen=True)
class StackPlace:
    """What a file says of its stack, beside the pixels.

    Parameters
    ----------
    axes : tuple of (str, int)
        Letter and length of the axes that count the planes, outermost first.
    z_step : float or None
        Distance of neighbouring planes along z, in `unit`.
    unit : str
        Such as ``um``; empty where the file does not say.
    interval : float or None
        Seconds between neighbouring planes along t.
    channels : tuple of str
        Names.
    pixel : (float, float) or None
        Micrometres from row to row and from column to column, where OME says so; ImageJ keeps them
        in the TIFF's tags.
    """

    axes: tuple[tuple[str, int], ...]
    z_step: float | None = None
    unit: str = ""
    interval: float | None = None
    channels: tuple[str, ...] = ()
    pixel: tuple[float, float] | None = None

    @property
    def micrometres(self) -> float | None:
        """The z step in micrometres; ``None`` where it or the unit is not known."""
        factor = _MICROMETRES.get(self.unit)
        return None if self.z_step is None or factor is None else self.z_step * factor

    def record(self) -> dict[str, Any]:
        """Return what a record keeps of it."""
        kept: dict[str, Any] = {"axes": [[letter, n] for letter, n in self.axes]}
        known: dict[str, Any] = {
            "z_step": self.z_step,
            "unit": self.unit,
            "interval": self.interval,
        }
        known["channels"] = list(self.channels)
        return kept | {key: value for key, value in known.items() if value}


def place_of(file: Any, axes: tuple[tuple[str, int], ...]) -> StackPlace | None:
    """Return the place of the planes of an open TIFF file; ``None`` where it names no axes.

    Parameters
    ----------
    file : tifffile.TiffFile
    axes : tuple of (str, int)
        That count the pages.
    """
    if not axes or any(letter not in "tzc" for letter, _ in axes):
        return None
    if file.is_imagej:
        return _of_imagej(file.imagej_metadata or {}, axes)
    if file.is_ome:
        return _of_ome(file.ome_metadata or "", axes)
    return StackPlace(axes)


def _of_imagej(said: dict[str, Any], axes: tuple[tuple[str, int], ...]) -> StackPlace:
    unit = str(said.get("unit", ""))
    labels = said.get("Labels") or []
    count = dict(axes).get("c", 0)
    names = tuple(str(label) for label in labels[:count])
    if not count or names * (len(labels) // count) != tuple(map(str, labels)):
        names = ()  # those of slices, not of channels
    return StackPlace(
        axes,
        _positive(said.get("spacing")),
        "um" if unit in ("\\u00B5m", "µm", "μm", "micron", "microns") else unit,
        _positive(said.get("finterval")),
        names,
    )


def resolution_in_ome(xml: str) -> Resolution | None:
    """Return the pixel size that OME-XML gives; its sizes are micrometres where no unit stands."""
    pixel = _pixel(_pixels_in(xml))
    return None if pixel is None else Resolution(1e4 / pixel[1], 1e4 / pixel[0], CENTIMETRE)


def _pixels_in(xml: str) -> dict[str, str]:
    """Read the attributes of the first image; a full parser would follow what strangers wrote."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", xml[: 1 << 20].partition("</Image>")[0])
    return dict(re.findall(r'(\w+)="([^"]*)"', pixels.group())) if pixels else {}


def _of_ome(xml: str, axes: tuple[tuple[str, int], ...]) -> StackPlace:
    first, said = xml[: 1 << 20].partition("</Image>")[0], _pixels_in(xml)
    names = re.findall(r'<(?:\w+:)?Channel\b[^>]*?\bName="([^"]{0,200})"', first)
    unit = said.get("PhysicalSizeZUnit", "um" if "PhysicalSizeZ" in said else "")
    return StackPlace(
        axes,
        _positive(said.get("PhysicalSizeZ")),
        "um" if unit in ("µm", "μm") else unit,
        _positive(said.get("TimeIncrement")),
        tuple(names) if len(names) == dict(axes).get("c", 0) else (),
        _pixel(said),
    )


def _pixel(said: dict[str, str]) -> tuple[float, float] | None:
    sides = []
    for side in "YX":
        factor = _MICROMETRES.get(said.get(f"PhysicalSize{side}Unit", "um"))
        length = _positive(said.get(f"PhysicalSize{side}"))
        if factor is None or length is None:
            return None
        sides.append(length * factor)
    return sides[0], sides[1]


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None
