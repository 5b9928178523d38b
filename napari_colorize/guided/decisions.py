"""What a front door is told beside a picture: hints, a reference, a palette; and how they act."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.hints import AS_PREDICTED, Drawn, Hints
from napari_colorize.guided.listening import Listening, Voices, listener_for
from napari_colorize.guided.palettes import (
    Palette,
    has_distribution,
    palette_of,
    with_palette,
)
from napari_colorize.guided.solve import Solved, solve
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.clipped import clipped_colours
from napari_colorize.pipeline.image import Plane
from napari_colorize.pipeline.plane import ColouredPlane
from napari_colorize.pipeline.refine import full_size_map, full_size_rgb, with_alpha

if TYPE_CHECKING:
    from torch import Tensor

SEED = 0
"""Of the samples that are drawn from a reference."""

MOST_TEXT = 200_000
"""Hints with more characters than this are named in a record by their file and hash alone."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture that lends its colours.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 array
        sRGB.
    path : str or None
        The file it came from.
    """

    pixels: NDArray[np.uint8]
    path: str | None = None

    def described(self) -> dict[str, Any]:
        """Return what a record keeps of it."""
        shape = self.pixels.shape
        said = str(shape).encode() + self.pixels.tobytes()
        digest = hashlib.sha256(said).hexdigest()
        return {"path": self.path, "shape": list(shape), "sha256": digest, "seed": SEED}


@dataclass(frozen=True, eq=False, kw_only=True)
class Decisions:
    """All that a person says of a picture's colours; see :func:`decisions_of`.

    Parameters
    ----------
    hints : Hints, optional
    reference : Reference, optional
    palette : Palette, optional
    palette_strength : float
        Exponent of the palette, 0…1.
    spread : float
        How far a hint speaks for places that look alike, 0…1; see
        :func:`napari_colorize.guided.solve.solve`.
    """

    hints: Hints | None = None
    reference: Reference | None = None
    palette: Palette | None = None
    palette_strength: float = 1.0
    spread: float = 1.0

    def __post_init__(self) -> None:
        """Check the shares."""
        for name in ("palette_strength", "spread"):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not 0 <= value <= 1
            ):
                raise ValueError(f"{name} is {value!r}; it must be 0 to 1.")

    def drawn_over(self, shape: tuple[int, int]) -> Drawn | None:
        """Lay the hints over a picture of so many rows and columns.

        Raises
        ------
        ValueError
            They are for another; see :meth:`napari_colorize.guided.hints.Hints.drawn`.
        """
        return self.hints.drawn(shape) if self.hints is not None else None

    def listening(self, model: Any) -> Any:
        """Return ``graph`` and ``record`` of a model that predicts under what was decided.

        Its graph is a :class:`~napari_colorize.guided.listening.Listening` where there are weights
        that listen for the model, and hints or a reference for them.
        """
        if self.hints is not None or self.reference is not None:
            listener = listener_for(model)
            if listener is not None:
                ear = Listening(listener, self.palette, self.palette_strength)
                return SimpleNamespace(graph=ear, record=model.record)
        if self.reference is not None:
            raise ValueError(
                f"There are no weights that listen for {model.record.name!r}, so a reference "
                "cannot act on it; take the method 'colorful' with its own weights, or 'transfer'."
            )
        if self.palette is None:
            return model
        return SimpleNamespace(
            graph=Under(self.palette, self.palette_strength, model), record=model.record
        )

    def decided(
        self,
        coloured: ColouredPlane,
        seen: NDArray[np.float32],
        chroma: "Tensor",
        drawn: Drawn | None,
        should_stop: Callable[[], bool] | None = None,
        graph: Any = None,
    ) -> ColouredPlane:
        """Change a finished prediction to what the hints say, and have its record say so.

        Parameters
        ----------
        coloured : ColouredPlane
        seen, chroma
            What it was made of; see :func:`napari_colorize.pipeline.refine.full_size_rgb`.
        drawn : Drawn or None
            The hints.
        should_stop : callable, optional
            See :func:`napari_colorize.guided.solve.solve`.
        graph : callable, optional
            What predicted it, from :meth:`listening`: asked again if it listens.

        Returns
        -------
        ColouredPlane
            The same, bit for bit, in pieces of the picture without a coloured hint.
        """
        if drawn is None or not drawn.coloured:
            return replace(coloured, facts={**coloured.facts, "guide": self.described(None)})
        plane, used = coloured.plane, coloured.parameters
        prior, moved = prior_chroma(plane, seen, chroma, used)
        listen = None
        if isinstance(graph, Listening):
            listen = partial(listened, graph, plane, seen, used, drawn)
        solved = solve(
            plane.lightness(),
            prior,
            drawn,
            uncertainty=coloured.uncertainty,
            spread=self.spread,
            listen=listen,
            should_stop=should_stop,
        )
        own, own_moved = rgb_of_chroma(plane, solved.chroma, used)
        rgb = coloured.rgb.copy()
        rgb[solved.touched, :3] = own[solved.touched]
        moved[solved.touched] = own_moved[solved.touched]
        return replace(
            coloured,
            rgb=rgb,
            uncertainty=solved.uncertainty,
            moved_share=np.count_nonzero(moved) / moved.size,
            clipped=clipped_colours(moved, plane),
            facts={**coloured.facts, "guide": self.described(solved)},
        )

    def alone(
        self,
        plane: Plane,
        drawn: Drawn | None,
        asked: ColorizeParameters,
        should_stop: Callable[[], bool] | None = None,
    ) -> ColouredPlane:
        """Colour without weights: by hints alone, or by a reference alone.

        Parameters
        ----------
        plane : Plane
        drawn : Drawn or None
        asked : ColorizeParameters
            Its method is ``"scribbles"`` or ``"transfer"``.
        should_stop : callable, optional

        Raises
        ------
        ValueError
            What the method needs is missing.
        """
        light = plane.lightness()
        if asked.method == "scribbles":
            prior = np.zeros((*light.shape, 2), np.float32)
            coloured = np.zeros(light.shape, bool)
        else:
            prior = self._transferred(light)
            coloured = np.ones(light.shape, bool)
        if drawn is not None and drawn.coloured:
            solved = solve(light, prior, drawn, spread=0.0, should_stop=should_stop)
        elif asked.method == "scribbles":
            raise ValueError(
                "The method 'scribbles' takes colour from hints alone, and there is none with a "
                "colour; give hints=…."
            )
        else:
            solved = Solved(prior, coloured, 0, 0)
        rgb, moved = rgb_of_chroma(plane, solved.chroma, asked)
        return ColouredPlane(
            plane=plane,
            network_shape=None,
            rgb=with_alpha(rgb, plane.alpha),
            uncertainty=np.where(solved.touched | coloured, np.float32(0), np.float32(1)),
            moved_share=np.count_nonzero(moved) / moved.size,
            clipped=clipped_colours(moved, plane),
            parameters=asked.changed(device="cpu"),
            checkpoint=None,
            facts={"guide": self.described(solved)},
        )

    def _transferred(self, light: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a and b taken from the reference."""
        if self.reference is None:
            raise ValueError("The method 'transfer' needs a reference picture; give reference=….")
        from napari_colorize.guided.welsh import transfer

        return transfer(light, self.reference.pixels, seed=SEED).chroma

    def described(self, solved: Solved | None) -> dict[str, Any]:
        """Return what a record keeps of all this: enough to do it again; plain JSON."""
        said: dict[str, Any] = {"spread": float(self.spread)}
        if self.hints is not None:
            values = self.hints.to_dict()
            whole = len(str(values.get("labels", ""))) <= MOST_TEXT
            said["hints"] = {
                "file": self.hints.file,
                "sha256": self.hints.digest,
                "said": self.hints.legend,
                "values": values if whole else None,
                "held": 0 if solved is None else solved.held,
                "moved": 0 if solved is None else solved.moved,
            }
        if self.reference is not None:
            said["reference"] = self.reference.described()
        if self.palette is not None:
            said["palette"] = {
                "name": self.palette.name,
                "colours": list(self.palette.colours),
                "strength": float(self.palette_strength),
            }
        return said


class Under:
    """Stands in for a graph: predicts under a palette.

    Parameters
    ----------
    palette : Palette
    strength : float
        0…1.
    model : checkpoints.LoadedModel
        What predicts.

    Raises
    ------
    ValueError
        The method predicts no distribution, so that a palette cannot act.
    """

    def __init__(self, palette: Palette, strength: float, model: Any) -> None:
        if not has_distribution(model.graph):
            raise ValueError(
                "A palette acts on methods that predict how probable colours are; choose the "
                "method 'colorful', or leave the palette out."
            )
        self._palette, self._strength, self._model = palette, strength, model

    def __call__(
        self, luma: "Tensor", temperature: "Tensor", vividness: "Tensor"
    ) -> "tuple[Tensor, Tensor]":
        """Predict as the graph does, with the palette's colours more probable."""
        return with_palette(
            self._model.graph, luma, temperature, vividness, self._palette, self._strength
        )

    def over(self, model: Any) -> "Under":
        """Return the same over the model on another device, where memory ran out on this one."""
        return Under(self._palette, self._strength, model)


def decisions_of(
    hints: Any = None,
    reference: Any = None,
    palette: Any = None,
    palette_strength: float = 1.0,
    spread: float = 1.0,
) -> Decisions:
    """Return what a front door was told, checked.

    Parameters
    ----------
    hints : Hints, path, mapping or None
    reference : (H, W, 3) array, str, path or None
        See :func:`picture_of`.
    palette : Palette, sequence of colours, str, path or None
        See :func:`napari_colorize.guided.palettes.palette_of`.
    palette_strength, spread : float
        0…1.

    Raises
    ------
    TypeError, ValueError
        Something cannot be used; the sentence says what.
    """
    return Decisions(
        hints=Hints.of(hints),
        reference=None if reference is None else Reference(*picture_of(reference)),
        palette=palette_of(palette),
        palette_strength=palette_strength,
        spread=spread,
    )


def listened(
    ear: Listening,
    plane: Plane,
    seen: NDArray[np.float32],
    used: ColorizeParameters,
    drawn: Drawn,
    held: NDArray[np.bool_],
    target: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is predicted at full size once the network has heard hints.

    Parameters
    ----------
    ear : Listening
        Which has looked at the picture.
    plane, seen, used
        As for :func:`prior_chroma`.
    drawn : Drawn
        All hints of the picture.
    held, target
        Those to be heard; see :data:`napari_colorize.guided.solve.Listen`.
    """
    voices = Voices.of(held, target, drawn.state == AS_PREDICTED, ear.grid)
    chroma, uncertainty = ear.heard(voices)
    full, _ = prior_chroma(plane, seen, chroma, used)
    return full, full_size_map(uncertainty, plane.luma.shape)


def prior_chroma(
    plane: Plane, seen: NDArray[np.float32], chroma: "Tensor", used: ColorizeParameters
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return what a prediction is at full size, in gamut, and where it had to be moved there.

    Returns
    -------
    chroma : (H, W, 2) float32 array
        a and b in Lab units.
    moved : (H, W) bool array
    """
    import torch

    from napari_colorize import ops

    rgb, moved = full_size_rgb(plane, seen, chroma, used.changed(dtype="float32"))
    return np.ascontiguousarray(ops.rgb_to_lab(torch.from_numpy(rgb))[..., 1:].numpy()), moved


def rgb_of_chroma(
    plane: Plane, chroma: NDArray[np.float32], used: ColorizeParameters
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the RGB of full-size chroma under a picture's lightness, and where it was moved."""
    import torch

    planes = torch.from_numpy(np.ascontiguousarray(chroma.transpose(2, 0, 1)))[None]
    plain = used.changed(refinement="bilinear")  # of full-size chroma there is nothing to refine
    return full_size_rgb(plane, np.empty((0, 0), np.float32), planes, plain)


def picture_of(reference: Any) -> tuple[NDArray[np.uint8], str | None]:
    """Return a reference as (H, W, 3) uint8 RGB, and its path where it was one.

    Raises
    ------
    TypeError, ValueError
        It is no picture with colour.
    """
    path = None
    if isinstance(reference, (str, Path)) or hasattr(reference, "__fspath__"):
        from napari_colorize import files

        path = str(Path(reference))
        reference = files.read(path)[0].pixels
    pixels = np.asarray(reference)
    named = Path(path).name if path else "The reference"
    if pixels.ndim != 3 or pixels.shape[-1] not in (3, 4) or not pixels.size:
        raise ValueError(
            f"{named} has shape {pixels.shape} and so no colour; give a picture (height, width, 3)."
        )
    pixels = pixels[..., :3]
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype.kind == "f":
        pixels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        raise ValueError(f"{named} holds {pixels.dtype}; give uint8, uint16 or floats 0 to 1.")
    spread = pixels.max(-1).astype(int) - pixels.min(-1)
    if int(spread.max()) <= 4:
        raise ValueError(f"{named} is grey; a reference lends its colour, so choose one with some.")
    return np.ascontiguousarray(pixels), path
