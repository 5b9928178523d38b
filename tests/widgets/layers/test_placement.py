"""A result lies exactly over the pixels that it was computed from."""

from itertools import product

import numpy as np
import pytest
from napari.layers import Image
from scipy.spatial.transform import Rotation

from napari_colorize.widgets.layers.placement import placement_of

TILTED = Rotation.from_euler("zyx", [20, -35, 10], degrees=True).as_matrix()

LAYERS = {
    "2-D": {"shape": (6, 7)},
    "2-D rotated and sheared": {
        "shape": (6, 7),
        "scale": (0.5, 2),
        "rotate": 30,
        "shear": [0.3],
        "translate": (4, -5),
    },
    "3-D anisotropic": {
        "shape": (4, 6, 7),
        "scale": (2.5, 0.2, 0.2),
        "translate": (10, 0, -3),
        "units": ("um", "um", "um"),
        "axis_labels": ("z", "y", "x"),
    },
    "3-D tilted": {"shape": (4, 6, 7), "scale": (3, 1, 1), "rotate": TILTED},
    "3-D with an affine": {
        "shape": (4, 6, 7),
        "scale": (3, 1, 1),
        "affine": np.vstack([np.c_[TILTED * 1.5, [1, 2, 3]], [0, 0, 0, 1]]),
    },
    "4-D": {"shape": (2, 4, 6, 7), "scale": (60, 2, 0.1, 0.1), "units": ("s", "um", "um", "um")},
}


def layer_of(name: str) -> Image:
    settings = dict(LAYERS[name])
    return Image(np.zeros(settings.pop("shape"), np.uint8), rgb=False, **settings)


def result_over(layer: Image, shape, placement) -> Image:
    return Image(np.zeros((*shape, 3), np.uint8), rgb=True, **placement)


def corners(shape):
    return product(*({0, side - 1} for side in shape))


@pytest.mark.parametrize("name", LAYERS)
def test_a_whole_result_has_every_setting_of_its_source(name):
    source = layer_of(name)
    result = result_over(source, source.data.shape, placement_of(source))

    for setting in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(result, setting), getattr(source, setting), atol=1e-9)
    np.testing.assert_allclose(result.affine.affine_matrix, source.affine.affine_matrix)
    assert result.units == source.units
    assert result.axis_labels == source.axis_labels


@pytest.mark.parametrize("name", LAYERS)
def test_a_sliced_result_lies_on_its_slice(name):
    source = layer_of(name)
    shape = source.data.shape
    offset = (*(side - 2 for side in shape[:-2]), 0, 0)
    part = (*(1 for _ in shape[:-2]), *shape[-2:])
    result = result_over(source, part, placement_of(source, offset))

    for corner in corners(part):
        np.testing.assert_allclose(
            result.data_to_world(corner), source.data_to_world(np.add(corner, offset)), atol=1e-9
        )
    assert result.units == source.units
    assert result.axis_labels == source.axis_labels
    np.testing.assert_allclose(result.scale, source.scale)


@pytest.mark.parametrize("name", LAYERS)
def test_a_coarser_level_has_the_outer_edges_of_its_source(name):
    source = layer_of(name)
    shape = np.array(source.data.shape)
    factors = np.where(np.arange(len(shape)) >= len(shape) - 2, 2, 1)
    coarse = shape // factors
    placement = placement_of(source, (0,) * len(shape), shape / coarse)
    result = result_over(source, coarse, placement)

    first, last = np.full(len(shape), -0.5), shape - 0.5
    np.testing.assert_allclose(result.data_to_world(first), source.data_to_world(first), atol=1e-9)
    np.testing.assert_allclose(
        result.data_to_world(coarse - 0.5), source.data_to_world(last), atol=1e-9
    )


def test_the_placement_is_a_copy_that_later_edits_do_not_reach():
    source = layer_of("2-D rotated and sheared")
    placement = placement_of(source)
    before = {key: np.array(placement[key]) for key in ("scale", "translate", "rotate", "affine")}
    source.scale, source.translate, source.rotate = (9, 9), (9, 9), 90

    for key, value in before.items():
        np.testing.assert_array_equal(placement[key], value)
