"""Hints, palettes and scribbles through `colorize`: pixels, record, legend, Python, files."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

import napari_colorize
from napari_colorize import Hints, checkpoints, colorize, files
from napari_colorize.guided.hints import Point


@pytest.fixture
def picture():
    random = np.random.default_rng(3)
    blocks = np.kron(random.integers(40, 220, (3, 4)), np.ones((16, 16)))
    return np.clip(blocks + random.normal(0, 3, blocks.shape), 0, 255).astype(np.uint8)


HINTS = Hints(points=[Point(8, 8, "#8a7060", 3), Point(40, 50, "as predicted", 2)])


def lab(rgb):
    return rgb2lab(rgb[..., :3])


def test_hints_are_held_and_lightness_is_kept(picture):
    plain, guided = colorize(picture), colorize(picture, hints=HINTS)
    true = lab(np.array([[[0x8A, 0x70, 0x60]]], np.uint8))[0, 0, 1:]
    # 8-bit codes are up to half a code off.
    assert lab(guided.rgb)[8, 8, 1:] == pytest.approx(true, abs=1.0)
    assert np.abs(lab(guided.rgb)[..., 0] - lab(plain.rgb)[..., 0]).max() < 0.6
    assert np.abs(lab(guided.rgb)[40, 50] - lab(plain.rgb)[40, 50]).max() < 1.0
    assert guided.uncertainty[8, 8] == 0
    assert guided.record["guide"]["hints"]["held"] == 29
    assert "; colours of 2 points set by hand;" in guided.legend


def test_no_hint_is_todays_result_bit_for_bit(picture):
    plain = colorize(picture)
    for hints in (Hints(), Hints(points=[Point(3, 3, "wall")])):
        guided = colorize(picture, hints=hints)
        assert np.array_equal(guided.rgb, plain.rgb)
        assert np.array_equal(guided.uncertainty, plain.uncertainty)


def test_a_part_without_a_hint_keeps_the_prediction_bit_for_bit(picture):
    labels = np.zeros(picture.shape, int)
    labels[24], labels[5, 5:9] = 1, 2
    hints = Hints(labels=labels, colours={1: "wall", 2: "gold"})
    plain, guided = colorize(picture), colorize(picture, hints=hints)
    assert np.array_equal(guided.rgb[24:], plain.rgb[24:])
    assert not np.array_equal(guided.rgb[:24], plain.rgb[:24])


def test_the_record_repeats_the_call(picture, tmp_path):
    labels = np.zeros(picture.shape, int)
    labels[5, 5:9] = 2
    hints = Hints(labels=labels, colours={2: "gold"}, points=[Point(30, 30, "navy")])
    result = colorize(picture, hints=hints, palette=["#806040", "#304060"], spread=0.5)
    record = json.loads(json.dumps(result.record))
    scope = {"image": picture}
    exec(napari_colorize.records.record.as_python(record), scope)
    assert np.array_equal(scope["rgb"], result.rgb)
    path = hints.save(tmp_path / "a.hints.json")
    assert np.array_equal(
        colorize(picture, hints=path, palette=["#806040", "#304060"], spread=0.5).rgb, result.rgb
    )
    written = files.write(tmp_path / "a.png", result)
    assert (
        files.read_record(written[0])["guide"] == record["guide"]
        if hasattr(files, "read_record")
        else True
    )


def test_a_palette_draws_the_prediction_towards_its_colours(picture):
    plain = lab(colorize(picture).rgb)[..., 1:]
    blue = lab(np.array([[[0x20, 0x50, 0xC0]]], np.uint8))[0, 0, 1:]
    drawn = lab(colorize(picture, palette=["#2050c0"]).rgb)[..., 1:]
    half = lab(colorize(picture, palette=["#2050c0"], palette_strength=0.3).rgb)[..., 1:]
    towards = [np.linalg.norm(one - blue, axis=-1).mean() for one in (plain, half, drawn)]
    assert towards[0] > towards[1] > towards[2]
    none = colorize(picture, palette=["#2050c0"], palette_strength=0.0)
    assert np.abs(lab(none.rgb)[..., 1:] - plain).max() < 0.5


def test_scribbles_alone_need_no_weights(picture, monkeypatch):
    monkeypatch.setattr(checkpoints, "load", None)
    labels = np.zeros(picture.shape, int)
    labels[24], labels[5, 5:9] = 1, 2
    result = colorize(
        picture, "scribbles", hints=Hints(labels=labels, colours={1: "wall", 2: "tan"})
    )
    tan = lab(np.array([[[210, 180, 140]]], np.uint8))[0, 0, 1:]
    assert lab(result.rgb)[5, 6, 1:] == pytest.approx(tan, abs=1.5)
    assert np.ptp(result.rgb[24:].astype(int), axis=-1).max() <= 1  # what no hint reaches is grey
    assert result.legend.startswith("Colour was spread along edges of lightness (Levin")
    scope = {"image": picture}
    exec(result.as_python(), scope)
    assert np.array_equal(scope["rgb"], result.rgb)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"method": "scribbles"}, "there is none with a colour"),
        ({"hints": Hints(points=[Point(500, 3, "red")])}, "outside of the picture"),
        ({"palette": ["red"], "method": "deep"}, "A palette acts on methods that predict"),
        ({"hints": 5}, "give napari_colorize.Hints or the path"),
        ({"palette": ["red"], "palette_strength": 2}, "it must be 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(picture, monkeypatch, call, said):
    if call.get("method") == "deep":
        real = checkpoints.load(checkpoints.default_for("colorful").name)
        fake = replace(real, graph=lambda *a: None, record=replace(real.record, method="deep"))
        monkeypatch.setattr(checkpoints, "load", lambda *a: fake)
    with pytest.raises((TypeError, ValueError), match=said):
        colorize(picture, **call)


def test_a_reference_lends_its_colours(picture, tmp_path):
    from napari_colorize.guided.welsh import transfer

    random = np.random.default_rng(1)
    reference = np.kron(random.integers(0, 255, (4, 4, 3)), np.ones((9, 9, 1))).astype(np.uint8)
    result = colorize(picture, "transfer", reference=reference)
    light = lab(np.repeat(picture[..., None], 3, -1))[..., 0].astype(np.float32)
    ab = transfer(light, reference).chroma
    assert np.abs(lab(result.rgb)[..., 0] - light).max() < 0.7
    inside = (light > 20) & (light < 90) & (np.linalg.norm(ab, axis=-1) < 25)
    assert np.abs(lab(result.rgb)[inside][:, 1:] - ab[inside]).max() < 2
    assert "taken from a reference picture (Welsh" in result.legend
    Image.fromarray(reference).save(tmp_path / "r.png")
    again = colorize(picture, "transfer", reference=tmp_path / "r.png")
    assert np.array_equal(again.rgb, result.rgb)
    scope = {"image": picture}
    exec(again.as_python(), scope)
    assert np.array_equal(scope["rgb"], result.rgb)
    grey = np.repeat(reference[..., :1], 3, -1)
    for wrong, said in ((grey, "is grey"), (reference[..., 0], "no colour"), (None, "needs a")):
        with pytest.raises(ValueError, match=said):
            colorize(picture, "transfer", reference=wrong)
