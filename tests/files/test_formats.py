"""The table of docs/files.md, row by row: every depth, colour model and compression.

Files are written by tifffile, Pillow and by hand; what they show is known from how they were made,
and where Pillow reads them too, from Pillow.
"""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps
from skimage.color import lab2rgb, rgb2lab

from napari_colorize import files
from napari_colorize.files.reading import as_shown, decode

GREY = np.add.outer(np.arange(72), np.arange(96)).astype(np.uint8)
RGB = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])
ALPHA = (np.add.outer(np.arange(72), np.zeros(96)) * 2 + 60).astype(np.uint8)


def light(pixels):
    """L* of 8-bit pixels by scikit-image."""
    rgb = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    return rgb2lab(rgb[..., :3])[..., 0]


def only(path):
    (page,) = files.read(path)
    return page


def agrees(path, expected, within=0.3):
    """One picture comes out whose lightness is that of `expected`, to both of our front doors."""
    page = only(path)
    shown = as_shown(page.pixels[..., :3] if page.pixels.ndim == 3 else page.pixels)
    assert shown.shape[:2] == expected.shape[:2]
    assert np.abs(light(shown) - light(expected)).max() < within
    taught = decode(path.read_bytes(), path.name)
    if page.pixels.ndim == 2 or page.pixels.shape[-1] == 3:
        assert np.array_equal(taught, shown)
    return page


LOSSLESS = [
    None,
    "zlib",
    "lzw",
    "packbits",
    "zstd",
    "lzma",
    "deflate",
    "jpegxl",
    "webp",
    "jpeg2000",
]


class TestCompressions:
    @pytest.mark.parametrize("how", LOSSLESS)
    @pytest.mark.parametrize("tile", [None, (32, 48)], ids=["strips", "tiles"])
    def test_lossless_ones_give_every_page_back(self, tmp_path, how, tile):
        path = tmp_path / "a.tif"
        lossless = {"compressionargs": {"lossless": True}} if how == "webp" else {}
        with tifffile.TiffWriter(path) as file:
            for pixels in (RGB, RGB[::-1]):
                file.write(pixels, photometric="rgb", compression=how, tile=tile, **lossless)
        pages = files.read(path)
        assert np.array_equal(pages[0].pixels, RGB)
        assert np.array_equal(pages[1].pixels, RGB[::-1])

    @pytest.mark.parametrize("how", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", None])
    @pytest.mark.parametrize("kind", ["L", "RGB", "I;16", "LA", "P", "1", "CMYK", "RGBA"])
    def test_those_of_libtiff_look_as_pillow_shows_them(self, tmp_path, how, kind):
        if how == "jpeg" and kind not in ("L", "RGB", "CMYK"):
            pytest.skip("libtiff writes no such JPEG")
        path = tmp_path / "a.tif"
        if kind == "I;16":
            picture = Image.fromarray(GREY.astype(np.uint16) * 257)
            shown = GREY
        else:
            base = Image.fromarray(RGB)
            picture = base.quantize(64) if kind == "P" else base.convert(kind)
            shown = None
        frames = [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
        picture.save(path, compression=how, save_all=True, append_images=frames)
        with Image.open(path) as opened:
            expected = np.array(opened.convert("RGB")) if shown is None else shown
        pages = files.read(path)
        assert len(pages) == 2
        ours = as_shown(pages[0].pixels[..., :3] if pages[0].pixels.ndim == 3 else pages[0].pixels)
        assert np.abs(light(ours) - light(expected)).max() < (1.5 if how == "jpeg" else 0.3)
        mirrored = pages[1].pixels[:, ::-1]
        if how != "jpeg":
            assert np.array_equal(mirrored, pages[0].pixels)

    @pytest.mark.parametrize("how", ["group3", "group4", "tiff_ccitt", "tiff_lzw", None])
    @pytest.mark.parametrize("white_is_zero", [False, True])
    def test_faxes(self, tmp_path, how, white_is_zero):
        text = (GREY // 16) % 2 == 0
        info = {"tiffinfo": {262: 0}} if white_is_zero else {}
        Image.fromarray(text).save(tmp_path / "a.tif", compression=how, **info)
        with Image.open(tmp_path / "a.tif") as opened:
            assert np.array_equal(only(tmp_path / "a.tif").pixels, np.array(opened))


class TestDepths:
    @pytest.mark.parametrize("bits", [1, 2, 4])
    @pytest.mark.parametrize("white_is_zero", [False, True])
    def test_few_bits_go_over_all_of_eight(self, tmp_path, bits, white_is_zero):
        values = (GREY >> (8 - bits)).astype(np.uint8)
        stored = (1 << bits) - 1 - values if white_is_zero else values
        write_packed(tmp_path / "a.tif", stored, bits, photometric=0 if white_is_zero else 1)
        expected = np.rint(values * (255 / ((1 << bits) - 1))).astype(np.uint8)
        agrees(tmp_path / "a.tif", expected)

    @pytest.mark.parametrize("bits", [10, 12, 14])
    def test_grey_of_odd_depths_keeps_its_values(self, tmp_path, bits):
        values = GREY.astype(np.uint16) << (bits - 8)
        write_packed(tmp_path / "a.tif", values, bits, photometric=1)
        assert np.array_equal(only(tmp_path / "a.tif").pixels, values)

    def test_colour_of_twelve_bits_goes_over_all_of_sixteen(self, tmp_path):
        values = RGB.astype(np.uint16) * 16 + RGB // 16
        write_packed(tmp_path / "a.tif", values, 12, photometric=2)
        agrees(tmp_path / "a.tif", RGB)

    @pytest.mark.parametrize(
        "dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"], ids=str
    )
    @pytest.mark.parametrize("how", [None, "zlib", "lzw"])
    def test_white_is_zero_of_every_type_is_light_where_it_is_light(self, tmp_path, dtype, how):
        kind = np.dtype(dtype)
        shown = (GREY // 2).astype(kind) if kind.kind != "f" else (GREY / 255).astype(kind)
        stored = {"u": lambda v: np.iinfo(kind).max - v, "i": lambda v: ~v, "f": lambda v: 1 - v}
        tifffile.imwrite(
            tmp_path / "a.tif",
            stored[kind.kind](shown).astype(kind),
            photometric="miniswhite",
            compression=how,
        )
        read = only(tmp_path / "a.tif").pixels.astype(float)
        assert np.corrcoef(read.ravel(), GREY.ravel())[0, 1] > 0.999


class TestColours:
    @pytest.mark.parametrize("how", [None, "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
    def test_cmyk(self, tmp_path, how):
        picture = Image.fromarray(RGB).convert("CMYK")
        picture.save(tmp_path / "a.tif", compression=how)
        page = agrees(
            tmp_path / "a.tif", np.array(picture.convert("RGB")), 2 if how == "jpeg" else 0.5
        )
        assert page.pixels.shape[-1] == 3
        assert page.source["colour_model"] == "SEPARATED"

    def test_cmyk_of_sixteen_bits_and_with_alpha(self, tmp_path):
        picture = Image.fromarray(RGB).convert("CMYK")
        inks, expected = np.array(picture), np.array(picture.convert("RGB"))
        tifffile.imwrite(tmp_path / "a.tif", inks.astype(np.uint16) * 257, photometric="separated")
        agrees(tmp_path / "a.tif", expected, 0.5)
        both = np.dstack([inks, ALPHA])
        tifffile.imwrite(
            tmp_path / "b.tif", both, photometric="separated", extrasamples=["unassalpha"]
        )
        pixels = only(tmp_path / "b.tif").pixels
        assert np.array_equal(pixels[..., 3], ALPHA)
        assert np.abs(light(pixels) - light(expected)).max() < 0.5

    @pytest.mark.parametrize("how", [None, "tiff_lzw", "jpeg"])
    def test_ycbcr(self, tmp_path, how):
        Image.fromarray(RGB).convert("YCbCr").save(tmp_path / "a.tif", compression=how)
        agrees(tmp_path / "a.tif", RGB, 3 if how == "jpeg" else 1)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_lab(self, tmp_path, dtype):
        lab = rgb2lab(RGB, illuminant="D50") * [1, 0.2, 0.2]  # pale enough for every gamut
        expected = np.rint(lab2rgb(lab, illuminant="D50") * 255)
        scale = 2.55 if dtype == np.uint8 else 655.35
        signed = np.int8 if dtype == np.uint8 else np.int16
        chroma = (
            np.rint(lab[..., 1:] * (1 if dtype == np.uint8 else 256)).astype(signed).view(dtype)
        )
        stored = np.dstack([np.rint(lab[..., :1] * scale).astype(dtype), chroma])
        tifffile.imwrite(tmp_path / "a.tif", stored, photometric="cielab")
        pixels = as_shown(only(tmp_path / "a.tif").pixels)
        assert np.abs(light(pixels) - lab[..., 0]).max() < 0.5
        if dtype == np.uint8:
            with Image.open(tmp_path / "a.tif") as opened:
                lab_profile, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
                by_littlecms = ImageCms.profileToProfile(opened, lab_profile, srgb, 1, "RGB")
            assert np.abs(pixels.astype(int) - np.array(by_littlecms)).max() <= 2
        assert expected.shape == pixels.shape

    @pytest.mark.parametrize("bits", [1, 2, 4, 8])
    @pytest.mark.parametrize("step", [1, 256, 257])
    def test_palettes_of_every_depth_and_writer(self, tmp_path, bits, step):
        indices = (GREY >> (8 - bits)).astype(np.uint8)
        colours = np.random.default_rng(1).integers(0, 256, (3, 1 << bits))
        colours[:, -1] = 255
        write_packed(tmp_path / "a.tif", indices, bits, photometric=3, colormap=colours * step)
        assert np.array_equal(only(tmp_path / "a.tif").pixels, colours.T[indices].astype(np.uint8))

    def test_alpha_that_is_multiplied_in_is_divided_out(self, tmp_path):
        multiplied = np.rint(RGB * (ALPHA[..., None] / 255)).astype(np.uint8)
        stored = np.dstack([multiplied, ALPHA])
        tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
        pixels = only(tmp_path / "a.tif").pixels
        assert np.array_equal(pixels[..., 3], ALPHA)
        assert np.abs(light(pixels) - light(RGB)).max() < 1.5

    def test_samples_that_nobody_explains_are_no_alpha(self, tmp_path):
        tifffile.imwrite(
            tmp_path / "a.tif",
            np.dstack([RGB, ALPHA]),
            photometric="rgb",
            extrasamples=["unspecified"],
        )
        page = only(tmp_path / "a.tif")
        assert np.array_equal(page.pixels, RGB)
        assert page.source["samples_left_out"] == 1

    @pytest.mark.parametrize("planar", ["contig", "separate"])
    @pytest.mark.parametrize("count", [2, 3, 5])
    def test_spectral_bands_are_pictures_of_their_own(self, tmp_path, planar, count):
        bands = [GREY // (k + 1) for k in range(count)]
        stored = np.dstack(bands) if planar == "contig" else np.stack(bands)
        tifffile.imwrite(
            tmp_path / "a.tif",
            stored,
            photometric="minisblack",
            planarconfig=planar,
            extrasamples=["unspecified"] * (count - 1),
        )
        pages = files.read(tmp_path / "a.tif")
        assert files.count_pages(tmp_path / "a.tif") == len(pages) == count
        assert all(np.array_equal(p.pixels, b) for p, b in zip(pages, bands, strict=True))
        with files.open_stack(tmp_path / "a.tif") as stack:
            assert np.array_equal(stack[count - 1], bands[-1])

    def test_models_that_are_not_read_are_named(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb")
        with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
            file.pages[0].tags[262].overwrite(32845)
        with pytest.raises(files.UnreadableFile, match="LOGLUV"):
            files.read(tmp_path / "a.tif")

    def test_a_camera_s_raw_is_refused_by_name(self, tmp_path):
        tifffile.imwrite(
            tmp_path / "a.dng", RGB, photometric="rgb", extratags=[(50706, 1, 4, b"\1\4\0\0", True)]
        )
        with pytest.raises(files.UnreadableFile, match=r"a\.dng is a camera's raw file.*Develop"):
            files.read(tmp_path / "a.dng")
        (tmp_path / "b.raf").write_bytes(b"FUJIFILMCCD-RAW 0201" + bytes(200))
        with pytest.raises(files.UnreadableFile, match="Develop"):
            files.read(tmp_path / "b.raf")


class TestOrientation:
    @pytest.mark.parametrize("turned", range(1, 9))
    @pytest.mark.parametrize("how", [None, "tiff_lzw"])
    def test_tiff_stands_as_pillow_shows_it(self, tmp_path, turned, how):
        path = tmp_path / "a.tif"
        Image.fromarray(RGB).save(path, compression=how, tiffinfo={274: turned}, dpi=(300, 150))
        raw = Image.fromarray(RGB)
        raw.getexif()[274] = turned
        page = only(path)
        assert np.array_equal(page.pixels, np.array(ImageOps.exif_transpose(raw)))
        across = (150, 300) if turned >= 5 else (300, 150)
        assert (page.resolution.x, page.resolution.y) == across

    @pytest.mark.parametrize("turned", range(1, 9))
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "deep PNG"])
    def test_png_and_jpeg_too(self, tmp_path, turned, kind):
        path = tmp_path / f"a.{kind[-3:].lower()}"
        exif = Image.Exif()
        exif[274] = turned
        picture = Image.fromarray(GREY.astype(np.uint16) * 257 if kind == "deep PNG" else GREY)
        picture.save(path, kind.split()[-1], exif=exif)
        with Image.open(path) as opened:
            expected = np.array(ImageOps.exif_transpose(opened))
        assert np.array_equal(only(path).pixels, expected)


class TestPng:
    @pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
    @pytest.mark.parametrize("colour", [0, 2, 3, 4, 6])
    @pytest.mark.parametrize("transparent", [False, True])
    def test_every_kind_that_the_standard_has(self, tmp_path, bits, colour, transparent):
        if bits not in {0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}.get(colour, (8, 16)):
            pytest.skip("there is no such PNG")
        if transparent and colour in (4, 6):
            pytest.skip("there is no such PNG")
        path, shown, alpha = (
            tmp_path / "a.png",
            *write_png_by_hand(tmp_path / "a.png", bits, colour, transparent),
        )
        page = agrees(path, shown) if not transparent and colour < 4 else only(path)
        pixels = page.pixels
        assert (
            np.abs(
                light(as_shown(pixels[..., :3] if pixels.ndim == 3 else pixels)) - light(shown)
            ).max()
            < 0.3
        )
        if alpha is not None:
            assert np.array_equal(as_shown(pixels[..., 3])[..., 0], alpha)

    def test_the_first_frame_of_an_animation_is_read_and_the_others_are_counted(self, tmp_path):
        frames = [Image.fromarray(RGB[::-1]), Image.fromarray(RGB[:, ::-1])]
        Image.fromarray(RGB).save(tmp_path / "a.png", save_all=True, append_images=frames)
        page = only(tmp_path / "a.png")
        assert np.array_equal(page.pixels[..., :3], RGB)
        assert page.source["frames"] == 3


class TestProfiles:
    @pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
    @pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
    @pytest.mark.parametrize("grey", [False, True])
    def test_colours_are_those_of_littlecms(self, tmp_path, suffix, gamma, grey):
        profile = profile_of(gamma, b"GRAY" if grey else b"RGB ")
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(GREY if grey else RGB).save(path, icc_profile=profile)
        with Image.open(path) as opened:
            shown = ImageCms.profileToProfile(
                opened,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                renderingIntent=1,
                outputMode="RGB",
                flags=0x0100,
            )
        page = only(path)
        assert page.pixels.ndim == (2 if grey else 3)
        assert np.abs(light(page.pixels) - light(np.array(shown))).max() < 0.5
        assert page.source["colour_profile"] == {"name": "x", "converted": True}

    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_sixteen_bits_keep_their_steps(self, tmp_path, suffix):
        ramp = np.tile(np.arange(0, 65536, 64, dtype=np.uint16), (4, 1))
        profile = profile_of(1.0, b"GRAY")
        if suffix == "tif":
            tifffile.imwrite(tmp_path / "a.tif", ramp, iccprofile=profile)
        else:
            Image.fromarray(ramp).save(tmp_path / "a.png", icc_profile=profile)
        read = only(tmp_path / f"a.{suffix}").pixels
        linear = ramp[0] / 65535
        coded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
        assert np.abs(read[0] / 65535 - coded).max() < 0.002

    def test_srgb_and_damaged_profiles_leave_values_alone(self, tmp_path):
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        for profile, said in ((srgb, "it is sRGB"), (srgb[:200], "it is damaged")):
            Image.fromarray(RGB).save(tmp_path / "a.png", icc_profile=profile)
            page = only(tmp_path / "a.png")
            assert np.array_equal(page.pixels, RGB)
            assert said in page.source["colour_profile"]["reason"]


class TestPagesThatAreNone:
    def test_masks_and_thumbnails_are_left_out_and_named(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.tif") as file:
            file.write(RGB[::4, ::4].copy(), photometric="rgb", subfiletype=1, metadata=None)
            file.write(RGB, photometric="rgb", metadata=None)
            file.write(GREY > 100, subfiletype=4, photometric=4, metadata=None)
        page = only(tmp_path / "a.tif")
        assert np.array_equal(page.pixels, RGB)
        assert page.source["left_out"] == [
            "thumbnail, 24 × 18 pixels",
            "transparency mask, 96 × 72 pixels",
        ]

    def test_the_label_of_a_slide_does_not_travel_along(self, tmp_path):
        about = "Aperio Image Library v11.2.1 \r\n96x72 [0,0 96x72] (64x64) JPEG/RGB Q=70"
        with tifffile.TiffWriter(tmp_path / "a.svs") as file:
            file.write(RGB, tile=(64, 64), photometric="rgb", description=about, metadata=None)
            small = RGB[::8, ::8].copy()
            file.write(small, photometric="rgb", description="Aperio\r\n thumbnail", metadata=None)
            for name, kind in (("label", 1), ("macro", 9)):
                said = f"Aperio Image Library\r\n{name} 60x50"
                file.write(RGB[:60, :50].copy(), subfiletype=kind, description=said, metadata=None)
        page = only(tmp_path / "a.svs")
        assert np.array_equal(page.pixels, RGB)
        assert "label, 50 × 60 pixels" in page.source["left_out"]

    def test_labels_in_ome_files_are_known_by_their_names(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
            file.write(RGB, photometric="rgb", metadata={"Name": "slide"})
            file.write(RGB[:20, :30].copy(), photometric="rgb", metadata={"Name": "label image"})
        assert np.array_equal(only(tmp_path / "a.ome.tif").pixels, RGB)

    def test_planes_that_a_set_promises_and_has_not_are_refused(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.ome.tif", np.stack([GREY] * 5), metadata={"axes": "ZYX"})
        with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
            xml = file.ome_metadata
        with tifffile.TiffWriter(tmp_path / "b.tif") as file:
            for k in range(3):
                file.write(GREY, description=None if k else xml, metadata=None)
        with pytest.raises(files.UnreadableFile, match="announces 5 planes, but 2 of them"):
            files.read(tmp_path / "b.tif")


class TestMissingValues:
    @pytest.mark.parametrize("value", ["-9999", "-3.4028235e+38", "-3.40282346638529e+38", "0"])
    def test_the_value_that_a_file_declares_is_masked(self, tmp_path, value):
        pixels = np.add.outer(np.arange(1, 73), np.arange(96)).astype(np.float32)
        pixels[:9] = float(value)
        tags = [(42113, 2, 0, value, True)]
        tifffile.imwrite(tmp_path / "a.tif", pixels, extratags=tags, metadata=None)
        page = only(tmp_path / "a.tif")
        assert np.ma.getmaskarray(page.pixels)[:9].all()
        assert not np.ma.getmaskarray(page.pixels)[9:].any()
        assert page.source["no_data"] == float(value)


class TestLimits:
    def test_a_picture_that_announces_too_much_is_refused_by_its_size(self, tmp_path, monkeypatch):
        for suffix in ("png", "jpg", "tif"):
            Image.fromarray(GREY).save(tmp_path / f"a.{suffix}")
            monkeypatch.setenv("NAPARI_COLORIZE_MAX_PIXELS", "5000")
            with pytest.raises(ValueError, match=r"96 × 72 pixels.*--max-pixels 6912"):
                files.read(tmp_path / f"a.{suffix}")
            monkeypatch.setenv("NAPARI_COLORIZE_MAX_PIXELS", "6912")
            assert only(tmp_path / f"a.{suffix}").pixels.shape == GREY.shape

    def test_pillow_s_own_limit_is_neither_met_nor_changed(self, tmp_path, monkeypatch, recwarn):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        Image.fromarray(GREY).save(tmp_path / "a.png")
        assert only(tmp_path / "a.png").pixels.shape == GREY.shape
        assert not recwarn.list
        assert Image.MAX_IMAGE_PIXELS == 100

    @pytest.mark.parametrize("how", ["zlib", "lzw", "packbits", "zstd", "lzma"])
    def test_strips_unpack_to_no_more_than_their_page_has_room_for(self, tmp_path, how):
        large = np.zeros((4096, 4096), np.uint8)
        tifffile.imwrite(tmp_path / "a.tif", large, compression=how, rowsperstrip=4096)
        with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
            for tag in (256, 257, 278):
                file.pages[0].tags[tag].overwrite(10)
        try:
            pixels = only(tmp_path / "a.tif").pixels
        except files.UnreadableFile:
            return
        assert pixels.shape == (10, 10)

    @pytest.mark.parametrize("how", ["jpeg", "jpeg2000"])
    def test_tiles_that_say_that_they_are_larger_are_refused(self, tmp_path, how):
        tifffile.imwrite(
            tmp_path / "a.tif", np.zeros((512, 512), np.uint8), compression=how, rowsperstrip=512
        )
        with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
            for tag in (256, 257, 278):
                file.pages[0].tags[tag].overwrite(10)
        with pytest.raises(files.UnreadableFile, match="512 × 512"):
            files.read(tmp_path / "a.tif")

    def test_a_circle_of_pages_ends(self, tmp_path):
        tags = [(256, 4, 10), (257, 4, 10), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 200)]
        tags += [(277, 3, 1), (278, 4, 10), (279, 4, 100)]
        body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
        head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + struct.pack("<I", 8)
        (tmp_path / "a.tif").write_bytes(head + bytes(300))
        assert only(tmp_path / "a.tif").pixels.shape == (10, 10)
        assert files.read_records(tmp_path / "a.tif") == []


def write_packed(path, values, bits, photometric, colormap=None):
    """Write an uncompressed TIFF of any depth, bits packed from the left."""
    height, width = values.shape[:2]
    samples = 1 if values.ndim == 2 else values.shape[2]
    flat = values.reshape(height, -1).astype(np.uint32)
    unpacked = (flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    strip = np.packbits(unpacked.reshape(height, -1).astype(np.uint8), axis=1).tobytes()
    depths = struct.pack(f"<{samples}H", *[bits] * samples)
    colours = b"" if colormap is None else np.ravel(colormap).astype("<u2").tobytes()
    count = 9 if colormap is None else 10
    after = 8 + 2 + 12 * count + 4
    at_colours = after + len(depths) + len(depths) % 2
    at_strip = at_colours + len(colours)
    entries = [(256, 4, 1, width), (257, 4, 1, height)]
    entries += [(258, 3, samples, bits if samples == 1 else after), (259, 3, 1, 1)]
    entries += [(262, 3, 1, photometric), (273, 4, 1, at_strip), (277, 3, 1, samples)]
    entries += [(278, 4, 1, height), (279, 4, 1, len(strip))]
    if colours:
        entries.append((320, 3, len(colours) // 2, at_colours))
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, count) + body + bytes(4) + depths
    path.write_bytes(head.ljust(at_colours, b"\0") + colours + strip)


def write_png_by_hand(path, bits, colour, transparent):
    """Write a PNG (PNG specification, 11.2); return what it shows in 8 bits, and its alpha."""
    most = (1 << bits) - 1
    levels = (GREY.astype(np.uint32) * most) // 255 if bits <= 8 else GREY.astype(np.uint32) * 257
    rgb = np.dstack([levels, levels[::-1], levels[:, ::-1]])
    alpha = ALPHA.astype(np.uint32) * (257 if bits == 16 else 1)
    channels = {0: levels[..., None], 2: rgb, 3: levels[..., None]}
    channels |= {4: np.dstack([levels, alpha]), 6: np.dstack([rgb, alpha])}
    stored = channels[colour]
    palette = np.random.default_rng(2).integers(0, 256, (1 << min(bits, 8), 3)).astype(np.uint8)
    if bits == 16:
        lines = stored.astype(">u2").reshape(len(stored), -1).view(np.uint8)
    else:
        flat = stored.reshape(len(stored), -1)
        lines = np.packbits(
            ((flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1)
            .reshape(len(flat), -1)
            .astype(np.uint8),
            axis=1,
        )
    raw = b"".join(b"\0" + line.tobytes() for line in lines)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 96, 72, bits, colour, 0, 0, 0))]
    if colour == 3:
        chunks.append((b"PLTE", palette.tobytes()))
    shown = {0: levels, 2: rgb, 4: levels, 6: rgb}.get(colour)
    shown = palette[levels] if shown is None else np.rint(shown * (255 / most)).astype(np.uint8)
    seen = {4: ALPHA, 6: ALPHA}.get(colour)
    if transparent:
        first = stored[3, 5]
        if colour == 3:
            chunks.append((b"tRNS", bytes([255] * int(first[0]) + [0])))
        else:
            chunks.append((b"tRNS", b"".join(struct.pack(">H", int(v)) for v in first)))
        seen = np.where((stored == first).all(-1), 0, 255).astype(np.uint8)
    chunks += [(b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks:
        content += struct.pack(">I", len(body)) + name + body
        content += struct.pack(">I", zlib.crc32(name + body))
    path.write_bytes(content)
    return shown, seen


def profile_of(gamma, space):
    """Return a display profile of version 2 with sRGB's primaries and a plain gamma."""

    def numbers(values):
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + b"\0" * 79,
        b"cprt": b"text\0\0\0\0x\0",
        b"wtpt": numbers((0.9642, 1.0, 0.8249)),
    }
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        primaries = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))
        for letter, primary in zip("rgb", primaries, strict=True):
            tags[letter.encode() + b"XYZ"] = numbers(primary)
            tags[letter.encode() + b"TRC"] = curve
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        padded = data + b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(padded))
        body += padded
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"none", 0x02400000, b"mntr", space, b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body
