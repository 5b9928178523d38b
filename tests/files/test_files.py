"""Pictures from and to disk. Files are made and checked with Pillow, OpenCV and tifffile."""

import errno
import json
import os
from typing import ClassVar

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_colorize import colorize, files

RNG = np.random.default_rng(4)
GREY8 = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
GREY16 = RNG.integers(0, 65536, (20, 30)).astype(np.uint16)
RGB8 = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
RGB16 = RNG.integers(0, 65536, (20, 30, 3)).astype(np.uint16)
RGBA8 = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)


def only_page(path):
    (page,) = files.read(path)
    return page.pixels


class TestReadingPngAndJpeg:
    @pytest.mark.parametrize("pixels", [GREY8, RGB8, RGBA8, GREY16], ids=str)
    def test_png_values_are_kept(self, tmp_path, pixels):
        Image.fromarray(pixels).save(tmp_path / "a.png")
        read = only_page(tmp_path / "a.png")
        assert read.dtype == pixels.dtype
        assert (read == pixels).all()

    def test_sixteen_bit_colour_png_keeps_its_bits(self, tmp_path):
        cv2.imwrite(str(tmp_path / "a.png"), RGB16[..., ::-1])
        assert (only_page(tmp_path / "a.png") == RGB16).all()

    def test_black_and_white_png_is_bool(self, tmp_path):
        Image.fromarray(GREY8 > 100).save(tmp_path / "a.png")
        assert (only_page(tmp_path / "a.png") == (GREY8 > 100)).all()

    def test_palettes_become_colours(self, tmp_path):
        image = Image.fromarray(RGB8).quantize(16)
        image.save(tmp_path / "a.png")
        assert (only_page(tmp_path / "a.png") == np.array(image.convert("RGB"))).all()

    def test_grey_with_alpha_keeps_alpha(self, tmp_path):
        Image.fromarray(RGBA8[..., :2], "LA").save(tmp_path / "a.png")
        read = only_page(tmp_path / "a.png")
        assert (read[..., 3] == RGBA8[..., 1]).all()
        assert (read[..., 0] == RGBA8[..., 0]).all()

    def test_jpeg_is_turned_upright(self, tmp_path):
        image = Image.fromarray(np.tile(np.linspace(0, 255, 32).astype(np.uint8), (16, 1)))
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was held on its side
        image.save(tmp_path / "a.jpg", exif=exif)
        read = only_page(tmp_path / "a.jpg")
        assert read.shape == (32, 16)
        assert read[0].mean() < 20 < 230 < read[-1].mean()

    def test_cmyk_jpeg_becomes_rgb(self, tmp_path):
        Image.fromarray(RGB8).convert("CMYK").save(tmp_path / "a.jpg")
        assert only_page(tmp_path / "a.jpg").shape == (20, 30, 3)

    def test_content_counts_and_not_the_name(self, tmp_path):
        Image.fromarray(GREY8).save(tmp_path / "a.tif", format="PNG")
        assert (only_page(tmp_path / "a.tif") == GREY8).all()


class TestReadingTiff:
    @pytest.mark.parametrize(
        "pixels", [GREY8, GREY16, RGB8, RGB16, RGBA8, GREY8 / 255], ids=lambda p: str(p.dtype)
    )
    def test_values_are_kept(self, tmp_path, pixels):
        tifffile.imwrite(tmp_path / "a.tif", pixels)
        assert (only_page(tmp_path / "a.tif") == pixels).all()

    def test_planar_colour_becomes_interleaved(self, tmp_path):
        planar = np.moveaxis(RGB16, -1, 0)[:, :3]  # three rows: as many as there are channels
        tifffile.imwrite(tmp_path / "a.tif", planar, photometric="rgb", planarconfig="separate")
        assert (only_page(tmp_path / "a.tif") == RGB16[:3]).all()

    @pytest.mark.parametrize("imagej", [False, True])
    def test_stacks_are_counted_off_in_order(self, tmp_path, imagej):
        stack = RNG.integers(0, 4096, (3, 2, 8, 9)).astype(np.uint16)
        metadata = {"axes": "ZCYX"}
        tifffile.imwrite(tmp_path / "a.tif", stack, imagej=imagej, metadata=metadata)
        pages = files.read(tmp_path / "a.tif")
        assert files.count_pages(tmp_path / "a.tif") == len(pages) == 6
        assert [page.source["page"] for page in pages] == list(range(6))
        assert (np.stack([page.pixels for page in pages]) == stack.reshape(6, 8, 9)).all()

    def test_pages_of_different_sizes_are_all_read(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.tif") as file:
            file.write(GREY16)
            file.write(RGB8[:5])
        assert [p.pixels.shape for p in files.read(tmp_path / "a.tif")] == [(20, 30), (5, 30, 3)]

    def test_lzw_needs_no_further_package(self, tmp_path):
        Image.fromarray(GREY16).save(tmp_path / "a.tif", compression="tiff_lzw")
        Image.fromarray(RGB8).save(tmp_path / "b.tif", compression="tiff_lzw")
        assert (only_page(tmp_path / "a.tif") == GREY16).all()
        assert (only_page(tmp_path / "b.tif") == RGB8).all()

    def test_white_is_zero_is_turned_round(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", GREY8, photometric="miniswhite")
        assert (only_page(tmp_path / "a.tif") == 255 - GREY8).all()

    def test_palettes_become_colours(self, tmp_path):
        image = Image.fromarray(RGB8).quantize(16)
        image.save(tmp_path / "a.tif")
        assert (only_page(tmp_path / "a.tif") == np.array(image.convert("RGB"))).all()

    def test_pixel_size_is_read_in_imagejs_own_way_too(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", GREY16, resolution=(300, 150), resolutionunit="INCH")
        assert files.read(tmp_path / "a.tif")[0].resolution == files.Resolution(300, 150, 2)
        metadata = {"unit": "micron"}
        tifffile.imwrite(
            tmp_path / "b.tif", GREY16, imagej=True, resolution=(4, 2), metadata=metadata
        )
        assert files.read(tmp_path / "b.tif")[0].resolution == files.Resolution(40000, 20000, 3)


class TestDamagedFiles:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
    @pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
    def test_truncated_files_are_told_in_a_sentence(self, tmp_path, kind, share):
        path = tmp_path / f"cut.{kind.lower()}"
        Image.fromarray(GREY8).save(path, format=kind)
        content = path.read_bytes()
        path.write_bytes(content[: max(12, int(len(content) * share))])
        with pytest.raises(files.UnreadableFile, match=r"cut\.\w+ (cannot be read|is cut short)"):
            files.read(path)

    @pytest.mark.parametrize("imagej", [False, True])
    def test_a_stack_that_lost_its_last_pages_is_not_taken_for_a_shorter_one(
        self, tmp_path, imagej
    ):
        path = tmp_path / "cut.tif"
        tifffile.imwrite(path, np.stack([GREY16] * 6), imagej=imagej)
        content = path.read_bytes()
        for share in (0.3, 0.6, 0.95):
            path.write_bytes(content[: int(len(content) * share)])
            with pytest.raises(files.UnreadableFile, match="cut short"):
                files.read(path)
            with pytest.raises(files.UnreadableFile, match="cut short"):
                files.count_pages(path)

    @pytest.mark.parametrize(
        ("content", "told"),
        [(b"", "is empty"), (b"<!DOCTYPE html>", "web page"), (b"\0" * 99, "not a PNG, JPEG")],
    )
    def test_what_is_no_picture_is_told_in_a_sentence(self, tmp_path, content, told):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(files.UnreadableFile, match=told):
            files.read(tmp_path / "a.png")

    def test_missing_files_and_folders_are_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="There is no file"):
            files.read(tmp_path / "none.png")
        with pytest.raises(OSError, match=str(tmp_path)):
            files.read(tmp_path)

    def test_errors_of_the_caller_between_two_pages_stay_its_own(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", np.stack([GREY16] * 2))
        pages = files.iter_pages(tmp_path / "a.tif")
        next(pages)
        with pytest.raises(ZeroDivisionError):
            pages.throw(ZeroDivisionError())


@pytest.mark.usefixtures("fake_model")
class TestWriting:
    @pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    @pytest.mark.parametrize("image", [GREY8, RGBA8], ids=["grey", "alpha"])
    def test_pixels_come_back(self, tmp_path, suffix, dtype, image):
        result = colorize(image, dtype=dtype)
        path = tmp_path / f"a{suffix}"
        files.write(path, result)
        assert (only_page(path) == result.rgb).all()

    def test_other_programs_see_the_same_colours(self, tmp_path):
        result = colorize(GREY8)
        for name in ("a.png", "a.tif"):
            files.write(tmp_path / name, result, overwrite=True)
            with Image.open(tmp_path / name) as image:
                assert (np.array(image) == result.rgb).all()

    def test_float_results_need_tiff(self, tmp_path):
        result = colorize(GREY8, dtype="float32")
        files.write(tmp_path / "a.tif", result)
        assert (only_page(tmp_path / "a.tif") == result.rgb).all()
        with pytest.raises(ValueError, match=r"cannot hold float32 pixels; choose \.tif"):
            files.write(tmp_path / "a.png", result)

    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_the_record_is_inside_and_beside(self, tmp_path, suffix):
        result = colorize(GREY16, source="Zelle 7 µm")
        written = files.write(tmp_path / f"a.{suffix}", result)
        assert written == [tmp_path / f"a.{suffix}", tmp_path / f"a.{suffix}.json"]
        assert json.loads(written[1].read_text("utf-8")) == result.record
        assert files.read_records(written[0]) == [result.record]

    def test_the_legend_can_be_read_in_any_png_viewer(self, tmp_path):
        result = colorize(GREY8)
        files.write(tmp_path / "a.png", result)
        with Image.open(tmp_path / "a.png") as image:
            assert image.text["Description"] == result.legend

    def test_files_without_a_record_have_none(self, tmp_path):
        Image.fromarray(GREY8).save(tmp_path / "a.png")
        tifffile.imwrite(tmp_path / "a.tif", GREY8, metadata={"schema": 1})
        assert files.read_records(tmp_path / "a.png") == []
        assert files.read_records(tmp_path / "a.tif") == []

    def test_a_stack_is_written_as_it_is_coloured(self, tmp_path):
        made = []

        def results():
            for plane in (GREY8, GREY16, GREY8[::-1]):
                made.append(colorize(plane))
                yield made[-1]

        path = tmp_path / "a.tif"
        files.write(path, results(), uncertainty=True, pages=3)
        read = files.read(path)
        assert all((page.pixels == r.rgb).all() for page, r in zip(read, made, strict=True))
        maps = files.read(files.uncertainty_of(path))
        assert all((m.pixels == r.uncertainty).all() for m, r in zip(maps, made, strict=True))
        assert files.read_records(path) == [r.record for r in made]
        beside = json.loads(files.sidecar_of(path).read_text("utf-8"))
        assert beside == {"pages": [r.record for r in made]}
        with tifffile.TiffFile(path) as file:
            assert not file.is_bigtiff

    def test_a_stack_of_unknown_length_may_grow_beyond_4_gib(self, tmp_path):
        files.write(tmp_path / "a.tif", iter([colorize(GREY8)]))
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            assert file.is_bigtiff

    def test_pixel_size_is_kept(self, tmp_path):
        resolution = files.Resolution(40000.0, 20000.0, 3)
        files.write(tmp_path / "a.tif", colorize(GREY8), resolution=resolution)
        assert files.read(tmp_path / "a.tif")[0].resolution == resolution

    def test_nothing_is_overwritten_unasked(self, tmp_path):
        path = tmp_path / "a.png"
        for taken in (path, files.sidecar_of(path)):
            taken.write_bytes(b"mine")
            with pytest.raises(FileExistsError, match=f"{taken.name} exists already"):
                files.write(path, colorize(GREY8))
            assert [p.name for p in tmp_path.iterdir()] == [taken.name]
            assert taken.read_bytes() == b"mine"
            taken.unlink()

    def test_overwriting_can_be_asked_for(self, tmp_path):
        files.write(tmp_path / "a.png", colorize(GREY8))
        second = colorize(GREY8[::-1])
        files.write(tmp_path / "a.png", second, overwrite=True)
        assert (only_page(tmp_path / "a.png") == second.rgb).all()

    def test_what_fails_half_way_leaves_nothing_and_keeps_what_was(self, tmp_path):
        files.write(tmp_path / "a.tif", colorize(GREY8))
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

        def results():
            yield colorize(GREY16)
            raise InterruptedError

        with pytest.raises(InterruptedError):
            files.write(tmp_path / "a.tif", results(), overwrite=True, uncertainty=True)
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before

    @pytest.mark.parametrize(
        ("name", "told"), [("a.jpg", "lightness"), ("a.gif", "written as"), ("a", "written as")]
    )
    def test_other_formats_are_refused(self, tmp_path, name, told):
        with pytest.raises(ValueError, match=told):
            files.write(tmp_path / name, colorize(GREY8))

    def test_a_png_holds_one_picture_and_a_file_at_least_one(self, tmp_path):
        with pytest.raises(ValueError, match="holds one picture"):
            files.write(tmp_path / "a.png", [colorize(GREY8)] * 2)
        with pytest.raises(ValueError, match="no result"):
            files.write(tmp_path / "a.tif", [])
        assert list(tmp_path.iterdir()) == []

    def test_missing_folders_are_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="create it"):
            files.write(tmp_path / "none" / "a.png", colorize(GREY8))


class TestWritingPlanesOfOneRecord:
    RECORD: ClassVar = {"schema": "napari-colorize/record/1", "legend": "A guess, 5 µm."}

    @pytest.mark.parametrize(
        "plane",
        [GREY8, GREY16, RGB8, RGB16, RGBA8],
        ids=["grey", "16-bit grey", "rgb", "16-bit rgb", "rgba"],
    )
    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_a_plane_comes_back_with_the_record(self, tmp_path, plane, suffix):
        record = self.RECORD | {"software": {"name": "napari-colorize", "version": "0"}}
        path, sidecar = files.write_planes(tmp_path / f"a{suffix}", [plane], record)
        assert (only_page(path) == plane).all()
        assert files.read_records(path) == [record]
        assert json.loads(sidecar.read_text("utf-8")) == record

    def test_many_planes_have_one_record_and_one_pixel_size(self, tmp_path):
        size = files.Resolution(4.0, 5.0, 3)
        planes = (GREY8 * np.float32(number) for number in range(4))
        path, _ = files.write_planes(tmp_path / "a.tif", planes, self.RECORD, resolution=size)
        pages = files.read(path)
        expected = [GREY8 * np.float32(number) for number in range(4)]
        assert np.array_equal([page.pixels for page in pages], expected)
        assert {page.resolution for page in pages} == {size}
        assert files.read_records(path) == [self.RECORD]

    def test_what_fails_half_way_leaves_what_was(self, tmp_path):
        def planes():
            yield RGB8
            raise RuntimeError("the source is gone")

        files.write_planes(tmp_path / "a.tif", [GREY8], self.RECORD)
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(RuntimeError, match="gone"):
            files.write_planes(tmp_path / "a.tif", planes(), self.RECORD, overwrite=True)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_nothing_is_replaced_unasked(self, tmp_path):
        files.write_planes(tmp_path / "a.tif", [GREY8], self.RECORD)
        with pytest.raises(FileExistsError, match=r"a\.tif and a\.tif\.json exist already"):
            files.write_planes(tmp_path / "a.tif", [GREY8], self.RECORD)

    def test_a_folder_that_takes_no_files_is_told_before_the_work(self, tmp_path, monkeypatch):
        def closed(*_, **__):
            raise OSError(errno.EROFS, "Read-only file system")

        def planes():
            pytest.fail("a plane was worked out for nothing")
            yield

        monkeypatch.setattr("pathlib.Path.touch", closed)  # whoever is root may write anywhere
        with pytest.raises(PermissionError, match=r"Nothing may be written into .*choose another"):
            files.write_planes(tmp_path / "a.tif", planes(), self.RECORD)

    @pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOSPC, errno.ENAMETOOLONG])
    def test_a_folder_that_is_odd_is_told_in_a_sentence(self, tmp_path, monkeypatch, number):
        def odd(*_, **__):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("pathlib.Path.touch", odd)
        with pytest.raises(OSError, match=r"^No file can be made in .*; choose another folder\.$"):
            files.write_planes(tmp_path / "a.tif", [GREY8], self.RECORD)
        assert list(tmp_path.iterdir()) == []
