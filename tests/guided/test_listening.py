"""A prediction that hears hints, by the shipped weights."""

import numpy as np
import pytest
import skimage.data
import torch

from napari_colorize import Hints, checkpoints, colorize
from napari_colorize.guided.decisions import Decisions
from napari_colorize.guided.hints import Point
from napari_colorize.guided.listening import Listening, Voices, listener_for
from napari_colorize.pipeline.network import predict
from napari_colorize.sample_data import grey


@pytest.fixture(scope="module")
def coffee() -> np.ndarray:
    return grey(skimage.data.coffee())[::4, ::4]


@pytest.fixture(scope="module")
def plain(coffee: np.ndarray):
    return colorize(coffee)


def test_the_shipped_weights_have_a_listener_of_their_own() -> None:
    found = listener_for(checkpoints.load("colorful"))
    assert found.record.borrowed["sha256"] == checkpoints.load("colorful").record.sha256
    assert found.record.size_bytes < 4 << 20
    assert listener_for(found) is found
    assert listener_for(checkpoints.load("unet")) is None


def test_without_news_the_prediction_is_that_of_the_network_bit_for_bit(
    coffee: np.ndarray, plain
) -> None:
    kept = colorize(coffee, hints=Hints(points=[Point(50, 80, "as predicted", 3)]))
    np.testing.assert_array_equal(kept.rgb, plain.rgb)
    np.testing.assert_array_equal(kept.uncertainty, plain.uncertainty)


def test_one_point_on_the_cup_colours_the_saucer_and_not_the_table(
    coffee: np.ndarray, plain
) -> None:
    red = colorize(coffee, hints=Hints(points=[Point(56, 82, "#a03020", 2)]))
    moved = np.abs(red.rgb.astype(int) - plain.rgb).sum(-1)
    saucer, table = moved[70:85, 40:60].mean(), moved[60:90, 135:148].mean()
    assert saucer > 3 * table
    assert red.record["guide"]["listener"]["name"] == "colorful-listening"
    assert "heard by the weights colorful-listening" in red.legend


def test_the_trunk_runs_once_a_picture(coffee: np.ndarray, monkeypatch) -> None:
    looks = []

    class Counting:
        def __init__(self, graph) -> None:
            self._graph = graph

        def __getattr__(self, name):
            if name == "look":
                looks.append(1)
            return getattr(self._graph, name)

    ear = Listening(listener_for(checkpoints.load("colorful")))
    ear.model = type("Model", (), {"graph": Counting(ear.model.graph), "record": None})
    ear(torch.full((1, 1, 64, 96), 40.0), torch.tensor(0.8), torch.tensor(0.5))
    for place in (0.2, 0.8):
        one = Voices(
            np.array([place]), np.array([0.5]), np.float32([[40, 20]]), np.zeros(1, np.float32)
        )
        ear.heard(one)
    assert looks == [1]


def test_suggestions_follow_what_was_heard(coffee: np.ndarray) -> None:
    model = Decisions().listening(checkpoints.load("colorful"), always=True)
    from napari_colorize.api import load_model
    from napari_colorize.parameters import ColorizeParameters

    _, used = load_model(ColorizeParameters(), "cpu")
    lightness = np.asarray(coffee, np.float32) / 2.55
    predict(model.graph, lightness[:96, :128].copy(), used)
    bins = np.asarray(model.graph.model.graph.bins)
    before = model.graph.probable(0.6, 0.6) @ bins
    blue = Voices(
        np.array([0.6]), np.array([0.6]), np.float32([[10, -50]]), np.zeros(1, np.float32)
    )
    model.graph.heard(blue)
    after = model.graph.probable(0.6, 0.6) @ bins
    assert np.linalg.norm(after - (10, -50)) < 0.6 * np.linalg.norm(before - (10, -50))
    assert model.graph.probable(0.1, 0.1).sum() == pytest.approx(1, abs=1e-4)


def test_cells_of_a_stroke_speak_with_one_voice_each() -> None:
    held = np.zeros((40, 80), bool)
    held[10:14, 20:40] = True
    target = np.zeros((40, 80, 2), np.float32)
    target[held] = (30, -10)
    voices = Voices.of(held, target, np.zeros_like(held), (10, 20))
    assert len(voices.rows) == 10  # columns 20…39 are cells 5…9, rows 10…13 cells 2 and 3
    np.testing.assert_allclose(voices.colours, np.tile([30.0, -10], (10, 1)))
