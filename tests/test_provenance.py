"""The record, the sentence for the figure legend, and the call that makes a result again."""

import numpy as np
import pytest

from napari_colorize import colorize, files, provenance

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
    result = colorize(image, vividness=0.3, sigma_range=5, dtype="uint16", source="layer 'A'")
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
