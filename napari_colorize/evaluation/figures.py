"""The report's drawings: SVG text that stands inside an HTML page, the same for the same scores."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

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
