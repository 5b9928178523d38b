"""What a training keeps: averaged weights, its latest state, its best; each is written whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Checkpoint, WeightAveraging
from torch import Tensor

from napari_colorize.storage import staged
from napari_colorize.training.trainers import steps_taken

LAST = "last.ckpt"
BEST = "best.pt"


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


class KeepLatest(Checkpoint):
    """Write ``last.ckpt`` every few steps and after every epoch: all that going on needs.

    Parameters
    ----------
    folder
        Of the run.
    every
        Steps between two within an epoch.
    """

    def __init__(self, folder: Path, every: int) -> None:
        self.folder = folder
        self.every = every

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Save in mid-epoch. The last batch waits for the epoch's end, validation included."""
        batches = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        if steps_taken(trainer) % self.every == 0 and batches < trainer.num_training_batches:
            save_whole(trainer, self.folder / LAST)

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Save between two epochs."""
        save_whole(trainer, self.folder / LAST)


class KeepBest(lightning.Callback):
    """Write ``best.pt``, the averaged weights of the graph, when the validation score improves.

    It must come before the weight averaging in the list of callbacks, which takes its weights
    back when a validation ends.

    Parameters
    ----------
    folder
        Of the run.
    score
        Name of a logged validation score; the smallest is the best.
    """

    def __init__(self, folder: Path, score: str) -> None:
        self.folder = folder
        self.score = score
        self.best: float | None = None
        self.best_epoch: int | None = None

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Compare with the best so far."""
        if trainer.sanity_checking:
            return
        if self.score not in trainer.callback_metrics:
            logged = sorted(name for name in trainer.callback_metrics if name.startswith("val_"))
            raise ValueError(
                f"The recipe's score '{self.score}' is not among the validation scores: "
                f"{', '.join(logged)}."
            )
        value = float(trainer.callback_metrics[self.score])
        if self.best is None or value < self.best:
            self.best, self.best_epoch = value, trainer.current_epoch
            if trainer.is_global_zero:
                graph: Any = pl_module.graph
                write_weights(graph.state_dict(), self.folder / BEST)

    def state_dict(self) -> dict[str, Any]:
        """Return the best score and its epoch."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the best score of a checkpoint."""
        self.best = state_dict["best"]
        self.best_epoch = state_dict["best_epoch"]


# Lightning's EarlyStopping counts in a state of its own, and one that goes on from the state at
# which it stopped trains another epoch before it stops again.
class StopEarly(lightning.Callback):
    """Stop when the validation score has not improved for some epochs.

    It keeps no state of its own: a training that goes on from the state at which it stopped,
    stops again.

    Parameters
    ----------
    best
        Knows the best epoch so far.
    patience
        Epochs without a better score that are put up with; 0: any number.
    """

    def __init__(self, best: KeepBest, patience: int) -> None:
        self.best = best
        self.patience = patience

    def on_train_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Go on with having stopped."""
        self._stop_after(trainer, trainer.current_epoch - 1)

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Compare this epoch with the best one."""
        self._stop_after(trainer, trainer.current_epoch)

    def _stop_after(self, trainer: lightning.Trainer, epoch: int) -> None:
        best = self.best.best_epoch
        enough = bool(self.patience) and best is not None and epoch - best >= self.patience
        # All processes stop together, or those that go on would wait for the others for ever.
        if trainer.strategy.reduce_boolean_decision(enough, all=False):
            trainer.should_stop = True


def save_whole(trainer: lightning.Trainer, path: Path) -> None:
    """Write a Lightning checkpoint to `path` so that it is never seen half-written."""
    # Every process takes part in collecting the state; the first one writes it.
    if trainer.is_global_zero:
        with staged([path], overwrite=True) as [part]:
            trainer.save_checkpoint(part)
    else:
        trainer.save_checkpoint(path)


def write_weights(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a state dict to `path`, whole."""
    with staged([path], overwrite=True) as [part]:
        torch.save({key: value.detach().cpu().contiguous() for key, value in state.items()}, part)


def refuse_damaged(path: Path) -> None:
    """Refuse to go on from what is no checkpoint of a training, before any work.

    Raises
    ------
    ValueError
        The sentence says what to do; what torch says, to load it as a program, it does not repeat.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        whole = isinstance(state, dict) and isinstance(state.get("state_dict"), dict)
    except Exception:  # damaged files make torch, pickle and zipfile raise anything
        whole = False
    if not whole:
        raise ValueError(
            f"{path} is damaged, so the training cannot go on from it. Put the file back from a "
            "copy, or remove it and start this training again, with the same recipe and pictures."
        )


def averaged_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read the averaged weights of the graph from ``last.ckpt``."""
    # Written by ourselves a moment ago; still, nothing but tensors and plain values is taken.
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    return {
        key.removeprefix("graph."): value.contiguous()
        for key, value in state.items()
        if key.startswith("graph.")
    }
