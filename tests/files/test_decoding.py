"""Any picture file becomes upright 8-bit RGB, as a viewer shows it."""

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_colorize.files.decoding import UnreadablePicture, decode, is_picture

RGB = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM"])
def test_lossless_kinds_come_back_exactly(kind):
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(RGB), kind), "x"), RGB)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_lossy_kinds_are_read(kind):
    flat = Image.new("RGB", (20, 12), (200, 60, 30))
    assert np.abs(decode(encoded(flat, kind), "x").astype(int) - (200, 60, 30)).max() <= 6


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_sixteen_bit_tiff_colour_is_scaled_not_cut(tmp_path, compression):
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, RGB.astype(np.uint16) * 257, photometric="rgb", compression=compression)
    assert np.abs(decode(path.read_bytes(), "x").astype(int) - RGB).max() <= 1


def test_sixteen_bit_png_colour_is_scaled_not_cut():
    content = cv2.imencode(".png", RGB[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    assert np.abs(decode(content, "x").astype(int) - RGB).max() <= 1


def test_grey_becomes_three_equal_channels():
    grey = decode(encoded(Image.fromarray(RGB[..., 0]), "PNG"), "x")
    np.testing.assert_array_equal(grey, np.repeat(RGB[..., :1], 3, 2))


def test_transparency_is_laid_over_white():
    alpha = np.zeros((12, 20, 1), np.uint8)
    alpha[:, 10:] = 255
    shown = decode(encoded(Image.fromarray(np.concatenate((RGB, alpha), 2)), "PNG"), "x")
    assert (shown[:, :10] == 255).all()
    np.testing.assert_array_equal(shown[:, 10:], RGB[:, 10:])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_are_turned_as_their_orientation_says(kind):
    """Orientation 6: what is stored at the left belongs at the top."""
    stored = Image.new("RGB", (20, 12), (250, 250, 250))
    stored.paste((10, 10, 10), (0, 0, 10, 12))
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = decode(encoded(stored, kind, exif=exif), "x")
    assert shown.shape == (20, 12, 3)
    assert shown[:8].mean() < 40
    assert shown[12:].mean() > 220


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff damaged"])
def test_damaged_bytes_are_named(content):
    with pytest.raises(UnreadablePicture, match="photo 7 cannot be decoded"):
        decode(content, "photo 7")


@pytest.mark.parametrize("name", ["a.JPG", "deep/b.tiff", "c.d.webp", "e.avif"])
def test_pictures_are_told_by_their_suffix(name):
    assert is_picture(name)


@pytest.mark.parametrize("name", ["notes.txt", "jpg", "deep/._a.jpg", ".png", "a.jpg.json"])
def test_other_and_hidden_files_are_no_pictures(name):
    assert not is_picture(name)
