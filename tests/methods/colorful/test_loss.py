"""The loss equals its formula, pixel by pixel."""

import torch

from napari_colorize import ops
from napari_colorize.methods.colorful.loss import (
    decoded_colour_error,
    rebalanced_colour_error,
    rebalanced_cross_entropy,
)
from napari_colorize.ops.bins import bin_tensor


def test_equals_dense_cross_entropy_weighed_at_the_nearest_bin():
    random = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 313, 3, 4, generator=random)
    ab = torch.randn(2, 2, 3, 4, generator=random) * 30
    class_weights = torch.rand(313, generator=random) + 0.5
    index, weight = ops.soft_encode(ab)

    dense = ops.soft_encode_dense(ab).double()
    per_pixel = -(dense * logits.double().log_softmax(1)).sum(1)
    expected = (class_weights.double()[dense.argmax(1)] * per_pixel).mean()

    loss = rebalanced_cross_entropy(logits, index, weight, class_weights)
    torch.testing.assert_close(loss.double(), expected, atol=1e-5, rtol=1e-5)


def test_is_smallest_at_the_target():
    ab = torch.tensor([20.0, -30.0]).reshape(1, 2, 1, 1)
    index, weight = ops.soft_encode(ab)
    ones = torch.ones(313)
    logits = torch.zeros(1, 313, 1, 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=200)

    def closure():
        optimiser.zero_grad()
        loss = rebalanced_cross_entropy(logits, index, weight, ones)
        loss.backward()
        return loss

    optimiser.step(closure)
    torch.testing.assert_close(
        logits.detach().softmax(1), ops.soft_encode_dense(ab), atol=2e-3, rtol=0
    )


def decoded(logits, bias):
    """Mean colour in float64: softmax, then the expectation over the bins."""
    share = (logits.double() + bias.double()[:, None, None]).softmax(1)
    return torch.einsum("nqhw,qc->nchw", share, bin_tensor().double())


def test_the_calm_term_averages_log_rms_over_pictures():
    random = torch.Generator().manual_seed(2)
    logits = torch.randn(3, 313, 4, 5, generator=random)
    bias, ab = torch.randn(313, generator=random), torch.randn(3, 2, 4, 5, generator=random) * 30
    squared = (decoded(logits, bias) - ab).square().flatten(1).mean(1)
    expected = (squared + 25).sqrt().log().mean()
    found = decoded_colour_error(logits, bin_tensor(), bias, ab)
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


def test_the_vivid_term_weighs_the_distance_of_each_pixel():
    random = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 313, 4, 5, generator=random)
    bias, ab = torch.randn(313, generator=random), torch.randn(2, 2, 4, 5, generator=random) * 30
    weights = torch.rand(2, 4, 5, generator=random)
    distance = (decoded(logits, bias) - ab).norm(dim=1)
    expected = (weights * distance.square().add(1).sqrt()).mean() / 30
    found = rebalanced_colour_error(logits, bin_tensor(), bias, ab, weights)
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


def test_both_terms_reach_the_logits():
    logits = torch.zeros(1, 313, 2, 2, requires_grad=True)
    ab, bias = torch.full((1, 2, 2, 2), 40.0), torch.zeros(313)
    weights = torch.ones(1, 2, 2)
    for error in (
        decoded_colour_error(logits, bin_tensor(), bias, ab),
        rebalanced_colour_error(logits, bin_tensor(), bias, ab, weights),
    ):
        (slope,) = torch.autograd.grad(error, logits)
        towards = int((bin_tensor() - 40.0).square().sum(1).argmin())
        assert (slope[:, towards] < 0).all()
