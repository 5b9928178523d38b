"""An OME-Zarr coloured piece by piece: the bytes of the whole, after any stop, by any parts."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import napari_colorize
from napari_colorize import colorize_multiscale, colorize_stack
from napari_colorize.results import Cancelled
from napari_colorize.volumes.ngff import RECORD, open_source
from napari_colorize.volumes.run import colorize_zarr

zarr = pytest.importorskip("zarr")


def volume(*shape: int, dtype: str = "uint8", seed: int = 0) -> np.ndarray:
    """Return smooth structure that moves a little from plane to plane, with noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[-2], : shape[-1]] / 9
    planes = [
        np.sin(rows + 0.1 * n) + np.cos(columns - 0.2 * n) for n in range(int(np.prod(shape[:-2])))
    ]
    values = np.reshape(planes, shape) / 4 + 0.5 + rng.normal(0, 0.02, shape)
    most = {"uint8": 255, "uint16": 4000, "float32": 1}[dtype]
    return (np.clip(values, 0, 1) * most).astype(dtype)


def bare(path: Path, data: np.ndarray, axes: str, chunks: tuple[int, ...] | None = None) -> Path:
    """Write an array that names its axes and nothing else."""
    zarr.create_array(path, data=data, chunks=chunks or data.shape, dimension_names=tuple(axes))
    return path


def ome(path: Path, levels: list[np.ndarray], axes: str, version: str = "0.5", **more) -> Path:
    """Write an OME-Zarr with these levels; each step of a level halves y and x."""
    group = zarr.open_group(path, mode="a", zarr_format=2 if version == "0.4" else 3)
    kinds = {"t": "time", "c": "channel"}
    datasets = []
    for number, level in enumerate(levels):
        group.create_array(str(number), data=level)
        scale = [0.5 * 2**number if axis in "yx" else 1.0 for axis in axes]
        step = {"type": "scale", "scale": scale}
        datasets.append({"path": str(number), "coordinateTransformations": [step]})
    named = [
        {"name": a, "type": kinds.get(a, "space"), **({"unit": "micrometer"} if a in "zyx" else {})}
        for a in axes
    ]
    found = {"multiscales": [{"name": "cells", "axes": named, "datasets": datasets}], **more}
    if version == "0.4":
        found["multiscales"][0]["version"] = version
        group.attrs.update(found)
    else:
        group.attrs["ome"] = {"version": version, **found}
    return path


def pixels(path: Path, level: str = "0") -> np.ndarray:
    """Return a level of a result with colour last."""
    array = zarr.open_array(path, path=level, mode="r")
    axes = array.metadata.dimension_names
    return np.moveaxis(array[:], axes.index("c"), -1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("chunks", [(1, 17, 23), (3, 70, 90)], ids=["small", "whole"])
def test_the_bytes_are_those_of_a_stack(moody_model, tmp_path, dtype: str, chunks) -> None:
    data = volume(3, 70, 90, dtype=dtype)
    source = bare(tmp_path / "in.zarr", data, "zyx", chunks)
    made = colorize_zarr(source, tmp_path / "out.zarr", chunk=16, shard=32)
    assert np.array_equal(pixels(made), colorize_stack(data, axis=0).rgb)
    assert not (tmp_path / "out.zarr.work").exists()


@pytest.mark.parametrize("refinement", ["bilinear", "guided", "domain_transform"])
def test_refinements_of_whole_planes(fake_model, tmp_path, refinement: str) -> None:
    data = volume(2, 70, 90)
    source = bare(tmp_path / "in.zarr", data, "tyx")
    options = {"refinement": refinement, "dtype": "uint16"}
    made = colorize_zarr(source, tmp_path / "out.zarr", chunk=16, shard=32, **options)
    assert np.array_equal(pixels(made), colorize_stack(data, axis=0, **options).rgb)


def test_planes_of_more_than_a_band_are_seen_as_a_whole(fake_model, tmp_path, monkeypatch) -> None:
    data = volume(200, 150, dtype="uint16")
    source = bare(tmp_path / "in.zarr", data, "yx", (32, 64))
    monkeypatch.setattr("napari_colorize.volumes.planes.BAND", 150 * 40)
    made = colorize_zarr(source, tmp_path / "out.zarr", axis=None, chunk=32, shard=64)
    assert np.array_equal(pixels(made), colorize_stack(data[None], axis=None).rgb[0])


def test_a_pyramid_is_coloured_from_a_coarse_level(fake_model, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("napari_colorize.sequences.lazy.MAX_PREDICTED_SIDE", 50)
    data = volume(2, 96, 128)
    coarse = data.reshape(2, 48, 2, 64, 2).mean((2, 4)).astype("uint8")
    source = ome(tmp_path / "in.zarr", [data, coarse], "zyx")
    made = colorize_zarr(source, tmp_path / "out.zarr", chunk=32, shard=64)
    wanted = colorize_multiscale([data, coarse], axis=0).rgb[0].compute()
    assert np.array_equal(pixels(made), wanted)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_channels_have_windows_of_their_own(fake_model, tmp_path, version: str) -> None:
    data = volume(2, 2, 40, 50, dtype="uint16")
    data[:, 1] //= 10
    channels = {"channels": [{"label": "DAPI"}, {"label": "GFP"}]}
    source = ome(tmp_path / "in.zarr", [data], "tcyx", version, omero=channels)
    made = colorize_zarr(source, tmp_path / "out.zarr", chunk=32, shard=32)
    group = zarr.open_group(made, mode="r")
    array = group["0"]
    assert array.shape == (2, 6, 40, 50)
    for channel in range(2):
        alone = colorize_stack(data[:, channel], axis=0).rgb
        found = np.moveaxis(array[:, 3 * channel : 3 * channel + 3], 1, -1)
        assert np.array_equal(found, alone)
    about = group.attrs["ome"]
    labels = [channel["label"] for channel in about["omero"]["channels"]]
    assert labels == ["DAPI R", "DAPI G", "DAPI B", "GFP R", "GFP G", "GFP B"]
    assert len({json.dumps(channel["window"]) for channel in about["omero"]["channels"]}) == 1
    units = {axis["name"]: axis.get("unit") for axis in about["multiscales"][0]["axes"]}
    assert units == {"t": None, "c": None, "y": "micrometer", "x": "micrometer"}
    [first, *_] = about["multiscales"][0]["datasets"]
    assert first["coordinateTransformations"][0]["scale"] == [1, 1, 0.5, 0.5]


def test_a_tiled_tiff_is_read_piece_by_piece(fake_model, tmp_path) -> None:
    import tifffile

    data = volume(2, 3, 2, 64, 96, dtype="uint16")  # t, z, c
    told = {"axes": "TZCYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2}
    tifffile.imwrite(tmp_path / "cells.ome.tif", data, tile=(32, 32), metadata=told)
    made = colorize_zarr(
        tmp_path / "cells.ome.tif",
        tmp_path / "out.zarr",
        channels=[1],
        axis="z",
        chunk=32,
        shard=32,
    )
    wanted = colorize_stack(data[:, :, 1], axis=1)
    assert np.array_equal(pixels(made), wanted.rgb)
    [first, *_] = zarr.open_group(made, mode="r").attrs["ome"]["multiscales"][0]["datasets"]
    scale = first["coordinateTransformations"][0]["scale"]
    assert scale[:3] == [1, 1, 2]  # t, c, z


def test_a_colour_slide_is_refused(tmp_path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "slide.tif", np.zeros((32, 32, 3), "uint8"))
    with pytest.raises(ValueError, match="in colour already"):
        colorize_zarr(tmp_path / "slide.tif", tmp_path / "out.zarr")


def test_maps_metadata_and_record(moody_model, tmp_path) -> None:
    data = volume(3, 70, 90)
    source = ome(tmp_path / "in.zarr", [data], "zyx")
    made = colorize_zarr(
        source, tmp_path / "out.zarr", chunk=16, shard=32, clipped=True, uncertainty=True
    )
    stack = colorize_stack(data, axis=0)
    assert np.array_equal(pixels(made, "labels/clipped/0")[..., 0].astype(bool), stack.clipped)
    assert np.allclose(
        pixels(made, "uncertainty/0").mean(), stack.record["output"]["mean_uncertainty"], atol=1e-3
    )
    record = zarr.open_group(made, mode="r").attrs[RECORD]["record"]
    same = ("moved_share", "clipped_share")
    for key in same:
        assert record["output"][key] == pytest.approx(stack.record["output"][key])
    assert record["stack"]["cuts"] == stack.record["stack"]["cuts"]
    assert record["input"]["nan_count"] == 0
    assert "smoothed along z" in record["legend"]
    crate = json.loads((made / "ro-crate-metadata.json").read_text())
    assert crate["@graph"][1]["isBasedOn"] == str(source)


def test_coarse_levels_are_means_of_linear_light(fake_model, tmp_path) -> None:
    source = bare(tmp_path / "in.zarr", volume(75, 90), "yx")
    made = colorize_zarr(source, tmp_path / "out.zarr", chunk=32, shard=64)
    fine, coarse = pixels(made) / 255, pixels(made, "1")
    light = np.where(fine <= 0.04045, fine / 12.92, ((fine + 0.055) / 1.055) ** 2.4)
    padded = np.pad(light, ((0, 1), (0, 0), (0, 0)), constant_values=np.nan)
    mean = np.nanmean(padded.reshape(38, 2, 45, 2, 3), axis=(1, 3))
    coded = np.where(mean <= 0.0031308, mean * 12.92, 1.055 * mean ** (1 / 2.4) - 0.055) * 255
    assert coarse.shape == (38, 45, 3)
    assert np.abs(coarse - coded).max() <= 0.51
    levels = zarr.open_group(made, mode="r").attrs["ome"]["multiscales"][0]["datasets"]
    assert levels[1]["coordinateTransformations"][1]["translation"] == [0, 0.5, 0.5]


def test_a_plate_is_a_loop_over_its_wells(fake_model, tmp_path) -> None:
    path = tmp_path / "plate.zarr"
    root = zarr.open_group(path, mode="a")
    wells = ["A/1", "B/2"]
    plate = {
        "columns": [{"name": "1"}, {"name": "2"}],
        "rows": [{"name": "A"}, {"name": "B"}],
        "wells": [{"path": well, "rowIndex": n, "columnIndex": n} for n, well in enumerate(wells)],
    }
    root.attrs["ome"] = {"version": "0.5", "plate": plate}
    fields = {}
    for n, well in enumerate(wells):
        root.create_group(well).attrs["ome"] = {
            "version": "0.5",
            "well": {"images": [{"path": "0"}]},
        }
        fields[well] = volume(40, 50, seed=n)
        ome(path / well / "0", [fields[well]], "yx")
    made = colorize_zarr(path, tmp_path / "out.zarr", chunk=32, shard=32)
    assert [image.group for image in open_source(made).images] == ["A/1/0", "B/2/0"]
    for well in wells:
        alone = colorize_stack(fields[well][None], axis=None).rgb[0]
        assert np.array_equal(pixels(made / well / "0"), alone)


def test_the_format_s_own_validation_passes(fake_model, tmp_path) -> None:
    models = pytest.importorskip("ome_zarr_models.v05")
    source = ome(tmp_path / "in.zarr", [volume(2, 40, 50)], "zyx")
    made = colorize_zarr(source, tmp_path / "out.zarr", chunk=32, shard=32, clipped=True)
    image = models.Image.from_zarr(zarr.open_group(made, mode="r"))
    assert [axis.name for axis in image.attributes.ome.multiscales[0].axes] == list("czyx")


class TestResuming:
    """What was stopped, torn or failed goes on, and ends with the same bytes."""

    options: ClassVar = {"chunk": 16, "shard": 32}

    def whole(self, tmp_path: Path) -> tuple[Path, np.ndarray]:
        data = volume(2, 70, 90)
        source = bare(tmp_path / "in.zarr", data, "zyx")
        return source, pixels(colorize_zarr(source, tmp_path / "whole.zarr", **self.options))

    def test_after_a_stop_nothing_is_done_twice(self, fake_model, tmp_path) -> None:
        source, wanted = self.whole(tmp_path)
        out, heard = tmp_path / "out.zarr", []
        with pytest.raises(Cancelled):
            colorize_zarr(
                source,
                out,
                progress=lambda share, stage: heard.append(stage),
                should_stop=lambda: len(heard) > 6,
                **self.options,
            )
        done = {p: p.stat().st_mtime_ns for p in (out / "0").rglob("c/*/*/*/*") if p.is_file()}
        assert done
        colorize_zarr(source, out, **self.options)
        assert np.array_equal(pixels(out), wanted)
        assert all(path.stat().st_mtime_ns == when for path, when in done.items())

    def test_torn_and_foreign_files_are_made_anew(self, fake_model, tmp_path) -> None:
        source, wanted = self.whole(tmp_path)
        out = tmp_path / "out.zarr"
        colorize_zarr(source, out, finalize=False, **self.options)
        [torn, gone, *_] = sorted(p for p in (out / "0").rglob("c/*/*/*/*") if p.is_file())
        torn.write_bytes(torn.read_bytes()[:40])
        gone.unlink()
        colorize_zarr(source, out, **self.options)
        assert np.array_equal(pixels(out), wanted)

    def test_parts_of_an_array_job_and_the_end_by_itself(self, fake_model, tmp_path) -> None:
        source, wanted = self.whole(tmp_path)
        out = tmp_path / "out.zarr"
        colorize_zarr(source, out, job=(2, 3), **self.options)
        from napari_colorize.volumes.finished import finalize_job
        from napari_colorize.volumes.work import saved_job

        with pytest.raises(RuntimeError, match="pieces are not done yet"):
            finalize_job(saved_job(tmp_path / "out.zarr.work"))
        for part in (0, 1):
            colorize_zarr(source, out, job=(part, 3), **self.options)
        colorize_zarr(source, out, **self.options)
        assert np.array_equal(pixels(out), wanted)

    def test_another_process_on_the_same_part(self, fake_model, tmp_path) -> None:
        source, _ = self.whole(tmp_path)
        out = tmp_path / "out.zarr"
        colorize_zarr(source, out, job=(0, 99), **self.options)
        from napari_colorize.storage import this_machine

        marker = tmp_path / "out.zarr.work" / "busy" / "image0-level0-channel0-z0-y0-x0"
        marker.write_text(json.dumps({"machine": this_machine(), "process": os.getppid()}))
        with pytest.raises(RuntimeError, match="being worked on by another process"):
            colorize_zarr(source, out, **self.options)
        marker.write_text(json.dumps({"machine": this_machine(), "process": 2**22 + 1}))
        colorize_zarr(source, out, **self.options)

    def test_pixels_are_never_removed_when_notes_are_lost(self, fake_model, tmp_path) -> None:
        source, wanted = self.whole(tmp_path)
        (tmp_path / "whole.zarr.work").mkdir()  # killed while it removed its notes at the end
        with pytest.raises(FileExistsError, match="holds pixels already"):
            colorize_zarr(source, tmp_path / "whole.zarr", **self.options)
        assert np.array_equal(pixels(tmp_path / "whole.zarr"), wanted)

    def test_other_settings_are_refused_by_name(self, fake_model, tmp_path) -> None:
        source, _ = self.whole(tmp_path)
        out = tmp_path / "out.zarr"
        colorize_zarr(source, out, job=(0, 2), **self.options)
        with pytest.raises(ValueError, match=r"vividness: None then, 1\.0 now"):
            colorize_zarr(source, out, vividness=1, **self.options)
        with pytest.raises(FileExistsError, match="exists already"):
            colorize_zarr(source, tmp_path / "whole.zarr", **self.options)

    def test_a_chunk_that_cannot_be_read(self, fake_model, tmp_path, monkeypatch) -> None:
        data = volume(2, 70, 90)
        source = bare(tmp_path / "in.zarr", data, "zyx", (1, 35, 45))
        out = tmp_path / "out.zarr"
        options = self.options | {"axis": None, "window": (0, 255)}
        bad = source / "c" / "1" / "1" / "1"
        kept = bad.read_bytes()
        bad.write_bytes(b"torn")
        with pytest.raises(RuntimeError, match="9 of 18 pieces failed; all others are done"):
            colorize_zarr(source, out, **options)
        bad.write_bytes(kept)
        made = colorize_zarr(source, out, **options)
        assert np.array_equal(pixels(made), colorize_stack(data, axis=None, window=(0, 255)).rgb)


class TestSources:
    """What cannot be coloured is refused in a sentence."""

    def test_nothing_there(self, tmp_path) -> None:
        with pytest.raises(ValueError, match="cannot be opened as zarr"):
            open_source(tmp_path / "no.zarr")

    def test_an_array_in_memory(self) -> None:
        with pytest.raises(TypeError, match="go to colorize_stack"):
            open_source(np.zeros((2, 3)))

    def test_a_group_without_metadata(self, tmp_path) -> None:
        zarr.open_group(tmp_path / "g.zarr", mode="a").create_array("a", data=np.zeros((2, 2)))
        with pytest.raises(ValueError, match="without OME metadata; it holds a"):
            open_source(tmp_path / "g.zarr")

    def test_axes_in_another_order(self, tmp_path) -> None:
        source = bare(tmp_path / "in.zarr", volume(2, 8, 8), "yxz")
        with pytest.raises(ValueError, match="has the axes 'yxz'"):
            open_source(source)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "napari_colorize.cli", "colorize-zarr", *map(str, words)]


SETTINGS = ("--network-size", 32, "--chunk", 32, "--shard", 64, "-q")


def run(*words: object) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command(*words), capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr


def killed_and_gone_on(tmp_path: Path, kills: int, *more: object) -> None:
    """Kill a command with all its processes at random moments; the end is as if undisturbed."""
    source = bare(tmp_path / "in.zarr", volume(6, 150, 200), "zyx")
    run(source, "-o", tmp_path / "whole.zarr", "--workers", 0, *SETTINGS)
    out = tmp_path / "out.zarr"
    chance = random.Random(0)
    for _ in range(kills):
        process = subprocess.Popen(
            command(source, "-o", out, *more, *SETTINGS),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        while not (tmp_path / "out.zarr.work" / "done" / "setup.json").exists():
            if process.poll() is not None or time.monotonic() > until:
                break
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 1.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if out.exists() and not (tmp_path / "out.zarr.work").exists():
            break  # it had ended well before
    if (tmp_path / "out.zarr.work").exists() or not out.exists():
        run(source, "-o", out, *more, *SETTINGS)
    assert np.array_equal(pixels(out), pixels(tmp_path / "whole.zarr"))
    assert np.array_equal(pixels(out, "1"), pixels(tmp_path / "whole.zarr", "1"))


@pytest.mark.skipif(sys.platform == "win32", reason="skipped: kills are POSIX's")
class TestCommand:
    def test_kill_and_go_on(self, tmp_path) -> None:
        killed_and_gone_on(tmp_path, 1, "--workers", 0)

    @pytest.mark.slow
    def test_twenty_kills_of_a_cluster(self, tmp_path) -> None:
        pytest.importorskip("distributed")
        killed_and_gone_on(tmp_path, 20, "--workers", 2)

    @pytest.mark.slow
    def test_three_parts_at_once(self, tmp_path) -> None:
        source = bare(tmp_path / "in.zarr", volume(6, 150, 200), "zyx")
        run(source, "-o", tmp_path / "whole.zarr", "--workers", 0, *SETTINGS)
        out = tmp_path / "out.zarr"
        parts = [
            subprocess.Popen(command(source, "-o", out, "--job", f"{i}/3", *SETTINGS))
            for i in range(3)
        ]
        assert [part.wait() for part in parts] == [0, 0, 0]
        run(source, "-o", out, "--finalize", *SETTINGS)
        assert np.array_equal(pixels(out), pixels(tmp_path / "whole.zarr"))


def test_the_door_is_at_the_top() -> None:
    assert napari_colorize.colorize_zarr is colorize_zarr
