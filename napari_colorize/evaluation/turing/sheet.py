"""The result of a Turing test as one self-contained page, with the most and least convincing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.evaluation.ledger import THUMBNAIL
from napari_colorize.evaluation.report import as_data_uri, template
from napari_colorize.evaluation.turing.result import TuringResult
from napari_colorize.evaluation.turing.stimuli import Stimuli
from napari_colorize.storage import write_whole

SHOWN = 8
"""Pictures in each row of the sheet."""


def write_sheet(path: str | Path, result: TuringResult, stimuli: Stimuli) -> Path:
    """Write the page.

    Parameters
    ----------
    path : str or path
        The HTML file.
    result : TuringResult
        From :func:`~napari_colorize.evaluation.turing.result.merge`.
    stimuli : Stimuli
        What was shown; its pictures go into the page.
    """
    rows = [row for method in result.methods for row in _rows(method, result, stimuli)]
    page = template("turing.html.j2").render(result=result.to_dict(), rows=rows)
    write_whole(Path(path), page)
    return Path(path)


def _rows(method: str, result: TuringResult, stimuli: Stimuli) -> list[dict[str, Any]]:
    ranked = result.ranked(method)
    chosen = {"most": ranked[:SHOWN], "least": ranked[::-1][:SHOWN]}
    return [
        {
            "title": f"{method}: {which} convincing",
            "columns": [
                {
                    "name": result.names[picture],
                    "fooled": share.fooled,
                    "trials": share.trials,
                    "views": [
                        ("real", _thumbnail(stimuli.real(picture))),
                        ("recoloured", _thumbnail(stimuli.fake(picture, method))),
                    ],
                }
                for picture, share in shares
            ],
        }
        for which, shares in chosen.items()
    ]


def _thumbnail(rgb: np.ndarray) -> str:
    from PIL import Image

    image = Image.fromarray(rgb)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return as_data_uri(buffer.getvalue())
