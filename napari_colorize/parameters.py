"""Every choice a colouring depends on, in one frozen dataclass.

The panel's form, the command line's options, the provenance record and a Python call are all
made from :class:`ColorizeParameters`, so they cannot drift apart. This module imports neither
torch nor napari: a form can be drawn before anything heavy is loaded.
"""

import difflib
import math
import numbers
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from napari_colorize import methods, refinements

METHODS = tuple(methods.METHODS)
REFINEMENTS = tuple(refinements.REFINEMENTS)
OUTPUT_DTYPES = ("uint8", "uint16", "float32")

FROM_CHECKPOINT = ("temperature", "vividness", "network_size")
"""Fields whose ``None`` means: the value the checkpoint was published with."""


def _option(
    default: Any,
    help: str,
    *,
    unit: str = "",
    min: float | None = None,
    max: float | None = None,
    step: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Declare a field together with what a form or a command line must know about it."""
    described = {
        "help": help,
        "unit": unit,
        "min": min,
        "max": max,
        "step": step,
        "choices": choices,
    }
    return field(default=default, metadata=described)


def _of_refinements(number: str, help: str) -> str:
    """Return the help of a number together with the refinements that use it."""
    return f"{help}; used by {', '.join(refinements.users_of(number))}."


@dataclass(frozen=True, kw_only=True)
class ColorizeParameters:
    """How to colour: method, decoding, resolution, refinement, output.

    Each field's ``metadata`` holds ``help`` (a sentence), ``unit``, ``min``, ``max``, ``step`` and
    ``choices`` (``None`` where they do not apply); see :func:`dataclasses.fields`.

    Parameters
    ----------
    method : {"colorful", "deep", "unet", "gan", "pix2pix"}
        The colouring method. Temperature and vividness act on ``"colorful"`` alone.
    checkpoint : str or path, optional
        Name of registered weights, or a weights file. ``None``: the method's own.
    temperature : float, optional
        Annealing of the predicted distribution, 0.01…1 (Zhang et al. 2016, §2.3): towards 0 the
        most probable colour, 1 the mean of all. ``None``: the checkpoint's default.
    vividness : float, optional
        Share of class rebalancing kept when decoding, 0…1. ``None``: the checkpoint's default.
    window : (low, high), optional
        Raw values shown as black and white. ``None``: chosen from the image, see ``window.py``.
    gamma : float
        Exponent on the window's 0…1 before it is read as a grey code, 0.01…100, as viewers have
        it: below 1 brightens what lies between black and white, 1 leaves it alone. The lightness
        that is kept is that of the picture so displayed.
    network_size : int, optional
        Short side, in pixels, of the picture that the network sees, 32…2048. ``None``: the
        checkpoint's default.
    refinement : {"joint_bilateral", "bilateral_grid", "guided", "domain_transform", "bilinear"}
        How the network's small chroma reaches full size: by the joint bilateral filter (Kopf et
        al. 2007), exactly or on a bilateral grid (Chen, Paris and Durand 2007), the guided filter
        (He et al. 2010), the domain transform (Gastal and Oliveira 2011), or bilinearly. Which of
        the three numbers below each of them uses stands in
        :data:`napari_colorize.refinements.REFINEMENTS`.
    radius : int
        Window radius in chroma-grid pixels, 1…16.
    sigma_space : float
        Spatial standard deviation in chroma-grid pixels, 0.1…16.
    sigma_range : float
        Range standard deviation in units of L*, 0.1…100.
    dtype : {"uint8", "uint16", "float32"}
        Type of the RGB result; float32 is 0…1.
    device : str
        ``"auto"`` (a CUDA device where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``.

    Raises
    ------
    TypeError, ValueError
        A field holds something that cannot be used; the sentence names it and what is accepted.
    """

    method: str = _option("colorful", "Colouring method.", choices=METHODS)
    checkpoint: str | None = _option(
        None, "Name of registered weights, or a weights file; empty: the method's own."
    )
    temperature: float | None = _option(
        None,
        "Towards 0: the most probable colour (vivid, patchy); 1: the mean of all (smooth, pale). "
        "Empty: the checkpoint's default.",
        min=0.01,
        max=1.0,
        step=0.01,
    )
    vividness: float | None = _option(
        None,
        "0: the honest probability (safe, greyish); 1: rare colours boosted (vivid, more "
        "mistakes). Empty: the checkpoint's default.",
        min=0.0,
        max=1.0,
        step=0.05,
    )
    window: tuple[float, float] | None = _option(
        None,
        "Raw values shown as black and as white. Empty: the whole range of 8-bit pictures, the "
        "robust data range of all others.",
        unit="raw values",
    )
    gamma: float = _option(
        1.0,
        "Exponent on the window's 0 to 1, as viewers have it: below 1 brightens what lies between "
        "black and white, above 1 darkens it.",
        min=0.01,
        max=100.0,
        step=0.01,
    )
    network_size: int | None = _option(
        None,
        "Short side of the picture that the network sees. Empty: the checkpoint's default.",
        unit="px",
        min=32,
        max=2048,
        step=32,
    )
    refinement: str = _option(
        "joint_bilateral",
        "How small chroma reaches full size: along the edges of the picture, or plainly.",
        choices=REFINEMENTS,
    )
    radius: int = _option(
        3,
        _of_refinements("radius", "Window radius of the refinement"),
        unit="chroma px",
        min=1,
        max=16,
        step=1,
    )
    sigma_space: float = _option(
        1.5,
        _of_refinements("sigma_space", "Spatial reach of the refinement"),
        unit="chroma px",
        min=0.1,
        max=16.0,
        step=0.1,
    )
    sigma_range: float = _option(
        8.0,
        _of_refinements("sigma_range", "Lightness difference over which colour still flows"),
        unit="L*",
        min=0.1,
        max=100.0,
        step=0.5,
    )
    dtype: str = _option("uint8", "Type of the RGB result.", choices=OUTPUT_DTYPES)
    device: str = _option("auto", "Where to compute: auto, cpu, cuda or cuda:N.")

    def __post_init__(self) -> None:
        """Check every field, and store plain Python values."""
        checked: dict[str, Any] = {
            "checkpoint": _checked_checkpoint(self.checkpoint),
            "window": checked_window(self.window),
            "device": _checked_device(self.device),
        }
        for option in fields(self):
            value = getattr(self, option.name)
            if option.metadata["choices"]:
                checked[option.name] = _checked_choice(option, value)
            elif option.metadata["min"] is not None:
                checked[option.name] = _checked_number(option, value)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict; the window becomes a list."""
        values = asdict(self)
        if self.window is not None:
            values["window"] = list(self.window)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build parameters from :meth:`to_dict`'s form; missing fields take their defaults."""
        _refuse_unknown(values, cls)
        return cls(**values)

    def changed(self, **changes: Any) -> Self:
        """Return a checked copy with some fields replaced."""
        _refuse_unknown(changes, type(self))
        return replace(self, **changes)

    def resolved(self, defaults: Mapping[str, Any]) -> Self:
        """Return a copy in which a checkpoint's defaults stand where nothing was asked for.

        Parameters
        ----------
        defaults : mapping
            The checkpoint's ``temperature``, ``vividness`` and ``network_size``.

        Raises
        ------
        ValueError
            A value is neither given nor among the defaults.
        """
        missing = [name for name in FROM_CHECKPOINT if getattr(self, name) is None]
        unknown = [name for name in missing if defaults.get(name) is None]
        if unknown:
            raise ValueError(
                f"The checkpoint has no default for {', '.join(unknown)}; give the value yourself."
            )
        return replace(self, **{name: defaults[name] for name in missing})


def checked_window(window: Any) -> tuple[float, float] | None:
    """Return an intensity window as two plain numbers (integers stay integers), or ``None``.

    Raises
    ------
    TypeError, ValueError
        Not two finite numbers with low < high.
    """
    if window is None:
        return None
    advice = "give two numbers (low, high), the raw values shown as black and as white"
    try:
        low, high = window
    except (TypeError, ValueError):
        raise TypeError(f"window is {window!r}; {advice}.") from None
    if not (_is_number(low) and _is_number(high)):
        raise TypeError(f"window is {window!r}; {advice}.")
    low, high = _plain(low), _plain(high)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(
            f"window is ({low}, {high}); both ends must be finite and low below high. To colour "
            "a negative, invert the image first."
        )
    return low, high


def _checked_checkpoint(checkpoint: Any) -> str | None:
    if checkpoint is None:
        return None
    if not isinstance(checkpoint, (str, os.PathLike)):
        raise TypeError(
            f"checkpoint is {checkpoint!r}; give the name of registered weights or the path of a "
            "weights file."
        )
    name = os.fspath(checkpoint)
    if not isinstance(name, str) or not name.strip():
        raise ValueError("checkpoint is empty; leave it out to use the method's own weights.")
    return name


def _checked_device(device: Any) -> str:
    name = str(device).strip().lower()  # a torch.device says its own name
    kind, _, index = name.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (
        name != kind and (kind != "cuda" or not index.isdecimal())
    ):
        raise ValueError(f"device is {device!r}; use 'auto', 'cpu', 'cuda' or 'cuda:0'.")
    return name


def _checked_choice(option: Any, value: Any) -> str:
    choices = option.metadata["choices"]
    if value not in choices:
        raise ValueError(f"{option.name} is {value!r}; choose one of {', '.join(choices)}.")
    return str(value)


def _checked_number(option: Any, value: Any) -> float | None:
    low, high, unit = (option.metadata[key] for key in ("min", "max", "unit"))
    accepted = f"{low} to {high} {unit}".rstrip()
    if value is None and option.default is None:
        return None
    if not _is_number(value):
        raise TypeError(f"{option.name} is {value!r}; give a number, {accepted}.")
    whole = isinstance(low, int)
    if whole and value != int(value if math.isfinite(value) else 0):
        raise ValueError(f"{option.name} is {value}; give a whole number, {accepted}.")
    if not low <= value <= high:
        raise ValueError(f"{option.name} is {value}; it must be {accepted}.")
    return int(value) if whole else float(value)


def _is_number(value: Any) -> bool:
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _plain(value: Any) -> float:
    """Return a NumPy scalar or a 0-dim array as the Python number it stands for."""
    return value.item() if hasattr(value, "item") else value


def _refuse_unknown(values: Mapping[str, Any], parameters: type[ColorizeParameters]) -> None:
    known = [option.name for option in fields(parameters)]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
            raise TypeError(f"There is no parameter {name!r}; {hint}")
