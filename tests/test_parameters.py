"""The choices that a colouring depends on: what is accepted, and how refusals read."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_colorize.parameters import ColorizeParameters

NUMBERS = [o for o in dataclasses.fields(ColorizeParameters) if o.metadata["min"] is not None]
CHOICES = [o for o in dataclasses.fields(ColorizeParameters) if o.metadata["choices"]]


def named(options):
    return pytest.mark.parametrize("option", options, ids=lambda option: option.name)


def test_every_field_carries_what_a_form_needs():
    for option in dataclasses.fields(ColorizeParameters):
        assert option.metadata["help"].endswith(".")
        assert set(option.metadata) == {"help", "unit", "min", "max", "step", "choices"}


@named(NUMBERS)
def test_both_ends_of_a_range_are_accepted_and_nothing_beyond(option):
    low, high = option.metadata["min"], option.metadata["max"]
    for end in (low, high):
        assert getattr(ColorizeParameters(**{option.name: end}), option.name) == end
    for beyond in (low - 1, high + 1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=rf"{option.name} is .*{low}"):
            ColorizeParameters(**{option.name: beyond})


@named(NUMBERS)
@pytest.mark.parametrize("wrong", ["1", True, np.True_, [1]])
def test_what_is_no_number_is_refused_by_name(option, wrong):
    with pytest.raises(TypeError, match=f"{option.name} is .* give a number"):
        ColorizeParameters(**{option.name: wrong})


def test_fractions_are_refused_where_pixels_are_counted():
    with pytest.raises(ValueError, match=r"radius is 2\.5; give a whole number, 1 to 16"):
        ColorizeParameters(radius=2.5)
    assert ColorizeParameters(network_size=256.0).network_size == 256


@named(CHOICES)
def test_unknown_choices_are_answered_with_the_known_ones(option):
    with pytest.raises(ValueError, match=", ".join(option.metadata["choices"])):
        ColorizeParameters(**{option.name: "sepia"})


@pytest.mark.parametrize("window", [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1)])
def test_windows_without_extent_are_refused(window):
    with pytest.raises(ValueError, match="low below high"):
        ColorizeParameters(window=window)


@pytest.mark.parametrize("window", [5, (1, 2, 3), ("0", "1"), "01", (None, 1)])
def test_windows_that_are_not_two_numbers_are_refused(window):
    with pytest.raises(TypeError, match="two numbers"):
        ColorizeParameters(window=window)


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cpu:0", "auto:1", ""])
def test_unknown_devices_are_refused(device):
    with pytest.raises(ValueError, match="use 'auto', 'cpu', 'cuda'"):
        ColorizeParameters(device=device)


def test_values_are_stored_as_plain_python():
    parameters = ColorizeParameters(
        temperature=np.float32(0.5),
        radius=np.int64(2),
        window=np.array([0, 4095], dtype=np.uint16),
        checkpoint=Path("weights.safetensors"),
    )
    plain = json.loads(json.dumps(parameters.to_dict()))
    assert plain["window"] == [0, 4095]
    assert plain["checkpoint"] == "weights.safetensors"
    assert type(parameters.radius) is int


def test_empty_checkpoint_names_are_refused():
    with pytest.raises(ValueError, match="leave it out"):
        ColorizeParameters(checkpoint=" ")
    with pytest.raises(TypeError, match="weights file"):
        ColorizeParameters(checkpoint=3)


@given(
    temperature=st.none() | st.floats(0.01, 1),
    window=st.none() | st.tuples(st.integers(-(2**40), 0), st.floats(1, 1e300)),
    radius=st.integers(1, 16),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
)
def test_json_brings_parameters_back_unchanged(**values):
    parameters = ColorizeParameters(**values)
    assert ColorizeParameters.from_dict(json.loads(json.dumps(parameters.to_dict()))) == parameters


def test_misspelt_parameters_are_answered_with_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'temperature'"):
        ColorizeParameters.from_dict({"temprature": 1})
    with pytest.raises(TypeError, match="known are method"):
        ColorizeParameters().changed(qqq=1)


def test_changes_are_checked_and_leave_the_original_alone():
    before = ColorizeParameters()
    assert before.changed(radius=5).radius == 5
    assert before == ColorizeParameters()
    with pytest.raises(ValueError, match="radius"):
        before.changed(radius=0)


def test_checkpoint_defaults_fill_only_what_was_left_open():
    defaults = {"temperature": 0.4, "vividness": 0.3, "network_size": 256}
    resolved = ColorizeParameters(vividness=1.0).resolved(defaults)
    assert (resolved.temperature, resolved.vividness, resolved.network_size) == (0.4, 1.0, 256)
    with pytest.raises(ValueError, match="no default for vividness, network_size"):
        ColorizeParameters().resolved({"temperature": 0.4})
