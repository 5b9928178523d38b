"""Training pairs: a cropped, augmented grey input and the chroma it should get."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from napari_colorize.files.pictures import Picture
from napari_colorize.training.recipe import Augmentation

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
