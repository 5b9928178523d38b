"""Teaching the network to listen: hints with their true colour at some of the stored positions.

As in Zhang and others (2017, section 3.1): the number of hints is geometric with p = 1/8, and one
picture in a hundred shows all its colours. Places are random, where the paper draws them around the
middle: the stored positions are. One picture in nine gets 20 to 100 hints, which the paper leaves
to chance; without them nothing is learnt of what many hints say of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_colorize import ops
from napari_colorize.methods.colorful.graph import ColorfulGraph
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork
from napari_colorize.methods.colorful.listening import ListeningGraph, Seen
from napari_colorize.training.colorful.columns import Sample
from napari_colorize.training.colorful.recipe import ColorfulRecipe
from napari_colorize.training.colorful.sparse import SparseTraining
from napari_colorize.training.colorful.start import ColorfulLearner
from napari_colorize.training.recipe import build_recipe
from napari_colorize.training.start import Start, build, named_checkpoint, refuse_other_kind

if TYPE_CHECKING:
    import lightning

ARCHITECTURE = "colorful-listening"
MOST_HINTS = 100
ALL_SHARE = 0.01
GEOMETRIC = 1 / 8
TYPICAL = 2.0
"""Lab units, added in quadrature to a picture's error before its logarithm: less is no matter."""


@dataclass(frozen=True)
class HintsRecipe(ColorfulRecipe):
    """A training of the part that listens, apart from its data."""

    method: str = "hints"
    architecture: str = ARCHITECTURE
    many_share: float = 0.11
    """Share of pictures with 20 to 100 hints instead of a geometric number."""
    decoded_term: float = 2.0
    """Weight of the decoded colour's error, beside the cross-entropy."""
    decoded_temperature: float = 0.8
    decoded_vividness: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.positions or not self.start or self.start.endswith("?"):
            raise ValueError(
                "Listening is taught to a network that is there: set start to a checkpoint of "
                "colorful-hypercolumn, and positions to 128."
            )
        if not 0 <= self.many_share <= 1 or self.decoded_term < 0:
            raise ValueError("many_share must be from 0 to 1, decoded_term 0 or more.")
        if not 0.01 <= self.decoded_temperature <= 1 or not 0 <= self.decoded_vividness <= 1:
            raise ValueError("decoded_temperature and decoded_vividness must be from 0 to 1.")


def hints_recipe(name: str, table: Mapping[str, Any]) -> HintsRecipe:
    """Build the recipe from TOML's table of its fields; errors as for `colorful_recipe`."""
    return build_recipe(HintsRecipe, {**table, "name": name})


def how_many(count: int, many_share: float, random: np.random.Generator) -> NDArray[np.int64]:
    """Draw numbers of hints, one a picture; ``MOST_HINTS`` at the most, or -1 for all."""
    chance = random.random(count)
    few = np.minimum(random.geometric(GEOMETRIC, count), MOST_HINTS)
    many = random.integers(20, MOST_HINTS + 1, count)
    drawn = np.where(chance < ALL_SHARE + many_share, many, few)
    return np.where(chance < ALL_SHARE, -1, drawn)


class HintsLearner(ColorfulLearner):
    """What the trainer asks; the base network's weights stay as they are."""

    def start(self, recipe: ColorfulRecipe, prior: NDArray[np.floating]) -> Start:
        """Build the graph around the checkpoint that it is to listen for.

        Raises
        ------
        ValueError
            The checkpoint is no network of hypercolumns.
        """
        loaded = named_checkpoint(recipe, otherwise="")
        assert loaded is not None
        record = loaded.record
        refuse_other_kind(recipe, record, "trained_rebalancing")
        if record.architecture not in ("colorful-hypercolumn", recipe.architecture):
            raise ValueError(
                f"The checkpoint {record.name!r} is of the architecture {record.architecture!r}; "
                "only networks of 'colorful-hypercolumn' can be taught to listen."
            )
        graph = build(recipe, trained_rebalancing=record.trained_rebalancing)
        if not isinstance(graph, ListeningGraph):
            raise ValueError(f"The architecture {recipe.architecture!r} has nothing that listens.")
        there = loaded.graph.state_dict()
        known = {key: there[key] for key in graph.state_dict() if key in there}
        graph.load_state_dict({**graph.state_dict(), **known})
        graph.network.requires_grad_(False)
        return Start(graph, record, record.defaults)

    def module(
        self, start: Start, recipe: Any, prior: NDArray[np.floating], total_steps: int
    ) -> lightning.LightningModule:
        """Make its Lightning module."""
        assert isinstance(start.graph, ColorfulGraph)
        return HintsTraining(start.graph, recipe, prior, total_steps)


class HintsTraining(SparseTraining):
    """Cross-entropy and decoded error at the stored positions that got no hint."""

    recipe: HintsRecipe

    def heard(self, part: Sample, numbers: NDArray[np.int64], random: np.random.Generator) -> Any:
        """Give hints to some pictures of one size.

        Parameters
        ----------
        part
            Hypercolumns, cells (N, P) and chroma (N, P, 2).
        numbers
            (N,) of hints, from `how_many`.
        random
            Chooses which.

        Returns
        -------
        logits : Tensor
            (N, P, 313).
        asked : Tensor
            (N, P) float: 1 where there was no hint; all 1 where all were hints.
        """
        graph: Any = self.graph
        columns, cells, ab = part
        n, p = cells.shape
        seen = seen_at(graph.network, columns, cells)
        numbers = np.where(numbers < 0, p, np.minimum(numbers, p))
        most = max(1, int(numbers.max()))
        order = random.permuted(np.tile(np.arange(p), (n, 1)), axis=1)[:, :most]
        at = torch.from_numpy(order).to(ab.device)
        counts = torch.from_numpy(numbers).to(ab.device)
        valid = torch.arange(most, device=ab.device)[None] < counts[:, None]
        colour = ab.gather(1, at[..., None].expand(-1, -1, 2))
        alike = graph.listener.compare(seen)
        logits = graph.listener(seen, alike, at, colour, torch.zeros_like(colour[..., 0]), valid)
        asked = torch.ones_like(ab[..., 0]).scatter(1, at, (~valid).to(ab.dtype))
        return logits, torch.where(counts[:, None] == p, torch.ones_like(asked), asked)

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        """One optimiser step."""
        self.graph.network.eval()  # what does not learn keeps all its units
        random = np.random.default_rng((self.recipe.seed, self.global_step, self.global_rank))
        losses, decoded, count = [], [], 0
        for part in batch:
            ab = part[2]
            numbers = how_many(len(ab), self.recipe.many_share, random)
            logits, asked = self.heard(part, numbers, random)
            losses.append(self._entropy(logits, ab, asked).sum())
            squared = self._squared(logits, ab, asked)
            decoded.append(0.5 * (squared + TYPICAL**2).log().sum())
            count += len(ab)
        loss, error = torch.stack(losses).sum() / count, torch.stack(decoded).sum() / count
        self.log("train_loss", loss.detach(), batch_size=count)
        self.log("train_decoded", error.detach(), batch_size=count)
        return loss + self.recipe.decoded_term * error

    def validation_step(self, batch: Any, batch_index: int) -> None:
        """Loss at ten hints, and the ab error at 0, 1, 10 and 100."""
        for number in (0, 1, 10, 100):
            random = np.random.default_rng((self.recipe.seed, batch_index, number))
            for part in batch:
                ab = part[2]
                logits, asked = self.heard(part, np.full(len(ab), number), random)
                error = self._squared(logits, ab, asked).sqrt().mean()
                self.log(f"val_rmse_{number}_hints", error, batch_size=len(ab))
                if number == 10:
                    loss = self._entropy(logits, ab, asked).mean()
                    self.log("val_loss", loss, batch_size=len(ab))

    def _entropy(self, logits: Tensor, ab: Tensor, asked: Tensor) -> Tensor:
        """Cross-entropy of each picture, (N,), over what was asked."""
        recipe = self.recipe
        index, weight = ops.soft_encode(
            ab.transpose(1, 2)[..., None], neighbours=recipe.neighbours, sigma=recipe.encoding_sigma
        )
        found = logits.log_softmax(-1).gather(2, index[..., 0].transpose(1, 2))
        each = -(found * weight[..., 0].transpose(1, 2)).sum(-1)
        return (each * asked).sum(1) / asked.sum(1).clamp_min(1)

    def _squared(self, logits: Tensor, ab: Tensor, asked: Tensor) -> Tensor:
        """Mean squared error of the decoded colour of each picture, (N,), over what was asked."""
        bias = self._bias(self.recipe.decoded_vividness)
        share = ((logits + bias) / self.recipe.decoded_temperature).softmax(-1)
        squared = (share @ self.graph.bins - ab).square().mean(-1)
        return (squared * asked).sum(1) / asked.sum(1).clamp_min(1)


def seen_at(network: HypercolumnNetwork, columns: Any, cells: Tensor) -> Seen:
    """Return what the network holds of pictures at stored positions."""
    with torch.no_grad():
        hidden = network.sparse_hidden(columns, cells)
        logits = network.logits(hidden)
    height, width = 8 * columns.thirtytwo.shape[1], 8 * columns.thirtytwo.shape[2]
    place = torch.stack((cells // width, cells % width), -1) + 0.5
    light = (columns.fine[..., -3] + 1) * 50  # first of what lies beside the maps: L*/50 − 1
    return Seen(hidden, logits, light, place / max(height, width))
