"""A prediction that hears hints: one look at a picture, then no more than a decoder for a stroke.

:class:`Listening` stands in for a method's graph. Called as a graph it predicts what the graph
predicts, and remembers what the network saw; :meth:`Listening.heard` then gives the prediction for
any hints (:mod:`napari_colorize.methods.colorful.listening`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize import checkpoints
from napari_colorize.guided.hints import AS_PREDICTED, Drawn
from napari_colorize.guided.matching import STRIDE, Lent, Matched
from napari_colorize.guided.palettes import Palette
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.image import Plane
from napari_colorize.pipeline.refine import full_size_map, full_size_rgb

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "colorful-listening"

MOST_VOICES = 128
"""So many cells speak at the most; a Gaussian process costs the third power of their number."""


def listener_for(model: Any) -> Any:
    """Return the weights that listen for a model, or None where there are none.

    Parameters
    ----------
    model : checkpoints.LoadedModel
        Itself, where it listens; else a checkpoint on this machine whose network is, by its hash,
        that of the very file that this model is.

    Returns
    -------
    checkpoints.LoadedModel or None
    """
    record = model.record
    if getattr(record, "architecture", "") == ARCHITECTURE:
        return model
    for candidate in checkpoints.available():
        if candidate.architecture != ARCHITECTURE:
            continue
        learnt_on = candidate.borrowed or candidate.recipe.get("started_from") or {}
        if learnt_on.get("sha256") == record.sha256:
            return checkpoints.load(candidate.name, getattr(model, "device", "cpu"))
    return None


@dataclass(frozen=True, eq=False)
class Voices:
    """What hints say, as the network hears it.

    Parameters
    ----------
    rows, columns : (M,) float arrays
        Where, as shares of the picture's height and width, 0…1.
    colours : (M, 2) float32 array
        a and b in Lab units; NaN: as it was predicted.
    doubts : (M,) float32 array
        Standard deviation of the colours, Lab units; 0 where a person set them.
    """

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    colours: NDArray[np.float32]
    doubts: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        held: NDArray[np.bool_],
        target: NDArray[np.float32],
        as_predicted: NDArray[np.bool_],
        grid: tuple[int, int],
    ) -> "Voices":
        """Group hinted pixels: one voice for a cell of the network's grid and a colour.

        Parameters
        ----------
        held, as_predicted : (H, W) bool arrays
            Hinted pixels, and those of them that keep the prediction.
        target : (H, W, 2) float32 array
            Their a and b.
        grid : (int, int)
            Rows and columns of the network's cells.
        """
        rows, columns = np.nonzero(held)
        down, across = (rows + 0.5) / held.shape[0], (columns + 0.5) / held.shape[1]
        kept = as_predicted[rows, columns]
        wanted = np.where(kept[:, None], 0, target[rows, columns])
        cells = (down * grid[0]).astype(int), (across * grid[1]).astype(int)
        key = np.stack([*cells, kept, *np.rint(wanted / 4).astype(int).T], 1)
        _, group = np.unique(key, axis=0, return_inverse=True)
        group = group.ravel()
        count = np.bincount(group)
        found = [np.bincount(group, one) / count for one in (down, across, kept, *wanted.T)]
        # Evenly through the picture where there are more than can be heard.
        some = np.unique(np.linspace(0, len(count) - 1, MOST_VOICES).round().astype(int))
        down, across, kept, a, b = (one[some] for one in found)
        colours = np.stack([a, b], 1).astype(np.float32)
        colours[kept > 0.5] = np.nan
        return cls(down, across, colours, np.zeros(len(some), np.float32))

    def joined(self, other: "Voices") -> "Voices":
        """Return these and others."""
        return Voices(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.columns, other.columns]),
            np.concatenate([self.colours, other.colours]),
            np.concatenate([self.doubts, other.doubts]),
        )


NOTHING = Voices(np.empty(0), np.empty(0), np.empty((0, 2), np.float32), np.empty(0, np.float32))


class Listening:
    """One picture that was looked at, and a prediction for whatever is said of it.

    Parameters
    ----------
    model : checkpoints.LoadedModel
        From :func:`listener_for`.
    palette : Palette, optional
        Reweights the distribution, heard or not.
    strength : float
        Of the palette, 0…1.
    reference : Lent, optional
        A picture whose colours are heard wherever something in it matches.

    Attributes
    ----------
    alone : (1, 2, h, w) float32 tensor
        What was predicted last without hints.
    """

    def __init__(
        self,
        model: Any,
        palette: Palette | None = None,
        strength: float = 1.0,
        reference: Lent | None = None,
    ) -> None:
        self.model, self._palette, self._strength = model, palette, strength
        self._reference = reference
        self._matched: Matched | None = None
        self.alone: Any = None
        self._look: Any = None
        self._logits: Any = None
        self._settings: Any = None
        self._shape = (0, 0)
        self._width = 0

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the network's cells in the picture that was looked at last."""
        height, width = self._shape
        return -(-height // STRIDE), -(-width // STRIDE)

    def __call__(
        self, luma: "Tensor", temperature: "Tensor", vividness: "Tensor"
    ) -> "tuple[Tensor, Tensor]":
        """Look at a picture and predict without hints, as a graph does."""
        graph = self.model.graph
        self._look = graph.look(luma)
        self._settings = float(temperature), vividness
        self._shape = int(luma.shape[2]), int(luma.shape[3])
        multiple = int(graph.multiple)
        self._width = -(-self._shape[1] // multiple) * multiple // STRIDE
        self._matched = None
        if self._reference is not None:
            self._matched = self._reference.matched(graph, luma)
        chroma, uncertainty = self.heard(NOTHING)
        self.alone = chroma
        return chroma, uncertainty

    def heard(self, voices: Voices) -> "tuple[Tensor, Tensor]":
        """Predict the picture that was looked at last, given hints.

        Returns
        -------
        chroma : (1, 2, h, w) float32 tensor
            a and b in Lab units.
        uncertainty : (1, 1, h, w) float32 tensor
            0…1.
        """
        import torch

        with torch.inference_mode():
            seen = self._look[0]
            said = voices if self._matched is None else voices.joined(Voices(*self._matched.said))
            self._logits = self._told(said) if len(said.rows) else seen.logits
            chroma, uncertainty = self._decoded(self._logits)
            if self._matched is None or self._matched.everywhere:
                return chroma, uncertainty
            own = self._told(voices) if len(voices.rows) else seen.logits
            return self._matched.laid_over(chroma, *self._decoded(own))

    def probable(self, row: float, column: float) -> NDArray[Any]:
        """Return the distribution over the 313 bins at a place, given what was heard last.

        Parameters
        ----------
        row, column : float
            Shares of the picture's height and width, 0…1.

        Returns
        -------
        (313,) float32 array
        """
        import torch

        with torch.inference_mode():
            cell = self._cells(np.array([row]), np.array([column]))
            return (self._logits[0, cell[0]] + self._bias()).softmax(0).float().cpu().numpy()

    def over(self, model: Any) -> "Listening":
        """Return the same over the model on another device, where memory ran out on this one."""
        return Listening(listener_for(model), self._palette, self._strength, self._reference)

    def _told(self, voices: Voices) -> "Tensor":
        import torch

        seen, alike = self._look
        device = seen.logits.device
        at = torch.from_numpy(self._cells(voices.rows, voices.columns)).to(device)[None]
        colour, doubt = (
            torch.from_numpy(np.ascontiguousarray(one)).float().to(device)[None]
            for one in (voices.colours, voices.doubts)
        )
        predicted = alike.mean[0, at[0]][None] * self.model.graph.listener.unit
        colour = torch.where(colour.isnan(), predicted, colour)
        return self.model.graph.heard(
            seen, alike, at, colour, doubt, torch.ones_like(at, dtype=torch.bool)
        )

    def _cells(self, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.int64]:
        height, width = self.grid
        down = np.clip((rows * height).astype(np.int64), 0, height - 1)
        return down * self._width + np.clip((columns * width).astype(np.int64), 0, width - 1)

    def _bias(self) -> "Tensor":
        import torch

        graph = self.model.graph
        rebalanced = self._settings[1].to(graph.log_weights.device) - graph.trained_rebalancing
        bias = rebalanced * graph.log_weights
        if self._palette is not None:
            weights = torch.from_numpy(self._palette.log_weights()).to(bias.device)
            bias = bias + self._strength * weights
        return bias

    def _decoded(self, logits: "Tensor") -> "tuple[Tensor, Tensor]":
        from napari_colorize import ops

        height, width = self.grid
        planes = logits.reshape(1, -1, self._width, logits.shape[-1])[:, :height, :width]
        return ops.annealed_mean(
            planes.permute(0, 3, 1, 2),
            self.model.graph.bins,
            self._bias(),
            temperature=self._settings[0],
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


def heard_over(
    ear: Listening,
    prior: NDArray[np.float32],
    drawn: Drawn,
    held: NDArray[np.bool_],
    target: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a prediction at any size, changed as the network's own is by hints.

    Parameters
    ----------
    ear : Listening
        Which has looked at the picture, at whatever size.
    prior : (H, W, 2) float32 array
        What was predicted without hints.
    drawn, held, target
        As for :func:`listened`, of that size.
    """
    from torch.nn import functional as F

    chroma, unsure = ear.heard(Voices.of(held, target, drawn.state == AS_PREDICTED, ear.grid))
    change, doubt = (
        F.interpolate(one, held.shape, mode="bilinear", align_corners=False)[0].cpu().numpy()
        for one in (chroma - ear.alone, unsure)
    )
    return prior + change.transpose(1, 2, 0), doubt[0]


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
