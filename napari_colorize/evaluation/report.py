"""One page to read: ``report.html``, self-contained, from ``scores.json`` and the ledger.

The page carries its drawings as SVG and its contact sheets as JPEG inside, so it opens offline and
may be mailed. ``scores.json`` beside it holds every number, for every picture.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.evaluation.catalogue import BY_KEY, SCORES, Score
from napari_colorize.evaluation.runner import Ledger
from napari_colorize.storage import write_whole

_STYLE: Any = {
    "svg.hashsalt": "napari-colorize",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def psnr_distributions(methods: Mapping[str, Any]) -> str:
    """Draw each method's distribution of PSNR over the pictures, overlaid.

    As in Cheng, Yang and Sheng (2015), where clustering moved the whole curve: the share of the
    pictures in steps of 1 dB.

    Parameters
    ----------
    methods : mapping
        Name → entry of ``scores.json``.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    values = {
        name: [v for v in method["per_picture"]["psnr"]["value"] if v is not None]
        for name, method in methods.items()
    }
    shown = np.concatenate([np.asarray(v) for v in values.values()])
    edges = np.arange(np.floor(shown.min()), np.ceil(shown.max()) + 1.5)

    def draw(axes: Any) -> None:
        for name, own in values.items():
            share, _ = np.histogram(own, edges)
            axes.step(edges[:-1], 100 * share / max(len(own), 1), where="post", label=name)
        axes.set(xlabel="PSNR / dB", ylabel="share of pictures / %")

    return _drawn(draw)


def share_within(methods: Mapping[str, Any]) -> str:
    """Draw the curves whose area is AuC: the share of pixels within t of the true ab."""

    def draw(axes: Any) -> None:
        for name, method in methods.items():
            curve = method["curves"]["share_within"]
            axes.plot(range(len(curve)), 100 * np.array(curve), label=name)
        axes.set(xlabel="threshold t / ab units", ylabel="pixels within t / %", xlim=(0, 100))

    return _drawn(draw)


def rejection_curves(methods: Mapping[str, Any]) -> str:
    """Draw error against rejection, with the best possible dashed; empty without uncertainty."""
    curves = {
        name: method["curves"]["rejection"]
        for name, method in methods.items()
        if "rejection" in method["curves"]
    }
    if not curves:
        return ""

    def draw(axes: Any) -> None:
        for name, curve in curves.items():
            rejected = 100 * np.array(curve["rejected"])
            (line,) = axes.plot(rejected, curve["error"], label=name)
            axes.plot(rejected, curve["ideal"], "--", color=line.get_color(), alpha=0.5)
        axes.set(xlabel="most uncertain pixels left out / %", ylabel="mean ab error of the rest")
        axes.set_ylim(bottom=0)

    return _drawn(draw)


def _drawn(draw: Callable[[Any], None]) -> str:
    """Return what ``draw(axes)`` draws as an ``<svg>`` element."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.legend(fontsize=8)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return re.sub(r"[ \t]+\n", "\n", text[text.index("<svg") :])


SHEET_PICTURES = 6
"""Pictures in each of the best, the median and the worst row."""


def write_scores(folder: str | Path, scores: Mapping[str, Any]) -> Path:
    """Write ``scores.json`` into a report's folder."""
    path = Path(folder) / "scores.json"
    write_whole(path, json.dumps(scores, ensure_ascii=False, indent=1) + "\n")
    return path


def read_scores(path: str | Path) -> dict[str, Any]:
    """Read a report's scores.

    Parameters
    ----------
    path : str or path
        A report's folder, or the ``scores.json`` in it.

    Raises
    ------
    FileNotFoundError, ValueError
        There is none, or it is something else.
    """
    from napari_colorize.evaluation.summary import FORMAT

    path = Path(path)
    path = path / "scores.json" if path.is_dir() else path
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; make a report with evaluate first.")
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no scores.json of a report.") from error
    if not isinstance(scores, dict) or scores.get("format") != FORMAT:
        raise ValueError(f"{path} is no scores.json that this version reads ({FORMAT!r}).")
    return scores


def write_report(
    folder: str | Path, scores: Mapping[str, Any], ledgers: Mapping[str, Ledger]
) -> Path:
    """Write ``report.html``.

    Parameters
    ----------
    folder : str or path
        Where it goes.
    scores : mapping
        What :func:`~napari_colorize.evaluation.summary.summarise` returned.
    ledgers : mapping
        Method name → ledger with small pictures; ``""`` → that of the truth.
    """
    methods = scores["methods"]
    shown = {name: m for name, m in methods.items() if m["kind"] != "damaged"} or methods
    subject = next(iter(methods))
    page = template("report.html.j2").render(
        subject=subject,
        scores=scores,
        columns=[s for s in SCORES if any(s.key in m["scores"] for m in methods.values())],
        cell=cell,
        truth_cell=lambda score: truth_cell(scores["truth"], score),
        drawings=[
            ("Distribution of PSNR over the pictures", psnr_distributions(shown)),
            ("Share of pixels within t of the true colour", share_within(shown)),
            ("Error against rejection (dashed: ideal)", rejection_curves(shown)),
        ],
        sheets=contact_sheets(scores, ledgers),
        settings=json.dumps(
            {
                "settings": scores["settings"],
                "versions": scores["versions"],
                "methods": {name: dict(m["settings"]) for name, m in methods.items()},
                "pictures": {k: scores["pictures"][k] for k in ("count", "fingerprint")},
            },
            ensure_ascii=False,
            indent=1,
        ),
    )
    path = Path(folder) / "report.html"
    write_whole(path, page)
    return path


def cell(estimate: Mapping[str, Any] | None, score: Score) -> dict[str, str]:
    """Return how a table shows an estimate: ``value`` and ``interval``, in the score's unit."""
    if not estimate or estimate["value"] is None:
        return {"value": "–", "interval": ""}

    def text(number: float) -> str:
        return f"{number * score.factor:.{score.digits}f}"

    interval = ""
    if estimate["low"] is not None:
        interval = f"{text(estimate['low'])} … {text(estimate['high'])}"
    return {"value": text(estimate["value"]), "interval": interval}


def truth_cell(truth: Mapping[str, Any], score: Score) -> dict[str, str]:
    """Return how a table shows what the truth itself scores, where that says something."""
    key = {"top1": "top1_colour", "top5": "top5_colour"}.get(score.key, score.key)
    return cell(truth.get(key), score)


def contact_sheets(
    scores: Mapping[str, Any], ledgers: Mapping[str, Ledger], *, by: str = "rmse_ab"
) -> list[dict[str, Any]]:
    """Choose the subject's best, median and worst pictures and show them beside the truth.

    Parameters
    ----------
    scores, ledgers : mapping
        As for :func:`write_report`.
    by : str
        Score that orders the pictures.

    Returns
    -------
    list of dict
        ``title`` and ``columns`` (name, score and ``views``: (label, data URI) of each version).
    """
    pictures = scores["pictures"]
    subject, first = next(iter(scores["methods"].items()))
    value = [np.nan if v is None else v for v in first["per_picture"][by]["value"]]
    good_first = np.argsort(value if BY_KEY[by].better == "lower" else -np.array(value))
    count = min(SHEET_PICTURES, len(good_first))
    middle = max(0, (len(good_first) - count) // 2)
    rows = {
        "Best": good_first[:count],
        "Median": good_first[middle : middle + count],
        "Worst": good_first[::-1][:count],
    }
    versions = {"truth": "", "grey": "grey", subject: subject}
    versions |= {name: name for name, m in scores["methods"].items() if m["kind"] == "method"}
    present = {label: ledgers[name] for label, name in versions.items() if name in ledgers}
    return [
        {
            "title": f"{title} for {subject} by {BY_KEY[by].title}",
            "columns": [
                {
                    "name": pictures["name"][index],
                    "score": cell(
                        {"value": float(BY_KEY[by].finished(value[index])), "low": None}, BY_KEY[by]
                    )["value"],
                    "views": [
                        (label, as_data_uri(ledger.thumbnail(pictures["ledger_key"][index])))
                        for label, ledger in present.items()
                    ],
                }
                for index in indices
            ],
        }
        for title, indices in rows.items()
    ]


def as_data_uri(jpeg: bytes) -> str:
    """Return a JPEG as text that an ``<img>`` shows without a file."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def template(name: str) -> Any:
    """Return a page's template; what it is given is escaped, what it misses is an error."""
    from jinja2 import Environment, StrictUndefined

    text = resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
    return Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(text)
