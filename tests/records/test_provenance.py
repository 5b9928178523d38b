"""The record, the sentence for the figure legend, and the call that makes a result again."""

import json

import numpy as np
import pytest

from napari_colorize import ColorizeParameters, colorize, colorize_channels, colorize_stack, files
from napari_colorize.records import record as provenance

pytestmark = pytest.mark.usefixtures("fake_model")

RNG = np.random.default_rng(3)


def test_the_legend_names_all_that_a_reader_needs():
    legend = colorize(
        RNG.integers(0, 4096, (12, 12)), window=(100, 3000), temperature=0.25, vividness=0.75
    ).legend
    for told in (
        "napari-colorize",
        "method colorful",
        "weights fake",
        "0123456789ab",
        "temperature 0.25",
        "vividness 0.75",
        "64 px",
        "joint bilateral",
        "window 100 to 3000",
        "not a measurement",
    ):
        assert told in legend
    assert legend.endswith(".")


def test_the_legend_says_how_the_picture_was_displayed():
    image = RNG.integers(0, 4096, (12, 12))
    legend = colorize(image, window=(200, 3500), gamma=0.6).legend
    assert "intensity window 200 to 3500, gamma 0.6;" in legend
    assert "lightness is that of the original so displayed" in legend
    assert "gamma" not in colorize(image, window=(200, 3500)).legend


def test_the_legend_says_of_a_part_which_it_is():
    source = {"name": "cells", "part": [[20, 80], [30, 130]], "level": 0}
    legend = colorize(np.eye(5), source=source).legend
    assert "from lightness alone of rows 20 to 79 and columns 30 to 129 of the picture," in legend
    legend = colorize(np.eye(5), source=source | {"level": 2}).legend
    assert "columns 30 to 129 of level 2 of the picture's pyramid" in legend


class TestLegendOfAStack:
    def test_names_the_axis_as_a_reader_knows_it(self):
        stack = RNG.integers(0, 255, (3, 2, 20, 20), dtype=np.uint8)
        legend = colorize_stack(stack, axis=1, source={"axes": "tzyx"}).legend
        assert "smoothed along z (depth) where" in legend
        legend = colorize_stack(stack, axis=1, source={"axes": "tqyx"}).legend
        assert "smoothed along q where" in legend

    def test_counts_an_axis_that_nobody_named(self):
        stack = RNG.integers(0, 255, (3, 2, 20, 20), dtype=np.uint8)
        assert "along the second axis of the stack where" in colorize_stack(stack, axis=1).legend

    def test_claims_no_more_planes_than_there_are(self):
        stack = RNG.integers(0, 255, (3, 20, 20), dtype=np.uint8)
        assert "up to 2 planes to either side" in colorize_stack(stack).legend
        assert "up to 1 plane to either side" in colorize_stack(stack[:2]).legend
        alone = colorize_stack(stack[:1]).legend
        assert "smoothed" not in alone
        assert "planes" not in alone

    def test_says_which_window_each_channel_has(self):
        stack = RNG.integers(0, 255, (12, 2, 20, 20), dtype=np.uint8)
        windows = [(124, 4456), (58, 4397)]
        result = colorize_channels(stack, channel_axis=1, axis=0, windows=windows, gamma=2)
        assert (
            "each channel on its own with an intensity window of its own (channel 1: 124 to 4456; "
            "channel 2: 58 to 4397), gamma 2, for all 12 planes of each channel;"
        ) in result.legend


def test_records_from_before_gamma_are_understood():
    image = RNG.integers(0, 4096, (12, 12))
    result = colorize(image, window=(200, 3500))
    old = json.loads(json.dumps(result.record))
    del old["parameters"]["gamma"], old["input"]["one_shade"]
    del old["output"]["clipped_between"], old["output"]["moved_share"]
    assert provenance.legend(old) == result.legend
    room = {"image": image}
    exec(provenance.as_python(old), room)
    assert (room["rgb"] == result.rgb).all()
    parameters = ColorizeParameters.from_dict(old["parameters"])
    assert parameters.gamma == 1


def test_the_legend_tells_the_refinement_apart():
    assert "bilinear upsampling" in colorize(np.eye(5), refinement="bilinear").legend


def test_settings_without_effect_are_named_and_stay_out_of_the_legend(fake_model):
    fake_model.record.method = "deep"
    result = colorize(np.eye(5), "deep", temperature=0.2)
    assert result.record["without_effect"] == ["temperature", "vividness"]
    assert "temperature" not in result.legend
    assert "vividness" not in result.legend
    fake_model.record.method = "colorful"
    assert colorize(np.eye(5)).record["without_effect"] == []


@pytest.mark.parametrize(
    "image",
    [
        RNG.integers(0, 256, (30, 40), dtype=np.uint8),
        RNG.integers(0, 4096, (30, 40)).astype(np.uint16),
        RNG.normal(size=(30, 40)).astype(np.float32),
        RNG.random((30, 40, 4)),
        np.full((4, 4), 7.5),
        np.eye(6, dtype=bool),
    ],
    ids=["uint8", "uint16", "float32", "rgba", "constant", "bool"],
)
def test_as_python_makes_the_same_pixels_again(image):
    result = colorize(
        image, gamma=0.7, vividness=0.3, sigma_range=5, dtype="uint16", source="layer 'A'"
    )
    code = provenance.as_python(result.record)
    assert "layer 'A'" in code
    room = {"image": image}
    exec(code, room)
    assert (room["rgb"] == result.rgb).all()
    assert (room["uncertainty"] == result.uncertainty).all()


def test_as_python_reads_the_page_of_the_file_itself(tmp_path):
    import tifffile

    stack = RNG.integers(0, 4096, (3, 20, 20)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "it's a stack.tif", stack, photometric="minisblack")
    page = files.read(tmp_path / "it's a stack.tif")[2]
    result = colorize(page.pixels, source=page.source)
    room: dict = {}
    exec(result.as_python(), room)
    assert (room["rgb"] == result.rgb).all()


def test_as_python_does_not_pretend_to_read_other_formats():
    code = colorize(np.eye(4), source={"path": "/data/a.czi"}).as_python()
    assert "files.read" not in code
    assert "/data/a.czi" in code


def test_sources_become_plain_json(tmp_path):
    assert provenance.describe_source(None) is None
    assert provenance.describe_source(tmp_path) == {"path": str(tmp_path)}
    assert provenance.describe_source({"path": tmp_path, "page": np.int64(3)}) == {
        "path": str(tmp_path),
        "page": 3,
    }


def test_what_predicted_colour_is_not_is_said():
    assert "not a measurement" in provenance.NOTICE
    assert colorize(np.eye(3)).record["notice"] == provenance.NOTICE


def test_a_short_legend_is_short_and_says_what_matters():
    result = colorize(RNG.integers(0, 255, (12, 12)).astype(np.uint8))

    assert result.short_legend == (
        f"Predicted colour (napari-colorize {provenance.__version__}, method colorful), "
        "not a measurement."
    )


def test_the_methods_paragraph_cites_the_paper_and_names_all_of_the_weights():
    image = RNG.integers(0, 255, (12, 12)).astype(np.float32)
    image[0, :3] = np.nan
    result = colorize(image, window=(0, 255), dtype="uint16")

    for told in (
        "(Zhang, Isola, Efros 2016)",
        "arXiv:1603.08511",
        "0123456789abcdef" * 4,
        "float32",
        "uint16 sRGB",
        "3 pixels without a value",
        result.legend,
    ):
        assert told in result.methods


def test_the_repr_of_a_result_is_a_line_without_pixels():
    result = colorize(RNG.integers(0, 255, (12, 13)).astype(np.uint8))
    stack = colorize_stack(RNG.integers(0, 255, (2, 12, 13)).astype(np.uint8))

    assert repr(result).startswith("Colorized(rgb=12 × 13 × 3 uint8, method='colorful', weights=")
    assert repr(stack).startswith("ColorizedStack(rgb=2 × 12 × 13 × 3 uint8, method='colorful'")
    assert "\n" not in repr(stack)


def test_a_legend_says_which_planes_a_projection_was_made_of():
    source = {"name": "a", "projection": {"mode": "max", "planes": {"0": [3, 9], "1": [2, 2]}}}
    legend = colorize(RNG.integers(0, 255, (12, 12)).astype(np.uint8), source=source).legend

    assert "from lightness alone of the maximum projection of planes 3 to 9, intensity" in legend
