"""``colorize``: each picture a result with its record; a bad file does not end the batch."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_colorize import colorize, files
from napari_colorize.api import colorize_plane
from napari_colorize.sequences import pages


@pytest.mark.usefixtures("fake_model")
class TestBatch:
    def test_writes_a_result_and_its_record_for_each_picture(self, run, pictures, tmp_path, names):
        result = run("colorize", pictures, "-o", tmp_path / "out")
        assert result.exit_code == 0, result.output
        assert names(tmp_path / "out") == [
            "a_colorized.png",
            "a_colorized.png.json",
            "b_colorized.png",
            "b_colorized.png.json",
            "c_colorized.tif",
            "c_colorized.tif.json",
        ]
        assert result.stdout.splitlines() == [
            str(tmp_path / "out" / name)
            for name in ("a_colorized.png", "b_colorized.png", "c_colorized.tif")
        ]
        assert "3 of 3 files coloured." in result.stderr

    def test_gives_the_pixels_of_the_python_interface(self, run, pictures, tmp_path):
        run("colorize", pictures / "c.tif", "-o", tmp_path, "--temperature", 0.6, "--radius", 2)
        page = files.read(pictures / "c.tif")[0]
        expected = colorize(page.pixels, temperature=0.6, radius=2)
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "c_colorized.tif"), expected.rgb)
        record = json.loads((tmp_path / "c_colorized.tif.json").read_text())
        assert record["parameters"]["temperature"] == 0.6
        assert record["source"]["path"] == str(pictures / "c.tif")

    def test_goes_on_after_a_bad_file_and_ends_with_1(self, run, pictures, tmp_path, names):
        (pictures / "b.jpg").write_bytes(b"\xff\xd8\xff broken")
        result = run("colorize", pictures, pictures / "gone.png", "-o", tmp_path / "out")
        assert result.exit_code == 1
        assert "c_colorized.tif" in names(tmp_path / "out")
        assert not any(name.startswith(("b", ".")) for name in names(tmp_path / "out"))
        assert "Failed:" in result.stderr
        assert "b.jpg cannot be read" in result.stderr
        assert "There is no file" in result.stderr
        assert "2 of 4 files coloured, 2 failed." in result.stderr
        assert "Traceback" not in result.output

    def test_colours_in_a_region_alone(self, run, pictures, tmp_path):
        mask = np.zeros((20, 30), np.uint8)
        mask[5:15, 8:20] = 255
        Image.fromarray(mask).save(tmp_path / "mask.png")
        out = tmp_path / "out"
        result = run("colorize", pictures / "a.png", "-o", out, "--region", tmp_path / "mask.png")
        assert result.exit_code == 0, result.output
        grey = np.asarray(Image.open(pictures / "a.png"))
        coloured = np.asarray(Image.open(out / "a_colorized.png"))
        np.testing.assert_array_equal(coloured, colorize(grey, region=mask).rgb)
        np.testing.assert_array_equal(coloured[mask == 0], np.dstack([grey] * 3)[mask == 0])
        found = run("colorize", pictures / "a.png", "-o", tmp_path, "--region", "inside-border")
        record = json.loads((tmp_path / "a_colorized.png.json").read_text())
        assert found.exit_code == 0
        assert record["region"]["found"]

    def test_says_where_the_colour_of_a_source_was_predicted(self, run, pictures, tmp_path):
        run("colorize", pictures / "a.png", "-o", tmp_path / "once.png")
        result = run("colorize", tmp_path / "once.png", "-o", tmp_path / "twice.png")
        record = json.loads((tmp_path / "twice.png.json").read_text())
        assert "was predicted before" in result.stderr
        assert "whose own colour had been predicted before" in record["legend"]

    def test_replaces_nothing_unasked(self, run, pictures, tmp_path):
        arguments = ("colorize", pictures / "a.png", "-o", tmp_path)
        assert run(*arguments).exit_code == 0
        before = (tmp_path / "a_colorized.png").read_bytes()
        result = run(*arguments, "--vividness", 1)
        assert result.exit_code == 1
        assert "exist" in result.stderr
        assert (tmp_path / "a_colorized.png").read_bytes() == before
        assert run(*arguments, "--vividness", 1, "--overwrite").exit_code == 0
        assert (tmp_path / "a_colorized.png").read_bytes() != before

    def test_writes_uncertainty_when_asked(self, run, pictures, tmp_path):
        assert run("colorize", pictures / "a.png", "-o", tmp_path, "--uncertainty").exit_code == 0
        uncertainty = tifffile.imread(tmp_path / "a_colorized_uncertainty.tif")
        assert uncertainty.shape == (20, 30)
        assert uncertainty.dtype == np.float32

    def test_follows_subfolders_when_asked(self, run, pictures, tmp_path):
        run("colorize", pictures, "-o", tmp_path / "out", "--recursive")
        assert (tmp_path / "out" / "below" / "a_colorized.png").is_file()

    def test_float_results_are_tiff(self, run, pictures, tmp_path):
        assert run("colorize", pictures / "a.png", "-o", tmp_path, "--dtype", "float32")
        assert tifffile.imread(tmp_path / "a_colorized.tif").dtype == np.float32

    def test_quiet_says_nothing_when_all_is_well(self, run, pictures, tmp_path):
        assert run("colorize", pictures, "-o", tmp_path, "--quiet").output == ""

    def test_ctrl_c_leaves_nothing_half_written_and_ends_with_130(
        self, run, pictures, tmp_path, names, monkeypatch
    ):
        calls = []

        def interrupted(*arguments, **options):
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return colorize_plane(*arguments, **options)

        monkeypatch.setattr(pages, "colorize_plane", interrupted)
        result = run("colorize", pictures, "-o", tmp_path / "out")
        assert result.exit_code == 130
        assert names(tmp_path / "out") == ["a_colorized.png", "a_colorized.png.json"]
        assert "Stopped. 1 of 3 files coloured." in result.stderr

    def test_an_unexpected_error_is_told_without_a_traceback(
        self, run, pictures, tmp_path, monkeypatch
    ):
        def broken(*_, **__):
            raise KeyError("inner")

        monkeypatch.setattr(pages, "colorize_plane", broken)
        result = run("colorize", pictures / "a.png", "-o", tmp_path)
        assert result.exit_code == 1
        assert "Unexpected KeyError" in result.stderr
        assert "report it" in result.stderr


@pytest.mark.usefixtures("fake_model")
class TestStacks:
    @pytest.fixture
    def stack(self, tmp_path):
        path = tmp_path / "stack.tif"
        values = np.linspace(100, 3000, 3 * 16 * 24).reshape(3, 16, 24).astype(np.uint16)
        tifffile.imwrite(path, values, photometric="minisblack")
        return path

    def test_pages_share_one_window(self, run, stack, tmp_path):
        result = run("colorize", stack, "-o", tmp_path)
        assert result.exit_code == 0, result.output
        assert tifffile.imread(tmp_path / "stack_colorized.tif").shape == (3, 16, 24, 3)
        records = json.loads((tmp_path / "stack_colorized.tif.json").read_text())["pages"]
        assert [record["source"]["page"] for record in records] == [0, 1, 2]
        pixels = tifffile.imread(stack)
        ends = [
            np.percentile(pixels, 0.1, method="lower"),
            np.percentile(pixels, 99.9, method="higher"),
        ]
        assert [record["input"]["window"] for record in records] == [ends] * 3

    def test_a_given_window_is_kept(self, run, stack, tmp_path):
        run("colorize", stack, "-o", tmp_path, "--window", 0, 4095)
        records = json.loads((tmp_path / "stack_colorized.tif.json").read_text())["pages"]
        assert {tuple(record["input"]["window"]) for record in records} == {(0, 4095)}

    def test_a_stack_with_a_bad_page_leaves_nothing(self, run, stack, tmp_path, names, monkeypatch):
        def broken(pixels, asked, tick, **options):
            if options["source"]["page"] == 2:
                raise ValueError("The page cannot be used.")
            return colorize_plane(pixels, asked, tick, **options)

        monkeypatch.setattr(pages, "colorize_plane", broken)
        result = run("colorize", stack, "-o", tmp_path / "out")
        assert result.exit_code == 1
        assert "The page cannot be used." in result.stderr
        assert names(tmp_path / "out") == []


class TestWrongCalls:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--temperature", "7"), "--temperature"),
            (("--window", "9", "1"), "low below high"),
            (("--window", "a", "b"), "not a number"),
            (("--refinement", "none"), "--refinement"),
            (("--device", "tpu"), "device is 'tpu'"),
        ],
    )
    def test_end_with_2_and_name_the_option(self, run, pictures, tmp_path, arguments, said):
        result = run("colorize", pictures, "-o", tmp_path / "out", *arguments)
        assert result.exit_code == 2
        assert said in result.stderr
        assert not (tmp_path / "out").exists()

    def test_weights_that_are_not_there_are_told_once(self, run, pictures, tmp_path):
        result = run("colorize", pictures, "-o", tmp_path / "out", "--checkpoint", "nonesuch")
        assert result.exit_code == 1
        assert result.stderr.count("no checkpoint called 'nonesuch'") == 1
        assert not (tmp_path / "out").exists()


@pytest.fixture
def compact_weights(tmp_path):
    """Untrained weights of the compact network, in the user folder, as `compact-random`."""
    import torch

    from napari_colorize import checkpoints, methods
    from napari_colorize.checkpoints.home import checkpoints_folder

    torch.manual_seed(0)
    graph = methods.ARCHITECTURES["colorful-compact"](trained_rebalancing=0.5)
    record = checkpoints.CheckpointRecord(
        name="compact-random",
        method="colorful",
        architecture="colorful-compact",
        source="imported",
        defaults={"temperature": 0.38, "vividness": 0.5, "network_size": 64},
        trained_rebalancing=0.5,
    )
    return checkpoints.save_checkpoint(graph.state_dict(), record, checkpoints_folder())


def _environment():
    return os.environ | {"OMP_NUM_THREADS": "2"}


class TestRealProcess:
    def test_colours_a_file_with_weights_from_the_disk(self, pictures, tmp_path, compact_weights):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "napari_colorize.cli", "colorize"),
                *(pictures / "a.png", "-o", tmp_path / "out", "--checkpoint", "compact-random"),
            ],
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        with Image.open(tmp_path / "out" / "a_colorized.png") as picture:
            assert (picture.mode, picture.size) == ("RGB", (30, 20))
        record = json.loads((tmp_path / "out" / "a_colorized.png.json").read_text())
        assert record["checkpoint"]["sha256"] == compact_weights.sha256

    def test_weights_that_are_named_alone_bring_their_method(self, run, pictures, tmp_path):
        result = run("colorize", pictures / "a.png", "-o", tmp_path / "out", "--checkpoint", "deep")
        assert result.exit_code == 0, result.output
        record = json.loads((tmp_path / "out" / "a_colorized.png.json").read_text())
        assert (record["checkpoint"]["name"], record["parameters"]["method"]) == ("deep", "deep")

    def test_weights_of_another_method_than_the_one_named_fail(self, run, pictures, tmp_path):
        named = ("--method", "colorful", "--checkpoint", "deep")
        result = run("colorize", pictures / "a.png", "-o", tmp_path / "out", *named)
        assert result.exit_code == 1
        assert "belong to the method 'deep'" in result.stderr

    def test_help_imports_no_torch_and_no_qt(self):
        code = """
            import sys
            from click.testing import CliRunner
            from napari_colorize.cli import app
            for arguments in (["--help"], ["colorize", "--help"], ["models", "list"]):
                assert CliRunner().invoke(app, arguments).exit_code == 0, arguments
            heavy = {"torch", "napari", "qtpy", "cv2", "tifffile", "skimage"} & set(sys.modules)
            assert not heavy, heavy
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)

    @pytest.mark.skipif(sys.platform == "win32", reason="signals are of another kind there")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_in_mid_file_leaves_nothing(self, pictures, tmp_path, names, number):
        # The second page waits inside the colouring until the signal comes.
        tifffile.imwrite(
            pictures / "stack.tif", np.zeros((2, 8, 8), np.uint16), photometric="minisblack"
        )
        code = f"""
            import signal, sys, time, types
            import torch
            from napari_colorize import checkpoints
            from napari_colorize.cli import main
            from napari_colorize.sequences import pages
            # What runs in the background of a shell is born deaf to Ctrl-C.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            record = types.SimpleNamespace(name="fake", method="colorful", sha256="0" * 64,
                defaults=dict(temperature=0.38, vividness=0.5, network_size=32))
            model = types.SimpleNamespace(record=record, graph=lambda luma, *_: (
                torch.zeros(1, 2, 8, 8), torch.zeros(1, 1, 8, 8)))
            checkpoints.default_for = lambda method: record
            checkpoints.load = lambda name, device="cpu": model
            colorize = pages.colorize_plane
            def wait(pixels, *arguments, source, **options):
                if source["page"] == 0:
                    return colorize(pixels, *arguments, source=source, **options)
                print("waiting", flush=True)
                time.sleep(60)
            pages.colorize_plane = wait
            sys.argv = ["napari-colorize", "colorize", {str(pictures / "stack.tif")!r},
                        "-o", {str(tmp_path / "out")!r}]
            main()
        """
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "waiting\n"
        assert any(name.endswith(".part") for name in names(tmp_path / "out"))
        time.sleep(0.1)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Stopped. 0 of 1 file coloured." in error
        assert "Traceback" not in error
        assert names(tmp_path / "out") == []
