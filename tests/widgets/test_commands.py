"""Menus, palette and keys: every command does what its panel's button does."""

from importlib.resources import files

import numpy as np
import pytest
from app_model.expressions import parse_expression
from napari._app_model.context import get_context
from napari.utils.key_bindings import coerce_keybinding
from npe2 import PluginManifest
from qtpy.QtGui import QGuiApplication

from napari_colorize.records import record as provenance
from napari_colorize.widgets import commands
from napari_colorize.widgets.shared.panel import KEYS, bind_keys


@pytest.fixture
def told(monkeypatch):
    """Collect what is said in notifications."""
    sentences: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_info", sentences.append)
    return sentences


@pytest.fixture
def enabled(viewer):
    """Return a function that says whether a command can be clicked now."""
    manifest = PluginManifest.from_file(files("napari_colorize") / "napari.yaml")
    conditions = {c.id: c.enablement for c in manifest.contributions.commands}

    def ask(name: str) -> bool:
        condition = parse_expression(conditions[f"napari-colorize.{name}"])
        return bool(condition.eval(get_context(viewer.layers)))

    return ask


class TestEnablement:
    def test_of_nothing_is_nothing(self, enabled):
        for name in (
            *("current_slice", "all_planes", "evaluate_selected", "copy_legend", "copy_python"),
        ):
            assert not enabled(name)

    def test_of_points_is_nothing(self, enabled, viewer):
        viewer.add_points(np.zeros((3, 2)))

        assert not any(enabled(name) for name in ("current_slice", "all_planes", "copy_legend"))

    def test_of_labels_are_the_copies(self, enabled, viewer):
        """Clipped colours are labels, and have a record like the colour itself."""
        viewer.add_labels(np.zeros((3, 4, 5), int))

        assert not enabled("current_slice")
        assert all(enabled(name) for name in ("copy_legend", "copy_python", "restore"))

    @pytest.mark.parametrize(
        ("shape", "rgb", "stack"),
        [
            ((9, 9), False, False),
            ((2, 9, 9), False, True),
            ((9, 9, 3), True, False),
            ((2, 9, 9, 3), True, True),
        ],
    )
    def test_of_an_image(self, enabled, viewer, shape, rgb, stack):
        viewer.add_image(np.zeros(shape, np.uint8), rgb=rgb)

        assert enabled("current_slice")
        assert enabled("all_planes") == stack
        assert enabled("copy_python"), "uncertainty is a grey layer with a record"

    def test_of_a_pair(self, enabled, viewer):
        layers = [viewer.add_image(np.zeros((9, 9, 3), np.uint8)) for _ in range(2)]
        assert not enabled("evaluate_selected")
        viewer.layers.selection = set(layers)

        assert enabled("evaluate_selected")


class TestCopies:
    def test_are_of_the_active_layer(self, viewer, model, make_panel, finish, grey, told):
        viewer.add_image(grey, name="cells")
        panel = make_panel(viewer)
        panel.run()
        finish(panel)
        record = viewer.layers[-1].metadata["napari_colorize"]
        viewer.layers.selection.active = viewer.layers[-1]

        commands.copy_legend(viewer)
        assert QGuiApplication.clipboard().text() == record["legend"]
        commands.copy_python(viewer)
        assert QGuiApplication.clipboard().text() == provenance.as_python(record).rstrip()
        assert len(told) == 2

    def test_of_another_layer_say_what_to_select(self, viewer, grey, told):
        viewer.add_image(grey)
        commands.copy_legend(viewer)
        viewer.layers.clear()
        commands.copy_python(viewer)

        assert ["Select a layer that Colorize has made" in text for text in told] == [True, True]


class TestKeys:
    def test_are_bound_by_the_panel_once(self, viewer, make_panel):
        make_panel(viewer)
        before = dict(viewer.keymap)
        make_panel(viewer)

        assert dict(viewer.keymap) == before
        for key, command in KEYS.items():
            assert viewer.keymap[coerce_keybinding(key)] is command

    def test_leave_the_user_s_own_alone(self, viewer):
        def own(viewer) -> None: ...

        viewer.bind_key("Control-Alt-C", own)
        bind_keys(viewer)

        assert viewer.keymap[coerce_keybinding("Control-Alt-C")] is own

    def test_are_none_of_napari_s(self):
        from napari.utils.shortcuts import default_shortcuts

        taken = {binding for bindings in default_shortcuts.values() for binding in bindings}
        assert not taken & {coerce_keybinding(key) for key in KEYS}

    def test_are_in_the_guide(self):
        from pathlib import Path

        guide = (Path(__file__).parents[2] / "docs" / "napari.md").read_text(encoding="utf-8")
        for key in KEYS:
            assert key.replace("Control", "Ctrl").replace("-", "+") in guide


class TestSentences:
    def test_say_what_to_select(self, viewer, grey, told):
        viewer.add_labels(grey.astype(int))
        commands.colorize_all_planes(viewer)
        commands.evaluate_selected(viewer)

        assert "Select an image layer first" in told[0]
        assert "Select two RGB layers" in told[1]
