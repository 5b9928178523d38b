"""``napari-colorize train``: one's own weights from one's own pictures."""

import json
from pathlib import Path
from typing import Any

import click

INTERRUPTED = 130
"""Exit status of a program that was ended by Ctrl-C."""

_PATH = click.Path(path_type=Path)


@click.command("train")
@click.argument("method")
@click.argument("more_data", metavar="", nargs=-1, type=_PATH)
@click.option(
    "--data",
    "data",
    multiple=True,
    required=True,
    type=_PATH,
    metavar="DIR|TAR...",
    help="Colour pictures: folders, searched through, and uncompressed tar archives.",
)
@click.option(
    "--recipe",
    default=None,
    metavar="NAME|FILE",
    help="A packaged recipe, such as cpu, or a .toml file of your own; left out: the method's own "
    "(cpu-quick for colorful).",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Recipe field to change."
)
@click.option("--out", required=True, type=_PATH, metavar="RUN", help="Folder of the run.")
@click.option("--resume", is_flag=True, help="Go on with the training in RUN.")
@click.option("--licence", default="", help="Terms of the pictures, for the record.")
def command(
    method: str,
    more_data: tuple[Path, ...],
    data: tuple[Path, ...],
    recipe: str | None,
    changes: tuple[str, ...],
    out: Path,
    resume: bool,
    licence: str,
) -> None:
    """Train METHOD (such as colorful) on your own colour pictures.

    Leaves a checkpoint in RUN/checkpoint that `colorize --checkpoint` takes. A training that was
    stopped, by whatever, goes on exactly where it was with --resume.
    """
    from napari_colorize.training import train

    changed = dict(_parsed(change) for change in changes)
    try:
        weights = train(
            method,
            [*data, *more_data],
            out,
            recipe=recipe,
            changes=changed,
            resume=resume,
            licence=licence,
        )
    except ModuleNotFoundError as error:
        raise click.ClickException(_missing(error)) from error
    except KeyboardInterrupt:
        click.echo("Stopped. The same command with --resume goes on.", err=True)
        raise SystemExit(INTERRUPTED) from None
    click.echo(str(weights))


def _parsed(change: str) -> tuple[str, Any]:
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise click.UsageError(f"--set {change} is not KEY=VALUE, such as --set epochs=3.")
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value


def _missing(error: ModuleNotFoundError) -> str:
    if error.name is None:
        return str(error)  # already a sentence
    return (
        f"Training needs the package {error.name}, which is not installed: "
        "`pip install 'napari-colorize[train]'` brings all it needs."
    )
