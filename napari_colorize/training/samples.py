"""Training pairs, the order in which they are seen, and the loaders.

A pair is a cropped, augmented grey input and the chroma it should get. The order can be entered at
any batch, which is where in an epoch a training stands that goes on.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from napari_colorize.files.pictures import Picture
from napari_colorize.training.recipe import Augmentation, Recipe

STRIDE = 4
"""Of the target, where a method's graph does not say otherwise."""
_MOST_DAMAGED_IN_A_ROW = 20


class TrainingPairs(Dataset[tuple[Tensor, Tensor]]):
    """Random crops of pictures: (1, S, S) float32 L* and (2, S/stride, S/stride) float32 ab.

    A pair depends on the seed, the epoch and the picture's index alone, whatever the number of
    worker processes. The target is the ab plane point-sampled at the stride, not averaged (as in
    the paper's released code), and its colours are never changed; tone curve and noise touch the
    grey input only.

    Parameters
    ----------
    pictures
        Where to read from.
    size
        Side S of the crop fed to the network, px; a multiple of 32.
    seed
        Of the whole training.
    augmentation
        How crops are taken and the grey input is changed.
    stride
        Picture's pixels for one pixel of the target, along one side.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        size: int,
        seed: int,
        augmentation: Augmentation,
        stride: int = STRIDE,
    ) -> None:
        self.pictures = pictures
        self.size = size
        self.seed = seed
        self.augmentation = augmentation
        self.stride = stride

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Pair of a key (epoch, index of the picture), as `data.EpochSampler` gives them."""
        epoch, index = key
        random = np.random.default_rng((self.seed, epoch, index))
        crop = _random_crop(self._read(index), self.size, self.augmentation, random)
        luma, target = _split(crop, self.stride)
        return torch.from_numpy(_age(luma, self.augmentation, random)[None]), target

    def _read(self, index: int) -> NDArray[np.uint8]:
        """Decode a picture, or the next that can be: a damaged one must not end days of work."""
        for step in range(_MOST_DAMAGED_IN_A_ROW):
            picture = self.pictures[(index + step) % len(self.pictures)]
            try:
                return picture.read()
            except ValueError as error:
                warnings.warn(f"{error} The next picture takes its place.", stacklevel=2)
        raise ValueError(
            f"{_MOST_DAMAGED_IN_A_ROW} pictures in a row cannot be read, the last of them "
            f"{picture.path}. Is the disk still there?"
        )


class CentrePairs(Dataset[tuple[Tensor, Tensor]]):
    """The same pairs without chance: the largest central square, for validation."""

    def __init__(self, pictures: Sequence[Picture], size: int, stride: int = STRIDE) -> None:
        self.pictures = pictures
        self.size = size
        self.stride = stride

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Pair number `index`."""
        square = centre_square(self.pictures[index].read(), self.size)
        luma, target = _split(square, self.stride)
        return torch.from_numpy(luma[None]), target


def centre_square(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Cut the largest central square of (H, W, 3) RGB and bring it to (size, size, 3)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _resize(picture[top : top + side, left : left + side], size)


def _random_crop(
    picture: NDArray[np.uint8],
    size: int,
    augmentation: Augmentation,
    random: np.random.Generator,
) -> NDArray[np.uint8]:
    """Cut a random, slightly stretched rectangle and bring it to (size, size, 3)."""
    height, width = picture.shape[:2]
    side = min(height, width) * random.uniform(augmentation.smallest_crop, 1.0)
    stretch = np.exp(random.uniform(-1, 1) * np.log(augmentation.largest_stretch) / 2)
    crop_h = max(1, min(height, round(side * stretch)))
    crop_w = max(1, min(width, round(side / stretch)))
    top = random.integers(height - crop_h + 1)
    left = random.integers(width - crop_w + 1)
    crop = _resize(picture[top : top + crop_h, left : left + crop_w], size)
    return crop[:, ::-1] if random.random() < 0.5 else crop


def _resize(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    shrinking = min(picture.shape[:2]) >= size
    method = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), np.uint8)


def _split(rgb: NDArray[np.uint8], stride: int) -> tuple[NDArray[np.float32], Tensor]:
    """Lightness (S, S) and point-sampled chroma (2, S/stride, S/stride), both in Lab units."""
    lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    # The sample nearest to the middle of each cell.
    sampled = lab[stride // 2 :: stride, stride // 2 :: stride, 1:]
    return lab[..., 0], torch.from_numpy(np.ascontiguousarray(sampled.transpose(2, 0, 1)))


def _age(
    luma: NDArray[np.float32], augmentation: Augmentation, random: np.random.Generator
) -> NDArray[np.float32]:
    """Change the grey input as other cameras and old emulsions do: tone curve, fading, noise."""
    share = luma / 100
    if random.random() < augmentation.tone_share:
        share = share ** np.exp(random.uniform(-1, 1) * augmentation.tone_strength)
        black, white = random.uniform(0, augmentation.fading, 2)
        share = black + share * (1 - black - white)
    if random.random() < augmentation.noise_share:
        sigma = random.uniform(0, augmentation.noise_strength)
        share = share + random.normal(0, sigma, share.shape)
    return np.clip(share * 100, 0, 100).astype(np.float32)


def old_photograph(luma: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Change a grey input as lenses, emulsions and years did: soft, another tone curve, grain.

    Parameters
    ----------
    luma
        (H, W) L*, 0…100.
    random
        Decides which of the three, and how much.
    """
    share: NDArray[Any] = luma / 100
    if random.random() < 0.4:
        share = cv2.GaussianBlur(share, (0, 0), random.uniform(0.4, 1.6))
    if random.random() < 0.7:
        share = np.clip(share, 0, 1) ** np.exp(random.uniform(-0.5, 0.5))
        black, white = random.uniform(0, 0.15, 2)
        share = black + share * (1 - black - white)
    if random.random() < 0.5:
        share = share + random.normal(0, random.uniform(0, 0.05), share.shape)
    return np.clip(share * 100, 0, 100).astype(np.float32)


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
