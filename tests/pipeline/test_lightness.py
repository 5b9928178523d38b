"""Grey values and codes to L*, by formula or by table. The reference is scikit-image in float64."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from napari_colorize.pipeline import resample as module
from napari_colorize.pipeline.resample import (
    lightness_of_codes,
    lightness_within,
    look_up,
    row_bands,
)

RNG = np.random.default_rng(3)


def exact(shown):
    return rgb2lab(np.repeat(np.asarray(shown, np.float64)[..., None], 3, axis=-1))[..., 0]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", ">u2", "bool"])
def test_the_table_gives_what_the_formula_gives(dtype):
    """Pictures of more pixels than their integers have values are looked up; small ones are not."""
    dtype = np.dtype(dtype)
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    picture = RNG.integers(low, high, (300, 301), endpoint=True).astype(dtype)
    window = (low + 0.1 * (high - low) + 0.3, high - 0.2 * (high - low))
    if dtype.kind == "b":
        window = (-1, 3)
    assert picture.size > module.MOST_CODES
    luma, missing, outside = lightness_within(picture, window)
    shown = (picture.astype(np.float64) - window[0]) / (window[1] - window[0])
    assert luma.dtype == np.float32
    assert np.abs(luma - exact(np.clip(shown, 0, 1))).max() < 2e-3
    assert missing == 0
    assert outside == np.count_nonzero((shown < 0) | (shown > 1))


def test_an_open_end_of_the_window_lies_inside_it():
    picture = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256).repeat(2, axis=0)
    _, _, outside = lightness_within(picture, (100, 200))
    assert outside == 2 * ((1 << 16) - 101)


def test_codes_are_looked_up_whatever_their_strides():
    codes = RNG.integers(0, 256, (31, 45), dtype=np.uint8)
    table = lightness_of_codes()
    for view in (codes, codes[::-2, ::-3], codes.T, codes[:1, :1]):
        assert (look_up(view, table) == table[view]).all()


def test_bands_cover_all_rows_once(monkeypatch):
    monkeypatch.setattr(module, "BAND_PIXELS", 100)
    for height, width in [(1, 1), (7, 30), (50, 1000), (203, 9)]:
        rows = [row for band in row_bands(height, width) for row in range(height)[band]]
        assert rows == list(range(height))
