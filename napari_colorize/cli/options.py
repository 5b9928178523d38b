"""Command-line options made from the fields of `ColorizeParameters`, so they cannot drift."""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any

import click

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.sequences.parameters import StackParameters

if TYPE_CHECKING:
    from napari_colorize.sequences.pages import PageConsistency

_METAVARS = {"checkpoint": "NAME|FILE", "device": "NAME", "window": "LOW HIGH"}


class NumberType(click.ParamType):
    """A number; whole ones stay whole, as the record then shows them as they were typed."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return an int where the text is one, else a float."""
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
        self.fail(f"{value!r} is not a number.", param, ctx)


def parameter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add one option for each field of `ColorizeParameters` to a command."""
    for option in reversed(fields(ColorizeParameters)):
        function = click.option(flag_of(option.name), option.name, **_described(option))(function)
    return function


def take_parameters(given: dict[str, Any]) -> ColorizeParameters:
    """Take the parameter options out of a command's arguments and check them together.

    Raises
    ------
    click.UsageError
        A value cannot be used.
    """
    chosen = {
        option.name: given.pop(option.name)
        for option in fields(ColorizeParameters)
        if option.name in given
    }
    try:
        return ColorizeParameters(**{k: v for k, v in chosen.items() if v is not None})
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error


def consistency_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how colour is held from page to page."""
    axis = click.option(
        "--axis",
        metavar="LETTER|NUMBER",
        help="Axis of a TIFF stack along which colour is held, by the letter that the file gives "
        "it (t, z) or its number. Left out: the outermost that is not of channels.",
    )
    [known] = (option for option in fields(StackParameters) if option.name == "consistency")
    consistency = click.option(
        "--consistency",
        type=_type(known.metadata),
        help=f"{known.metadata['help']} Left out: pages are coloured one by one; with --axis alone "
        f"{known.default}.",
    )
    return axis(consistency(function))


def take_consistency(given: dict[str, Any]) -> "PageConsistency | None":
    """Take what says how colour is held out of a command's arguments; None where nothing does."""
    axis, consistency = given.pop("axis", None), given.pop("consistency", None)
    if axis is None and consistency is None:
        return None
    from napari_colorize.sequences.pages import PageConsistency

    strength = StackParameters().consistency if consistency is None else consistency
    return PageConsistency(strength, axis)


def guided_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a person has decided."""
    share = click.FloatRange(0, 1)
    for option in reversed(
        [
            click.option(
                "--hints",
                metavar="FILE|FOLDER",
                help="Hints for the pictures, a .hints.json; of a folder, NAME.hints.json for each "
                "picture NAME, and none for a picture without.",
            ),
            click.option(
                "--reference", metavar="FILE", help="A picture in colour that lends its colours."
            ),
            click.option(
                "--palette",
                metavar="NAME|FILE",
                help="Colours that the prediction keeps to: okabe-ito, tol-bright, a list of "
                "matplotlib such as tab10, or a .gpl or .ase file.",
            ),
            click.option(
                "--palette-strength", type=share, help="0: no palette; 1: all of it.  [default: 1]"
            ),
            click.option(
                "--spread",
                type=share,
                help="How far a hint speaks for places that look alike; 0: its surroundings alone."
                "  [default: 1]",
            ),
            click.option(
                "--region",
                metavar="FILE|inside-border",
                help="Where to colour: a grey picture, 0 where nothing is to be coloured; or what "
                "is inside the border of the print, which is found. The rest stays grey.",
            ),
        ]
    ):
        function = option(function)
    return function


def take_guided(given: dict[str, Any]) -> dict[str, Any]:
    """Take what a person has decided out of a command's arguments, as `colorize` takes it."""
    names = ("hints", "reference", "palette", "palette_strength", "spread", "region")
    taken = {name: given.pop(name) for name in names}
    return {name: value for name, value in taken.items() if value is not None}


def flag_of(name: str) -> str:
    """Return the flag of a field: ``network_size`` → ``--network-size``."""
    return "--" + name.replace("_", "-")


def _described(option: "Field[Any]") -> dict[str, Any]:
    about = option.metadata
    described: dict[str, Any] = {"default": None, "help": _help(option)}
    if option.name in _METAVARS:
        described["metavar"] = _METAVARS[option.name]
    if option.name == "window":
        return described | {"type": NumberType(), "nargs": 2}
    return described | {"type": _type(about)}


def _type(about: Mapping[str, Any]) -> click.ParamType:
    if about["choices"]:
        return click.Choice(about["choices"])
    if about["min"] is None:
        return click.STRING
    kind = click.IntRange if isinstance(about["min"], int) else click.FloatRange
    return kind(about["min"], about["max"])


def _help(option: "Field[Any]") -> str:
    # The fields speak of an empty form; on a command line that is an option left out.
    text = option.metadata["help"].replace("Empty:", "Left out:").replace("empty:", "left out:")
    if option.metadata["unit"]:
        text = f"{text} ({option.metadata['unit']})"
    return text if option.default is None else f"{text}  [default: {option.default}]"
