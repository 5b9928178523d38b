"""``colorize --consistency``: the pages of a TIFF are one stack, whose colours hold."""

import json

import numpy as np
import pytest
import tifffile

from napari_colorize import Hints, colorize, colorize_stack, files
from napari_colorize.cli import pages
from napari_colorize.guided.hints import Point
from napari_colorize.pipeline.window import shared_window

pytestmark = pytest.mark.usefixtures("fake_model")


@pytest.fixture
def film():
    """A 16-bit film of five frames over which a lamp grows brighter."""
    rows, columns = np.mgrid[:32, :48]
    scene = 2000 + 1500 * np.sin(rows / 5) * np.cos(columns / 7)
    lamp = np.array([1, 1.2, 0.9, 1.1, 1.3])[:, None, None]
    return (scene * lamp).astype(np.uint16)


@pytest.fixture
def written(tmp_path):
    """Write a stack as ImageJ does; return its path."""

    def write(stack, axes, **options):
        path = tmp_path / "stack.tif"
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": axes}, **options)
        return path

    return write


def records_of(path):
    return json.loads(path.with_name(path.name + ".json").read_text())["pages"]


def coloured(run, path, tmp_path, *options):
    result = run("colorize", path, "-o", tmp_path / "out", *options)
    assert result.exit_code == 0, result.output
    return tifffile.imread(tmp_path / "out" / "stack_colorized.tif")


def window_of(stack):
    planes = stack.reshape(-1, *stack.shape[-2:])
    return shared_window(planes.__getitem__, len(planes))


def test_pages_come_out_as_colorize_stack_gives_them(run, film, written, tmp_path):
    found = coloured(run, written(film, "ZYX"), tmp_path, "--consistency", 0.5)
    expected = colorize_stack(film, consistency=0.5, window=window_of(film))
    np.testing.assert_array_equal(found, expected.rgb)
    alone = [colorize(plane, window=window_of(film)).rgb for plane in film]
    assert (found != np.stack(alone)).any(), "and not as single pages"


@pytest.mark.parametrize("options", [(), ("--consistency", 0.5)])
def test_command_line_and_python_choose_one_window_for_the_same_planes(
    run, film, written, tmp_path, options
):
    stack = np.repeat(film, 8, axis=0)
    stack[17] = 4000  # one bright plane
    coloured(run, written(stack, "ZYX"), tmp_path, *options)
    expected = colorize_stack(stack, consistency=0.5).record["input"]
    for record in records_of(tmp_path / "out" / "stack_colorized.tif"):
        assert record["input"]["window"] == expected["window"]
        assert record["input"]["window_mode"] == expected["window_mode"] == "automatic"


def test_a_window_that_was_typed_is_recorded_as_such(run, film, written, tmp_path):
    coloured(run, written(film, "ZYX"), tmp_path, "--window", 0, 4095, "--consistency", 0.5)
    for record in records_of(tmp_path / "out" / "stack_colorized.tif"):
        assert record["input"]["window_mode"] == "explicit"


def test_the_record_of_a_page_says_so_and_its_python_makes_it_again(run, film, written, tmp_path):
    from napari_colorize.records import record as provenance

    found = coloured(run, written(film, "ZYX"), tmp_path, "--consistency", 0.5)
    record = records_of(tmp_path / "out" / "stack_colorized.tif")[2]
    assert record["stack"]["consistency"] == 0.5
    assert record["stack"]["plane"] == 2
    assert "colour was smoothed along z (depth)" in record["legend"]
    scope = {}
    exec(provenance.as_python(record), scope)
    np.testing.assert_array_equal(scope["rgb"], found[2])


@pytest.mark.parametrize(("asked", "axis"), [("t", 0), ("z", 1), ("0", 0), ("1", 1), (None, 0)])
def test_of_several_axes_one_is_held_and_the_others_number_stacks(
    run, film, written, tmp_path, asked, axis
):
    stack = np.stack([film, film[::-1], np.roll(film, 9, axis=2)], axis=1)  # t, z, y, x
    options = ("--axis", asked) if asked else ("--consistency", 0.75)
    found = coloured(run, written(stack, "TZYX"), tmp_path, *options)
    expected = colorize_stack(stack, axis=axis, window=window_of(stack))
    np.testing.assert_array_equal(found.reshape(expected.rgb.shape), expected.rgb)


def test_channels_have_windows_of_their_own_and_colour_never_crosses_them(
    run, film, written, tmp_path
):
    stack = np.stack([film, film[::-1] // 8], axis=1)  # z, c, y, x
    found = coloured(run, written(stack, "ZCYX"), tmp_path, "--axis", "z")
    found = found.reshape(5, 2, *found.shape[-3:])
    for channel in range(2):
        plane = stack[:, channel]
        expected = colorize_stack(plane, window=window_of(plane))
        np.testing.assert_array_equal(found[:, channel], expected.rgb)
    record = records_of(tmp_path / "out" / "stack_colorized.tif")[3]
    assert record["source"]["name"] == "pages [1:10:2] of stack.tif"


def test_colour_pages_pass(run, film, tmp_path):
    stack = np.stack([film, film[::-1], film], axis=-1) // 32
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, stack.astype(np.uint8), photometric="rgb")
    found = coloured(run, path, tmp_path, "--consistency", 1)
    expected = colorize_stack(stack.astype(np.uint8), rgb=True, consistency=1)
    np.testing.assert_array_equal(found, expected.rgb)


def test_a_single_picture_is_coloured_as_ever(run, pictures, tmp_path):
    result = run("colorize", pictures / "a.png", "-o", tmp_path, "--consistency", 1)
    assert result.exit_code == 0, result.output
    expected = colorize(files.read(pictures / "a.png")[0].pixels).rgb
    np.testing.assert_array_equal(files.read(tmp_path / "a_colorized.png")[0].pixels, expected)


def test_an_axis_that_is_not_there_is_a_sentence_and_leaves_nothing(
    run, film, written, tmp_path, names
):
    result = run("colorize", written(film, "ZYX"), "-o", tmp_path / "out", "--axis", "t")
    assert result.exit_code == 1
    assert "stack.tif has no axis t; its pages are counted by 0 (z, 5 pages)." in result.stderr
    assert names(tmp_path / "out") == []


def test_grey_and_coloured_pages_are_no_stack(run, film, tmp_path, names):
    path = tmp_path / "stack.tif"
    with tifffile.TiffWriter(path) as file:
        for page in (film[0], np.zeros((8, 9, 3), np.uint16)):
            file.write(page)
    result = run("colorize", path, "-o", tmp_path / "out", "--consistency", 0.5)
    assert result.exit_code == 1
    assert "grey and coloured pages" in result.stderr
    assert names(tmp_path / "out") == []


def test_consistency_beyond_its_range_is_a_wrong_call(run, film, written, tmp_path):
    result = run("colorize", written(film, "ZYX"), "-o", tmp_path / "out", "--consistency", 2)
    assert result.exit_code == 2
    assert "--consistency" in result.stderr


def test_a_failure_in_the_middle_leaves_nothing(run, film, written, tmp_path, names, monkeypatch):
    before = pages.held_pages

    def broken(*arguments):
        results = before(*arguments)
        yield next(results)
        raise MemoryError("Memory ran out.")

    monkeypatch.setattr(pages, "held_pages", broken)
    result = run("colorize", written(film, "ZYX"), "-o", tmp_path / "out", "--consistency", 0.5)
    assert result.exit_code == 1
    assert "Memory ran out." in result.stderr
    assert names(tmp_path / "out") == []


class TestOpenStack:
    def test_gives_the_pages_that_reading_gives_in_any_order(self, film, written):
        path = written(np.stack([film, film + 7], axis=1), "ZCYX")
        read = [page.pixels for page in files.read(path)]
        with files.open_stack(path) as stack:
            assert stack.axes == (("z", 5), ("c", 2))
            assert len(stack) == len(read) == 10
            for number in (7, 0, 9, 3):
                np.testing.assert_array_equal(stack[number], read[number])

    def test_decodes_a_compressed_page_alone(self, film, tmp_path, monkeypatch):
        from napari_colorize.files import tiff

        path = tmp_path / "stack.tif"
        tifffile.imwrite(path, film, compression="zlib", photometric="minisblack")
        decoded = []
        before = tiff._decoded
        monkeypatch.setattr(
            tiff, "_decoded", lambda part, path: decoded.append(part) or before(part, path)
        )
        with files.open_stack(path) as stack:
            np.testing.assert_array_equal(stack[3], film[3])
        assert len(decoded) == 1

    def test_refuses_what_is_no_stack(self, pictures):
        with (
            pytest.raises(files.UnreadableFile, match="single picture"),
            files.open_stack(pictures / "a.png"),
        ):
            pass


def test_hints_on_single_pages_are_carried_as_colorize_stack_carries_them(
    run, film, written, tmp_path
):
    folder = tmp_path / "hints"
    folder.mkdir()
    hints = Hints(points=[Point(16, 24, "#8a4030", 3)])
    hints.save(folder / "stack.1.hints.json")
    found = coloured(run, written(film, "ZYX"), tmp_path, "--hints", folder, "--consistency", 0.5)
    expected = colorize_stack(film, consistency=0.5, hints={1: hints}, window=window_of(film))
    np.testing.assert_array_equal(found, expected.rgb)
    assert list(records_of(tmp_path / "out" / "stack_colorized.tif")[0]["guide"]["hints"]) == ["1"]


def test_one_file_of_hints_does_not_say_which_page_it_is_for(run, film, written, tmp_path):
    path = Hints(points=[Point(16, 24, "#8a4030", 3)]).save(tmp_path / "one.hints.json")
    result = run(
        "colorize", written(film, "ZYX"), "-o", tmp_path / "out", "--hints", path,
        "--consistency", 0.5,
    )  # fmt: skip
    assert result.exit_code == 1
    assert "stack.0.hints.json" in result.output
