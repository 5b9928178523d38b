"""The loss equals its formula, pixel by pixel."""

import torch

from napari_colorize import ops
from napari_colorize.methods.colorful.loss import rebalanced_cross_entropy


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
