"""Where the planes of a stack lie: axes, steps, units and channels, as ImageJ and OME keep them."""

import re
from dataclasses import dataclass
from typing import Any

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
    names = tuple(str(label) for label in labels) if len(labels) == count else ()
    return StackPlace(
        axes,
        _positive(said.get("spacing")),
        "um" if unit in ("\\u00B5m", "µm", "μm", "micron", "microns") else unit,
        _positive(said.get("finterval")),
        names,
    )


def _of_ome(xml: str, axes: tuple[tuple[str, int], ...]) -> StackPlace:
    """Read a few attributes of the first image; a full parser would follow what strangers wrote."""
    first = xml[: 1 << 20].partition("</Image>")[0]
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", first)
    said = dict(re.findall(r'(\w+)="([^"]*)"', pixels.group())) if pixels else {}
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
