"""The order in which pictures are seen, the loaders, and where in an epoch a training stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import lightning
import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from napari_colorize.files.pictures import Picture
from napari_colorize.training.recipe import Recipe
from napari_colorize.training.samples import STRIDE, CentrePairs, TrainingPairs

Key = tuple[int, int]
"""Epoch and index of a picture: all that `samples.TrainingPairs` needs to make a pair."""


class EpochSampler(Sampler[Key]):
    """Every picture once an epoch, shuffled, with the epoch handed on in the key.

    The order is a function of seed and epoch alone, so going on in mid-epoch needs the number of
    the batch and no state of a random generator. The epoch travels with each index: worker
    processes, persistent or not, need not be told it.

    Parameters
    ----------
    count
        Pictures in the data set.
    batch
        Pictures in a batch of one process; what does not fill a batch in every process is left
        out of the epoch.
    seed
        Of the whole training.
    rank, world_size
        Which of how many processes this one is: each sees its own share.
    epoch, first_batch
        Where to begin.
    """

    def __init__(
        self,
        count: int,
        batch: int,
        seed: int,
        *,
        rank: int = 0,
        world_size: int = 1,
        epoch: int = 0,
        first_batch: int = 0,
    ) -> None:
        self.count = count
        self.batch = batch
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = epoch
        self.first_batch = first_batch

    @property
    def batches(self) -> int:
        """Batches of a whole epoch."""
        return self.count // (self.batch * self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of `epoch`; within the present epoch, stay where we are."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.first_batch = 0

    def __len__(self) -> int:
        """Pictures of a whole epoch in this process, wherever it is entered."""
        return self.batches * self.batch

    def __iter__(self) -> Iterator[Key]:
        """Keys from `first_batch` on to the end of the epoch."""
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.count)
        mine = order[self.rank :: self.world_size][: len(self)]
        for index in mine[self.first_batch * self.batch :]:
            yield self.epoch, int(index)


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
