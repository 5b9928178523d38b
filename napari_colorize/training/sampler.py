"""The order in which pictures are seen: decided by seed and epoch, entered at any batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

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
