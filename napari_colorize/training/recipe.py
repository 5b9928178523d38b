"""A recipe: every number that decides the training of a network, apart from its data.

`Recipe` holds what all networks share; each method adds its own fields. `recipe_files.py` reads
them from TOML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, TypeVar, get_origin, get_type_hints


@dataclass(frozen=True)
class Augmentation:
    """How crops are taken and the grey input (never the colour target) is changed."""

    smallest_crop: float = 0.6
    """Smallest side of a crop, as a share of the picture's short side."""
    largest_stretch: float = 1.2
    """Largest ratio by which a crop's aspect is changed."""
    tone_share: float = 0.5
    """Share of samples whose tone curve is changed."""
    tone_strength: float = 0.35
    """Largest |log γ| of the tone curve."""
    fading: float = 0.1
    """Largest lift of black and drop of white, as a share of the range."""
    noise_share: float = 0.2
    """Share of samples that get noise."""
    noise_strength: float = 0.04
    """Largest standard deviation of the noise, as a share of the range."""


@dataclass(frozen=True)
class Recipe:
    """The training of a network, apart from its data: what is common to all methods."""

    name: str
    method: str = "colorful"
    """What is trained: one of `trainers.trainable`."""
    seed: int = 0
    crop: int = 128
    """Side of the training crops, px; a multiple of 32."""
    batch: int = 32
    epochs: int = 5
    holdout: int = 500
    """Pictures of the training data set aside to validate on."""
    learning_rate: float = 2e-3
    trunk_learning_rate: float = 3e-4
    weight_decay: float = 0.02
    warmup_steps: int = 200
    gradient_clip: float = 5.0
    ema_decay: float = 0.998
    trunk: str = "tuned"
    """``tuned``: starts from ImageNet and learns, but for its first blocks; ``frozen``: stays as
    ImageNet left it; ``scratch``: starts from noise and learns."""
    include: Sequence[str] = ()
    """Patterns such as ``*-clothing.*``; pictures whose name matches none are left out. Empty:
    all are taken."""
    prior_pictures: int = 4000
    """Pictures that the colour prior is measured on."""
    workers: int = 1
    save_every: int = 250
    """Steps between two checkpoints within an epoch."""
    score: str = "val_loss"
    """The logged validation score by which ``best.pt`` is chosen; the smallest is the best."""
    keep: str = "last"
    """Which averaged weights the run ends with: ``last`` or ``best``."""
    patience: int = 0
    """Epochs without a better score after which the training stops; 0: it never stops early."""
    start: str = ""
    """Checkpoint, by name or path, whose weights the training starts from; with ``?`` at its end,
    only if it is on this machine. Empty: the method's own start."""
    unreadable_share: float = 0.1
    """Share of pictures that may be damaged before the data are refused."""
    accelerator: str = "auto"
    """Kind of device, as Lightning names them: ``cpu``, ``gpu``, ``auto``."""
    devices: int | str = "auto"
    """Devices on each node: a number, or ``auto``."""
    num_nodes: int = 1
    strategy: str = "auto"
    """How devices work together, as Lightning names it: ``ddp``, ``fsdp``, ``auto``."""
    precision: str = "32-true"
    """``32-true``, ``bf16-mixed`` or ``16-mixed``."""
    tensorboard: bool = False
    """Write TensorBoard logs beside ``metrics.csv``."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """``temperature``, ``vividness``, ``network_size`` of the finished checkpoint, where they are
    to differ from those of the checkpoint that was started from."""
    architecture: str = ""
    """Key of `methods.ARCHITECTURES`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the architecture's builder."""
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.crop % 32 or self.crop <= 0:
            raise ValueError(f"crop must be a positive multiple of 32 px; it is {self.crop}.")
        if self.batch < 2:
            raise ValueError(f"batch must be at least 2 pictures; it is {self.batch}.")
        for name in ("epochs", "save_every", "num_nodes", "holdout", "prior_pictures"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; it is {getattr(self, name)}.")
        for name in ("workers", "patience"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more; it is {getattr(self, name)}.")
        if self.keep not in ("last", "best"):
            raise ValueError(f"keep must be 'last' or 'best'; it is {self.keep!r}.")
        if self.trunk not in ("tuned", "frozen", "scratch"):
            raise ValueError(f"trunk must be 'tuned', 'frozen' or 'scratch'; it is {self.trunk!r}.")
        unknown = sorted(set(self.defaults) - {"temperature", "vividness", "network_size"})
        if unknown:
            raise ValueError(
                f"The recipe's defaults are temperature, vividness and network_size; not "
                f"{', '.join(unknown)}."
            )

    @property
    def one_optimiser(self) -> bool:
        """Whether Lightning steps a single optimiser; if not, the module does all that itself."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """Plain, JSON-able form, for the record."""
        return asdict(self)


Kind = TypeVar("Kind", bound=Recipe)


def build_recipe(kind: type[Kind], table: Mapping[str, Any]) -> Kind:
    """Build a recipe from TOML's table of its fields.

    Raises
    ------
    ValueError
        A field is not known, of the wrong type or out of range.
    """
    augmentation = _build(Augmentation, table.get("augmentation", {}))
    return _build(kind, {**table, "augmentation": augmentation})


def _build(kind: type, table: Mapping[str, Any]) -> Any:
    known = get_type_hints(kind)
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ValueError(
            f"Unknown recipe field {', '.join(unknown)}; known are {', '.join(sorted(known))}."
        )
    for key, value in table.items():
        if not _fits(value, known[key]):
            raise ValueError(f"The recipe field {key} must be {_NAMES[known[key]]}, not {value!r}.")
    return kind(**table)


def _fits(value: object, kind: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and isfinite(value)
    if kind == Sequence[str]:
        return isinstance(value, list | tuple) and all(isinstance(part, str) for part in value)
    return isinstance(value, get_origin(kind) if get_origin(kind) is Mapping else kind)


_NAMES: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    int | str: "a whole number or text",
    Augmentation: "a table",
    Mapping[str, Any]: "a table",
    Sequence[str]: "a list of texts",
}
