"""``napari-colorize models``: the weights on this machine, and how to get more."""

import sys
from pathlib import Path

import click

from napari_colorize.checkpoints import CheckpointRecord, registry


@click.group("models")
def command() -> None:
    """List, show, verify, grade, import and fetch weights."""


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
@click.argument("name", metavar="NAME|FILE")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def show(name: str, as_json: bool) -> None:
    """Print the model card of the weights NAME: use, failures, scores, pictures, training."""
    entry = _entry(name)
    if as_json:
        click.echo(entry.record.to_json(), nl=False)
        return
    from napari_colorize.checkpoints.card import card
    from napari_colorize.evaluation.catalogue import BY_KEY

    click.echo(card(entry.record, BY_KEY), nl=False)
    where = f": {entry.weights}" if entry.installed else ""
    click.echo(f"\n{_state(entry).capitalize()}{where}")
    _tell_of_weak_hash(entry.record)


@command.command("grade")
@click.argument("name", metavar="NAME|FILE")
@click.option(
    "--from",
    "reports",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True),
    metavar="REPORT",
    help="Folder that `evaluate` wrote, or its scores.json; may be repeated.",
)
@click.option("--pictures", default="", help="What the graded pictures are, in a few words.")
def grade(name: str, reports: tuple[Path, ...], pictures: str) -> None:
    """Write the scores of an evaluation into the record of the weights NAME that it graded."""
    from napari_colorize.evaluation.recording import record_scores

    record = record_scores(name, reports, pictures=pictures)
    beside = len(record.scores["other_settings"])
    click.echo(
        f"Recorded the scores of {record.name} on {record.scores['count']} pictures"
        f"{f', and at {beside} other settings' if beside else ''}."
    )


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

    _tell_of_weak_hash(registry.find(name).record)
    with tqdm(
        unit="B", unit_scale=True, unit_divisor=1024, disable=None, desc=name, file=sys.stderr
    ) as bar:

        def show_progress(done: int, total: int | None) -> None:
            bar.total = total
            bar.n = done
            bar.refresh()

        record = download(name, url=url, progress=show_progress)
    click.echo(f"{record.name} is on this machine ({_size(record.size_bytes)}).")


def _tell_of_weak_hash(record: CheckpointRecord) -> None:
    """Say what a published hash of a few digits is worth."""
    if record.is_offer and len(record.sha256) < 64:
        click.echo(
            f"Only {len(record.sha256)} of the 64 digits of the SHA-256 of {record.name} were "
            "published: a weak check, which finds damage and no forgery.",
            err=True,
        )


def _state(entry: registry.Entry) -> str:
    if entry.installed:
        return "on this machine"
    return "to be fetched" if entry.record.is_offer else "file missing"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes else "–"


def _entry(name: str) -> registry.Entry:
    """Find weights by name, also those not fetched yet, or by their file."""
    if not name.endswith((".safetensors", ".pth", ".json")):
        return registry.find(name)
    from napari_colorize.checkpoints.loading import locate

    return locate(name)
