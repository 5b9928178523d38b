"""Losses, against their formulas in float64."""

import math

import pytest
import torch

from napari_colorize.methods.gan.discriminator import (
    adversarial_loss,
    discriminator_loss,
    expected_error_loss,
)

REAL = torch.tensor([[2.0, -1.0]], dtype=torch.float64)
FAKE = torch.tensor([[-3.0, 0.5]], dtype=torch.float64)


def entropy(logits, target):
    p = 1 / (1 + (-logits).exp())
    return -(target * p.log() + (1 - target) * (1 - p).log()).mean()


@pytest.mark.parametrize("label", [0.9, 1.0])
def test_only_true_colours_are_smoothed(label):
    expected = 0.5 * (entropy(REAL, label) + entropy(FAKE, 0.0))
    torch.testing.assert_close(discriminator_loss(REAL, FAKE, label), expected)


def test_a_discriminator_that_cannot_tell_has_the_loss_of_a_coin():
    nothing = torch.zeros(4)
    assert float(discriminator_loss(nothing, nothing, 1.0)) == pytest.approx(math.log(2))


def test_the_generator_s_slope_stays_where_the_discriminator_has_won():
    """The saturating form, log(1 − D), would have almost none."""
    logits = torch.tensor([-12.0], requires_grad=True)
    adversarial_loss(logits).backward()
    assert float(logits.grad) == pytest.approx(-1, abs=1e-4)


def test_the_expected_error_is_learnt_as_a_mean():
    distance = torch.tensor([2.0, 10.0, 30.0])
    expected = torch.full((3,), float(distance.mean()), requires_grad=True)
    expected_error_loss(expected, distance).backward()
    assert float(expected.grad.sum()) == pytest.approx(0, abs=1e-6)
