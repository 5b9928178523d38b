"""A model card: what a record says, for people to read. Nothing in it is typed by hand."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.methods import CARDS, METHODS, WITHOUT_EFFECT

WIDTH = 100
"""Columns of a card's text; tables and links may be wider."""

NEVER_MEASURE = (
    "**Never measure predicted colour.** It is what the model holds plausible for the lightness it "
    "was shown, not something that the microscope or the camera saw."
)

_AT_DEFAULTS = "at its defaults"
_SOURCES = {
    "shipped": "they come with the package",
    "download": "downloaded from where their authors published them",
    "imported": "trained or imported by their user",
}
# What the run, not the recipe, says; it has places of its own on the card.
_NOT_RECIPE = ("name", "seed", "sessions", "started_from", "data_fingerprint", "torch")


class ScoreTitle(Protocol):
    """How a score is shown, as :class:`napari_colorize.evaluation.catalogue.Score` says."""

    @property
    def title(self) -> str:
        """Its name."""

    @property
    def unit(self) -> str:
        """Its unit; empty where it has none."""

    @property
    def factor(self) -> float:
        """What a stored value is multiplied by to be shown."""

    @property
    def digits(self) -> int:
        """Decimals shown."""


def card(
    record: CheckpointRecord, titles: Mapping[str, ScoreTitle] | None = None, *, level: int = 1
) -> str:
    """Return a record as Markdown that also reads well in a terminal.

    Parameters
    ----------
    record : CheckpointRecord
        What is known.
    titles : mapping, optional
        Key → how a score is shown; scores without a title appear under their key.
    level : int, optional
        Level of the heading that carries the name; the others are one below.

    Returns
    -------
    str
        Ends with a line break. What the record does not know is said to be unknown, since a gap
        would look as if there were nothing to know.
    """
    mark = "#" * level
    parts = [f"{mark} {record.name}", _wrapped(_summary(record)), _wrapped(NEVER_MEASURE)]
    for title, body in (
        ("Intended use", _wrapped(record.intended_use or "Not stated.")),
        ("Known failures", _bullets(record.known_failures) or "None are written down yet."),
        ("Scores", _scores(record, titles or {})),
        ("Training pictures", _pictures(record)),
        ("Training", _training(record)),
        ("File", _file(record)),
    ):
        parts += [f"{mark}# {title}", body]
    return "\n\n".join(parts) + "\n"


def _summary(record: CheckpointRecord) -> str:
    without = WITHOUT_EFFECT.get(record.method, ())
    settings = ", ".join(
        f"{_words(key)} {value:g}" for key, value in record.defaults.items() if key not in without
    )
    licence = (record.licence or "not stated").rstrip(".")
    known = CARDS.get(record.method)
    measures = f" Its uncertainty, 0…1, measures {known.uncertainty}." if known else ""
    source = _SOURCES[record.source]
    if record.source == "imported" and "training_pictures" in record.recipe:
        source = "trained here" + (f" on {record.created}" if record.created else "")
    return (
        f"Weights for {METHODS.get(record.method, record.method)}, architecture "
        f"`{record.architecture}`; {source}. Defaults: {settings}. "
        f"Licence: {licence}.{measures}"
    )


def _scores(record: CheckpointRecord, titles: Mapping[str, ScoreTitle]) -> str:
    columns = {
        _AT_DEFAULTS: record.scores,
        **{
            f"at {_settings(other['changed'])}": other["scores"]
            for other in record.scores.get("other_settings", ())
        },
        **record.scores.get("compared_with", {}),
    }
    keys = [key for key in record.scores if _is_estimate(record.scores[key])]
    if not keys:
        return _scores_of_training(record, titles)
    rows = [
        [_title(key, titles), *(_estimate(c.get(key), titles.get(key)) for c in columns.values())]
        for key in keys
    ]
    said = f"On {_graded_on(record.scores)}. In brackets 95 % bootstrap intervals over pictures."
    return f"{_wrapped(said)}\n\n{_table(['', *columns], rows)}"


def _scores_of_training(record: CheckpointRecord, titles: Mapping[str, ScoreTitle]) -> str:
    """Return the plain numbers that a training has left, of pictures that it set aside."""
    rows = [
        [_title(key, titles), f"{value:.{titles[key].digits if key in titles else 2}f}"]
        for key, value in record.scores.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if not rows:
        return "It has not been graded here."
    said = "On pictures that its own training set aside, not by an evaluation."
    return f"{_wrapped(said)}\n\n{_table(['', 'value'], rows)}"


def _graded_on(scores: Mapping[str, Any]) -> str:
    what = str(scores.get("pictures", "pictures that are not named"))
    facts = [
        f"fingerprint {scores['fingerprint'][:12]}" if "fingerprint" in scores else "",
        f"judge {scores['judge']}" if scores.get("judge") else "",
        f"graded by napari-colorize {scores['version']}" if "version" in scores else "",
    ]
    return "; ".join([what, *(fact for fact in facts if fact)])


def _title(key: str, titles: Mapping[str, ScoreTitle]) -> str:
    style = titles.get(key)
    if style is None:
        return _words(key)
    # "ΔE2000, ΔE" would say it twice.
    told = not style.unit or style.unit in style.title
    return style.title if told else f"{style.title}, {style.unit}"


def _estimate(numbers: Any, style: ScoreTitle | None) -> str:
    if not _is_estimate(numbers):
        return "–"
    factor, digits = (style.factor, style.digits) if style else (1.0, 4)
    value, low, high = (
        "–" if number is None else f"{number * factor:.{digits}f}" for number in numbers
    )
    return value if low == "–" else f"{value} ({low} … {high})"


def _is_estimate(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) == 3
        and all(number is None or isinstance(number, int | float) for number in value)
    )


def _pictures(record: CheckpointRecord) -> str:
    if not record.data:
        return "Not stated."
    rows = [
        [
            f"[{entry['name']}]({entry['url']})" if entry.get("url") else str(entry["name"]),
            str(entry["licence"]),
        ]
        for entry in record.data
    ]
    return _table(["pictures", "state of their licence"], rows)


def _training(record: CheckpointRecord) -> str:
    recipe = record.recipe
    hours = "not known" if record.hours is None else f"{record.hours:.2g}"
    seed = "not known" if record.seed is None else str(record.seed)
    lines = [
        f"Recipe: {recipe.get('name', 'not stated')}",
        f"Seed: {seed}",
        f"Hours: {hours}",
        f"Hardware: {record.hardware or 'not known'}",
    ]
    if recipe.get("started_from"):
        start = recipe["started_from"]
        lines.append(f"Started from: {start['name']} (SHA-256 {start['sha256'][:12]}…)")
    if recipe.get("data_fingerprint"):
        lines.append(f"Fingerprint of the pictures: {recipe['data_fingerprint'][:12]}…")
    lines += [
        "Made with: " + ", ".join(f"{what} {version}" for what, version in session.items())
        for session in recipe.get("sessions", ())
    ]
    settings = [f"{key}={_value(value)}" for key, value in _flat(recipe)]
    told = f"\n\n{_wrapped('All settings: ' + '; '.join(settings) + '.')}" if settings else ""
    return _bullets(lines) + told


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if not prefix and key in _NOT_RECIPE:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value not in ("", [], (), None):
            yield f"{prefix}{key}", value


def _file(record: CheckpointRecord) -> str:
    size = f"{record.size_bytes / 1e6:.1f} MB" if record.size_bytes else "not known"
    lines = [
        f"Name: {record.file or 'to be fetched'}",
        f"Size: {size}",
        f"SHA-256: {record.sha256}",
    ]
    if record.borrowed:
        lines.append(f"Its trunk is that of {record.borrowed['file']} and is stored there")
    if record.url:
        lines.append(f"From: <{record.url}>")
    if record.created:
        lines.append(f"Made on {record.created}")
    if record.version:
        lines.append(f"Record written by napari-colorize {record.version}")
    return _bullets(lines)


def _settings(changed: Mapping[str, Any]) -> str:
    return ", ".join(f"{_words(key)} {_value(value)}" for key, value in changed.items())


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(key: str) -> str:
    return key.replace("_", " ")


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns also line up in a terminal."""
    # A bar within a cell, as in "|Δ colourfulness|", would end it.
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (heading, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    lines = [cells[0], ["-" * width for width in widths], *cells[1:]]
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(
        textwrap.fill(line, WIDTH, initial_indent="- ", subsequent_indent="  ", **_KEPT_WHOLE)
        for line in lines
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, **_KEPT_WHOLE)


_KEPT_WHOLE: Any = {"break_long_words": False, "break_on_hyphens": False}
