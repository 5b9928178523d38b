"""Guided filter and domain transform, against what their papers write down, pixel by pixel."""

import math

import numpy as np
import pytest
import torch

from napari_colorize import ops

RNG = np.random.default_rng(5)


def planes(height, width, channels=2):
    chroma = torch.from_numpy(RNG.normal(0, 20, (1, channels, height, width)))
    guide = torch.from_numpy(RNG.uniform(0, 100, (1, 1, height, width)))
    return chroma, guide


def guided_by_definition(chroma, guide, radius, sigma_range):
    """He, Sun, Tang (2010), equations 5, 6 and 8, window by window."""
    height, width = guide.shape
    models = np.zeros((2, height, width))
    for y in range(height):
        for x in range(width):
            window = np.s_[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
            light, colour = guide[window].ravel(), chroma[window].ravel()
            slope = np.mean((light - light.mean()) * colour) / (light.var() + sigma_range**2)
            models[:, y, x] = slope, colour.mean() - slope * light.mean()
    result = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            window = np.s_[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
            result[y, x] = models[0][window].mean() * guide[y, x] + models[1][window].mean()
    return result


def transformed_by_definition(chroma, guide, sigma_space, sigma_range, iterations):
    """Gastal and Oliveira (2011), equations 11, 14 and 21, one pixel after the other."""
    result = chroma.copy()

    def run(line, light, deviation):
        base = math.exp(-math.sqrt(2) / deviation)
        distance = 1 + sigma_space / sigma_range * np.abs(np.diff(light))
        out = line.copy()
        for n in range(1, len(out)):
            fade = base ** distance[n - 1]
            out[n] = (1 - fade) * out[n] + fade * out[n - 1]
        for n in range(len(out) - 2, -1, -1):
            fade = base ** distance[n]
            out[n] = (1 - fade) * out[n] + fade * out[n + 1]
        return out

    for i in range(1, iterations + 1):
        deviation = (
            sigma_space * math.sqrt(3) * 2 ** (iterations - i) / math.sqrt(4**iterations - 1)
        )
        for y in range(result.shape[0]):
            result[y] = run(result[y], guide[y], deviation)
        for x in range(result.shape[1]):
            result[:, x] = run(result[:, x], guide[:, x], deviation)
    return result


@pytest.mark.parametrize(("height", "width"), [(9, 14), (1, 6), (5, 1), (3, 3)])
def test_guided_filter_is_the_papers(height, width):
    chroma, guide = planes(height, width)
    found = ops.guided_filter(chroma, guide, radius=2, sigma_range=8.0)
    for channel in range(2):
        expected = guided_by_definition(
            chroma[0, channel].numpy(), guide[0, 0].numpy(), radius=2, sigma_range=8.0
        )
        np.testing.assert_allclose(found[0, channel], expected, atol=1e-9)


@pytest.mark.parametrize(("height", "width"), [(9, 14), (1, 6), (5, 1), (1, 1)])
def test_domain_transform_is_the_papers(height, width):
    chroma, guide = planes(height, width)
    found = ops.domain_transform(chroma, guide, sigma_space=4.0, sigma_range=15.0)
    for channel in range(2):
        expected = transformed_by_definition(
            chroma[0, channel].numpy(), guide[0, 0].numpy(), 4.0, 15.0, iterations=3
        )
        np.testing.assert_allclose(found[0, channel], expected, atol=1e-9)


def filters(chroma, guide):
    yield ops.guided_filter(chroma, guide, radius=3, sigma_range=5.0)
    yield ops.domain_transform(chroma, guide, sigma_space=10.0, sigma_range=5.0)


def test_constant_chroma_stays_constant():
    _, guide = planes(30, 41)
    chroma = torch.tensor([30.0, -12.0]).double()[None, :, None, None].expand(1, 2, 30, 41)
    for found in filters(chroma, guide):
        torch.testing.assert_close(found, chroma.contiguous(), atol=1e-9, rtol=0)


def test_noise_is_smoothed_within_a_region_and_stays_on_its_side_of_an_edge():
    guide = torch.full((1, 1, 40, 60), 20.0)
    guide[..., 30:] = 90.0
    chroma = torch.from_numpy(RNG.normal(0, 8, (1, 1, 40, 60))).float()
    chroma[..., :30] += 40.0
    for found in filters(chroma, guide):
        left, right = found[0, 0, :, :30], found[0, 0, :, 30:]
        assert left.std() < 8 / 2.5
        assert right.std() < 8 / 2.5
        assert left[:, -1].mean() > 36  # the last column before the edge is still the left's
        assert right[:, 0].mean() < 4


def test_guided_upsampling_puts_colour_where_the_full_size_edge_is():
    guide = torch.full((1, 1, 64, 64), 20.0)
    guide[..., 26:] = 90.0  # inside a small pixel
    small = torch.nn.functional.avg_pool2d(guide, 4)
    chroma = (90.0 - small) / 70.0 * 40.0  # 40 in the dark, 0 in the light, mixed where they mix
    found = ops.guided_upsample(chroma, small, guide, radius=2, sigma_range=2.0)
    assert (found[..., :26] - 40).abs().max() < 0.5
    assert found[..., 26:].abs().max() < 0.5


def test_precision_holds_in_bright_pictures():
    chroma, guide = planes(24, 30)
    guide = 99.0 + guide * 0.01
    exact = ops.guided_filter(chroma, guide, radius=2, sigma_range=0.1)
    single = ops.guided_filter(chroma.float(), guide.float(), radius=2, sigma_range=0.1)
    torch.testing.assert_close(single.double(), exact, atol=2e-2, rtol=0)


def test_gradients_of_the_guided_filter():
    chroma, guide = planes(4, 5)
    assert torch.autograd.gradcheck(
        lambda c, g: ops.guided_filter(c, g, radius=1, sigma_range=9.0),
        (chroma.requires_grad_(), guide.requires_grad_()),
    )


def test_the_input_is_left_alone():
    chroma, guide = planes(6, 7)
    before = chroma.clone(), guide.clone()
    list(filters(chroma, guide))
    assert torch.equal(chroma, before[0])
    assert torch.equal(guide, before[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma_range": 0.0}, "finite sigma_range above 0"),
        ({"sigma_space": math.inf}, "finite sigma_space above 0"),
        ({"iterations": 0}, "1 iteration or more"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(change, message):
    chroma, guide = planes(4, 4)
    with pytest.raises(ValueError, match=message):
        ops.domain_transform(chroma, guide, **{"sigma_space": 3.0, "sigma_range": 3.0} | change)


def test_what_does_not_go_together_is_refused():
    chroma, guide = planes(4, 4)
    with pytest.raises(ValueError, match="radius of 1 pixel or more"):
        ops.guided_filter(chroma, guide, radius=0, sigma_range=3.0)
    with pytest.raises(ValueError, match="guide of shape"):
        ops.domain_transform(chroma, guide[..., :3], sigma_space=3.0, sigma_range=3.0)
    with pytest.raises(TypeError, match="one dtype"):
        ops.guided_filter(chroma, guide.float(), radius=1, sigma_range=3.0)
