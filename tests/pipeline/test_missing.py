"""What has no data does not set the window, and is counted."""

import json

import numpy as np
import pytest
from PIL import Image

from napari_colorize import colorize
from napari_colorize.pipeline.image import as_array, read_plane
from napari_colorize.pipeline.window import automatic_window, placeholders

GROUND = np.add.outer(np.arange(200), np.arange(200)).astype(np.float32)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        *(("f4", value) for value in (-9999, -3.4028235e38, 1e20, np.nan)),
        *(("i2", value) for value in (-3024, -32768, 32767)),
        *(("f8", 9.96921e36), ("i4", -9999), ("u2", 65535)),
    ],
)
def test_values_that_stand_for_missing_do_not_set_the_window(dtype, value):
    pixels = GROUND.astype(dtype)
    expected = automatic_window(pixels[30:])
    pixels[:30] = value
    plane = read_plane(pixels)
    assert plane.window == expected
    assert plane.nan_count == 30 * 200
    assert (plane.luma[:30] == 0).all()


@pytest.mark.parametrize(
    "pixels",
    [
        np.where(GROUND > 200, GROUND, 0),  # a dark ground
        np.where(GROUND > 350, 400, 0).astype(np.float32),  # two values
        np.where(GROUND > 350, 100, GROUND // 200).astype(np.int16),  # labels
        GROUND - 300,  # negative, but without a gap
        GROUND.astype(np.uint8),
    ],
    ids=["ground", "mask", "labels", "negative", "8 bit"],
)
def test_plain_pictures_have_none(pixels):
    assert placeholders(pixels) == []


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
def test_masked_pixels_count_as_missing(dtype):
    pixels = np.ma.masked_array(GROUND.astype(dtype), mask=np.zeros(GROUND.shape, bool))
    pixels[:, :12] = np.ma.masked
    expected = automatic_window(np.asarray(pixels)[:, 12:])
    pixels.data[:, :12] = 99 if dtype == "u1" else 30000
    plane = read_plane(pixels)
    assert plane.window == expected
    assert plane.nan_count == 12 * 200
    assert (plane.luma[:, :12] == 0).all()


def test_the_value_of_a_masked_pixel_is_never_seen():
    first = np.ma.masked_array(GROUND, mask=GROUND > 300)
    second = np.ma.masked_array(np.where(GROUND > 300, 1e9, GROUND), mask=GROUND > 300)
    assert np.array_equal(read_plane(first).luma, read_plane(second).luma)


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"]
)
def test_pillow_pictures_of_any_mode_come_in_as_they_look(mode):
    shown = Image.fromarray(np.dstack([GROUND, GROUND[::-1], GROUND[:, ::-1]]).astype(np.uint8))
    picture = shown.convert("L").convert(mode) if mode in "IF" else shown.convert(mode)
    pixels = as_array(picture)
    expected = np.asarray(picture.convert("L" if pixels.ndim == 2 else "RGB"), dtype=float)
    found = pixels.astype(float) * (255 if pixels.dtype == bool else 1)
    assert np.abs(found[..., :3] - expected if pixels.ndim == 3 else found - expected).max() <= 1


@pytest.mark.usefixtures("fake_model")
class TestColorize:
    def test_all_of_it_missing_is_refused(self):
        for image in (np.full((9, 9), np.nan), np.ma.masked_all((9, 9))):
            with pytest.raises(ValueError, match="All pixels of the image are missing"):
                colorize(image)

    def test_a_record_of_long_doubles_is_json(self):
        record = colorize(GROUND.astype(np.longdouble)).record
        assert json.loads(json.dumps(record))["input"]["dtype"] == str(np.dtype(np.longdouble))
