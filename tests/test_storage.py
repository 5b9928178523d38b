"""Files that are there whole or not at all, and the names that tell them apart."""

import hashlib
import os
import signal
import subprocess
import sys

import pytest

from napari_colorize.storage import digest, digest_of_file, slug, staged, write_whole


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_content_is_written_whole_and_replaces_what_was_there(tmp_path):
    path = tmp_path / "below" / "scores.json"
    write_whole(path, b"first")
    write_whole(path, "zweite Fassung, Zürich")
    assert path.read_text("utf-8") == "zweite Fassung, Zürich"
    assert names_in(path.parent) == ["scores.json"]


def interrupted(path):
    with staged([path], overwrite=True) as [part]:
        part.write_bytes(b"half of the ne")
        raise RuntimeError("disk on fire")


def test_an_error_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="disk on fire"):
        interrupted(path)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["weights.pt"]


def test_several_files_appear_together_the_result_itself_last(tmp_path, monkeypatch):
    order = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(b.name), replace(a, b)))
    with staged([tmp_path / "cells.png", tmp_path / "cells.png.json"]) as [picture, record]:
        picture.write_bytes(b"p")
        record.write_bytes(b"r")
        assert not (tmp_path / "cells.png").exists()
    assert order == ["cells.png.json", "cells.png"]
    assert (tmp_path / "cells.png").read_bytes() == b"p"


def overtaken(path):
    with staged([path]) as [part]:
        part.write_bytes(b"ours")
        path.write_bytes(b"somebody was quicker")


def test_nothing_is_replaced_unasked_not_even_what_came_meanwhile(tmp_path):
    path = tmp_path / "cells.png"
    with pytest.raises(FileExistsError, match=r"cells\.png exists already"):
        overtaken(path)
    assert path.read_bytes() == b"somebody was quicker"
    with pytest.raises(FileExistsError, match="choose another name"), staged([path]):
        pytest.fail("refused before any work")


def test_the_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("flushed"), sync(file)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("named"), replace(a, b)))
    write_whole(tmp_path / "a", b"content")
    assert done == ["flushed", "named"]


@pytest.mark.parametrize("letter", ["a", "ä", "日"])
def test_names_may_be_as_long_as_the_file_system_takes_them(tmp_path, letter):
    longest = os.pathconf(tmp_path, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    name = letter * (longest // len(letter.encode()))
    write_whole(tmp_path / name, b"here")
    assert (tmp_path / name).read_bytes() == b"here"


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "ledger.json"
    with staged([path], overwrite=True) as [one], staged([path], overwrite=True) as [other]:
        assert one != other
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    assert path.read_bytes() == b"one"  # renamed last


KILLED = """
import pathlib, sys, time
from napari_colorize.storage import staged
with staged([pathlib.Path(sys.argv[1]) / "run.ckpt"]) as [part]:
    part.write_bytes(b"half")
    print("there", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_what_a_killed_process_left_goes_and_what_a_living_one_is_writing_stays(tmp_path):
    def start():
        running = subprocess.Popen(
            [sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True
        )
        assert running.stdout.readline() == "there\n"
        return running

    killed, living = start(), start()
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        (tmp_path / ".something of somebody.part").write_bytes(b"?")
        before = names_in(tmp_path)
        write_whole(tmp_path / "other.txt", b"x")
        left = names_in(tmp_path)
        assert len(before) == 3
        assert [name for name in before if name not in left] == [
            name for name in before if f"-{killed.pid}-" in name
        ]
        assert any(f"-{living.pid}-" in name for name in left)
    finally:
        living.kill()
        living.wait()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser writes anywhere")
def test_a_closed_folder_is_refused_in_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="Nothing may be written into"):
            write_whole(tmp_path / "a", b"")
    finally:
        tmp_path.chmod(0o700)


def test_a_missing_folder_is_refused_in_a_sentence(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="There is no folder"),
        staged([tmp_path / "b" / "a"]),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My Cells (2)", "my-cells-2"),
        ("Zoë's Ängström", "zoe-s-angstrom"),
        ("../../etc/passwd", "etc-passwd"),
        ("run_7.best", "run_7.best"),
        ("x" * 63 + "-yz", "x" * 63),
        ("細胞", "trained"),
        ("", "trained"),
    ],
)
def test_slugs_are_names_that_every_file_system_takes(text, name):
    assert slug(text, "trained") == name


def test_digests_are_those_of_sha256_in_pieces_too(tmp_path):
    content = bytes(range(256)) * 9000  # more than one piece
    path = tmp_path / "weights"
    path.write_bytes(content)
    assert digest(content) == digest_of_file(path) == hashlib.sha256(content).hexdigest()
    assert digest("Zürich") == hashlib.sha256("Zürich".encode()).hexdigest()
    assert len(digest(b"")) == 64


def test_a_folder_is_looked_through_once_not_at_each_write(tmp_path, monkeypatch):
    """The ledger of an evaluation is thousands of small files in one folder."""
    write_whole(tmp_path / "first", b"")
    monkeypatch.setattr(os, "scandir", lambda path: pytest.fail(f"{path} was looked through again"))
    write_whole(tmp_path / "second", b"")
    assert (tmp_path / "second").exists()
