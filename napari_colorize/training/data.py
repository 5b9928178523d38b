"""The loaders of a training, and where in an epoch it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning
from torch import Tensor
from torch.utils.data import DataLoader

from napari_colorize.training.pictures import Picture
from napari_colorize.training.recipe import Recipe
from napari_colorize.training.sampler import EpochSampler
from napari_colorize.training.samples import STRIDE, CentrePairs, TrainingPairs

Loader = DataLoader[tuple[Tensor, Tensor]]


class PairsModule(lightning.LightningDataModule):
    """Batches of training and validation pairs; its state is the epoch and the next batch.

    Parameters
    ----------
    training, holdout
        The pictures to learn from, and those to validate on.
    recipe
        Size, batch, seed, augmentation and number of workers.
    stride
        Picture's pixels for one pixel of the target, along one side.
    """

    def __init__(
        self,
        training: Sequence[Picture],
        holdout: Sequence[Picture],
        recipe: Recipe,
        stride: int = STRIDE,
    ) -> None:
        super().__init__()
        self.pairs: Any = TrainingPairs(
            training, recipe.crop, recipe.seed, recipe.augmentation, stride
        )
        self.centres: Any = CentrePairs(holdout, recipe.crop, stride)
        self.recipe = recipe
        self._epoch = 0
        self._batch = 0

    def train_dataloader(self) -> Loader:
        """Shuffled, augmented pairs, from where the training stands."""
        assert self.trainer is not None
        sampler = EpochSampler(
            len(self.pairs),
            self.recipe.batch,
            self.recipe.seed,
            rank=self.trainer.global_rank,
            world_size=self.trainer.world_size,
            epoch=self._epoch,
            first_batch=self._batch,
        )
        return self.loader(
            self.pairs,
            sampler=sampler,
            drop_last=True,
            num_workers=self.recipe.workers,
            persistent_workers=self.recipe.workers > 0,
            pin_memory=self.trainer.strategy.root_device.type == "cuda",
        )

    def val_dataloader(self) -> Loader:
        """The same centre squares in the same order every time, in every process."""
        return self.loader(self.centres)

    def loader(self, dataset: Any, **options: Any) -> DataLoader[Any]:
        """Make a loader with the recipe's batch."""
        return DataLoader(dataset, self.recipe.batch, **options)

    def state_dict(self) -> dict[str, Any]:
        """Where the next batch comes from, asked when a checkpoint is written."""
        assert self.trainer is not None
        loop: Any = self.trainer.fit_loop
        done = loop.epoch_loop.batch_progress.current.ready
        whole = done >= self.trainer.num_training_batches
        # Not `current_epoch`: that still names the epoch whose last hooks are running.
        epoch = loop.epoch_progress.current.processed
        return {"epoch": epoch, "batch": 0 if whole else done}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the position of a checkpoint, before loaders are made."""
        self._epoch = state_dict["epoch"]
        self._batch = state_dict["batch"]
