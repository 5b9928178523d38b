"""What is graded: a named function from a grey picture to a coloured one.

Anything callable can be graded: ``GradedMethod("mine", lambda grey: my_colour(grey))``. The
function gets the ``(H, W)`` uint8 sRGB grey of the truth's lightness and returns ``(H, W, 3)``
uint8, or an object with ``rgb`` and perhaps ``uncertainty`` and ``clipped``, as
:func:`napari_colorize.colorize` does.

Beside the methods stand two kinds that only look like them. *Baselines* must be beaten: grey, the
mean colour, and random colours of the training photographs; none looks at what is in the picture,
and lightness is kept as a method keeps it. *Damaged* methods show which scores notice: one that
"sees" misplaced colour must rank a sound method above itself with its colours shuffled;
:attr:`~napari_colorize.evaluation.catalogue.Score.sees` says which scores claim what, and
:func:`blind_scores` holds them to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_colorize.evaluation.catalogue import DAMAGES, SCORES
from napari_colorize.evaluation.colour import as_rgb8, to_lab
from napari_colorize.evaluation.prior import Prior, load_prior
from napari_colorize.evaluation.scoring import Coloured
from napari_colorize.ops.bins import BIN_STEP, bin_centres


@dataclass(frozen=True)
class GradedMethod:
    """A method under evaluation.

    Parameters
    ----------
    name : str
        What the report calls it; unique in a report.
    colour : callable
        ``(H, W)`` uint8 grey → coloured picture. It must give the same result for the same input.
    settings : mapping
        Everything that its result depends on (checkpoint, hash, parameters), JSON-able. Stored in
        the report; a changed setting makes earlier results of an interrupted run unusable.
    kind : {"method", "baseline", "damaged"}
        How the report groups it.
    """

    name: str
    colour: Callable[[np.ndarray], Any] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "method"

    def __post_init__(self) -> None:
        """Refuse what could not be told apart or stored."""
        if not self.name.strip():
            raise ValueError("The method has no name; the report needs one to tell it apart.")
        if self.kind not in ("method", "baseline", "damaged"):
            raise ValueError(f"kind is {self.kind!r}; use 'method', 'baseline' or 'damaged'.")
        json.dumps(dict(self.settings))

    @property
    def key(self) -> str:
        """A short hash of name, kind and settings."""
        body = json.dumps([self.name, self.kind, dict(self.settings)], sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()[:12]


def colorize_method(
    method: str | None = None, *, name: str | None = None, **parameters: Any
) -> GradedMethod:
    """Return :func:`napari_colorize.colorize` with fixed parameters as a graded method.

    Parameters
    ----------
    method : str, optional
        A method of :func:`napari_colorize.colorize`; that of ``checkpoint`` if left out, or
        ``"colorful"`` where neither is given.
    name : str, optional
        What the report calls it; the method and the given parameters if left out.
    **parameters
        Fields of :class:`napari_colorize.ColorizeParameters`.

    Returns
    -------
    GradedMethod
        Its settings hold every parameter as used and the weights' SHA-256.
    """
    from napari_colorize import checkpoints
    from napari_colorize.api import asked_for, colorize
    from napari_colorize.parameters import ColorizeParameters

    given = asked_for(None, method, parameters, ColorizeParameters)
    checkpoint = given.checkpoint or checkpoints.default_for(given.method).name
    record = checkpoints.load(checkpoint, "cpu").record
    used = given.resolved(record.defaults).changed(checkpoint=checkpoint)
    # The checkpoint by its name: its path would lead nowhere on another machine
    told = parameters | ({"checkpoint": record.name} if "checkpoint" in parameters else {})
    said = ", ".join(f"{key}={value}" for key, value in sorted(told.items()))
    settings = used.to_dict()
    settings["checkpoint"] = record.name
    settings["sha256"] = record.sha256

    def colour(grey: np.ndarray) -> Any:
        # 8-bit pictures: the codes are the grey itself, whatever window was meant for raw data
        return colorize(grey, parameters=used.changed(window=(0, 255)))

    plain = f"{given.method} ({said})" if said else given.method
    return GradedMethod(name or plain, colour, settings)


def methods_of(
    names: tuple[str, ...], checkpoints: tuple[str, ...], changes: tuple[str, ...]
) -> list[GradedMethod]:
    """Return one method for each name and each checkpoint, all with the same changed parameters.

    Where checkpoints are named and no method is, each is of its own.
    """
    parameters = dict(_parsed(change) for change in changes)
    weights = [{"checkpoint": checkpoint} for checkpoint in checkpoints] or [{}]
    if not names:  # weights say themselves which method they are of
        return [colorize_method(**one, **parameters) for one in weights]
    return [colorize_method(name, **one, **parameters) for name in names for one in weights]


def _parsed(change: str) -> tuple[str, Any]:
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"--set {change} is not KEY=VALUE, such as --set vividness=0.5.")
    try:
        return key.strip(), json.loads(value)
    except ValueError:
        return key.strip(), value


CELL = 16
"""Side of the patches that the random baseline paints, in pixels."""


def baselines(*, seed: int = 0, prior: Prior | None = None) -> list[GradedMethod]:
    """Return the baselines of every report.

    Parameters
    ----------
    seed : int
        Of the random colours.
    prior : Prior, optional
        Where mean and random colours come from; the shipped one if left out.
    """
    prior = prior or load_prior()
    source = prior.provenance.get("fingerprint", "")
    mean = prior.mean_ab
    return [
        GradedMethod("grey", grey, kind="baseline"),
        GradedMethod(
            "mean chroma",
            lambda picture: with_chroma(picture, np.broadcast_to(mean, (*picture.shape, 2))),
            {"a": round(float(mean[0]), 3), "b": round(float(mean[1]), 3), "prior": source},
            "baseline",
        ),
        GradedMethod(
            "random chroma",
            lambda picture: with_chroma(picture, random_chroma(picture, prior, seed)),
            {"cell": CELL, "seed": seed, "prior": source},
            "baseline",
        ),
    ]


def grey(picture: np.ndarray) -> Coloured:
    """Leave the picture grey."""
    return Coloured(np.repeat(picture[..., None], 3, axis=2))


def random_chroma(picture: np.ndarray, prior: Prior, seed: int) -> np.ndarray:
    """Draw colours from the training photographs' prior, one for each 16 × 16 patch.

    Zhang, Isola and Efros (2016), section 3.1, copy the colours of a random training picture. Its
    expected scores pixel by pixel are those of drawing from the prior, and no picture has to be
    shipped. Drawn evenly within a bin's square.

    Returns
    -------
    numpy.ndarray
        ``(H, W, 2)`` float; the same for the same picture and seed.
    """
    shown = hashlib.sha256(picture.tobytes()).digest()[:8]
    generator = np.random.default_rng([seed, int.from_bytes(shown, "little")])
    height, width = picture.shape
    cells = (-(-height // CELL), -(-width // CELL))
    drawn = bin_centres()[generator.choice(len(prior.counts), size=cells, p=prior.probability)]
    drawn = drawn + generator.uniform(-BIN_STEP / 2, BIN_STEP / 2, drawn.shape)
    return np.repeat(np.repeat(drawn, CELL, axis=0), CELL, axis=1)[:height, :width]


def with_chroma(picture: np.ndarray, ab: np.ndarray) -> Coloured:
    """Give a grey picture chroma, at its own lightness.

    Parameters
    ----------
    picture : numpy.ndarray
        ``(H, W)`` uint8 sRGB grey, or ``(H, W, 3)`` uint8 whose L* is kept.
    ab : numpy.ndarray
        ``(H, W, 2)`` in Lab units.

    Returns
    -------
    Coloured
        With the mask of colours that were moved towards grey to fit into sRGB.
    """
    import torch

    from napari_colorize import ops
    from napari_colorize.evaluation.colour import to_lab

    rgb = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else as_rgb8(picture)
    lab = np.concatenate([to_lab(rgb)[..., :1], ab.astype(np.float32)], axis=2)
    fitted, clipped = ops.gamut_clip(torch.from_numpy(lab))
    return Coloured(
        ops.lab_to_rgb(fitted, dtype=torch.uint8).numpy(), clipped=clipped.numpy().astype(bool)
    )


HUE_ANGLE = 30.0
"""Degrees by which the hue damage turns every colour on the ab plane."""


def damaged(method: GradedMethod) -> list[GradedMethod]:
    """Return the method without its chroma, with its chroma shuffled, with its hues turned."""
    colour = _remembering(method.colour)
    return [
        GradedMethod(
            f"{method.name} · {damage}",
            _damaging(colour, _CHANGES[damage]),
            {**method.settings, "damage": damage},
            "damaged",
        )
        for damage in DAMAGES
    ]


def no_chroma(ab: np.ndarray) -> np.ndarray:
    """Multiply the chroma by 0."""
    return np.zeros_like(ab)


def shuffled_chroma(ab: np.ndarray) -> np.ndarray:
    """Give each pixel the chroma of another pixel of the picture, at random but reproducibly."""
    flat = ab.reshape(-1, 2)
    seed = int.from_bytes(hashlib.sha256(flat.tobytes()).digest()[:8], "little")
    return np.random.default_rng(seed).permutation(flat).reshape(ab.shape)


def turned_hue(ab: np.ndarray, degrees: float = HUE_ANGLE) -> np.ndarray:
    """Turn every colour on the ab plane, at its own chroma."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ab @ turn.T.astype(ab.dtype)


def blind_scores(
    estimates: Mapping[str, Mapping[str, float | None]], method: str
) -> list[tuple[str, str]]:
    """List the claims that do not hold: (score, damage) where the damage did not cost anything.

    Parameters
    ----------
    estimates : mapping
        Method name → score key → value, holding ``method`` and its damaged forms.
    method : str
        Name of the sound method.
    """
    sound = estimates[method]
    failed = []
    for score in SCORES:
        for damage in score.sees:
            value, spoilt = sound.get(score.key), estimates[f"{method} · {damage}"].get(score.key)
            if value is None or spoilt is None:
                continue
            worse = spoilt < value if score.better == "higher" else spoilt > value
            if not worse:
                failed.append((score.key, damage))
    return failed


def _remembering(colour: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """Keep the last result: the damaged forms of one picture are asked for one after the other."""
    last: dict[bytes, Any] = {}

    def remembered(grey: np.ndarray) -> Any:
        key = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).digest()
        if key not in last:
            result = colour(grey)
            last.clear()
            last[key] = result
        return last[key]

    return remembered


def _damaging(
    colour: Callable[[np.ndarray], Any], change: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], Coloured]:
    def damaged_colour(grey: np.ndarray) -> Coloured:
        sound = Coloured.of(colour(grey), grey.shape)
        spoilt = with_chroma(sound.rgb, change(to_lab(sound.rgb)[..., 1:]))
        return Coloured(spoilt.rgb, sound.uncertainty, spoilt.clipped)

    return damaged_colour


_CHANGES = dict(zip(DAMAGES, (no_chroma, shuffled_chroma, turned_hue), strict=True))
