"""Palettes and suggestions, against sums written out and files made by hand."""

import struct

import numpy as np
import pytest
from skimage.color import rgb2lab

from napari_colorize.guided.palettes import (
    NAMED,
    Palette,
    hex_at,
    palette_of,
    read_palette,
    suggestions,
)
from napari_colorize.ops.bins import bin_centres


def test_a_palette_weighs_bins_by_their_distance_to_its_colours():
    palette = Palette(("#c03020", "#2040a0"))
    weights = palette.log_weights()
    colours = [rgb2lab(np.array([[c]]) / 255)[0, 0, 1:] for c in ((192, 48, 32), (32, 64, 160))]
    steps = np.linspace(0.4, 1, 601)[:, None]
    for number in range(0, 313, 13):
        apart = min(
            ((bin_centres()[number] - steps * colour) ** 2).sum(1).min() for colour in colours
        )
        assert weights[number] == pytest.approx(max(-apart / (2 * 12**2), -9.2), abs=0.02)


def test_palettes_are_made_of_names_lists_and_files(tmp_path):
    gpl = tmp_path / "two.gpl"
    gpl.write_text("GIMP Palette\nName: two\n#\n 10  20  30 dark\n255 0 0\tred\n")
    name = "red".encode("utf-16-be") + b"\0\0"
    block = struct.pack(">H", 4) + name + b"RGB " + struct.pack(">3fH", 1, 0.5, 0, 2)
    grey = struct.pack(">H", 4) + name + b"Gray" + struct.pack(">fH", 0.2, 2)
    blocks = b"".join(struct.pack(">HI", 1, len(b)) + b for b in (block, grey))
    ase = tmp_path / "two.ase"
    ase.write_bytes(struct.pack(">4sHHI", b"ASEF", 1, 0, 2) + blocks)
    assert read_palette(gpl) == Palette(("#0a141e", "#ff0000"), "two")
    assert palette_of(ase) == Palette(("#ff8000", "#333333"), "two")
    assert palette_of("Okabe-Ito").colours == NAMED["okabe-ito"]
    assert palette_of("tab10").colours[0] == "#1f77b4"
    assert palette_of(["navy"]).colours == ("#000080",)
    assert palette_of(None) is None


@pytest.mark.parametrize("name", ["viridis", "nothing", [], ["wall"], 3, "no.gpl"])
def test_what_is_no_palette_is_refused(name):
    with pytest.raises((TypeError, ValueError, FileNotFoundError), match="palette"):
        palette_of(name)


@pytest.mark.parametrize(
    "data", [b"", b"ASEF", b"ASEF\0\1\0\0\0\0\0\5\0\1\xff\xff\xff\xff", b"GIMP"]
)
def test_damaged_palettes_are_refused(tmp_path, data):
    for name in ("a.ase", "a.gpl"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match="holds no colours"):
            read_palette(tmp_path / name)


def test_suggestions_are_the_clusters_of_the_distribution():
    bins = bin_centres().astype(float)
    weight = np.zeros(313)
    for centre, share in (((40, 30), 0.7), ((-20, -30), 0.3)):
        near = np.exp(-((bins - centre) ** 2).sum(1) / (2 * 5**2))
        weight += share * near / near.sum()
    found = suggestions(weight, 60.0, count=2)
    assert [share for _, share in found] == pytest.approx([0.7, 0.3], abs=0.01)
    for (colour, _), centre in zip(found, ((40, 30), (-20, -30)), strict=True):
        rgb = np.array([[[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]]])
        assert rgb2lab(rgb)[0, 0] == pytest.approx([60, *centre], abs=1.5)
    # What the hints say of the place turns the order round.
    assert suggestions(weight, 60.0, count=2, near=(-20, -30))[0][0] == found[1][0]
    assert hex_at(0.0, (50, 50)) == "#000000"
