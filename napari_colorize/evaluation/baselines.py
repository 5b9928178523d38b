"""What a method must beat, and what every score must see.

Baselines: grey, the mean colour, random colours, and a like photograph's colours.

The first three do not look at what is in the picture; :class:`Welsh` does. Lightness is kept as a
method keeps it: a colour that sRGB cannot show at a pixel's L* moves towards grey. Damages: true
colour taken away, shuffled or turned, which a score that sees it must punish.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize import checkpoints
from napari_colorize.evaluation.catalogue import DAMAGES, SCORES
from napari_colorize.evaluation.colour import as_rgb8, to_lab
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.prior import Prior, load_prior
from napari_colorize.evaluation.scoring import Coloured
from napari_colorize.files.pictures import find_pictures, fingerprint_of_names
from napari_colorize.ops.bins import BIN_STEP, bin_centres

MOST_REFERENCES = 300

CELL = 16
"""Side of the patches that the random baseline paints, in pixels."""


def baselines(
    *, seed: int = 0, prior: Prior | None = None, references: Sequence[str | Path] = ()
) -> list[GradedMethod]:
    """Return the baselines of every report.

    Parameters
    ----------
    seed : int
        Of the random colours.
    prior : Prior, optional
        Where mean and random colours come from; the shipped one if left out.
    references : sequence of path, optional
        Photographs for :class:`Welsh`, which is left out without.
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
        *([Welsh(references).method()] if references else []),
    ]


class Welsh:
    """Colours of the most like of some photographs, laid on by Welsh, Ashikhmin and Mueller (2002).

    The paper leaves the choice of a reference to a person. Here it is the photograph whose trunk
    features, averaged over its cells, point most nearly the way of the picture's
    (:func:`napari_colorize.guided.matching.described`). None that is the picture itself may be
    among them: give training photographs.

    Parameters
    ----------
    sources : sequence of path
        Folders and tar archives of photographs.
    most : int
        So many of them are kept, those whose names have the least SHA-256.
    """

    def __init__(self, sources: Sequence[str | Path], most: int = MOST_REFERENCES) -> None:
        pictures = find_pictures(sources)
        pictures.sort(key=lambda one: hashlib.sha256(one.name.encode()).digest())
        self._pictures = pictures[:most]
        self._features: np.ndarray | None = None

    def method(self) -> GradedMethod:
        """Return it as a method to grade."""
        settings = {
            "references": fingerprint_of_names(self._pictures),
            "count": len(self._pictures),
            "seed": 0,
            "features": checkpoints.registry.record("colorful").sha256,
        }
        return GradedMethod("Welsh", self, settings, "baseline")

    def __call__(self, picture: np.ndarray) -> Coloured:
        """Colour a grey picture, (H, W) uint8."""
        from napari_colorize.guided.welsh import transfer

        if self._features is None:
            found = [_features_of(_lightness(one.read())) for one in self._pictures]
            self._features = np.stack(found)
        light = _lightness(np.repeat(picture[..., None], 3, axis=2))
        nearest = int((self._features @ _features_of(light)).argmax())
        try:
            return with_chroma(picture, transfer(light, self._pictures[nearest].read()).chroma)
        except ValueError:  # the most like photograph is grey
            return grey(picture)


def _lightness(rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(to_lab(rgb)[..., 0], np.float32)


def _features_of(light: np.ndarray) -> np.ndarray:
    """Return the mean of the features of a picture's cells, of length 1."""
    import torch

    from napari_colorize.guided.matching import described
    from napari_colorize.pipeline.resample import network_shape, resize

    model = checkpoints.load("colorful")
    shown = network_shape(
        light.shape[0], light.shape[1], int(model.record.defaults["network_size"])
    )
    seen = torch.from_numpy(resize(light, shown))[None, None]
    mean = described(model.graph, seen).features.mean(0)
    return mean / np.linalg.norm(mean)


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
