"""A batch goes on, keeps originals, says what it left out, and takes folders of frames."""

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

from napari_colorize import files
from napari_colorize.cli.jobs import Job, films, left_out
from napari_colorize.files.reading import Frames, in_order

GREY = np.add.outer(np.arange(40), np.arange(60)).astype(np.uint8)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    from napari_colorize.cli import app

    return CliRunner().invoke(app, ["colorize", *map(str, arguments)])


@pytest.mark.usefixtures("fake_model")
class TestBatches:
    def test_an_original_is_never_replaced(self, place):
        Image.fromarray(GREY).save("only.png")
        Image.fromarray(GREY).save("another.png")
        kept = [(place / name).read_bytes() for name in ("only.png", "another.png")]
        for target, said in (("only.png", "never replaced"), ("another.png", "no record")):
            result = run("only.png", "-o", target, "--overwrite")
            assert result.exit_code == 1
            assert said in result.stderr
        assert [(place / name).read_bytes() for name in ("only.png", "another.png")] == kept

    def test_results_are_replaced_when_asked_for(self, place):
        Image.fromarray(GREY).save("a.png")
        assert run("a.png", "-o", "out").exit_code == 0
        assert run("a.png", "-o", "out", "--overwrite").exit_code == 0

    def test_one_started_again_leaves_out_what_is_finished(self, place):
        for name in ("a.png", "b.png"):
            Image.fromarray(GREY).save(name)
        assert run("a.png", "-o", "out").exit_code == 0
        before = (place / "out/a_colorized.png").stat().st_mtime_ns
        result = run("a.png", "b.png", "-o", "out", "--resume")
        assert result.exit_code == 0
        assert "1 finished before." in result.stderr
        assert (place / "out/a_colorized.png").stat().st_mtime_ns == before
        assert (place / "out/b_colorized.png").exists()

    def test_what_was_not_coloured_is_counted_by_reason(self, place):
        Image.fromarray(GREY).save("a.png")
        (place / "b.png").write_bytes(b"nothing of the kind")
        (place / "c.bmp").write_bytes(b"")
        result = run(".", "-o", "out")
        assert result.exit_code == 1
        assert "1 of 2 files coloured, 1 failed. Not coloured: 1 cannot be read." in result.stderr
        assert "Left out, as files of other kinds: 1 .bmp." in result.stderr

    def test_options_without_effect_are_told(self, place):
        Image.fromarray(GREY).save("a.png")
        result = run("a.png", "-o", "out", "--consistency", "0.5")
        assert "1 file is a single picture" in result.stderr
        assert "--as-stack" in result.stderr

    def test_an_animation_is_told(self, place):
        frames = [Image.fromarray(GREY[::-1])]
        Image.fromarray(GREY).save("a.png", save_all=True, append_images=frames)
        assert "1 frame of 2" in run("a.png", "-o", "out").stderr

    def test_frames_of_a_folder_become_one_film(self, place):
        (place / "film").mkdir()
        for number in (1, 2, 10):
            Image.fromarray(GREY + np.uint8(number)).save(f"film/{number}.png")
        result = run("film", "-o", "out", "--as-stack")
        assert result.exit_code == 0, result.stderr
        with tifffile.TiffFile("out/film_colorized.tif") as file:
            assert file.series[0].axes == "TYXS"
            assert len(file.pages) == 3
        assert len(files.read_records("out/film_colorized.tif")) == 3

    def test_axes_step_and_unit_come_back(self, place):
        stack = np.stack([np.stack([GREY * (1 + c) for c in range(2)]) for _ in range(3)])
        about = {"axes": "ZCYX", "spacing": 2.0, "unit": "um"}
        tifffile.imwrite("a.tif", stack, imagej=True, metadata=about, resolution=(3.0, 3.0))
        tifffile.imwrite("b.ome.tif", stack, metadata={"axes": "ZCYX", "PhysicalSizeZ": 2.0})
        result = run("a.tif", "b.ome.tif", "-o", "out", "--axis", "z")
        assert result.exit_code == 0, result.stderr
        for name in ("a", "b.ome"):
            with tifffile.TiffFile(f"out/{name}_colorized.tif") as file:
                assert file.series[0].axes == "ZCYXS"
                assert file.imagej_metadata["spacing"] == 2.0
                assert file.imagej_metadata["unit"] == "um"
            assert len(files.read_records(f"out/{name}_colorized.tif")) == 6
        assert files.read("out/a_colorized.tif")[0].resolution == files.read("a.tif")[0].resolution

    @pytest.mark.parametrize("suffix", ["tif", "ome.tif"])
    @pytest.mark.parametrize("more", [(), ("--axis", "z")], ids=["each", "held"])
    def test_each_channel_has_its_window_and_all_comes_back(self, place, suffix, more):
        dim = GREY.astype(np.uint16) + 100
        stack = np.stack([np.stack([dim, dim * 50]) for _ in range(3)])
        names = ["DAPI", "GFP"]
        if suffix == "tif":
            about = {"axes": "ZCYX", "spacing": 2.0, "unit": "um", "Labels": names * 3}
            how = {"imagej": True, "metadata": about, "resolution": (4.0, 4.0)}
        else:
            about = {"axes": "ZCYX", "PhysicalSizeZ": 2.0, "Channel": {"Name": names}}
            how = {"metadata": about | {"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}}
        tifffile.imwrite(f"a.{suffix}", stack, **how)
        result = run(f"a.{suffix}", "-o", "out", *more)
        assert result.exit_code == 0, result.stderr
        target = f"out/a.{suffix}".replace(".tif", "_colorized.tif")
        windows = [r["parameters"]["window"] for r in files.read_records(target)]
        assert windows[0][1] < 300 < windows[1][0]
        assert windows[::2] == windows[:1] * 3
        with files.open_stack(target) as stack_out:
            assert stack_out.axes == (("z", 3), ("c", 2))
            assert (stack_out.place.z_step, stack_out.place.unit) == (2.0, "um")
            assert stack_out.place.channels == ("DAPI", "GFP")
        size = files.read(target)[0].resolution
        assert (round(size.x), round(size.y), size.unit) == (40000, 40000, 3)

    def test_pages_that_are_channels_alone_are_not_held(self, place):
        stack = np.stack([GREY, GREY * 2]).astype(np.uint16)
        tifffile.imwrite("a.tif", stack, imagej=True, metadata={"axes": "CYX"})
        for more in (["--consistency", "0.5"], ["--axis", "c"]):
            result = run("a.tif", "-o", "out", "--overwrite", *more)
            assert result.exit_code == 0
            assert "have no effect, as" in result.stderr
            assert "channel" in result.stderr

    def test_pages_of_several_sizes_are_no_stack(self, place):
        with tifffile.TiffWriter("a.tif") as file:
            for pixels in (GREY, GREY[:9]):
                file.write(pixels, metadata=None)
        assert run("a.tif", "-o", "out").exit_code == 0
        result = run("a.tif", "-o", "held", "--consistency", "0.5")
        assert result.exit_code == 1
        assert "several sizes" in result.stderr

    def test_pixel_sizes_of_scans_come_back(self, place):
        Image.fromarray(GREY).save("a.png", dpi=(300, 150))
        assert run("a.png", "-o", "out").exit_code == 0
        size = files.read("out/a_colorized.png")[0].resolution
        assert (round(size.x), round(size.y), size.unit) == (300, 150, 2)


def test_names_are_sorted_by_the_numbers_in_them(tmp_path):
    names = ["f10.png", "f2.png", "F1.png", "g.png"]
    assert sorted(names, key=lambda n: in_order(tmp_path / n)) == [
        "F1.png",
        "f2.png",
        "f10.png",
        "g.png",
    ]


def test_frames_of_another_size_are_refused_by_name(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "1.png")
    Image.fromarray(GREY[:9]).save(tmp_path / "2.png")
    frames = Frames([tmp_path / "1.png", tmp_path / "2.png"])
    assert np.array_equal(frames[0], GREY)
    with pytest.raises(files.UnreadableFile, match=r"2\.png has the shape"):
        frames[1]


def test_each_folder_is_a_film(tmp_path):
    jobs = [Job(tmp_path / f / n, tmp_path) for f in ("a", "b") for n in ("1.png", "2.png")]
    made = films(jobs, tmp_path / "out")
    assert [job.target.name for job in made] == ["a_colorized", "b_colorized"]
    assert [len(job.frames) for job in made] == [2, 2]


def test_pictures_of_other_kinds_are_counted(tmp_path):
    for name in ("a.BMP", "b.bmp", "c.png", ".d.bmp", "e.txt"):
        (tmp_path / name).touch()
    assert left_out([tmp_path], recursive=False) == {".bmp": 2}
