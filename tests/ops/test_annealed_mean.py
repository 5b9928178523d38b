"""The annealed mean and the width of the prediction, against a brute force in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch.library import opcheck

from napari_colorize import ops
from napari_colorize.ops import encoding
from napari_colorize.ops.bins import bin_tensor
from napari_colorize.ops.twins import encoding as twins


def brute_force(
    logits: np.ndarray, bins: np.ndarray, bias: np.ndarray | None, temperature: float
) -> tuple[np.ndarray, np.ndarray]:
    """Zhang et al. (2016), section 2.3, word for word: f_T(p) = exp(log p / T) / Σ."""
    z = logits.astype(np.float64)
    if bias is not None:
        z = z + bias.astype(np.float64)[None, :, None, None]
    log_p = z - z.max(1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
    annealed = np.exp((log_p - log_p.max(1, keepdims=True)) / temperature)
    annealed /= annealed.sum(1, keepdims=True)
    ab = np.einsum("nqhw,qc->nchw", annealed, bins.astype(np.float64))
    p = np.exp(log_p)
    surprise = np.where(p > 0, p * log_p, 0.0)
    return ab, -surprise.sum(1, keepdims=True) / np.log(max(z.shape[1], 2))


def some_logits(*shape: int, spread: float = 4.0, seed: int = 0) -> torch.Tensor:
    """Return normal logits of a given spread."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * spread


@pytest.mark.parametrize("temperature", [1e-3, 0.3, 0.34, 0.38, 1.0, 1.1, 20.0])
@pytest.mark.parametrize("spread", [0.01, 4.0, 60.0])
def test_equals_float64(temperature: float, spread: float) -> None:
    """To 1e-3 Lab units and 1e-5 of entropy, from flat predictions to sharp ones."""
    logits, bias = some_logits(2, 313, 9, 11, spread=spread), some_logits(313, seed=1)
    ab, entropy = ops.annealed_mean(logits, bin_tensor(), bias, temperature=temperature)
    expected = brute_force(
        (logits + bias[:, None, None]).numpy(), bin_tensor().numpy(), None, temperature
    )
    np.testing.assert_allclose(ab, expected[0], atol=1e-3)
    np.testing.assert_allclose(entropy, expected[1], atol=1e-5)


def test_float64_keeps_its_precision() -> None:
    """Double logits give double results to 1e-10."""
    logits, bias = some_logits(1, 30, 5, 4).double(), some_logits(30, seed=2).double()
    bins = some_logits(30, 2, spread=50, seed=3).double()
    ab, entropy = ops.annealed_mean(logits, bins, bias, temperature=0.38)
    expected = brute_force(logits.numpy(), bins.numpy(), bias.numpy(), 0.38)
    np.testing.assert_allclose(ab, expected[0], atol=1e-10)
    np.testing.assert_allclose(entropy, expected[1], atol=1e-12)


def test_cold_is_the_mode_and_warm_the_mean() -> None:
    """T → 0 gives the most likely bin; a very high T the centre of all bins."""
    logits = some_logits(1, 313, 4, 4)
    cold, _ = ops.annealed_mean(logits, bin_tensor(), temperature=1e-30)
    torch.testing.assert_close(cold, bin_tensor()[logits.argmax(1)].permute(0, 3, 1, 2))
    hot, _ = ops.annealed_mean(logits, bin_tensor(), temperature=1e6)
    torch.testing.assert_close(hot[0, :, 0, 0], bin_tensor().mean(0), atol=1e-2, rtol=0)


def test_equal_modes_share() -> None:
    """With two modes the cold limit lies between them."""
    logits = torch.zeros(1, 3, 1, 1)
    logits[0, 2] = -5
    bins = torch.tensor([[0.0, 0.0], [10.0, 20.0], [50.0, 50.0]])
    ab, _ = ops.annealed_mean(logits, bins, temperature=1e-6)
    assert ab.flatten().tolist() == [5.0, 10.0]


def test_entropy_does_not_know_the_temperature() -> None:
    """The width is that of the prediction: 1 when flat, 0 when certain, the same at any T."""
    flat, certain = torch.zeros(1, 313, 1, 1), torch.zeros(1, 313, 1, 1)
    certain[0, 7] = 200
    for temperature in (0.01, 0.38, 5.0):
        width = [
            ops.annealed_mean(z, bin_tensor(), temperature=temperature)[1].item()
            for z in (flat, certain)
        ]
        assert width == pytest.approx([1.0, 0.0], abs=1e-6)


def test_one_bin_is_certain() -> None:
    """Log 1 = 0 divides nothing."""
    ab, entropy = ops.annealed_mean(some_logits(1, 1, 2, 2), torch.tensor([[3.0, 4.0]]))
    assert (ab == torch.tensor([3.0, 4.0])[:, None, None]).all()
    assert (entropy == 0).all()


def test_what_is_not_a_number_stays_in_its_pixel() -> None:
    """NaN, +inf and all −inf give NaN; one −inf takes a bin out; neighbours do not notice."""
    logits = some_logits(1, 40, 2, 12)
    bins, clean = some_logits(40, 2, seed=1), logits.clone()
    logits[0, 33, 0, 0] = torch.nan
    logits[0, 0, 0, 1] = torch.nan
    logits[0, 20, 0, 2] = torch.inf
    logits[0, :, 0, 3] = -torch.inf
    logits[0, 5, 0, 4] = -torch.inf
    logits[0, :20, 0, 5] = -torch.inf
    results = ops.annealed_mean(logits, bins)
    for result in results:
        assert result[0, :, 0, :4].isnan().all()
        assert not result[0, :, 0, 4:].isnan().any()
    for column, kept in ((4, torch.arange(40) != 5), (5, torch.arange(40) >= 20)):
        expected, _ = ops.annealed_mean(clean[:, kept, :1, column : column + 1], bins[kept])
        torch.testing.assert_close(results[0][:, :, :1, column : column + 1], expected)
    others = [r[:, :, 1] for r in results]
    assert all(map(torch.equal, others, [r[:, :, 1] for r in ops.annealed_mean(clean, bins)]))


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(0, 2), st.integers(1, 40), st.integers(0, 7), st.integers(0, 21)),
    st.booleans(),
    st.sampled_from(["plain", "transposed", "strided", "channels_last"]),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_any_shape_and_stride(shape, biased: bool, layout: str, dtype: torch.dtype) -> None:
    """Empty, single, odd and non-contiguous tensors, any number of bins: as the twin."""
    logits = some_logits(*shape).to(dtype)
    if layout == "transposed":
        logits = logits.transpose(2, 3)
    elif layout == "strided":
        logits = logits[:, :, ::2, ::3]
    elif layout == "channels_last":
        logits = logits.contiguous(memory_format=torch.channels_last)
    q = shape[1]
    bins = some_logits(2, q, spread=50, seed=1).to(dtype).T
    bias = some_logits(2 * q, seed=2).to(dtype)[::2] if biased else None
    found = ops.annealed_mean(logits, bins, bias, temperature=0.5)
    expected = twins.annealed_mean(logits, bins, bias, 0.5)
    tolerance = 1e-3 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(found[0], expected[0], atol=tolerance, rtol=0)
    torch.testing.assert_close(found[1], expected[1], atol=1e-5, rtol=0)


def test_gradients() -> None:
    """Of colour and entropy, with respect to logits, bins and bias, once and twice."""
    inputs = [some_logits(*shape, spread=1.0).double() for shape in ((1, 4, 2, 1), (4, 2), (4,))]
    inputs = [t.requires_grad_() for t in inputs]

    def decode(logits, bins, bias):
        return ops.annealed_mean(logits, bins, bias, temperature=0.38)

    assert gradcheck(decode, inputs)
    assert gradgradcheck(decode, inputs)
    assert gradcheck(lambda z, b: ops.annealed_mean(z, b), inputs[:2])


@pytest.mark.parametrize("used", ["colour", "entropy"])
def test_a_result_that_is_not_used_costs_no_gradient(used: str, monkeypatch) -> None:
    """Of the two softmaxes, only that of the result which a loss was made of is differentiated."""
    logits = some_logits(1, 5, 2, 3).double().requires_grad_()
    bins = some_logits(5, 2, seed=1).double().requires_grad_()
    ab, entropy = ops.annealed_mean(logits, bins)
    both = torch.autograd.grad(
        (ab.sum() if used == "colour" else entropy.sum()) + 0 * (ab.sum() + entropy.sum()), logits
    )
    for name in ("_colour_backward", "_entropy_backward"):
        if used not in name:
            monkeypatch.setattr(encoding, name, lambda *_: pytest.fail("not asked for"))
    ab, entropy = ops.annealed_mean(logits, bins)
    alone = torch.autograd.grad(ab.sum() if used == "colour" else entropy.sum(), logits)
    torch.testing.assert_close(alone, both)


def test_gradients_survive_a_bin_taken_out() -> None:
    """A logit of −inf gets gradient 0, not NaN."""
    logits = some_logits(1, 5, 1, 1)
    logits[0, 2] = -torch.inf
    logits.requires_grad_()
    ab, entropy = ops.annealed_mean(logits, some_logits(5, 2, seed=1))
    (ab.sum() + entropy.sum()).backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[0, 2] == 0


class TestRefusals:
    """Sentences that say what is accepted."""

    @pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
    def test_temperature(self, temperature: float) -> None:
        """Above zero and finite; the way to the mode is named."""
        with pytest.raises(ValueError, match=r"above 0.*most likely colour"):
            ops.annealed_mean(torch.zeros(1, 313, 1, 1), bin_tensor(), temperature=temperature)

    def test_dtype(self) -> None:
        """Floats of one type."""
        with pytest.raises(TypeError, match="float16"):
            ops.annealed_mean(torch.zeros(1, 313, 1, 1, dtype=torch.float16), bin_tensor())
        with pytest.raises(TypeError, match="dtype"):
            ops.annealed_mean(torch.zeros(1, 313, 1, 1).double(), bin_tensor())

    def test_shapes(self) -> None:
        """One pair and one bias a channel."""
        with pytest.raises(ValueError, match="each of the 10"):
            ops.annealed_mean(torch.zeros(1, 10, 1, 1), bin_tensor())
        with pytest.raises(ValueError, match="bias has shape"):
            ops.annealed_mean(torch.zeros(1, 313, 1, 1), bin_tensor(), torch.zeros(5))
        with pytest.raises(ValueError, match=r"\(N, Q, H, W\)"):
            ops.annealed_mean(torch.zeros(313, 1, 1), bin_tensor())

    def test_the_operator_itself_refuses_too(self) -> None:
        """For graphs that call it directly."""
        ops.load()
        operator = torch.ops.napari_colorize.annealed_mean
        with pytest.raises((RuntimeError, ValueError), match="temperature above 0"):
            operator(torch.zeros(1, 313, 1, 1), bin_tensor(), None, torch.tensor(0.0))
        with pytest.raises((RuntimeError, ValueError), match="logit channels"):
            operator(torch.zeros(1, 10, 1, 1), bin_tensor(), None, torch.tensor(1.0))


def test_is_a_well_behaved_operator() -> None:
    """Schema, fakes, autograd registration and dynamic shapes, by torch's own checks."""
    ops.load()
    logits = some_logits(1, 6, 3, 5).requires_grad_()
    bins, bias = some_logits(6, 2, seed=1), some_logits(6, seed=2).requires_grad_()
    operator, temperature = torch.ops.napari_colorize.annealed_mean.default, torch.tensor(0.38)
    opcheck(operator, (logits, bins, bias, temperature))
    opcheck(operator, (logits, bins, None, temperature))
