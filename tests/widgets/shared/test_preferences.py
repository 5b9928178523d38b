"""The page Preferences → Colorize, and where what is set there takes effect."""

from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pytest
from npe2 import PluginManifest

from napari_colorize import ColorizeParameters
from napari_colorize.widgets.colorize import job as _outcome
from napari_colorize.widgets.colorize import panel as panel_module
from napari_colorize.widgets.colorize import run as _run
from napari_colorize.widgets.shared import task as _executor
from napari_colorize.widgets.shared.preferences import Preferences, preferences


@pytest.fixture
def prefer(monkeypatch):
    """Return a function that sets preferences wherever they are read."""

    def put(**changes) -> None:
        wanted = Preferences(**changes)
        for module in (_executor, _outcome, _run, panel_module):
            monkeypatch.setattr(module, "preferences", lambda: wanted)

    return put


class TestPage:
    def test_has_the_dataclass_s_fields_and_defaults(self):
        manifest = PluginManifest.from_file(files("napari_colorize") / "napari.yaml")
        page = manifest.contributions.configurations["colorize"].properties

        assert {name: entry.default for name, entry in page.items()} == vars(Preferences())
        assert all(entry.title and entry.description for entry in page.values())

    def test_is_read_anew_each_time(self, monkeypatch):
        page = SimpleNamespace(**vars(Preferences(threads=3)))
        monkeypatch.setattr(
            "napari.settings.get_plugin_settings",
            lambda plugin: SimpleNamespace(colorize=page),
            raising=False,
        )
        assert preferences() == Preferences(threads=3)
        page.device = "cpu"

        assert preferences() == Preferences(threads=3, device="cpu")

    def test_of_an_older_napari_is_the_defaults(self, monkeypatch):
        monkeypatch.delattr("napari.settings.get_plugin_settings", raising=False)

        assert preferences() == Preferences()


class TestName:
    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            (Preferences.layer_name, "predicted colour of cells (colorful)"),
            ("{method}: {name}, predicted", "colorful: cells, predicted"),
            ("{name} RGB", "cells RGB (predicted colour)"),
            ("always the same", "predicted colour of cells (colorful)"),
            ("{name} {unknown}{", "cells {unknown}{ (predicted colour)"),
        ],
    )
    def test_always_says_which_source_and_that_it_is_predicted(self, template, expected):
        assert Preferences(layer_name=template).name_of("cells", "colorful") == expected

    def test_of_a_strange_source_is_kept(self):
        assert Preferences().name_of("{method}", "m") == "predicted colour of {method} (m)"

    def test_is_that_of_the_new_layer(self, viewer, model, make_panel, finish, grey, prefer):
        prefer(layer_name="predicted {name}")
        viewer.add_image(grey, name="cells")
        panel = make_panel(viewer)
        panel.run()
        finish(panel)

        assert viewer.layers[-1].name == "predicted cells"


class TestRun:
    def test_uses_device_and_type(self, viewer, model, make_panel, finish, grey, prefer):
        prefer(device="cpu", dtype="float32")
        viewer.add_image(grey)
        panel = make_panel(viewer)
        panel.run()
        finish(panel)
        result = viewer.layers[-1]

        assert result.data.dtype == np.float32
        assert result.data.max() <= 1
        assert result.metadata["napari_colorize"]["parameters"]["device"] == "cpu"

    def test_keeps_to_the_memory_limit(self, viewer, model, make_panel, finish, grey, prefer):
        prefer(memory_limit=1e-5)
        viewer.add_image(np.stack([grey] * 3))
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        panel.run()
        finish(panel)

        assert "allowed in the preferences" in panel.ui.status.text()
        assert len(viewer.layers) == 1

    def test_uses_so_many_threads_and_then_the_own_choice_again(self, prefer):
        import torch

        def ask() -> int:
            return _executor.submit(torch.get_num_threads).result(20)

        prefer()
        own = ask()
        prefer(threads=own + 1)
        assert ask() == own + 1
        prefer()

        assert ask() == own

    def test_changes_no_other_parameter(self):
        given = ColorizeParameters(temperature=0.2, radius=5)
        changed = Preferences(dtype="uint16").applied_to(given)

        assert changed == given.changed(dtype="uint16")


def test_no_limit_is_what_is_free():
    import psutil

    free = psutil.virtual_memory().available
    assert Preferences().memory_for_results() == pytest.approx(free, rel=0.2)
    assert Preferences(memory_limit=0.5).memory_for_results() == min(free, 2**29)
