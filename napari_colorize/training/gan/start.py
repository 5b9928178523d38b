"""What a generator's training starts from, what the trainer asks of these methods, and trouble.

Trouble is named in words while there is still time to do something about it.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from napari_colorize.checkpoints import loading
from napari_colorize.checkpoints.loading import LoadedModel
from napari_colorize.methods.gan.graph import CompactGenerator, GanGraph
from napari_colorize.storage import write_whole
from napari_colorize.training.gan.recipe import COMPACT, GanRecipe
from napari_colorize.training.gan.training import ColourVariety
from napari_colorize.training.start import (
    Start,
    build,
    named_checkpoint,
    pretrained_lite0,
    refuse_other_kind,
)
from napari_colorize.training.trainers import crops

if TYPE_CHECKING:
    import lightning
    from lightning.pytorch.callbacks import Callback

    from napari_colorize.files.pictures import Picture
    from napari_colorize.training.callbacks.watching import Watch
    from napari_colorize.training.samples import PairsModule


FILE = "trouble.txt"

SATURATED = 0.97
"""Share of patches told apart from which the discriminator has won."""
COLLAPSED = 0.25
"""Variety over the true pictures' below which all pictures get the same colours."""
SEPIA_HUES = (30.0, 110.0)
"""Degrees between which a hue is orange, brown or yellow."""
AGREED = 0.9
"""Agreement on one hue from which pictures are toned rather than coloured."""
FADED = 0.2
"""Chroma over the true pictures' below which pictures are grey rather than coloured."""
_CHECKED_EVERY = 20


def troubles(guess: ColourVariety, truth: ColourVariety, told_apart: float | None) -> list[str]:
    """Name what goes wrong, in sentences that say what to do.

    Parameters
    ----------
    guess, truth
        Of the same pictures, generated and true.
    told_apart
        Share of patches that the discriminator gets right; ``None`` where there is none.
    """
    found = []
    if told_apart is not None and told_apart >= SATURATED:
        found.append(
            f"The discriminator is saturated: it gets {100 * told_apart:.0f} % of the patches "
            "right, and the generator learns little from it. Lower discriminator_rate or "
            "discriminator_width, or raise generator_steps."
        )
    if guess.chroma < FADED * truth.chroma:
        found.append(
            f"The colours have faded: pictures have {guess.chroma:.1f} units of chroma on the "
            f"whole, true ones {truth.chroma:.1f}. Early in a training that is usual; later, lower "
            "l1_weight or raise adversarial_weight."
        )
        return found  # what is nearly grey has no hue worth a word
    if guess.variety < COLLAPSED * truth.variety:
        found.append(
            "The generator has collapsed: from picture to picture its colours vary by "
            f"{guess.variety:.1f} units, true ones by {truth.variety:.1f}. Raise l1_weight, lower "
            "learning_rate, or go back to an earlier state (keep = 'best')."
        )
    agreed = guess.agreement >= AGREED and guess.agreement > truth.agreement + 0.15
    if agreed and SEPIA_HUES[0] <= guess.hue <= SEPIA_HUES[1]:
        found.append(
            f"The colours drift to sepia: {100 * guess.agreement:.0f} % of the pictures' mean "
            f"colours agree on the hue {guess.hue:.0f}° (true ones: "
            f"{100 * truth.agreement:.0f} %). More varied pictures or a lower l1_weight help."
        )
    elif agreed:
        found.append(
            f"The colours drift to one hue: {100 * guess.agreement:.0f} % of the pictures' mean "
            f"colours agree on {guess.hue:.0f}° (true ones: {100 * truth.agreement:.0f} %)."
        )
    return found


class TroubleWatch(lightning.Callback):
    """Look at every validation, say what goes wrong, and keep it in ``trouble.txt``.

    Parameters
    ----------
    folder
        Of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any
    ) -> None:
        """Stop a training whose loss is no number any more: nothing would come of it."""
        module: Any = pl_module
        if module.steps_taken % _CHECKED_EVERY:
            return
        loss = float(trainer.callback_metrics["train_loss"])
        if not math.isfinite(loss):
            raise ValueError(
                f"The loss is no finite number any more at step {module.steps_taken}: the training "
                "has diverged. Lower learning_rate, set gradient_clip=1, or use precision=32-true; "
                "then train into another folder."
            )

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Say and keep what the validation shows."""
        module: Any = pl_module
        if trainer.sanity_checking or not trainer.is_global_zero or module.palettes is None:
            return
        told_apart = None if module.discriminator is None else float(module.told_apart)
        guess, truth = module.palettes
        sentences = troubles(guess, truth, told_apart)
        for sentence in sentences:
            tqdm.write(f"Trouble: {sentence}", file=sys.stderr)
        self._keep(trainer.current_epoch + 1, sentences)

    def _keep(self, epoch: int, sentences: list[str]) -> None:
        """Add to the file; what a killed session had written about this epoch is replaced."""
        earlier = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        lines = [line for line in earlier if _epoch_of(line) < epoch]
        lines += [f"epoch {epoch}: {sentence}" for sentence in sentences]
        if lines or earlier:
            write_whole(self.path, "".join(f"{line}\n" for line in lines))


def _epoch_of(line: str) -> int:
    found = re.match(r"epoch (\d+):", line)
    return int(found[1]) if found else 0


_SAME_TRUNK = "colorful-compact"
"""Architecture whose trunk and decoder a compact generator can start from."""


class GanLearner:
    """What the trainer asks of U-Net, GAN and pix2pix; see `trainers.Learner`."""

    def defaults(self, recipe: GanRecipe) -> Mapping[str, Any]:
        """Return the size trained at; temperature and vividness are without effect."""
        size = 192 if recipe.architecture == COMPACT else recipe.crop
        return {"temperature": 1.0, "vividness": 0.5, "network_size": size}

    def start(self, recipe: GanRecipe, prior: NDArray[np.floating]) -> Start:
        """Build the graph; see `start_generator`. The prior is not used."""
        return start_generator(recipe)

    def module(
        self, start: Start, recipe: GanRecipe, prior: NDArray[np.floating], total_steps: int
    ) -> lightning.LightningModule:
        """Make the Lightning module, with a fresh discriminator."""
        from napari_colorize.training.gan.training import GanTraining

        assert isinstance(start.graph, GanGraph)
        return GanTraining(start.graph, recipe, total_steps)

    def data(
        self,
        start: Start,
        recipe: GanRecipe,
        training: Sequence[Picture],
        holdout: Sequence[Picture],
        out: Path,
        watch: Watch | None,
    ) -> PairsModule:
        """Make loaders of random crops."""
        return crops(start, recipe, training, holdout)

    def watchers(self, recipe: GanRecipe, out: Path) -> Sequence[Callback]:
        """Return the callback that names trouble in words."""
        return (TroubleWatch(out),)


def start_generator(recipe: GanRecipe) -> Start:
    """Build the generator that the recipe starts from.

    Parameters
    ----------
    recipe
        Its ``start`` may name a checkpoint of the same architecture, such as a U-Net that an
        adversarial training goes on from; or, for the compact generator, one of Colorful, whose
        trunk and decoder are taken.

    Raises
    ------
    ValueError
        The checkpoint is not there or of another kind, or the crop does not suit the network.
    """
    graph = build(recipe)
    if not isinstance(graph, GanGraph):
        raise ValueError(
            f"The architecture {recipe.architecture!r} is no generator; take one whose name begins "
            "with unet-."
        )
    if recipe.crop % graph.multiple:
        raise ValueError(
            f"crop must be a multiple of {graph.multiple} px for {recipe.architecture}; it is "
            f"{recipe.crop}."
        )
    compact = isinstance(graph.network, CompactGenerator)
    loaded = named_checkpoint(recipe, "the pretrained trunk" if compact else "noise")
    if loaded is None:
        if isinstance(graph.network, CompactGenerator) and recipe.trunk != "scratch":
            graph.network.trunk = pretrained_lite0()
        return Start(graph)
    found = loaded.record
    state: Mapping[str, Tensor] = loaded.graph.state_dict()
    if compact and found.architecture == _SAME_TRUNK:
        state = {**graph.state_dict(), **_shared_with_colorful(graph, loaded)}
        loading.load_into(graph, state, found.name, recipe.architecture)
        return Start(graph, found)
    refuse_other_kind(recipe, found, "architecture")
    loading.load_into(graph, state, found.name, recipe.architecture)
    return Start(graph, found, {"network_size": found.defaults["network_size"]})


def _shared_with_colorful(graph: GanGraph, loaded: LoadedModel) -> dict[str, Tensor]:
    """Return the trunk and the decoder of a Colorful network, all but its logits."""
    theirs = loaded.graph.state_dict()
    return {
        key: theirs[key]
        for key in graph.state_dict()
        if key in theirs and not key.startswith(("network.colour.", "network.error."))
    }
