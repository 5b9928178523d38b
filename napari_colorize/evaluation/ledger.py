"""What has been graded already: one small file a picture and method, so nothing is done twice.

A run that is killed goes on where it stopped. A file is written beside and renamed, so it is there
whole or not at all; a folder is named after everything its results depend on, so a changed setting
starts a new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.storage import write_whole

THUMBNAIL = 192
"""Long side of the small pictures kept for contact sheets, in pixels."""


class Ledger:
    """Results of one method under one set of options.

    Parameters
    ----------
    folder : path
        Where the report is made; the ledger lies in ``ledger/`` inside.
    depends_on : mapping
        Everything that the results depend on besides the pictures, JSON-able.
    """

    def __init__(self, folder: str | Path, depends_on: Mapping[str, Any]) -> None:
        body = json.dumps(depends_on, sort_keys=True)
        self.folder = Path(folder) / "ledger" / hashlib.sha256(body.encode()).hexdigest()[:16]

    def open(self) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def read(self, sha256: str) -> dict[str, Any] | None:
        """Return what is known of a picture, or ``None``."""
        try:
            return json.loads(self._path(sha256, ".json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise ValueError(
                f"{self._path(sha256, '.json')} is damaged; delete it and run again."
            ) from error

    def write(self, sha256: str, row: Mapping[str, Any], rgb: np.ndarray | None = None) -> None:
        """Store a picture's result, and a small copy of the picture for contact sheets."""
        if rgb is not None:
            write_whole(self._path(sha256, ".jpg"), _thumbnail(rgb))
        write_whole(self._path(sha256, ".json"), json.dumps(row))

    def thumbnail(self, sha256: str) -> bytes:
        """Return the small copy, JPEG."""
        return self._path(sha256, ".jpg").read_bytes()

    def _path(self, sha256: str, suffix: str) -> Path:
        return self.folder / f"{sha256[:24]}{suffix}"


def _thumbnail(rgb: np.ndarray) -> bytes:
    import io

    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(rgb))
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
