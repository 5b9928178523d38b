"""Comparing pictures that are at hand gives the scores of an evaluation, and a map of the error."""

import dask.array as da
import numpy as np
import pytest
from skimage.color import rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from napari_colorize.api import Cancelled
from napari_colorize.evaluation.comparison import as_codes, compare, compare_planes
from napari_colorize.evaluation.scoring import (
    Coloured,
    ScoringOptions,
    Truth,
    score_picture,
)


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """A coloured stack of three planes and its truth."""
    numbers = np.random.default_rng(4)
    truth = numbers.integers(0, 256, (3, 20, 24, 3), dtype=np.uint8)
    off = numbers.integers(-9, 10, truth.shape) * np.arange(1, 4)[:, None, None, None]
    return np.clip(truth + off, 0, 255).astype(np.uint8), truth


def test_the_map_is_the_distance_on_the_ab_plane(pictures):
    coloured, truth = (stack[0] for stack in pictures)
    [error] = compare(coloured, truth).errors

    difference = rgb2lab(coloured / 255.0) - rgb2lab(truth / 255.0)
    np.testing.assert_allclose(error, np.hypot(*difference[..., 1:].T).T, atol=2e-3)
    assert error.dtype == np.float32


def test_scores_of_one_picture_are_its_own(pictures):
    coloured, truth = (stack[1] for stack in pictures)
    scores = compare(coloured, truth).scores
    own = score_picture(Truth(truth), Coloured(coloured), ScoringOptions())["scores"]

    assert scores["psnr"] == pytest.approx(peak_signal_noise_ratio(truth, coloured), abs=1e-4)
    assert scores["auc"] == pytest.approx(own["auc"][0])
    assert scores["rmse_ab"] == pytest.approx(np.sqrt(own["rmse_ab"][0]))
    assert set(scores) == set(own)


def test_scores_of_a_stack_pool_its_planes_as_a_report_does(pictures):
    together = compare(*pictures)
    alone = [compare(*pair) for pair in zip(*pictures, strict=True)]

    assert together.scores["psnr"] == pytest.approx(np.mean([c.scores["psnr"] for c in alone]))
    squares = np.mean([c.scores["rmse_rgb"] ** 2 for c in alone])
    assert together.scores["rmse_rgb"] == pytest.approx(np.sqrt(squares))
    np.testing.assert_array_equal(together.errors, [c.errors[0] for c in alone])


def test_equal_pictures_are_perfect_and_shown_so(pictures):
    truth = pictures[1]
    comparison = compare(truth, truth)

    assert not np.any(comparison.errors)
    shown = {title: (value, unit) for title, value, unit, _ in comparison.rows()}
    assert shown["AuC"] == ("100.00", "%")
    assert shown["SSIM"] == ("1.0000", "")


@pytest.mark.parametrize(
    "convert",
    [
        lambda codes: codes.astype(np.uint16) * 257,
        lambda codes: codes / np.float32(255),
        lambda codes: np.concatenate([codes, codes[..., :1]], axis=-1),
        lambda codes: da.from_array(codes, chunks=(1, -1, -1, -1)),
    ],
    ids=["uint16", "float", "alpha", "dask"],
)
def test_the_type_of_the_picture_does_not_matter(pictures, convert):
    coloured, truth = pictures
    expected = compare(coloured, truth)
    got = compare(convert(coloured), convert(truth))

    assert got.scores == expected.scores
    np.testing.assert_array_equal(got.errors, expected.errors)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((4, 4)), r"has shape \(4, 4\)"),
        (np.full((4, 4, 3), 255.0), "from 255 to 255; float pictures go from 0 to 1"),
        (np.full((4, 4, 3), np.nan), "values from nan to nan"),
        (np.zeros((4, 4, 3), np.int64), "is int64; give uint8"),
        (np.zeros((0, 4, 3), np.uint8), "not empty"),
    ],
)
def test_what_is_no_rgb_picture_is_refused(picture, said):
    with pytest.raises((ValueError, TypeError), match=said):
        as_codes(picture)


def test_pictures_of_different_sizes_are_refused(pictures):
    coloured, truth = pictures
    with pytest.raises(ValueError, match="of the same size"):
        compare(coloured[:, 1:], truth)
    with pytest.raises(ValueError, match="is 19 × 24 pixels, the true one 20 × 24"):
        compare_planes([(coloured[0, 1:], truth[0])], count=1)
    with pytest.raises(ValueError, match="no plane"):
        compare(coloured[:0], truth[:0])


def test_it_reports_and_stops_between_planes(pictures):
    told = []
    with pytest.raises(Cancelled):
        compare(
            *pictures,
            progress=lambda share, text: told.append((share, text)),
            should_stop=lambda: len(told) == 2,
        )

    assert told == [(0, "plane 1 of 3"), (pytest.approx(1 / 3), "plane 2 of 3")]
