"""Pictures are found in folders and archives, and read in place."""

import tarfile

import cv2
import numpy as np
import pytest

from napari_colorize.files.pictures import (
    Picture,
    find_pictures,
    fingerprint_of_names,
    included,
    split_holdout,
)


def test_a_folder_and_its_archive_hold_the_same_pictures(folder, archive):
    from_folder, from_archive = find_pictures([folder]), find_pictures([archive])
    assert len(from_folder) == len(from_archive) == 30
    for one, other in zip(from_folder[:3], from_archive[:3], strict=True):
        assert one.name == other.name.removeprefix("./")
        np.testing.assert_array_equal(one.read(), other.read())


def test_pictures_are_read_as_rgb(tmp_path):
    red = np.zeros((4, 5, 3), np.uint8)
    red[..., 2] = 255  # OpenCV writes BGR
    cv2.imwrite(str(tmp_path / "red.png"), red)
    (picture,) = find_pictures([tmp_path])
    np.testing.assert_array_equal(picture.read(), np.broadcast_to([255, 0, 0], (4, 5, 3)))


def test_sixteen_bit_pictures_are_scaled_not_cut(tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((4, 4, 3), 0x8000, np.uint16))
    (picture,) = find_pictures([tmp_path])
    assert picture.read().dtype == np.uint8
    assert np.all(np.abs(picture.read().astype(int) - 128) <= 1)


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find_pictures([tmp_path / "nowhere"])


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no picture"):
        find_pictures([tmp_path])


def test_a_compressed_archive_is_refused_with_advice(tmp_path, folder):
    path = tmp_path / "pictures.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder)
    with pytest.raises(ValueError, match="unpack"):
        find_pictures([path])


def test_damaged_bytes_are_named(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"broken\.png"):
        Picture(path, "broken.png", 0, 13).read()


def test_the_holdout_depends_on_names_alone(folder):
    pictures = find_pictures([folder])
    _, held = split_holdout(pictures, 5)
    training, held_again = split_holdout(pictures[::-1], 5)
    assert held == held_again
    assert not set(held) & set(training)
    assert len(training) == 25


def test_the_fingerprint_tells_data_apart(folder):
    pictures = find_pictures([folder])
    assert fingerprint_of_names(pictures) == fingerprint_of_names(find_pictures([folder]))
    assert fingerprint_of_names(pictures) != fingerprint_of_names(pictures[1:])


def test_a_part_of_the_pictures_is_chosen_by_name(folder):
    pictures = find_pictures([folder])
    assert included(pictures, ()) == pictures
    names = [p.name for p in included(pictures, ("more/*", "*001.png"))]
    assert names == ["001.png", "more/028.png", "more/029.png"]
    with pytest.raises(ValueError, match=r"None of the 30 pictures has a name like \*\.webp"):
        included(pictures, ["*.webp"])
