"""A film that lies in a folder as one picture a frame."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_colorize.files.pages import UnreadableFile
from napari_colorize.files.reading import count_pages, read


class Frames:
    """Pictures of one folder as the planes of a stack along time: ``len``, and pixels by number.

    Parameters
    ----------
    paths : sequence of Path
        One picture each; they are put in the order of the numbers in their names, 2 before 10.

    Attributes
    ----------
    axes : tuple of (str, int)
        ``(("t", number of frames),)``.

    Raises
    ------
    UnreadableFile
        (a ``ValueError``) A file that holds several pictures, or, when it is read, a frame of
        another size than the first.

    Examples
    --------
    >>> from pathlib import Path
    >>> frames = Frames(sorted(Path("frames").glob("*.png")))  # doctest: +SKIP
    >>> frames[0].shape  # doctest: +SKIP
    (480, 640)
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = sorted(paths, key=in_order)
        self.axes = (("t", len(self.paths)),)
        self._shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> NDArray[Any]:
        path = self.paths[range(len(self))[index]]
        if count_pages(path) > 1:
            raise UnreadableFile(
                f"{path.name} holds several pictures, so it is no frame of a film; colour it "
                "without --as-stack."
            )
        [page] = read(path)
        self._shape = self._shape or page.pixels.shape
        if page.pixels.shape != self._shape:
            raise UnreadableFile(
                f"{path.name} has the shape {page.pixels.shape}, but the first frame "
                f"{self._shape}; the frames of a film have one size and kind."
            )
        return page.pixels


def in_order(path: Path) -> tuple[Any, ...]:
    """Return a key that sorts names by the numbers in them, as people do."""
    pieces = re.split(r"(\d+)", path.name.lower())
    return tuple((int(piece), "") if k % 2 else (-1, piece) for k, piece in enumerate(pieces))
