"""Layers whose pixels lie in zarr: what is looked at is read, and nothing else."""

import re

import dask.array as da
import numpy as np
import pytest
from napari_builtins.io import napari_get_reader

from napari_colorize import colorize_multiscale, colorize_stack
from napari_colorize.widgets.shared import task as _executor

zarr = pytest.importorskip("zarr", reason="zarr comes with the extra napari-colorize[dev]")

LIMITS = (0, 4095)
CHUNK = re.compile(r"(?:^|/)(\d+)[./]\d+[./]\d+$")


class Disk(zarr.storage.MemoryStore):
    """A store that knows which chunks were read, by their place along the first axis."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    async def get(self, key, prototype, byte_range=None):
        found = CHUNK.search(key)
        if found:
            self.read.append(int(found[1]))
        return await super().get(key, prototype, byte_range)


def stored(pixels, chunks=None, zarr_format=3):
    """Return an array in a store of its own, and the store."""
    disk = Disk()
    chunks = chunks or (1, *pixels.shape[1:])
    array = zarr.create_array(
        disk, shape=pixels.shape, chunks=chunks, dtype=pixels.dtype, zarr_format=zarr_format
    )
    array[:] = pixels
    disk.read.clear()
    return array, disk


@pytest.fixture
def stack():
    """Twenty 12-bit planes of waves that drift, (48, 64)."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :64]
    planes = [2000 + 1200 * np.sin((rows + t) / 6) * np.cos(columns / 9) for t in range(20)]
    noise = random.normal(0, 60, (20, 48, 64))
    return (np.stack(planes) + noise).clip(0, 4095).astype(np.uint16)


@pytest.fixture
def colour(viewer, make_panel, finish):
    """Return a function that colours all planes of a layer when looked at, reach 2, at plane 10."""

    def start(layer, *disks):
        viewer.dims.set_current_step(0, 10)
        for disk in disks:  # what napari has read of the source is not ours
            disk.read.clear()
        panel = make_panel(viewer)
        panel.choose(layer)
        panel.ui.planes.setCurrentIndex(panel.ui.planes.findData(True))
        panel.ui.stack.consistency.slider.setValue(0.25)
        panel.ahead.pause()
        panel.run()
        finish(panel)
        panel.ahead.pause()
        _executor.submit(int).result(timeout=20)
        return viewer.layers[-1]

    return start


def check_slider(viewer, disk, expected, result):
    """Move the slider; only planes within reach may be read, each at most twice."""
    disk.read.clear()
    viewer.dims.set_current_step(0, 15)
    assert set(disk.read) <= set(range(13, 18))
    assert 15 in disk.read
    np.testing.assert_array_equal(result._slice.image.raw, expected[15])


class TestArrays:
    @pytest.mark.parametrize("zarr_format", [2, 3])
    def test_are_read_plane_by_plane(self, viewer, model, colour, stack, zarr_format):
        array, disk = stored(stack, zarr_format=zarr_format)
        layer = viewer.add_image(array, contrast_limits=LIMITS)
        result = colour(layer, disk)
        expected = colorize_stack(stack, window=LIMITS, consistency=0.25).rgb

        assert set(disk.read) <= set(range(8, 13))
        check_slider(viewer, disk, expected, result)
        np.testing.assert_array_equal(np.asarray(result.data), expected)

    def test_in_chunks_of_many_planes_read_those_that_are_touched(
        self, viewer, model, colour, stack
    ):
        array, disk = stored(stack, chunks=(4, 24, 32))
        layer = viewer.add_image(array, contrast_limits=LIMITS)
        result = colour(layer, disk)

        assert set(disk.read) <= {2, 3}, "planes 8 to 12"
        expected = colorize_stack(stack, window=LIMITS, consistency=0.25).rgb
        np.testing.assert_array_equal(np.asarray(result.data[10]), expected[10])

    def test_behind_dask_are_read_plane_by_plane(self, viewer, model, colour, stack):
        array, disk = stored(stack)
        layer = viewer.add_image(da.from_zarr(array), contrast_limits=LIMITS)
        result = colour(layer, disk)
        expected = colorize_stack(stack, window=LIMITS, consistency=0.25).rgb

        assert set(disk.read) <= set(range(8, 13))
        check_slider(viewer, disk, expected, result)

    def test_are_coloured_as_they_are_on_screen(self, viewer, model, make_panel, finish, stack):
        array, disk = stored(stack)
        layer = viewer.add_image(array, contrast_limits=LIMITS)
        viewer.dims.set_current_step(0, 4)
        disk.read.clear()
        panel = make_panel(viewer)
        panel.choose(layer)
        panel.run()
        finish(panel)

        assert set(disk.read) <= {4}
        expected = colorize_stack(stack[4][None], axis=None, window=LIMITS).rgb
        np.testing.assert_array_equal(viewer.layers[-1].data, expected)


class TestPyramids:
    @pytest.fixture
    def levels(self, stack):
        """Return a pyramid that halves z too in its coarsest level."""
        pixels = [stack, stack[:, ::2, ::2], stack[::2, ::4, ::4]]
        return [stored(level) for level in pixels], pixels

    @pytest.mark.parametrize("behind_dask", [False, True])
    def test_read_only_planes_within_reach_of_each_level(
        self, viewer, model, colour, levels, behind_dask
    ):
        kept, pixels = levels
        given = [da.from_zarr(array) if behind_dask else array for array, _ in kept]
        layer = viewer.add_image(given, multiscale=True, contrast_limits=LIMITS, scale=(4, 1, 1))
        for _, disk in kept:
            result = colour(layer, disk)
        expected = colorize_multiscale(pixels, axis=0, window=LIMITS, consistency=0.25).rgb

        # Predicted from the finest. The thumbnail's plane 5 lies under planes 10 and 11: reach 13.
        assert set(kept[0][1].read) <= set(range(8, 14))
        assert set(kept[1][1].read) <= {10}
        assert set(kept[2][1].read) <= {5}
        for found, wanted in zip(result.data, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted))
        np.testing.assert_allclose(result.scale, layer.scale)

    def test_too_large_to_predict_from_keep_their_finest_level_unread(
        self, viewer, model, colour, monkeypatch, levels
    ):
        monkeypatch.setattr("napari_colorize.sequences.lazy.MAX_PREDICTED_SIDE", 24)
        kept, _ = levels
        layer = viewer.add_image(
            [array for array, _ in kept], multiscale=True, contrast_limits=LIMITS
        )
        for _, disk in kept:
            result = colour(layer, disk)
        viewer.dims.set_current_step(0, 15)

        shown = {level.shape[1:3] for level in result.data}
        assert (48, 64) in shown
        finest = kept[0][1].read
        assert set(finest) <= ({10, 15} if result.data_level == 0 else set())


class TestOmeZarr:
    """A pyramid in a group, as OME-Zarr has it: read by napari, or by what gives the same."""

    @pytest.fixture
    def group(self, tmp_path, stack):
        """Write (t, c, z, y, x) in three levels, with the attributes of OME-NGFF 0.4."""
        path = tmp_path / "embryo.zarr"
        root = zarr.create_group(str(path), zarr_format=2)
        full = np.stack([stack, stack[::-1] // 16])[None]
        scales = []
        for level in range(3):
            pixels = full[..., :: 2**level, :: 2**level]
            array = root.create_array(
                str(level), shape=pixels.shape, chunks=(1, 1, 1, 32, 32), dtype=pixels.dtype
            )
            array[:] = pixels
            scale = [1.0, 1.0, 0.5, 0.2 * 2**level, 0.2 * 2**level]
            scales.append(
                {
                    "path": str(level),
                    "coordinateTransformations": [{"type": "scale", "scale": scale}],
                }
            )
        names = ("t", "time"), ("c", "channel"), ("z", "space"), ("y", "space"), ("x", "space")
        axes = [{"name": name, "type": kind} for name, kind in names]
        root.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": scales}]
        return path, full

    def test_with_channels_as_layers_is_coloured_level_by_level(
        self, viewer, model, make_panel, finish, group
    ):
        path, full = group
        levels = [da.from_zarr(str(path), component=str(level)) for level in range(3)]
        layers = viewer.add_image(
            levels,
            channel_axis=1,
            multiscale=True,
            name=["nuclei", "membranes"],
            scale=(1, 0.5, 0.2, 0.2),
            units=("s", "um", "um", "um"),
            axis_labels=("t", "z", "y", "x"),
            contrast_limits=[LIMITS, (0, 255)],
        )
        viewer.dims.set_current_step(1, 10)
        panel = make_panel(viewer)
        panel.choose(layers[1])
        panel.ui.planes.setCurrentIndex(panel.ui.planes.findData(True))
        panel.run()
        finish(panel)
        result = viewer.layers[-1]

        assert panel.ui.stack.axes.text() == "tzyx"
        assert [level.shape for level in result.data] == [
            (1, 20, 48, 64, 3),
            (1, 20, 24, 32, 3),
            (1, 20, 12, 16, 3),
        ]
        np.testing.assert_allclose(result.scale, layers[1].scale)
        assert result.units == layers[1].units
        assert result.axis_labels == ("t", "z", "y", "x")
        pixels = [full[:, 1, :, :: 2**level, :: 2**level] for level in range(3)]
        expected = colorize_multiscale(pixels, axis=1, window=(0, 255)).rgb
        np.testing.assert_array_equal(
            np.asarray(result.data[0][0, 10]), np.asarray(expected[0][0, 10])
        )

    def test_opened_by_napari_is_coloured_too(self, viewer, model, make_panel, finish, group):
        path, _ = group
        [(levels, *_)] = napari_get_reader(str(path))(str(path))
        layer = viewer.add_image(levels, contrast_limits=LIMITS)
        panel = make_panel(viewer)
        panel.choose(layer)
        axes = "tczyx"
        panel.ui.stack.axes.setText(axes)
        panel.ui.stack.axes.textEdited.emit(axes)
        panel.ui.planes.setCurrentIndex(panel.ui.planes.findData(True))
        panel.run()
        finish(panel)
        result = viewer.layers[-1]

        assert result.multiscale
        assert [level.shape for level in result.data] == [
            (1, 2, 20, 48 // 2**level, 64 // 2**level, 3) for level in range(3)
        ]
        assert np.asarray(result.data[0][0, 1, 10]).std() > 0
