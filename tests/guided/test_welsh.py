"""Welsh's transfer of colour, against a search through all samples."""

import numpy as np
import pytest

from napari_colorize.guided import welsh

RANDOM = np.random.default_rng(3)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return a smooth colour picture with some noise, (H, W, 3) uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(7 * y + 3 * x + k) + np.cos((4 + k) * x * y) for k in range(3)]
    rgb = 128 + 45 * np.stack(waves, -1) + random.normal(0, 6, (height, width, 3))
    return rgb.clip(0, 255).astype(np.uint8)


def lightness(rgb: np.ndarray) -> np.ndarray:
    color = pytest.importorskip("skimage.color")
    return color.rgb2lab(rgb)[..., 0]


@pytest.mark.parametrize("count", [1, 2, 30, 196])
def test_the_nearest_sample_is_that_of_a_search_through_all(count: int) -> None:
    samples = RANDOM.random((count, 2)).astype(np.float32)
    luminance, deviation = RANDOM.random((2, 40, 50)).astype(np.float32)
    found = welsh.nearest(samples, luminance, deviation)
    far = np.abs(luminance[..., None] - samples[:, 0]) + np.abs(
        deviation[..., None] - samples[:, 1]
    )
    np.testing.assert_array_equal(found, far.argmin(-1))


def test_samples_that_are_equal_or_outside_and_flat_pictures() -> None:
    samples = np.float32([[5, 5], [0, 0], [0, 0], [0, 1]])
    flat = np.zeros((3, 4), np.float32)
    assert (welsh.nearest(samples, flat, flat) == 1).all()


def test_the_whole_transfer_is_that_of_a_search_in_float64() -> None:
    """Luminance remapped, deviations of the reference picture, colours of the samples."""
    ndimage = pytest.importorskip("scipy.ndimage")
    reference, luma = picture(60, 80), lightness(picture(40, 30, seed=1))
    found = welsh.transfer(luma, reference, seed=5)
    ours = welsh._luminance_of(luma)
    theirs = welsh._luminance_of(lightness(reference))[..., None]
    remapped = (theirs[..., 0] - theirs[..., 0].mean()) * (ours.std() / theirs[..., 0].std())
    remapped += ours.mean()

    def spread(plane):
        return ndimage.generic_filter(plane, np.std, 5, mode="mirror")

    at = tuple(found.samples.T)
    far = 0.5 * np.abs(ours[..., None] - remapped[at])
    far += 0.5 * np.abs(spread(ours)[..., None] - spread(remapped)[at])
    taken = np.take_along_axis(far, found.choice[..., None], -1)[..., 0]
    np.testing.assert_allclose(taken, far.min(-1), atol=1e-5)


def test_a_picture_is_its_own_reference() -> None:
    """With a sample in each pixel it comes back; all it needs is that no two pixels look alike."""
    reference = picture(14, 14)
    color = pytest.importorskip("skimage.color")
    found = welsh.transfer(lightness(reference), reference)
    wanted = color.rgb2lab(reference)[..., 1:]
    assert np.median(np.abs(found.chroma - wanted)) < 0.05


def test_the_seed_alone_decides() -> None:
    reference, luma = picture(50, 60), lightness(picture(30, 30, seed=2))
    first, again = (welsh.transfer(luma, reference, seed=1) for _ in range(2))
    other = welsh.transfer(luma, reference, seed=2)
    np.testing.assert_array_equal(first.chroma, again.chroma)
    assert first.seed == 1
    assert len(first.samples) == 196
    assert (first.samples != other.samples).any()


def test_swatches_bring_their_partners_colours() -> None:
    reference = np.zeros((40, 40, 3), np.uint8)
    reference[:, :20], reference[:, 20:] = (200, 40, 40), (40, 40, 200)
    reference = (reference + RANDOM.integers(0, 8, reference.shape)).astype(np.uint8)
    luma = np.where(np.arange(40) < 20, 30.0, 70.0) + RANDOM.normal(0, 0.5, (30, 40))
    here, there = np.zeros((30, 40), int), np.zeros((40, 40), int)
    # Crossed on purpose: the dark half of the picture belongs to the blue half of the reference.
    here[5:10, 2:8], there[:, 25:] = 1, 1
    here[5:10, 30:36], there[:, :15] = 2, 2
    chroma = welsh.transfer(luma, reference, swatches=(here, there)).chroma
    assert (chroma[:, :17, 1] < -10).mean() > 0.95
    assert (chroma[:, 23:, 0] > 10).mean() > 0.95


@pytest.mark.parametrize(
    ("luma", "reference", "swatches", "words"),
    [
        (np.zeros((2, 2, 3)), picture(5, 5), None, "shape"),
        (np.full((2, 2), np.nan), picture(5, 5), None, "finite"),
        (np.zeros((2, 2)), np.zeros((5, 5)), None, "colour picture"),
        (np.zeros((2, 2)), np.full((5, 5, 3), 80, np.uint8), None, "grey"),
        (np.zeros((2, 2)), picture(5, 5), (np.ones((2, 2)), np.zeros((5, 5))), "in common"),
        (np.zeros((2, 2)), picture(5, 5), (np.ones((3, 2)), np.ones((5, 5))), "as large"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(luma, reference, swatches, words) -> None:
    with pytest.raises(ValueError, match=words):
        welsh.transfer(luma, reference, swatches=swatches)
