"""Files that few programs write, against Pillow, littlecms and formulas of the standards."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.color import rgb2lab

from napari_colorize import files
from napari_colorize.decoders.jpeg import frame_of_jpeg
from napari_colorize.files.reading import UnreadablePicture, as_shown, decode

GREY = np.add.outer(np.arange(72), np.arange(96)).astype(np.uint8)
RGB = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])
ALPHA = (np.add.outer(np.arange(72), np.zeros(96)) * 2 + 60).astype(np.uint8)


def light(pixels):
    rgb = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    return rgb2lab(rgb[..., :3])[..., 0]


def only(path):
    (page,) = files.read(path)
    return page


def write_tiff(path, strips, *, bits=8, compression=1, photometric, samples=1, rows=72, more=()):
    """Write a TIFF of 96 × 72 pixels tag by tag; `more` are (tag, type, count, bytes)."""
    at = 8 + 2 + 12 * (9 + len(more)) + 4
    offsets, content = [], b""
    for strip in strips:
        offsets.append(at + len(content))
        content += strip + bytes(len(strip) % 2)
    count = len(strips)
    tags = [(256, 4, 1, struct.pack("<I", 96)), (257, 4, 1, struct.pack("<I", 72))]
    tags += [(258, 3, samples, struct.pack(f"<{samples}H", *[bits] * samples))]
    tags += [(259, 3, 1, struct.pack("<H", compression))]
    tags += [(262, 3, 1, struct.pack("<H", photometric))]
    tags += [(273, 4, count, struct.pack(f"<{count}I", *offsets))]
    tags += [(277, 3, 1, struct.pack("<H", samples)), (278, 4, 1, struct.pack("<I", rows))]
    tags += [(279, 4, count, struct.pack(f"<{count}I", *map(len, strips))), *more]
    body = b""
    for tag, kind, number, value in sorted(tags):
        if len(value) > 4:
            where = struct.pack("<I", at + len(content))
            content += value + bytes(len(value) % 2)
            value = where
        body += struct.pack("<HHI", tag, kind, number) + value.ljust(4, b"\0")
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4) + content)


class TestThinnedChroma:
    """YCbCr that keeps one chroma for several pixels, and is no JPEG (TIFF 6.0, section 21)."""

    @pytest.mark.parametrize(("across", "down"), [(2, 2), (2, 1), (1, 2), (4, 2), (4, 4)])
    @pytest.mark.parametrize("how", [1, 5, 8, 32773])
    def test_every_pixel_gets_its_chroma(self, tmp_path, across, down, how):
        blocks = np.add.outer(np.arange(72) // down, np.arange(96) // across)
        coded = np.dstack([GREY, 100 + blocks % 50, 160 - blocks % 50]).astype(np.uint8)
        pack = {1: bytes, 5: imagecodecs.lzw_encode, 8: zlib.compress}
        pack[32773] = imagecodecs.packbits_encode
        strips = []
        for top in range(0, 72, 24):
            units = bytearray()
            for y in range(top, top + 24, down):
                for x in range(0, 96, across):
                    units += coded[y : y + down, x : x + across, 0].tobytes()
                    units += coded[y, x, 1:].tobytes()
            strips.append(bytes(pack[how](bytes(units))))
        share = [(530, 3, 2, struct.pack("<HH", across, down))]
        path = tmp_path / "a.tif"
        write_tiff(path, strips, compression=how, photometric=6, samples=3, rows=24, more=share)
        expected = np.array(Image.fromarray(coded, "YCbCr").convert("RGB"))
        assert np.abs(only(path).pixels.astype(int) - expected).max() <= 1
        if how != 1:  # libtiff, where Pillow asks it
            with Image.open(path) as opened:
                assert np.abs(only(path).pixels.astype(int) - opened.convert("RGB")).max() <= 1

    def test_too_few_strips_are_refused(self, tmp_path):
        share = [(530, 3, 2, struct.pack("<HH", 2, 2))]
        write_tiff(tmp_path / "a.tif", [bytes(999)], photometric=6, samples=3, rows=24, more=share)
        with pytest.raises(files.UnreadableFile, match="damaged or cut short"):
            files.read(tmp_path / "a.tif")


class TestTiff:
    def test_inks_that_are_multiplied_with_alpha_are_divided_by_it(self, tmp_path):
        picture = Image.fromarray(RGB).convert("CMYK")
        inks = np.rint(np.array(picture) * (ALPHA[..., None] / 255)).astype(np.uint8)
        stored = np.dstack([inks, ALPHA])
        tifffile.imwrite(
            tmp_path / "a.tif", stored, photometric="separated", extrasamples=["assocalpha"]
        )
        pixels = only(tmp_path / "a.tif").pixels
        assert np.array_equal(pixels[..., 3], ALPHA)
        assert np.abs(light(pixels) - light(np.array(picture.convert("RGB")))).max() < 1.5

    def test_lightness_of_icc_lab_of_16_bits_is_that_of_its_first_versions(self, tmp_path):
        stored = np.zeros((72, 96, 3), "<u2")
        stored[..., 0], stored[..., 1:] = 65280 * (GREY / 166), 128 * 256
        write_tiff(tmp_path / "a.tif", [stored.tobytes()], bits=16, photometric=9, samples=3)
        pixels = as_shown(only(tmp_path / "a.tif").pixels)
        assert np.abs(light(pixels) - GREY / 166 * 100).max() < 0.3

    @pytest.mark.parametrize(
        ("number", "name"), [(34661, "JBIG"), (34676, "SGILOG"), (60001, "60001")]
    )
    def test_compressions_that_are_not_read_are_named(self, tmp_path, number, name):
        write_tiff(tmp_path / "a.tif", [GREY.tobytes()], compression=number, photometric=1)
        with pytest.raises(files.UnreadableFile, match=f"compressed by .*{name}, which is not"):
            files.read(tmp_path / "a.tif")

    def test_palettes_without_the_colours_of_their_pixels_are_refused(self, tmp_path):
        colours = [(320, 3, 48, np.arange(48, dtype="<u2").tobytes())]
        for more in ([], colours):
            write_tiff(tmp_path / "a.tif", [GREY.tobytes()], photometric=3, more=more)
            with pytest.raises(files.UnreadableFile, match="palette has no colour"):
                files.read(tmp_path / "a.tif")

    def test_messages_speak_no_library_s_language(self, tmp_path):
        write_tiff(
            tmp_path / "a.tif", [zlib.compress(bytes(1 << 20))], compression=8, photometric=1
        )
        with pytest.raises(files.UnreadableFile) as caught:
            files.read(tmp_path / "a.tif")
        assert "LIBDEFLATE" not in str(caught.value)

    def test_the_pixel_size_of_ome_is_read(self, tmp_path):
        about = {"PhysicalSizeX": 0.25, "PhysicalSizeY": 500.0, "PhysicalSizeYUnit": "nm"}
        tifffile.imwrite(tmp_path / "a.ome.tif", GREY, metadata={"axes": "YX", **about})
        assert only(tmp_path / "a.ome.tif").resolution == files.Resolution(40000.0, 20000.0, 3)

    def test_names_of_channels_are_known_where_each_slice_bears_one(self, tmp_path):
        stack = np.zeros((3, 2, 9, 9), np.uint16)
        about = {"axes": "ZCYX", "Labels": ["DAPI", "GFP"] * 3}
        tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata=about)
        with files.open_stack(tmp_path / "a.tif") as opened:
            assert opened.place.channels == ("DAPI", "GFP")


def write_png(path, pixels, chunks):
    """Write an 8- or 16-bit PNG with chunks before its pixels."""

    def chunk(name, body):
        checked = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + checked

    lines = pixels.astype(f">u{pixels.dtype.itemsize}")
    raw = b"".join(b"\0" + line.tobytes() for line in lines)
    head = struct.pack(
        ">IIBBBBB", 96, 72, 8 * pixels.dtype.itemsize, 0 if pixels.ndim == 2 else 2, 0, 0, 0
    )
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + b"".join(chunk(name, body) for name, body in chunks)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def coded(linear):
    """Return sRGB's code 0…1 of linear light (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


LINEAR = (b"gAMA", struct.pack(">I", 100000))
USUAL = (b"gAMA", struct.pack(">I", 45455))
PROPHOTO = struct.pack(">8I", 34570, 35850, 73470, 26530, 15960, 84040, 3660, 10)


class TestNumbersInPng:
    @pytest.mark.parametrize("deep", [False, True])
    def test_linear_grey_is_coded_as_srgb(self, tmp_path, deep):
        pixels = GREY.astype(np.uint16) * 257 if deep else GREY
        write_png(tmp_path / "a.png", pixels, [LINEAR])
        page = only(tmp_path / "a.png")
        expected = np.rint(coded(GREY / 255) * 255).astype(np.uint8)
        assert np.abs(light(as_shown(page.pixels)) - light(expected)).max() < 0.3
        assert page.source["colour_profile"] == {"name": "gAMA 1.00000", "converted": True}

    @pytest.mark.parametrize("chunks", [[USUAL], [(b"sRGB", b"\0"), LINEAR], [(b"gAMA", bytes(4))]])
    def test_srgb_is_left_alone(self, tmp_path, chunks):
        write_png(tmp_path / "a.png", RGB, chunks)
        assert np.array_equal(only(tmp_path / "a.png").pixels, RGB)

    def test_other_primaries_are_brought_to_those_of_srgb(self, tmp_path):
        # Nearly neutral, so that sRGB has all of them: luminance goes by the primaries' own.
        pixels = np.dstack([GREY // 2 + 60, GREY // 2 + 66, GREY // 2 + 60])
        write_png(tmp_path / "a.png", pixels, [LINEAR, (b"cHRM", PROPHOTO)])
        share = np.array([0.2880402, 0.7118741, 0.0000857])  # ISO 22028-2, Y of the primaries
        y = (pixels / 255) @ share
        expected = np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)
        found = light(only(tmp_path / "a.png").pixels)
        assert np.abs(found - expected).max() < 1

    @pytest.mark.parametrize(
        ("code", "said"), [((1, 13, 0, 1), "it is sRGB"), ((12, 13, 0, 1), None)]
    )
    def test_code_points_are_heeded(self, tmp_path, code, said):
        write_png(tmp_path / "a.png", RGB, [(b"cICP", bytes(code)), LINEAR])
        about = only(tmp_path / "a.png").source["colour_profile"]
        assert about.get("reason") == said
        assert about["converted"] is (said is None)

    def test_high_dynamic_range_is_refused_by_name(self, tmp_path):
        write_png(tmp_path / "a.png", RGB, [(b"cICP", bytes((9, 16, 0, 1)))])
        with pytest.raises(files.UnreadableFile, match=r"high dynamic range \(PQ\)"):
            files.read(tmp_path / "a.png")
        with pytest.raises(UnreadablePicture, match="high dynamic range"):
            decode((tmp_path / "a.png").read_bytes(), "a.png")


class TestJpeg:
    @pytest.mark.parametrize("bits", [12, 16])
    @pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
    def test_more_than_eight_bits(self, tmp_path, bits, pixels):
        deep = pixels.astype(np.uint16) << (bits - 8)
        how = {"bitspersample": bits} | ({"lossless": True} if bits == 16 else {"level": 100})
        (tmp_path / "a.jpg").write_bytes(imagecodecs.jpeg8_encode(deep, **how))
        found = only(tmp_path / "a.jpg").pixels
        assert found.dtype == np.uint16
        if pixels.ndim == 3:
            assert np.abs(light(as_shown(found)) - light(pixels)).max() < 1
        else:
            assert np.abs(found.astype(int) - deep).max() < 1 << (bits - 8)

    def test_jpeg_ls_is_refused_by_name(self, tmp_path):
        (tmp_path / "a.jpg").write_bytes(imagecodecs.jpegls_encode(GREY))
        with pytest.raises(files.UnreadableFile, match="JPEG-LS"):
            files.read(tmp_path / "a.jpg")

    def test_frame_headers_of_rubbish(self):
        random = np.random.default_rng(0)
        for length in range(400):
            assert frame_of_jpeg(b"\xff\xd8\xff" + random.bytes(length)) is None or length > 5


class TestPixelSize:
    @pytest.mark.parametrize("suffix", ["png", "jpg"])
    def test_it_is_read_upright_and_written_again(self, tmp_path, suffix):
        exif = Image.Exif()
        exif[274] = 6
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(GREY).save(path, dpi=(300, 150), exif=exif)
        found = only(path).resolution
        assert (round(found.x), round(found.y), found.unit) == (150, 300, 2)
        record = {"software": {"name": "x", "version": "1"}, "legend": "x", "schema": "x"}
        files.write_planes(tmp_path / "b.png", [RGB], record, resolution=found)
        again = only(tmp_path / "b.png").resolution
        assert (round(again.x), round(again.y)) == (150, 300)

    def test_a_relation_of_sides_is_no_size(self, tmp_path):
        write_png(tmp_path / "a.png", GREY, [(b"pHYs", struct.pack(">IIB", 2, 1, 0))])
        assert only(tmp_path / "a.png").resolution is None
