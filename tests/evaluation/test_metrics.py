"""The numbers agree with closed forms and with independent libraries."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2rgb
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from napari_colorize.evaluation import metrics
from napari_colorize.evaluation.colour import to_lab


def picture(seed=0, shape=(24, 31)):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def as_tensor(rgb):
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].double()


def test_psnr_of_a_known_offset_is_its_closed_form():
    truth = np.full((5, 7, 3), 100, np.uint8)
    assert metrics.psnr(truth, truth + 10) == pytest.approx(20 * np.log10(255 / 10))


def test_psnr_agrees_with_torchmetrics():
    a, b = picture(0), picture(1)
    other = peak_signal_noise_ratio(as_tensor(a), as_tensor(b), data_range=255.0)
    assert metrics.psnr(a, b) == pytest.approx(float(other), abs=1e-4)


def test_psnr_of_equal_pictures_is_infinite():
    assert metrics.psnr(picture(), picture()) == float("inf")


def test_rmse_rgb_does_not_wrap_around_in_uint8():
    black, white = np.zeros((3, 3, 3), np.uint8), np.full((3, 3, 3), 255, np.uint8)
    assert metrics.rmse_rgb(black, white) == metrics.rmse_rgb(white, black) == 255


def test_ssim_agrees_with_torchmetrics_where_the_window_fits():
    truth = np.repeat(np.repeat(picture(2, (8, 8)), 8, 0), 8, 1)
    noisy = np.clip(truth.astype(int) + picture(3, (64, 64)) // 8, 0, 255).astype(np.uint8)
    _, everywhere = structural_similarity_index_measure(
        as_tensor(noisy), as_tensor(truth), data_range=255.0, sigma=1.5, return_full_image=True
    )
    inside = float(everywhere[..., 5:-5, 5:-5].mean())
    assert metrics.ssim(truth, noisy) == pytest.approx(inside, abs=1e-5)


def test_ssim_of_a_picture_smaller_than_its_window_is_not_a_number():
    assert np.isnan(metrics.ssim(picture(0, (8, 40)), picture(0, (8, 40))))


def test_colourfulness_follows_hasler_and_suesstrunk():
    rgb = picture(4)
    red, green, blue = (rgb[..., i].astype(float) for i in range(3))
    rg, yb = red - green, 0.5 * (red + green) - blue
    expected = np.sqrt(rg.var() + yb.var()) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
    assert metrics.colourfulness(rgb) == pytest.approx(expected, rel=1e-5)


def test_colourfulness_of_grey_is_zero():
    assert metrics.colourfulness(np.repeat(picture()[..., :1], 3, axis=2)) == 0


def test_delta_e_2000_gives_a_published_pair():
    """Pair 1 of Sharma, Wu and Dalal (2005), table 1: 2.0425."""
    one = np.array([[[50.0, 2.6772, -79.7751]]])
    two = np.array([[[50.0, 0.0, -82.7485]]])
    assert metrics.delta_e_2000(one, two) == pytest.approx(2.0425, abs=1e-4)


def test_mae_lab_averages_over_the_three_channels():
    truth = np.zeros((4, 4, 3))
    assert metrics.mae_lab(truth, truth + np.array([3.0, -6.0, 0.0])) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("difference", "right"),
    [((2, 0, 0), 1), ((3, 0, 0), 0), ((0, 4, -4), 1), ((0, 5, 0), 0), ((2.4, 4.4, 0), 1)],
)
def test_accuracy_allows_epsilon_in_l_and_2_2_epsilon_in_ab(difference, right):
    truth = np.zeros((2, 2, 3))
    assert metrics.accuracy(truth, truth + np.array(difference, float)) == right


def test_accuracy_limit_itself_is_right():
    truth = np.zeros((2, 2, 3))
    assert metrics.accuracy(truth, truth + np.array([0, 11.0, 0]), epsilon=5) == 1


def test_accuracy_refuses_a_negative_epsilon():
    with pytest.raises(ValueError, match="epsilon"):
        metrics.accuracy(np.zeros((1, 1, 3)), np.zeros((1, 1, 3)), epsilon=-1)


def test_rmse_ab_is_per_component():
    truth = np.zeros((3, 3, 3))
    error = metrics.ab_error(truth, truth + np.array([9.0, 3.0, 4.0]))
    assert error == pytest.approx(5.0)
    assert metrics.rmse_ab(error) == pytest.approx(5 / np.sqrt(2))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 250), min_size=1, max_size=60), st.integers(0, 2**32 - 1))
def test_auc_is_the_mean_of_the_swept_curve(errors, seed):
    """Counting pixels at each threshold, as the paper words it, gives the same."""
    error = np.array(errors)
    weights = np.random.default_rng(seed).uniform(0.1, 2, error.size)
    swept = [np.sum(weights * (error <= t)) / weights.sum() for t in range(151)]
    assert metrics.auc(error, weights) == pytest.approx(np.mean(swept), abs=1e-9)
    assert metrics.auc(error) == pytest.approx(np.mean([np.mean(error <= t) for t in range(151)]))


def test_auc_is_one_for_no_error_and_zero_beyond_the_last_threshold():
    assert metrics.auc(np.zeros(3)) == 1
    assert metrics.auc(np.full(3, 150.01)) == 0


def test_auc_of_weights_that_are_all_zero_is_not_a_number():
    assert np.isnan(metrics.auc(np.ones(3), np.zeros(3)))


def test_a_method_that_changes_the_size_is_refused():
    with pytest.raises(ValueError, match="must return the size"):
        metrics.psnr(picture(0, (4, 4)), picture(0, (4, 5)))


def test_pictures_that_are_not_8_bit_are_refused():
    with pytest.raises(TypeError, match="uint8"):
        metrics.psnr(picture(), picture().astype(np.float32))


def test_everything_is_perfect_for_the_truth_itself():
    rgb = picture(5)
    lab = to_lab(rgb)
    assert metrics.ssim(rgb, rgb) == pytest.approx(1)
    assert metrics.delta_e_2000(lab, lab) == metrics.mae_lab(lab, lab) == 0
    assert metrics.accuracy(lab, lab) == metrics.auc(metrics.ab_error(lab, lab)) == 1
    assert np.array_equal((lab2rgb(lab) * 255).round(), rgb)
