"""The command line: the same verbs as the Python interface, one module a command.

A command's module is imported when the command is used, so ``--help`` costs neither torch nor a
second of waiting. To add a command, add a line to `COMMANDS`.
"""

import sys
import warnings
from importlib import import_module

import click

from napari_colorize._version import __version__
from napari_colorize.cli.sentences import told_as_sentences

COMMANDS = {
    "colorize": ("napari_colorize.cli.colorize", "Colour pictures: PNG, JPEG, TIFF, folders."),
    "colorize-zarr": (
        "napari_colorize.cli.zarr",
        "Colour OME-Zarr volumes, films and plates on one machine or many.",
    ),
    "models": ("napari_colorize.cli.models", "List, show, verify, import and fetch weights."),
    "evaluate": (
        "napari_colorize.evaluation.command:evaluate",
        "Grade methods on pictures whose colours are known.",
    ),
    "evaluate-compare": (
        "napari_colorize.evaluation.command:evaluate_compare",
        "Say what got significantly worse between two reports.",
    ),
    "turing": (
        "napari_colorize.evaluation.command:turing",
        "Prepare, count and merge colorization Turing tests.",
    ),
    "train": ("napari_colorize.cli.train", "Train weights of your own on colour pictures."),
    "napari": (
        "napari_colorize.widgets.launch:command",
        "Open napari with the panel docked, PyTorch loaded first.",
    ),
    "info": ("napari_colorize.cli.info", "Show versions, backend, devices and folders."),
}
"""Command → where it is (``module`` for its ``command``, else ``module:name``), and about it."""


class LazyGroup(click.Group):
    """A group whose commands are imported when used, and whose errors are sentences."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        return getattr(import_module(module), name or "command")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what it raises becomes one sentence on stderr."""
        with told_as_sentences():
            return super().invoke(ctx)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="napari-colorize")
def app() -> None:
    """Plausible colour for grey images.

    Predicted colour is not a measurement; the lightness of the picture is kept.
    """


def main() -> None:
    """Run the command line; the entry point of ``napari-colorize``."""
    warnings.showwarning = _show_warning
    app(prog_name="napari-colorize")


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"Warning: {message}", file=sys.stderr)
