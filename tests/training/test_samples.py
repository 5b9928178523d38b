"""Training pairs: right targets, chance that is decided by seed, epoch and index alone."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from napari_colorize.files.pictures import find_pictures
from napari_colorize.training.recipe import Augmentation
from napari_colorize.training.samples import CentrePairs, TrainingPairs

PLAIN = Augmentation(smallest_crop=1, largest_stretch=1, tone_share=0, noise_share=0)


@pytest.fixture
def pictures(folder):
    return find_pictures([folder])


def test_the_target_is_the_point_sampled_chroma(tmp_path):
    """With nothing left to chance but the mirror, input and target are the Lab planes."""
    import cv2

    random = np.random.default_rng(0)
    rgb = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "picture.png"), rgb[..., ::-1])
    luma, ab = CentrePairs(find_pictures([tmp_path]), 64)[0]
    lab = rgb2lab(rgb)
    np.testing.assert_allclose(luma[0], lab[..., 0], atol=0.5)
    np.testing.assert_allclose(ab.permute(1, 2, 0), lab[2::4, 2::4, 1:], atol=1.0)


def test_pairs_repeat_by_seed_epoch_and_index(pictures):
    one, other = (TrainingPairs(pictures, 32, 7, Augmentation()) for _ in range(2))
    for a, b in zip(one[0, 3], other[0, 3], strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one[0, 3][0], other[1, 3][0])
    assert not torch.equal(one[0, 3][0], TrainingPairs(pictures, 32, 8, Augmentation())[0, 3][0])


def test_augmentation_never_changes_the_colour_target(pictures):
    """Tone curve and noise are drawn after the crop: the target stays, the input moves."""
    from dataclasses import replace

    always = replace(PLAIN, tone_share=1.0, noise_share=1.0)
    plain, aged = TrainingPairs(pictures, 32, 0, PLAIN), TrainingPairs(pictures, 32, 0, always)
    for index in range(5):
        assert torch.equal(plain[0, index][1], aged[0, index][1])
        assert not torch.equal(plain[0, index][0], aged[0, index][0])
        assert aged[0, index][0].min() >= 0
        assert aged[0, index][0].max() <= 100


@pytest.mark.parametrize("size", [32, 64, 96])
def test_shapes_and_types(pictures, size):
    luma, ab = TrainingPairs(pictures, size, 0, Augmentation())[0, 0]
    assert luma.shape == (1, size, size)
    assert ab.shape == (2, size // 4, size // 4)
    assert luma.dtype == ab.dtype == torch.float32


def test_a_picture_damaged_since_is_replaced_by_the_next_and_told(pictures):
    pairs = TrainingPairs(pictures, 32, 0, PLAIN)
    pictures[4].path.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match=r"004\.png.*The next picture takes its place"):
        luma, _ = pairs[0, 4]
    # The chance is that of the key; the pixels are the next picture's.
    pairs.pictures = [pictures[5]] * len(pictures)
    assert torch.equal(luma, pairs[0, 4][0])


def test_a_vanished_disk_ends_the_training_with_a_sentence(pictures):
    pairs = TrainingPairs(pictures, 32, 0, PLAIN)
    for picture in pictures:
        picture.path.unlink()
    with (
        pytest.warns(match="cannot be read"),
        pytest.raises(ValueError, match="Is the disk still there"),
    ):
        pairs[0, 0]
