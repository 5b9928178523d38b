"""What a file holds: pages of pixels, and what is known about their size in the world."""

import contextlib
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
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise UnreadableFile(
            f"{path.name} cannot be read: it is damaged, cut short or of an unsupported kind "
            f"({reason}). Copy or export it again, as PNG or as uncompressed TIFF."
        ) from error
