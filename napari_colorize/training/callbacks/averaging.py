"""The running average of the weights, which is what a training keeps."""

from __future__ import annotations

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class RunningAverage(WeightAveraging):
    """Exponential moving average after every step: average += (1 − decay) · (weights − average).

    Written so, and not as decay · average + (1 − decay) · weights, what does not change stays as it
    is to the last bit: a frozen trunk is still the one it was, and can be shared.

    Parameters
    ----------
    decay
        From 0 (no average) to below 1.
    """

    def __init__(self, decay: float) -> None:
        def averaged(average: Tensor, weights: Tensor, _: Tensor | int) -> Tensor:
            if not weights.is_floating_point():
                return weights
            return torch.lerp(average, weights, 1 - decay)

        super().__init__(avg_fn=averaged)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """After steps, not again after epochs."""
        return step_idx is not None
