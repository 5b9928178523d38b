"""The command line of the evaluation: ``evaluate``, ``evaluate-compare`` and ``turing``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from napari_colorize.evaluation.turing.command import turing

__all__ = ["evaluate", "evaluate_compare", "turing"]

_PATH = click.Path(path_type=Path)
_EXISTING = click.Path(path_type=Path, exists=True)


_JUDGES = {
    "squeezenet": "napari_colorize.evaluation.squeezenet:SqueezeNet",
    "efficientnet-lite2": "napari_colorize.evaluation.judges:EfficientNetLite2",
}


@click.command("evaluate")
@click.option("--method", "methods", multiple=True, help="Method to grade; may be repeated.")
@click.option(
    "--checkpoint", "checkpoints", multiple=True, help="Weights to grade; may be repeated."
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Parameter to set.")
@click.option(
    "--also",
    "variants",
    multiple=True,
    metavar="KEY=VALUE[,…]",
    help="Grade each method at this setting too, beside the first; may be repeated.",
)
@click.option(
    "--images", "images", multiple=True, required=True, type=_EXISTING, help="Folder or tar."
)
@click.option("--labels", type=_EXISTING, help="Picture → WordNet id, where names do not say it.")
@click.option("-o", "--output", required=True, type=_PATH, help="Folder of the report.")
@click.option("--limit", type=click.IntRange(min=1), help="Grade only so many pictures.")
@click.option("--epsilon", default=2.0, show_default=True, help="Tolerance of accuracy, in L*.")
@click.option("--prior", type=_EXISTING, help="Another ab prior than the shipped one.")
@click.option("--seed", default=0, show_default=True, help="Of the bootstrap and random colours.")
@click.option("--judge/--no-judge", default=True, help="Ask an ImageNet classifier.")
@click.option(
    "--judged-by",
    type=click.Choice(list(_JUDGES)),
    default="squeezenet",
    show_default=True,
    help="Which; EfficientNet-lite2 is the trunk of `colorful`, and no fair judge of it.",
)
@click.option("--perceptual", is_flag=True, help="Distances on pretrained features; slow.")
@click.option("--baselines/--no-baselines", default=True, help="Grade grey, mean, random too.")
@click.option(
    "--references",
    multiple=True,
    type=_EXISTING,
    help="Colour photographs, none of them graded, from whose likest the baseline Welsh (2002) "
    "takes its colours; may be repeated.",
)
@click.option("--damaged", is_flag=True, help="Grade damaged forms too, and check what notices.")
@click.option(
    "--sheet",
    type=click.IntRange(min=1),
    metavar="N",
    help="Write contact sheets: N pictures chosen by their names' hashes, the worst, and "
    "scikit-image's own.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress bar.")
def evaluate(output: Path, quiet: bool, sheet: int | None, **given: Any) -> None:
    """Grade colouring methods on pictures whose colours are known.

    The pictures are made grey at equal L*, coloured at their own size, and compared with the
    truth. An interrupted run goes on where it stopped. Writes report.html and scores.json.
    """
    from tqdm import tqdm

    from napari_colorize.evaluation.damage import blind_scores
    from napari_colorize.evaluation.report import write_report, write_scores
    from napari_colorize.evaluation.runner import grade
    from napari_colorize.evaluation.sheets import write_sheets
    from napari_colorize.evaluation.summary import summarise

    _refuse_missing_packages()
    grading = _grading(**given)
    output.mkdir(parents=True, exist_ok=True)
    with tqdm(unit="picture", disable=True if quiet else None) as bar:

        def tick(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        graded = grade(grading, output, tick=tick)
    scores = summarise(grading, graded, seed=given["seed"])
    write_scores(output, scores)
    page = write_report(output, scores, graded.ledgers)
    if graded.unreadable:
        listed = ", ".join(graded.unreadable[:5]) + (", …" if len(graded.unreadable) > 5 else "")
        click.echo(f"Left out, as they cannot be decoded: {len(graded.unreadable)} ({listed}).")
    _say_scores(scores)
    if given["damaged"]:
        values = _values(scores)
        for method in (m.name for m in grading.methods if m.kind == "method"):
            for key, damage in blind_scores(values, method):
                click.echo(f"Note: {key} does not notice the damage {damage!r} to {method}.")
    if sheet:
        shown = [method for method in grading.methods if method.kind == "method"]
        with tqdm(unit="picture", desc="Sheets", disable=True if quiet else None) as bar:
            sheets = write_sheets(
                output, shown, grading.images, sheet, scores=scores, tick=bar.update
            )
        for path in sheets:
            click.echo(str(path))
    click.echo(str(page))


def _refuse_missing_packages() -> None:
    """Say what is missing before an hour of grading, not after."""
    from importlib.util import find_spec

    missing = [name for name in ("PIL", "scipy", "matplotlib", "jinja2") if not find_spec(name)]
    if missing:
        raise ModuleNotFoundError(
            f"Grading needs {', '.join(missing)}; pip install napari-colorize[evaluate] brings it.",
            name=missing[0],
        )


def _grading(**given: Any) -> Any:
    """Turn the command line into what is graded."""
    from napari_colorize.evaluation.baselines import baselines
    from napari_colorize.evaluation.damage import damaged
    from napari_colorize.evaluation.features import PretrainedFeatures
    from napari_colorize.evaluation.judges import read_labels
    from napari_colorize.evaluation.methods import methods_of
    from napari_colorize.evaluation.prior import load_prior
    from napari_colorize.evaluation.runner import Grading
    from napari_colorize.evaluation.scoring import ScoringOptions

    settings = [given["changes"]] + [
        (*given["changes"], *variant.split(",")) for variant in given["variants"]
    ]
    methods = [
        method
        for changes in settings
        for method in methods_of(given["methods"], given["checkpoints"], changes)
    ]
    spoilt = [one for method in methods for one in damaged(method)] if given["damaged"] else []
    plain = []
    if given["baselines"]:
        plain = baselines(
            seed=given["seed"], prior=load_prior(given["prior"]), references=given["references"]
        )
    judge = None
    if given["judge"]:
        module, _, kind = _JUDGES[given["judged_by"]].partition(":")
        judge = getattr(import_module(module), kind)()
    return Grading(
        [*methods, *plain, *spoilt],
        given["images"],
        ScoringOptions(given["epsilon"], str(given["prior"]) if given["prior"] else None),
        judge=judge,
        features=PretrainedFeatures() if given["perceptual"] else None,
        labels=read_labels(given["labels"]) if given["labels"] else {},
        limit=given["limit"],
    )


def _values(scores: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    return {
        name: {key: estimate["value"] for key, estimate in method["scores"].items()}
        for name, method in scores["methods"].items()
    }


def _say_scores(scores: dict[str, Any]) -> None:
    """Print one line a method and score."""
    from napari_colorize.evaluation.catalogue import BY_KEY
    from napari_colorize.evaluation.report import cell

    for name, method in scores["methods"].items():
        click.echo(f"{name} ({scores['pictures']['count']} pictures)")
        for key, estimate in method["scores"].items():
            score, shown = BY_KEY[key], cell(estimate, BY_KEY[key])
            click.echo(f"  {score.title:40} {shown['value']:>9} {score.unit:5} {shown['interval']}")


@click.command("evaluate-compare")
@click.argument("before", type=_EXISTING)
@click.argument("after", type=_EXISTING)
@click.option(
    "--pair", "pairs", multiple=True, metavar="OLD=NEW", help="Methods of different names."
)
@click.option("--seed", default=0, show_default=True, help="Of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate_compare(
    before: Path, after: Path, pairs: tuple[str, ...], seed: int, as_json: bool
) -> None:
    """Say what is significantly worse in report AFTER than in report BEFORE.

    Both are folders of reports or their scores.json. The exit status is 1 if anything got
    significantly worse (paired bootstrap over the shared pictures, 95 %).
    """
    import json

    from napari_colorize.evaluation.catalogue import BY_KEY
    from napari_colorize.evaluation.compare import compare
    from napari_colorize.evaluation.report import read_scores

    named = dict(_pair(pair) for pair in pairs)
    changes = compare(read_scores(before), read_scores(after), pairs=named or None, seed=seed)
    if as_json:
        click.echo(json.dumps([change.to_dict() for change in changes], ensure_ascii=False))
    else:
        for change in changes:
            score = BY_KEY[change.score]
            click.echo(
                f"{change.verdict:8} {change.method}: {score.title} "
                f"{change.before:.{score.digits}f} → {change.after:.{score.digits}f} {score.unit} "
                f"(difference {change.low:+.{score.digits + 1}f} … "
                f"{change.high:+.{score.digits + 1}f}, {change.pictures} pictures)"
            )
    if any(change.verdict == "worse" for change in changes):
        raise SystemExit(1)


def _pair(pair: str) -> tuple[str, str]:
    old, equals, new = pair.partition("=")
    if not equals:
        raise ValueError(f"--pair {pair} is not OLD=NEW, two names of methods.")
    return old.strip(), new.strip()
