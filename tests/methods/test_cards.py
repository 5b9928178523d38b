"""Methods by their cards: the built-in ones, and one that another package brings."""

import json
import os
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import napari_colorize
from napari_colorize import checkpoints, methods
from napari_colorize.methods import CARDS, MethodCard, Paper, PublicLayout
from napari_colorize.parameters import ColorizeParameters

PLAIN = {
    "name": "plain",
    "title": "Plain",
    "long_title": "Plain colour",
    "paper": Paper(("Doe",), 2026),
    "uncertainty": "nothing",
}


def test_every_folder_brings_its_cards():
    folders = {found.name for found in pkgutil.iter_modules(methods.__path__) if found.ispkg}
    assert {"colorful", "deep", "gan"} <= folders
    assert list(CARDS) == ["colorful", "deep", "unet", "gan", "pix2pix"]


def test_every_architecture_belongs_to_one_method():
    for architecture in methods.ARCHITECTURES:
        assert [c.name for c in CARDS.values() if architecture in c.architectures] == [
            methods.method_of(architecture)
        ]


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.name)
def test_settings_without_effect_are_settings(card):
    known = ColorizeParameters.__dataclass_fields__
    assert set(card.without_effect) <= set(known)


def test_a_name_that_is_taken_is_refused_and_nothing_is_half_registered(sepia_card):
    with pytest.raises(ValueError, match="a method called 'sepia' already"):
        methods.register(sepia_card)
    twin = MethodCard(**PLAIN, architectures=sepia_card.architectures)
    with pytest.raises(ValueError, match=r"names are taken: sepia-flat\. Give them other names"):
        methods.register(twin)
    assert "plain" not in methods.METHODS
    assert "plain" not in methods.CARDS


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"title": ""}, "has no title"),
        ({"paper": Paper((), 2026)}, "has no author"),
        ({"layouts": (PublicLayout("nonesuch", (), ""),)}, "none of its architectures"),
    ],
)
def test_a_card_that_lists_could_not_show_is_refused(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        MethodCard(**{**PLAIN, **changed})


class TestMethodOfAnotherPackage:
    def test_colours(self, sepia_card):
        made = napari_colorize.colorize(np.arange(256, dtype=np.uint8).reshape(16, 16), "sepia")
        assert made.record["method"] == "sepia"
        assert made.record["checkpoint"]["name"] == "sepia-one"
        assert made.record["without_effect"] == ["temperature", "vividness"]
        red, _, blue = made.rgb[8, 8].astype(int)
        assert red > blue + 20

    def test_leaves_nothing_behind(self, sepia_card):
        methods.unregister("sepia")
        try:
            assert "sepia" not in methods.METHOD_TITLES | methods.WITHOUT_EFFECT
            assert "sepia-flat" not in methods.ARCHITECTURES | methods.NETWORK_TITLES
            with pytest.raises(ValueError, match="method is 'sepia'; choose one of colorful"):
                ColorizeParameters(method="sepia")
        finally:
            methods.register(sepia_card)

    def test_tells_which_weights_are_its_own(self, sepia_card, sepia):
        given = sepia.parent / "home" / "checkpoints" / "sepia-one.safetensors"
        (sepia.parent / "own.safetensors").write_bytes(given.read_bytes())
        record = checkpoints.import_file(
            sepia.parent / "own.safetensors", architecture="sepia-flat", name="own"
        )
        assert (record.method, record.architecture) == ("sepia", "sepia-flat")
        assert checkpoints.default_for("sepia").method == "sepia"

    def test_says_that_it_cannot_be_trained(self, sepia_card, tmp_path):
        from napari_colorize.training import train

        with pytest.raises(
            ValueError, match=r"no trainer for the method 'sepia'; there is one for"
        ):
            train("sepia", tmp_path, tmp_path / "run")

    def test_is_graded(self, sepia_card, tmp_path):
        from napari_colorize.evaluation.methods import methods_of
        from napari_colorize.evaluation.runner import Grading, grade
        from napari_colorize.evaluation.summary import summarise

        (tmp_path / "photographs").mkdir()
        rgb = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(tmp_path / "photographs" / "a.png")
        grading = Grading(methods_of(("sepia",), (), ()), [tmp_path / "photographs"])
        scores = summarise(grading, grade(grading, tmp_path / "report"))
        assert scores["methods"]["sepia"]["scores"]["psnr"]["value"] > 0

    def test_is_found_by_its_entry_point_on_the_command_line(self, sepia, tmp_path):
        Image.new("L", (20, 16), 128).save(tmp_path / "grey.png")
        code = """
from napari_colorize.cli import app
for line in ("models list", "models show sepia-one",
             "colorize grey.png --method sepia -o coloured.png"):
    app(line.split(), standalone_mode=False)
"""
        said = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(sepia)},
            cwd=tmp_path,
            check=True,
        ).stdout
        assert said.index("sepia-one") < said.index("Sepia toning (Doe, Roe 2026)")
        with Image.open(tmp_path / "coloured.png") as coloured:
            red, _, blue = coloured.convert("RGB").getpixel((5, 5))
            told = json.dumps(coloured.info)
        assert red > blue + 20
        assert "sepia-one" in told

    def test_that_cannot_be_loaded_is_left_out_with_a_warning(self, sepia):
        (sepia / "sepia_colour.py").write_text("raise ImportError('no such thing')")
        code = "from napari_colorize import methods; print(*methods.METHODS)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(sepia)},
            check=True,
        )
        assert done.stdout.split() == ["colorful", "deep", "unet", "gan", "pix2pix"]
        assert "'sepia' of another package (sepia_colour:CARD) is left out" in done.stderr
