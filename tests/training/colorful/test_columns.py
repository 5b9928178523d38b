"""The cache of what a frozen trunk sees: filled once, gone on with, and true to the network."""

import threading

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("lightning")
pytest.importorskip("safetensors")

from napari_colorize.files.pictures import find_pictures
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork
from napari_colorize.training.colorful import columns
from napari_colorize.training.colorful.sparse import Reader
from napari_colorize.training.samples import old_photograph

LOOK = columns.Look(network_size=64, positions=30, old_share=0.0)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return HypercolumnNetwork("lite0", (8, 8))


def filled(folder, network, pictures, look=LOOK):
    return columns.fill(folder, network, look, pictures)


def test_stored_hypercolumns_are_those_the_network_reads(photographs, network, tmp_path):
    """Chroma and columns belong to one another, mirrored or not."""
    pictures = find_pictures([photographs])[:8]
    places = filled(tmp_path, network, pictures)
    mirrored = []
    for picture in pictures:
        (fine, sixteen, thirtytwo), cells, ab = Reader()(
            places[columns.name_of(picture)], 0, np.random.default_rng(0)
        )
        lab = cv2.cvtColor(picture.read().astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        found = []
        for turned in (lab, lab[:, ::-1]):
            grown = cv2.resize(turned, (96, 64), interpolation=cv2.INTER_LINEAR)
            luma = torch.from_numpy(np.ascontiguousarray(grown[..., 0]))[None, None]
            with torch.no_grad():
                seen = network.eval().look(luma)
            expected = seen.fine[0].flatten(0, 1)[cells]
            error = (fine - expected).abs().max() / expected.std()
            if error < 5e-3:
                torch.testing.assert_close(sixteen, seen.sixteen[0], atol=0.02, rtol=2e-3)
                torch.testing.assert_close(thirtytwo, seen.thirtytwo[0], atol=0.02, rtol=2e-3)
                small = grown[..., 1:].reshape(16, 4, 24, 4, 2).mean((1, 3)).reshape(-1, 2)
                np.testing.assert_allclose(ab, small[cells], atol=0.1)
                found.append(turned is not lab)
        assert len(found) == 1
        mirrored += found
    assert set(mirrored) == {True, False}


def test_a_cache_is_filled_up_and_never_read_twice(photographs, network, tmp_path, monkeypatch):
    pictures = find_pictures([photographs])
    monkeypatch.setattr(columns, "SHARD", 4)
    filled(tmp_path, network, pictures[:10])
    looked = []
    look = columns._prepared
    monkeypatch.setattr(
        columns, "_prepared", lambda picture, how: looked.append(picture.name) or look(picture, how)
    )
    places = filled(tmp_path, network, pictures[:14])
    assert looked == [picture.name for picture in pictures[10:14]]
    assert set(places) == {columns.name_of(picture) for picture in pictures[:14]}


def test_a_stopped_reading_leaves_whole_shards_only(photographs, network, tmp_path, monkeypatch):
    pictures = find_pictures([photographs])[:8]
    monkeypatch.setattr(columns, "SHARD", 4)

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        columns.fill(tmp_path, network, LOOK, pictures, tick=stop)
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]
    assert len(filled(tmp_path, network, pictures)) == 8


def test_a_damaged_shard_is_looked_at_again(photographs, network, tmp_path):
    pictures = find_pictures([photographs])[:3]
    filled(tmp_path, network, pictures)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    assert len(filled(tmp_path, network, pictures)) == 3


def test_another_look_or_trunk_does_not_take_these_shards(photographs, network, tmp_path):
    pictures = find_pictures([photographs])[:3]
    filled(tmp_path, network, pictures)
    torch.manual_seed(1)
    other = HypercolumnNetwork("lite0", (8, 8))
    assert LOOK.key(other) != LOOK.key(network)
    finer = columns.Look(96, 30, 0.0)
    assert finer.key(network) != LOOK.key(network)
    before = dict(columns._shards(tmp_path, LOOK.key(network)))
    assert len(before) == 1
    assert not dict(columns._shards(tmp_path, LOOK.key(other)))


def test_grey_and_damaged_pictures_are_passed_over(network, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "grey.png"), np.full((40, 40, 3), 90, np.uint8))
    (folder / "torn.png").write_bytes(b"no picture")
    assert filled(tmp_path / "cache", network, find_pictures([folder])) == {}


def test_what_is_seen_can_be_learnt_from_while_the_rest_is_looked_at(
    photographs, network, tmp_path, monkeypatch
):
    pictures = find_pictures([photographs])[:8]
    order = [5, 2, 7, 0, 1, 3, 4, 6]
    gate, look = threading.Event(), columns._prepared

    def prepared(picture, how):
        if picture == pictures[order[4]]:
            assert gate.wait(60)
        return None if picture == pictures[2] else look(picture, how)

    monkeypatch.setattr(columns, "SHARD", 4)
    monkeypatch.setattr(columns, "_prepared", prepared)
    looking = columns.Looking(tmp_path, network, LOOK, pictures, order)
    assert looking.missing == 8
    first = [looking[i] for i in order[:4]]
    assert len(list(tmp_path.glob("[!.]*"))) == 1  # the thread stands at the gate
    assert first[1] is None
    assert [place.row for place in first if place] == [0, 1, 2]
    gate.set()
    assert [place is not None for place in looking] == [i != 2 for i in range(8)]
    again = columns.Looking(tmp_path, network, LOOK, pictures, order)
    assert again.missing == 0
    assert again[0:8] == looking[0:8]


def test_a_look_that_fails_or_is_ended_keeps_nobody_waiting(
    photographs, network, tmp_path, monkeypatch
):
    pictures = find_pictures([photographs])[:2]

    def failing(picture, how):
        raise MemoryError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(columns, "_prepared", failing)
        looking = columns.Looking(tmp_path, network, LOOK, pictures, [0, 1])
        with pytest.raises(RuntimeError, match="was not looked at: no room"):
            looking[0]
    monkeypatch.setattr(columns, "SHARD", 1)
    looking = columns.Looking(tmp_path, network, LOOK, pictures, [0, 1])
    looking.close()
    assert sum(looking._places.get(name) is not None for name in looking._names) in (1, 2)


def test_positions_are_drawn_anew_each_time(photographs, network, tmp_path):
    pictures = find_pictures([photographs])[:1]
    (place,) = filled(tmp_path, network, pictures).values()
    read = Reader()
    first = read(place, 10, np.random.default_rng(0))
    again = read(place, 10, np.random.default_rng(0))
    other = read(place, 10, np.random.default_rng(1))
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])
    assert first[0].fine.shape[0] == first[2].shape[0] == 10


def test_old_photographs_keep_their_range_and_lose_contrast_or_sharpness():
    random = np.random.default_rng(0)
    luma = random.uniform(0, 100, (40, 40)).astype(np.float32)
    changed = [old_photograph(luma, random) for _ in range(40)]
    assert all(each.min() >= 0 and each.max() <= 100 for each in changed)
    assert np.mean([each.std() for each in changed]) < luma.std()
    assert changed[0].dtype == np.float32
