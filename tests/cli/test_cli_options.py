"""The options of the command line are the fields of `ColorizeParameters`."""

from dataclasses import fields

import click
import pytest

from napari_colorize.cli import COMMANDS, app
from napari_colorize.cli.colorize import command
from napari_colorize.cli.options import flag_of, take_parameters
from napari_colorize.parameters import ColorizeParameters


def test_every_field_has_its_option_with_its_help_and_range():
    options = {option.name: option for option in command.params}
    for field in fields(ColorizeParameters):
        option = options[field.name]
        assert option.opts == [flag_of(field.name)]
        assert option.help.startswith(field.metadata["help"].split(". ")[0].split(";")[0])
        if field.metadata["choices"]:
            assert tuple(option.type.choices) == tuple(field.metadata["choices"])
        elif field.metadata["min"] is not None:
            assert (option.type.min, option.type.max) == (
                field.metadata["min"],
                field.metadata["max"],
            )


def test_options_left_out_leave_the_defaults():
    given = {field.name: None for field in fields(ColorizeParameters)}
    assert take_parameters(given) == ColorizeParameters()
    assert given == {}


def test_values_reach_the_parameters():
    given = {"temperature": 0.5, "window": (10, 20.5), "network_size": 96, "other": 1}
    assert take_parameters(given) == ColorizeParameters(
        temperature=0.5, window=(10, 20.5), network_size=96
    )
    assert given == {"other": 1}


def test_values_that_do_not_go_together_are_a_wrong_call():
    with pytest.raises(click.UsageError, match="low below high"):
        take_parameters({"window": (20, 10)})


def test_the_overview_says_what_each_command_says():
    context = click.Context(app)
    for name in COMMANDS:
        assert app.get_command(context, name).name == name
    assert app.get_command(context, "nonesuch") is None
