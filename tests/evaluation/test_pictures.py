"""Pictures come from folders and tars alike, in the order of their names, at their own size."""

import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_colorize.evaluation.judges import read_labels
from napari_colorize.files.pictures import (
    Picture,
    find_pictures,
    fingerprint_of_contents,
    read_pictures,
)


def test_folder_and_tar_give_the_same_pictures(folder, tar, photographs):
    from_folder, from_tar = list(read_pictures(folder)), list(read_pictures(tar))
    assert [p.name for p in from_folder] == [p.name for p in from_tar] == sorted(photographs)
    for one, other in zip(from_folder, from_tar, strict=True):
        assert one.sha256 == other.sha256
        assert np.array_equal(one.read(), photographs[one.name])


def test_the_class_is_read_from_the_name():
    name = "val/0200-imagenet1k-n02114712_red_wolf.jpg"
    assert Picture(Path("a.tar"), name, 0, 0).wnid == "n02114712"
    assert Picture(Path("a.tar"), "0001-bsds500.jpg", 0, 0).wnid is None


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"<html>")
    [picture] = read_pictures(tmp_path)
    with pytest.raises(ValueError, match=r"broken\.jpg.* cannot be decoded"):
        picture.read()


def test_a_compressed_archive_gives_the_same_pictures(folder, tmp_path, photographs):
    path = tmp_path / "pictures.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname=".")
    found = {p.name.removeprefix("./"): p for p in read_pictures(path)}
    assert sorted(found) == sorted(photographs)
    for picture in read_pictures(folder):
        assert found[picture.name].sha256 == picture.sha256
        assert np.array_equal(found[picture.name].read(), photographs[picture.name])


@pytest.mark.parametrize("kind", ["16 bit", "transparent"])
def test_a_picture_is_the_same_to_a_training_and_to_its_grading(kind, tmp_path, photographs):
    rgb = photographs["cat-left.png"]
    alpha = np.full((*rgb.shape[:2], 1), 128, np.uint8)
    bgr = rgb[..., ::-1]
    stored = bgr.astype(np.uint16) * 257 if kind == "16 bit" else np.dstack([bgr, alpha])
    cv2.imwrite(str(tmp_path / "cat.png"), stored)
    [graded], [learnt] = read_pictures(tmp_path), find_pictures([tmp_path])
    np.testing.assert_array_equal(graded.read(), learnt.read())
    shown = rgb if kind == "16 bit" else (rgb.astype(float) + 255) / 2
    assert np.abs(graded.read() - shown).max() <= 1


def test_missing_and_empty_sources_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        list(read_pictures(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="holds no picture"):
        list(read_pictures(tmp_path))
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ValueError, match="neither"):
        list(read_pictures(tmp_path / "notes.txt"))


def test_the_fingerprint_does_not_depend_on_the_order_but_on_the_bytes():
    pairs = [("a", "1"), ("b", "2")]
    assert (
        fingerprint_of_contents(pairs)
        == fingerprint_of_contents(pairs[::-1])
        != fingerprint_of_contents([("a", "1"), ("b", "3")])
    )


def test_labels_are_read_from_tab_or_comma(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_text("# picture, class\none.jpg\tn01440764\ntwo.jpg, n15075141\n\n")
    assert read_labels(path) == {"one.jpg": "n01440764", "two.jpg": "n15075141"}


def test_a_label_that_is_no_wordnet_id_is_refused_with_its_line(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_text("one.jpg\tcat\n")
    with pytest.raises(ValueError, match="Line 1"):
        read_labels(path)
