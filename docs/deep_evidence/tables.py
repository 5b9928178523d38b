"""What was measured, told in tables: means, and differences in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from napari_colorize.evaluation import bootstrap

Row = Sequence[str | float]


def print_scores(heading: str, scores: Mapping[str, Any], reference: str) -> None:
    """Print PSNR and error of each method, and how far they lie from one of them."""

    def psnr(name: str) -> list[float]:
        return scores["methods"][name]["per_picture"]["psnr"]["value"]

    rows = [
        (
            *(name, mean(psnr(name)), float(np.median(psnr(name)))),
            *(method["scores"]["rmse_ab"]["value"], told_difference(psnr(name), psnr(reference))),
        )
        for name, method in scores["methods"].items()
    ]
    columns = ("", "PSNR, dB", "median", "RMSE of ab", f"PSNR against {reference}")
    print_table(f"{heading}, {scores['pictures']['count']} pictures", columns, rows)


def print_sets(
    heading: str,
    column: str,
    found: Mapping[str, Mapping[str, Sequence[float]]],
    reference: str,
) -> None:
    """Print, for each set of pictures, each choice's mean and how far it lies from one of them."""
    columns = [
        title
        for of_set, of_each in found.items()
        for title in (f"PSNR, {len(of_each[reference])} {of_set}", f"against {reference}")
    ]
    rows = [
        (
            name,
            *(
                cell
                for of_each in found.values()
                for cell in (
                    mean(of_each[name]),
                    told_difference(of_each[name], of_each[reference]),
                )
            ),
        )
        for name in next(iter(found.values()))
    ]
    print_table(heading, (column, *columns), rows)


def told_difference(values: Sequence[float], reference: Sequence[float]) -> str:
    """Say how far values lie from others: mean, 95 % interval, Wilcoxon's signed-rank test."""
    difference = np.asarray(values) - np.asarray(reference)
    if not difference.any():
        return ""
    counts = bootstrap.draw_counts(len(difference))
    found = bootstrap.estimate_ratio(difference, np.ones(len(difference)), counts)
    better, worse = (100 * np.mean(sign * difference > 0) for sign in (1, -1))
    return (
        f"{found.value:+.3f} ({found.low:+.3f} … {found.high:+.3f}), better in {better:.0f} %, "
        f"worse in {worse:.0f} %, p = {wilcoxon(difference).pvalue:.1g}"
    )


def print_table(heading: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Print a table in Markdown."""
    print(f"\n{heading}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(f'{c:.2f}' if isinstance(c, float) else c for c in row)} |")


def mean(values: Sequence[float]) -> float:
    """Return the mean as a number that `print_table` shortens."""
    return float(np.mean(values))
