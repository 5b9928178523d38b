"""``turing prepare``, ``turing plan``, ``turing merge``: the Turing test around the panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_PATH = click.Path(path_type=Path)
_EXISTING = click.Path(path_type=Path, exists=True)


@click.group("turing")
def turing() -> None:
    """Can people tell the recoloured picture from the real one?"""


@turing.command("prepare")
@click.option("--method", "methods", multiple=True, help="Method to test; may be repeated.")
@click.option("--checkpoint", "checkpoints", multiple=True, help="Weights to test.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Parameter to set.")
@click.option("--images", multiple=True, required=True, type=_EXISTING, help="Folder or tar.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many, drawn by chance.")
@click.option("--seed", default=0, show_default=True, help="Of the pictures drawn.")
@click.option("-o", "--output", required=True, type=_PATH, help="Folder of the pairs.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
def prepare(
    methods: tuple[str, ...],
    checkpoints: tuple[str, ...],
    changes: tuple[str, ...],
    images: tuple[Path, ...],
    limit: int | None,
    seed: int,
    output: Path,
    quiet: bool,
) -> None:
    """Recolour pictures and store the pairs that participants will see."""
    from tqdm import tqdm

    from napari_colorize.evaluation.methods import methods_of
    from napari_colorize.evaluation.turing import stimuli
    from napari_colorize.files.pictures import read_pictures

    graded = methods_of(methods, checkpoints, changes)
    pictures = read_pictures(*images)
    with tqdm(unit="picture", disable=True if quiet else None) as bar:
        if limit is not None:
            pictures = iter(stimuli.draw(pictures, limit, seed=seed, tick=bar.update))
        made = stimuli.prepare(pictures, graded, output, tick=bar.update)
    click.echo(f"{len(made.pictures)} pairs for each of {', '.join(made.methods)} in {output}")


@turing.command("plan")
@click.argument("stimuli", type=_EXISTING)
@click.option("--participant", required=True, help="A name or a number.")
@click.option("--seed", required=True, type=int, help="Another one for each participant.")
@click.option("--trials", type=click.IntRange(min=1), help="Pairs that count.")
@click.option("--practice", default=5, show_default=True, help="Pairs before, not counted.")
@click.option("--seconds", default=1.0, show_default=True, help="How long a pair is shown.")
@click.option("-o", "--output", required=True, type=_PATH, help="Session file (.json).")
def plan(stimuli: Path, output: Path, seconds: float, **given: Any) -> None:
    """Plan a participant's sitting; the panel runs it and goes on after a break."""
    from napari_colorize.evaluation.turing.session import Session
    from napari_colorize.evaluation.turing.stimuli import Stimuli

    session = Session.plan(Stimuli.load(stimuli), **given, seconds_shown=seconds, path=output)
    click.echo(f"{len(session.trials)} trials, practice included, in {output}")


@turing.command("merge")
@click.argument("sessions", nargs=-1, required=True, type=_EXISTING)
@click.option("--stimuli", type=_EXISTING, help="Folder of the pairs, for the sheet.")
@click.option("-o", "--output", type=_PATH, help="Write the sheet here (.html), result beside.")
def merge(sessions: tuple[Path, ...], stimuli: Path | None, output: Path | None) -> None:
    """Count the answers of one or several participants' session files."""
    import json

    from napari_colorize.evaluation.turing import result
    from napari_colorize.evaluation.turing.session import Session
    from napari_colorize.evaluation.turing.sheet import write_sheet
    from napari_colorize.evaluation.turing.stimuli import Stimuli
    from napari_colorize.storage import write_whole

    if (stimuli is None) != (output is None):
        raise ValueError("The sheet needs both --stimuli and -o.")
    merged = result.merge([Session.load(path) for path in sessions])
    for method, share in merged.methods.items():
        interval = merged.intervals[method]
        click.echo(
            f"{method}: {100 * share.share:.1f} % fooled ({share.fooled} of {share.trials}; "
            f"95 % {100 * interval.low:.1f} … {100 * interval.high:.1f}, {interval.made_by})"
        )
    if stimuli is not None and output is not None:
        write_sheet(output, merged, Stimuli.load(stimuli))
        body = json.dumps(merged.to_dict(), ensure_ascii=False, indent=1) + "\n"
        write_whole(output.with_suffix(".json"), body)
        click.echo(str(output))
