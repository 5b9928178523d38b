"""Trouble, named in words while there is still time to do something about it."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

import lightning
from tqdm import tqdm

from napari_colorize.storage import write_whole
from napari_colorize.training.gan.palette import Palette

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


def troubles(guess: Palette, truth: Palette, told_apart: float | None) -> list[str]:
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
