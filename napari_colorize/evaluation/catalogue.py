"""Every score by name: what it is called, which way is better, how pictures are gathered.

A score of one picture is a *value* and a *weight*. Over many pictures it is
``root(Σ weight · value / Σ weight)``, where ``root`` is the square root for root-mean-square scores
and nothing otherwise. Scores of the papers that pool pixels weigh a picture by its pixels; the
others weigh every picture alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DAMAGES = ("grey", "shuffled", "hue")
"""Ways a method is damaged on purpose to see which scores notice, see ``damage.py``."""


@dataclass(frozen=True)
class Score:
    """One score's place in a report.

    Parameters
    ----------
    key : str
        Its name in ``scores.json``.
    title : str
        Its name in a report.
    unit : str
        Unit of the value as shown; ``"%"`` means that the stored value, 0…1, is shown times 100.
    better : {"higher", "lower", ""}
        Which way is better; empty: neither, it only describes.
    source : str
        Where its definition comes from.
    sees : tuple of str
        Damages (:data:`DAMAGES`) by which a sound method must score worse than undamaged.
    root : bool
        Whether the square root is taken after pooling.
    weighed_by : str
        What a picture weighs by when scores are gathered: ``"picture"`` (all alike), ``"pixel"``,
        ``"rarity"`` (its pixels' class weights), ``"truth"`` (its true value).
    digits : int
        Decimals shown.
    """

    key: str
    title: str
    unit: str
    better: str
    source: str
    sees: tuple[str, ...] = ()
    root: bool = False
    weighed_by: str = "picture"
    digits: int = 2

    @property
    def factor(self) -> float:
        """What a stored value is multiplied by to be shown."""
        return 100.0 if self.unit == "%" else 1.0

    def finished(self, pooled: np.ndarray | float) -> np.ndarray:
        """Return a pooled mean as the score, not yet times :attr:`factor`."""
        return np.sqrt(pooled) if self.root else np.asarray(pooled)


_ALL = ("grey", "shuffled", "hue")
_MISPLACED = ("shuffled", "hue")

SCORES: tuple[Score, ...] = (
    Score("psnr", "PSNR", "dB", "higher", "mean squared error in sRGB codes", _MISPLACED),
    Score("rmse_rgb", "RMSE RGB", "codes", "lower", "sRGB codes 0…255", _MISPLACED, True, "pixel"),
    Score("rmse_ab", "RMSE ab", "Lab", "lower", "per ab component", _MISPLACED, True, "pixel"),
    Score(
        "mae_lab",
        "MAE Lab",
        "Lab",
        "lower",
        "Nazeri et al. 2018, §4",
        _MISPLACED,
        weighed_by="pixel",
    ),
    Score(
        "accuracy",
        "Accuracy@ε",
        "%",
        "higher",
        "Nazeri et al. 2018",
        _MISPLACED,
        weighed_by="pixel",
    ),
    Score("auc", "AuC", "%", "higher", "Zhang et al. 2016, §3.1", _MISPLACED, weighed_by="pixel"),
    Score(
        "auc_rebalanced",
        "AuC rebalanced",
        "%",
        "higher",
        "Zhang et al. 2016, §3.1",
        _ALL,
        weighed_by="rarity",
    ),
    Score("ssim", "SSIM", "", "higher", "Wang et al. 2004", ("shuffled",), digits=4),
    Score("delta_e_2000", "ΔE2000", "ΔE", "lower", "CIE 142-2001", _MISPLACED, weighed_by="pixel"),
    Score("colourfulness", "Colourfulness", "", "", "Hasler & Süsstrunk 2003", digits=1),
    Score(
        "colourfulness_ratio",
        "Colourfulness / truth",
        "%",
        "",
        "Hasler & Süsstrunk 2003",
        weighed_by="truth",
        digits=1,
    ),
    Score(
        "colourfulness_error",
        "|Δ colourfulness|",
        "",
        "lower",
        "Hasler & Süsstrunk 2003",
        ("grey",),
        digits=1,
    ),
    Score("clipped", "Clipped pixels", "%", "", "share moved into sRGB", weighed_by="pixel"),
    Score("uncertainty_spearman", "Uncertainty ρ", "", "higher", "Spearman 1904", digits=3),
    Score("rejection_gain", "Rejection gain", "%", "higher", "docs/evaluation.md", digits=1),
    Score("top1", "Judge top-1", "%", "higher", "Zhang et al. 2016, §3.2", ("shuffled",), digits=1),
    Score("top5", "Judge top-5", "%", "higher", "Zhang et al. 2016, §3.2", ("shuffled",), digits=1),
    Score("recovery", "Top-1 recovery", "%", "higher", "docs/evaluation.md", digits=1),
    Score(
        "feature_distance",
        "Feature distance (EfficientNet-lite2)",
        "",
        "lower",
        "docs/evaluation.md; not LPIPS",
        _MISPLACED,
        digits=4,
    ),
    Score(
        "frechet",
        "Fréchet distance (EfficientNet-lite2)",
        "",
        "lower",
        "docs/evaluation.md; not FID",
        ("shuffled",),
        digits=3,
    ),
)
"""All scores, in the order of a report."""

BY_KEY = {score.key: score for score in SCORES}
