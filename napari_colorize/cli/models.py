"""``napari-colorize models``: the weights on this machine, and how to get more."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from napari_colorize.checkpoints import registry


@click.group("models")
def command() -> None:
    """List, show, verify, import and fetch weights."""


@command.command("list")
def list_models() -> None:
    """List all weights, those on this machine first."""
    entries = registry.entries()
    rows = [("NAME", "METHOD", "SOURCE", "SIZE", "STATE")] + [
        (r.name, r.method, r.source, _size(r.size_bytes), _state(entry))
        for entry in entries
        for r in (entry.record,)
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows if entries else []:
        click.echo("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())
    if not any(entry.installed for entry in entries):
        click.echo("There are no weights on this machine yet.", err=True)
    for problem in registry.problems():
        click.echo(f"Left out: {problem}", err=True)


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show what is known about the weights NAME: data, training, scores, failures, licence."""
    entry = registry.find(name)
    if as_json:
        click.echo(entry.record.to_json(), nl=False)
        return
    values: dict[str, Any] = {
        "name": None,
        "state": _state(entry),
        "path": str(entry.weights or ""),
    } | entry.record.to_dict()
    shown = {key: value for key, value in values.items() if value not in ("", None, [], {}, 0)}
    width = max(map(len, shown))
    for key, value in shown.items():
        _show_field(key.replace("_", " "), value, width)


@command.command("verify")
@click.argument("name", required=False)
def verify(name: str | None) -> None:
    """Check hash, content and layout of the weights NAME, or of all on this machine."""
    from napari_colorize.checkpoints import CheckpointError
    from napari_colorize.checkpoints.loading import verify as check

    names = [name] if name else [record.name for record in registry.available()]
    failed = False
    for each in names:
        try:
            record = check(each)
        except CheckpointError as error:
            failed = True
            click.echo(f"{each}: {error}", err=True)
        else:
            click.echo(f"{each}: intact (SHA-256 {record.sha256[:12]}…)")
    for problem in registry.problems() if name is None else ():
        failed = True
        click.echo(problem, err=True)
    if not names:
        click.echo("There are no weights on this machine to verify.", err=True)
    if failed:
        raise SystemExit(1)


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="What to call the weights; left out: after the file.")
@click.option("--architecture", help="Network they belong to; left out: told from the file.")
@click.option("--overwrite", is_flag=True, help="Replace your own weights of that name.")
def import_weights(file: Path, name: str | None, architecture: str | None, overwrite: bool) -> None:
    """Copy weights that you have (.safetensors or .pth) to your data folder; no code is run."""
    from napari_colorize.checkpoints import import_file

    record = import_file(file, name=name, architecture=architecture, overwrite=overwrite)
    click.echo(f"Imported {record.name} ({record.architecture}, {_size(record.size_bytes)}).")


@command.command("fetch")
@click.argument("name")
@click.option("--url", help="Another address of the same file.")
def fetch(name: str, url: str | None) -> None:
    """Download the weights NAME, check their hash, and keep them in your data folder."""
    from tqdm import tqdm

    from napari_colorize.checkpoints import fetch as download

    with tqdm(
        unit="B", unit_scale=True, unit_divisor=1024, disable=None, desc=name, file=sys.stderr
    ) as bar:

        def show_progress(done: int, total: int | None) -> None:
            bar.total = total
            bar.n = done
            bar.refresh()

        record = download(name, url=url, progress=show_progress)
    click.echo(f"{record.name} is on this machine ({_size(record.size_bytes)}).")


def _state(entry: registry.Entry) -> str:
    if entry.installed:
        return "on this machine"
    return "to be fetched" if entry.record.is_offer else "file missing"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes else "–"


def _show_field(title: str, value: Any, width: int) -> None:
    indent = " " * (width + 2)
    if isinstance(value, dict):
        lines = [f"{key}: {_plain(inner)}" for key, inner in value.items()]
    elif isinstance(value, list):
        lines = [_plain(inner) for inner in value]
    else:
        lines = [_plain(value)]
    click.echo(f"{title.ljust(width)}  " + f"\n{indent}".join(lines))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
