"""A recipe: every number that decides a training, read from a small TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Any, get_origin, get_type_hints

_FOLDER = resources.files("napari_colorize.training") / "recipes"


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
    """A training of a method, apart from its data."""

    name: str
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
    neighbours: int = 5
    """Bins that share a pixel's colour in the soft encoding (Zhang 2016, §2.1)."""
    encoding_sigma: float = 5.0
    """Gaussian of the soft encoding, Lab units."""
    rebalancing_mix: float = 0.5
    """λ of the class weights (Zhang 2016, eq. 4)."""
    trained_rebalancing: float = 0.5
    """Exponent on the class weights in the loss: 1 as in the paper, 0 for none."""
    calm_term: float = 0.0
    """Weight of the error of the colour decoded at ``calm_vividness`` (not in the paper)."""
    calm_vividness: float = 0.3
    """Vividness that ``calm_term`` decodes at."""
    vivid_term: float = 0.0
    """Weight of the rebalanced error of the colour decoded at vividness 1 (not in the paper)."""
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
    start: str = ""
    """Checkpoint, by name or path, whose weights the training starts from; with ``?`` at its end,
    only if it is on this machine. Empty: the pretrained trunk and the colour prior."""
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
    architecture: str = "colorful-compact"
    options: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.crop % 32 or self.crop <= 0:
            raise ValueError(f"crop must be a positive multiple of 32 px; it is {self.crop}.")
        if self.batch < 2:
            raise ValueError(f"batch must be at least 2 pictures; it is {self.batch}.")
        for name in ("epochs", "save_every", "num_nodes", "holdout", "prior_pictures"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; it is {getattr(self, name)}.")
        if self.workers < 0:
            raise ValueError(f"workers must be 0 or more; it is {self.workers}.")
        if self.keep not in ("last", "best"):
            raise ValueError(f"keep must be 'last' or 'best'; it is {self.keep!r}.")
        if not 0 <= self.trained_rebalancing <= 1 or not 0 <= self.rebalancing_mix <= 1:
            raise ValueError("trained_rebalancing and rebalancing_mix must be from 0 to 1.")
        if self.trunk not in ("tuned", "frozen", "scratch"):
            raise ValueError(f"trunk must be 'tuned', 'frozen' or 'scratch'; it is {self.trunk!r}.")
        if self.calm_term < 0 or self.vivid_term < 0:
            raise ValueError("calm_term and vivid_term must be 0 or more.")
        if not 0 <= self.calm_vividness <= 1:
            raise ValueError(f"calm_vividness must be from 0 to 1; it is {self.calm_vividness}.")
        unknown = sorted(set(self.defaults) - {"temperature", "vividness", "network_size"})
        if unknown:
            raise ValueError(
                f"The recipe's defaults are temperature, vividness and network_size; not "
                f"{', '.join(unknown)}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain, JSON-able form, for the record."""
        return asdict(self)


def load_recipe(name_or_path: str | Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe that comes with the package, or a TOML file.

    Parameters
    ----------
    name_or_path
        A name such as ``"cpu"``, or a path that ends in ``.toml``.
    changes
        Fields to replace; ``"augmentation.noise_share"`` reaches the nested ones.

    Raises
    ------
    ValueError
        Unknown recipe or unknown field.
    """
    path = Path(name_or_path)
    try:
        table = {"name": path.stem, **tomllib.loads(_text(path))}
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"The recipe {path} is not valid TOML: {error}.") from error
    for key, value in (changes or {}).items():
        target, _, nested = key.partition(".")
        if nested:
            inner = table.get(target, {})
            if not isinstance(inner, Mapping):
                raise ValueError(f"The recipe field {target} holds no fields; {key} was given.")
            table[target] = {**inner, nested: value}
        else:
            table[target] = value
    augmentation = _build(Augmentation, table.pop("augmentation", {}))
    return _build(Recipe, {**table, "augmentation": augmentation})


def packaged_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(Path(item.name).stem for item in _FOLDER.iterdir())


def _text(path: Path) -> str:
    if path.suffix == ".toml":
        if not path.is_file():
            raise ValueError(f"There is no recipe file {path}.")
        return path.read_text(encoding="utf-8")
    if str(path) not in packaged_recipes():
        raise ValueError(
            f"There is no recipe '{path}'. Known: {', '.join(packaged_recipes())}; "
            "or give the path of a .toml file."
        )
    return (_FOLDER / f"{path}.toml").read_text(encoding="utf-8")


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
