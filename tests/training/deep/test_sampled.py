"""Sampled pixels: where they lie, that they belong together, and what is refused."""

import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_colorize.training.deep.pictures import seen_at
from napari_colorize.training.deep.sampled import Descriptors, jittered_grid, sample
from napari_colorize.training.deep.settings import DeepSettings
from napari_colorize.training.tiles import ArrayReference

SETTINGS = DeepSettings(size=32, samples=2000, most_samples_a_picture=200)


def describe(luma):
    """Describe by lightness and its square, and the whole by its mean."""
    plane = luma[0] / 100
    return Descriptors(torch.cat([plane, plane**2]), plane.mean()[None], torch.tensor([0.25, 0.75]))


def chrominance(rgb):
    return torch.stack([rgb[2] - rgb[1], rgb[0] - rgb[1]])


class Broken:
    """A picture whose file is damaged."""

    name = "broken.png"

    def read(self):
        raise ValueError("broken.png cannot be decoded as a picture.")


def pictures(count):
    random = np.random.default_rng(3)
    return [
        ArrayReference(random.integers(0, 256, (32, 64, 3), np.uint8), f"{i}.png")
        for i in range(count)
    ]


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 3000), st.integers(0, 2**31))
def test_a_jittered_grid_stays_inside_and_takes_no_pixel_twice(height, width, count, seed):
    rows, columns = jittered_grid((height, width), count, (seed,))
    assert rows.min() >= 0
    assert rows.max() < height
    assert columns.min() >= 0
    assert columns.max() < width
    assert len(rows) <= height * width
    if count >= height * width:
        assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == height * width


def test_a_jittered_grid_covers_evenly():
    rows, columns = jittered_grid((100, 200), 800, (1,))
    assert len(rows) == 800
    counts, _, _ = np.histogram2d(rows, columns, bins=(4, 8), range=((0, 100), (0, 200)))
    assert (counts == 25).all()


def test_descriptor_and_colour_of_a_row_are_of_the_same_pixel():
    (picture,) = pictures(1)
    sampled = sample([picture], describe, chrominance, SETTINGS)
    seen = seen_at(picture.rgb, 32)
    light = torch.from_numpy(seen.lightness / 100).half().flatten()
    colours = chrominance(torch.from_numpy(seen.rgb).permute(2, 0, 1)).flatten(1).T
    for descriptor, colour in zip(sampled.descriptors, sampled.chrominance, strict=True):
        same = (light == descriptor[0]).nonzero().flatten()
        assert any(torch.allclose(colours[place], colour) for place in same)


def test_rows_of_a_picture_are_its_own():
    sampled = sample(pictures(4), describe, chrominance, SETTINGS)
    assert len(sampled.descriptors) == int(sampled.first[-1])
    of_picture = sampled.picture_of_rows()
    assert set(of_picture[sampled.rows([1, 3])].tolist()) == {1, 3}
    assert (of_picture[sampled.rows([2])] == 2).all()
    assert sampled.gist.shape == (4, 1)


def test_many_pictures_share_the_pixels_among_them():
    few = sample(pictures(2), describe, chrominance, SETTINGS)
    many = sample(pictures(40), describe, chrominance, SETTINGS)
    assert 180 <= int(few.first[1]) <= 200  # bound by the picture
    assert 40 <= int(many.first[1]) <= 60  # bound by the sum
    assert few.descriptors.dtype == torch.float16


def test_the_same_seed_samples_the_same_pixels():
    one, other = (sample(pictures(3), describe, chrominance, SETTINGS) for _ in range(2))
    assert torch.equal(one.descriptors, other.descriptors)
    moved = DeepSettings(size=32, samples=2000, most_samples_a_picture=200, seed=1)
    assert not torch.equal(
        one.descriptors, sample(pictures(3), describe, chrominance, moved).descriptors
    )


def test_a_damaged_picture_is_left_out_and_named():
    sampled = sample([*pictures(10), Broken()], describe, chrominance, SETTINGS)
    assert len(sampled.references) == 10
    assert sampled.unreadable == ("broken.png",)


def test_many_damaged_pictures_are_refused():
    with pytest.raises(ValueError, match=r"2 of 10 pictures cannot be read .broken.png"):
        sample([*pictures(8), Broken(), Broken()], describe, chrominance, SETTINGS)


def test_no_dense_descriptors_pile_up():
    """They are 17 MB a picture; thousands of them filled the memory once."""
    dense = []

    def watched(luma):
        assert sum(reference() is not None for reference in dense) <= 1
        described = describe(luma)
        dense.append(weakref.ref(described.descriptors))
        return described

    sampled = sample(pictures(6), watched, chrominance, SETTINGS)
    assert sum(reference() is not None for reference in dense) == 0
    for kept in (sampled.descriptors, sampled.gist, sampled.histogram):
        assert kept.untyped_storage().nbytes() == kept.nbytes
