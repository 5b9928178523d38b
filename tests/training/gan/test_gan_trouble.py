"""Monitors name trouble in words, and stay silent where there is none."""

import pytest
import torch

from napari_colorize.training.gan.start import TroubleWatch, troubles
from napari_colorize.training.gan.training import ColourVariety, colourfulness

RANDOM = torch.Generator().manual_seed(0)
TRUE = torch.randn(200, 2, generator=RANDOM) * 15
TRUTH = ColourVariety.of(TRUE)


def test_good_colours_give_no_word():
    assert troubles(ColourVariety.of(TRUE * 0.8 + 1), TRUTH, 0.7) == []


def test_a_saturated_discriminator_is_named():
    (sentence,) = troubles(TRUTH, TRUTH, 0.99)
    assert "discriminator is saturated: it gets 99 %" in sentence
    assert troubles(TRUTH, TRUTH, None) == []


def test_the_same_colours_for_all_pictures_are_a_collapse():
    colours = torch.tensor([0.0, -20.0]) + torch.randn(200, 2, generator=RANDOM)
    told = troubles(ColourVariety.of(colours), TRUTH, 0.6)
    assert any("has collapsed" in sentence for sentence in told)
    assert any("drift to one hue" in sentence and "270°" in sentence for sentence in told)


def test_sepia_is_named_with_its_hue():
    """Hue 70° whatever the picture, but as varied in strength as the truth."""
    strength = 2 + torch.rand(200, 1, generator=RANDOM) * 50
    direction = torch.tensor([[0.342, 0.940]])
    (sentence,) = troubles(ColourVariety.of(strength * direction), TRUTH, 0.6)
    assert "drift to sepia" in sentence
    assert "hue 70°" in sentence


def test_a_warm_set_of_true_pictures_is_not_called_sepia():
    warm = torch.tensor([10.0, 25.0]) + torch.randn(200, 2, generator=RANDOM) * 3
    assert troubles(ColourVariety.of(warm), ColourVariety.of(warm), 0.6) == []


def test_faded_colours_are_named_and_nothing_else_of_them():
    (sentence,) = troubles(ColourVariety.of(TRUE * 0.02 + 0.3), TRUTH, None)
    assert "have faded" in sentence


def test_a_palette_is_what_it_says():
    palette = ColourVariety.of(torch.tensor([[0.0, 10.0], [0.0, 30.0]]))
    assert (palette.hue, palette.agreement, palette.chroma) == pytest.approx((90, 1, 20))
    assert palette.variety == pytest.approx(10)
    opposite = ColourVariety.of(torch.tensor([[5.0, 0.0], [-5.0, 0.0]]))
    assert opposite.agreement == pytest.approx(0)


def test_colourfulness_is_deviation_and_mean_chroma():
    ab = torch.tensor([3.0, 4.0])[None, :, None, None].expand(1, 2, 8, 8)
    assert float(colourfulness(ab)) == pytest.approx(0.37 * 5)
    halves = torch.cat((ab, -ab), 3)
    assert float(colourfulness(halves)) == pytest.approx(5 + 0.37 * 5)


def test_what_was_said_is_kept_and_an_epoch_taken_again_is_replaced(tmp_path):
    watch = TroubleWatch(tmp_path)
    watch._keep(1, ["One."])
    watch._keep(2, ["Two.", "Three."])
    watch._keep(2, ["Four."])
    assert (tmp_path / "trouble.txt").read_text() == "epoch 1: One.\nepoch 2: Four.\n"
