"""A coloured OME-Zarr opens as one RGB layer a channel, in its place; others are left alone."""

import numpy as np
import pytest

from napari_colorize.volumes.run import colorize_zarr
from napari_colorize.widgets.layers import volumes
from napari_colorize.widgets.layers.choice import RECORD_KEY

zarr = pytest.importorskip("zarr")


@pytest.fixture
def coloured(fake_model, tmp_path):
    """A volume of two channels, its colours, and where they lie."""
    data = np.random.default_rng(0).integers(0, 255, (2, 3, 40, 50)).astype("uint8")
    group = zarr.open_group(tmp_path / "cells.zarr", mode="a")
    group.create_array("0", data=data)
    scale = {"type": "scale", "scale": [1, 2, 0.5, 0.5]}
    shift = {"type": "translation", "translation": [0, 4, 1, 3]}
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
    datasets = [{"path": "0", "coordinateTransformations": [scale, shift]}]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"name": "cells", "axes": axes, "datasets": datasets}],
        "omero": {"channels": [{"label": "DAPI"}, {"label": "GFP"}]},
    }
    return colorize_zarr(tmp_path / "cells.zarr", tmp_path / "coloured.zarr", chunk=32, shard=32)


def test_one_layer_a_channel_in_its_place(coloured) -> None:
    from napari.layers import Layer

    reader = volumes.get_zarr_reader(str(coloured))
    assert reader is not None
    first, second = (Layer.create(*data) for data in reader(str(coloured)))
    assert [first.name, second.name] == ["cells DAPI", "cells GFP"]
    assert first.rgb
    assert first.multiscale
    assert list(first.scale) == [2, 0.5, 0.5]
    assert list(first.translate) == [4, 1, 3]
    assert first.axis_labels == ("z", "y", "x")
    assert [str(unit) for unit in first.units] == ["micrometer"] * 3
    stored = zarr.open_array(coloured / "0", mode="r")[3:]
    assert np.array_equal(np.moveaxis(stored, 0, -1), np.asarray(second.data[0]))
    assert "Predicted colour is not a measurement" in first.metadata[RECORD_KEY]["legend"]


def test_napari_asks_it_for_stores_of_ours_alone(coloured, tmp_path) -> None:
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution("napari-colorize")
    [ours] = [r for r in manifest.contributions.readers if r.accepts_directories]
    assert ours.filename_patterns == ["*.zarr"]
    assert volumes.get_zarr_reader(str(tmp_path / "cells.zarr")) is None
    assert volumes.get_zarr_reader(str(tmp_path)) is None
    assert volumes.get_zarr_reader([str(coloured)]) is None
