"""From a report to a checkpoint's record: scores get there by this way only, never by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.checkpoints.loading import locate
from napari_colorize.checkpoints.record import UNGRADED
from napari_colorize.checkpoints.saving import update_record
from napari_colorize.evaluation.report import read_scores
from napari_colorize.parameters import ColorizeParameters

DECIMALS = 4

_WITHOUT_PART = ("checkpoint", "sha256", "device")
"""Settings that do not change a colour, or that name the weights."""


def record_scores(
    name_or_path: str | Path, reports: Sequence[str | Path], *, pictures: str = ""
) -> CheckpointRecord:
    """Write the scores of reports into the record of the weights that they graded.

    Which of the graded methods are these weights is told by their SHA-256, and which of those was
    run at the record's defaults by its settings; nothing else becomes the record's main scores.

    Parameters
    ----------
    name_or_path : str or Path
        The weights, as `checkpoints.load` takes them.
    reports : sequence of str or Path
        Folders of reports on the *same* pictures, or their ``scores.json``. Grades at other
        settings and the baselines are recorded beside.
    pictures : str, optional
        What the pictures are. Left out: as the record said before of the same pictures, else their
        number.

    Returns
    -------
    CheckpointRecord
        As written. Its ``scores`` hold ``pictures``, ``count``, ``fingerprint``, ``version``,
        ``judge`` where one was asked, key → [value, low, high], ``other_settings`` (a list of
        ``changed`` and ``scores``) and ``compared_with`` (baseline → key → numbers).

    Raises
    ------
    FileNotFoundError, ValueError
        A report cannot be read, did not grade these weights at their defaults, or the reports are
        on different pictures.
    """
    record = locate(name_or_path).record
    read = [read_scores(path) for path in reports]
    fingerprints = {scores["pictures"]["fingerprint"] for scores in read}
    if len(fingerprints) != 1:
        raise ValueError(
            "The reports are on different pictures; give reports on the same ones, since a "
            "record's scores stand side by side."
        )
    fingerprint = fingerprints.pop()
    graded = {_told(changed): (changed, scores) for changed, scores in _graded(record, read)}
    _, main = graded.pop("", ({}, None))
    if main is None:
        others = ", ".join(graded)
        raise ValueError(
            f"The report did not grade {record.name!r} (SHA-256 {record.sha256[:12]}…) at its "
            f"defaults{f', only at {others}' if others else ''}. Grade it with `napari-colorize "
            f"evaluate --method {record.method} --checkpoint {record.name}` first."
        )
    count = read[0]["pictures"]["count"]
    if not pictures and record.scores.get("fingerprint") == fingerprint:
        pictures = record.scores["pictures"]
    judge = read[0]["settings"].get("judge") if "recovery" in main else None
    return update_record(
        name_or_path,
        known_failures=tuple(text for text in record.known_failures if text != UNGRADED),
        scores={
            "pictures": pictures or f"{count} pictures",
            "count": count,
            "fingerprint": fingerprint,
            "version": read[0]["versions"]["napari-colorize"],
            **({"judge": judge} if judge else {}),
            **main,
            "other_settings": [
                {"changed": changed, "scores": scores} for changed, scores in graded.values()
            ],
            "compared_with": _baselines(read),
        },
    )


def _graded(
    record: CheckpointRecord, reports: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield what differs from the record's defaults, and the scores, of each grade of it."""
    usual = ColorizeParameters(method=record.method).resolved(record.defaults).to_dict()
    for report in reports:
        for method in report["methods"].values():
            if method["kind"] != "method" or method["settings"].get("sha256") != record.sha256:
                continue
            changed = {
                key: value
                for key, value in method["settings"].items()
                if key not in _WITHOUT_PART and usual.get(key) != value
            }
            yield changed, _estimates(method)


_JUDGED = ("top1", "top5", "recovery")


def _baselines(reports: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    asked = reports[0]["settings"].get("judge")
    return {
        name: {
            key: numbers
            for key, numbers in _estimates(method).items()
            # What another judge says cannot stand beside the first report's.
            if key not in _JUDGED or report["settings"].get("judge") == asked
        }
        for report in reports
        for name, method in report["methods"].items()
        if method["kind"] == "baseline"
    }


def _estimates(method: Mapping[str, Any]) -> dict[str, list[float | None]]:
    return {
        key: [_rounded(estimate[part]) for part in ("value", "low", "high")]
        for key, estimate in method["scores"].items()
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DECIMALS)


def _told(changed: Mapping[str, Any]) -> str:
    return " and ".join(f"{key}={value}" for key, value in changed.items())
