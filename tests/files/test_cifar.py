"""CIFAR's original binary files are read in place, those for training only."""

import numpy as np
import pytest

from napari_colorize.files.pictures import find_pictures, read_pictures


def write_batch(path, pictures, labels=1):
    """Write (N, 32, 32, 3) pictures as CIFAR does: label, then planes of red, green, blue."""
    with path.open("wb") as file:
        for number, picture in enumerate(pictures):
            file.write(bytes([number % 10] * labels))
            for plane in range(3):
                file.write(picture[:, :, plane].tobytes())


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(("name", "labels"), [("data_batch_1.bin", 1), ("train.bin", 2)])
def test_pictures_come_out_as_they_went_in(tmp_path, pictures, name, labels):
    write_batch(tmp_path / name, pictures, labels)
    found = find_pictures([tmp_path])
    assert [picture.name for picture in found] == [f"{name}/{n:05d}" for n in range(5)]
    for one, truth in zip(found, pictures, strict=True):
        np.testing.assert_array_equal(one.read(), truth)


def test_the_test_set_is_read_only_where_it_is_named(tmp_path, pictures):
    write_batch(tmp_path / "data_batch_2.bin", pictures[:3])
    write_batch(tmp_path / "test_batch.bin", pictures[3:])
    assert len(find_pictures([tmp_path])) == 3
    assert [p.name for p in read_pictures(tmp_path)] == [f"test_batch.bin/{n:05d}" for n in (0, 1)]
    assert len(find_pictures([tmp_path / "test_batch.bin"])) == 2


def test_a_file_that_is_cut_short_is_refused(tmp_path, pictures):
    path = tmp_path / "data_batch_1.bin"
    write_batch(path, pictures)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="no whole number of CIFAR's records of 3073"):
        find_pictures([tmp_path])


@pytest.mark.parametrize("whole_folder", [True, False])
def test_pickles_are_refused(tmp_path, whole_folder):
    path = tmp_path / "data_batch_1"
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(ValueError, match="pickle, which could run any program"):
        find_pictures([tmp_path if whole_folder else path])
