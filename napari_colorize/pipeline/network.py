"""The network of a colouring: which device, which weights, and what it predicts for one plane."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_colorize import checkpoints
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.refine import as_tensor

if TYPE_CHECKING:
    from torch import Tensor

Asked = TypeVar("Asked", bound=ColorizeParameters)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What is predicted for one plane, at a size of its own.

    Parameters
    ----------
    chroma : (1, 2, h, w) float32 tensor
        a and b in Lab units, pixel centres aligned with the plane's; any device.
    uncertainty : (1, 1, h, w) float32 tensor
        0…1.
    facts : mapping
        JSON-able entries that the record gets beside those of every record.
    """

    chroma: "Tensor"
    uncertainty: "Tensor"
    facts: Mapping[str, Any] = field(default_factory=dict)


def asked_for(
    given: Asked | None, method: str | None, changes: dict[str, Any], plain: type[Asked]
) -> Asked:
    """Return the parameters that a call's arguments amount to.

    Parameters
    ----------
    given : ColorizeParameters, optional
        All choices in one object.
    method : str, optional
        Wins over that of ``given``.
    changes : dict
        Single fields, which win over both.
    plain : type
        Whose defaults stand where ``given`` is left out.

    Raises
    ------
    TypeError, ValueError
        A field cannot be used, or the method had to be that of weights which are not known.
    """
    if method is not None:
        changes = {**changes, "method": method}
    asked = (given or plain()).changed(**changes)
    if given is None and "method" not in changes and asked.checkpoint is not None:
        return asked.changed(method=checkpoints.method_of(asked.checkpoint))
    return asked


def resolve_device(device: str) -> str:
    """Return the device that ``"auto"`` stands for here; refuse CUDA where there is none.

    Raises
    ------
    ValueError
        A CUDA device was asked for that torch cannot use.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        index = int(device.partition(":")[2] or 0)
        if index >= count:
            raise ValueError(
                f"device is {device!r}, but torch {torch.__version__} can use {count} CUDA "
                "devices here; use 'auto' or 'cpu', or install a CUDA build of torch."
            )
    return device


def load_model(asked: Asked, device: str) -> tuple[Any, Asked]:
    """Load the weights that were asked for, and fill in what was left to them.

    Parameters
    ----------
    asked : ColorizeParameters
        Or a subclass.
    device : str
        From :func:`resolve_device`.

    Returns
    -------
    model : checkpoints.LoadedModel
        ``graph`` and ``record``.
    used : ColorizeParameters
        Of the type that was given; nothing is left open in it but, perhaps, the window.

    Raises
    ------
    ValueError
        The weights belong to another method, are missing or are damaged.
    """
    name = asked.checkpoint or checkpoints.default_for(asked.method).name
    model = checkpoints.load(name, device)
    record = model.record
    if record.method != asked.method:
        raise ValueError(
            f"The weights {record.name!r} belong to the method {record.method!r}, not to "
            f"{asked.method!r}; choose the method or the checkpoint that fits."
        )
    checkpoint = asked.checkpoint or record.name
    return model, asked.resolved(record.defaults).changed(checkpoint=checkpoint, device=device)


def predict(
    graph: Any, seen: NDArray[np.float32], used: ColorizeParameters
) -> "tuple[Tensor, Tensor]":
    """Run a network on one plane of lightness.

    Parameters
    ----------
    graph : callable
        A method's graph, as ``checkpoints.load`` gives it.
    seen : (h', w') float32 array
        L*, 0…100.
    used : ColorizeParameters
        Its ``temperature``, ``vividness`` and ``device`` are set.

    Returns
    -------
    chroma : (1, 2, h, w) float32 tensor
        a and b in Lab units.
    uncertainty : (1, 1, h, w) float32 tensor
        0…1.

    Raises
    ------
    RuntimeError
        Values that are not finite.
    """
    import torch

    temperature, vividness = (
        torch.tensor(value, dtype=torch.float32) for value in (used.temperature, used.vividness)
    )
    with torch.inference_mode():
        luma = as_tensor(seen, used.device)[None, None]
        chroma, uncertainty = graph(luma, temperature, vividness)
    if not bool(torch.isfinite(chroma).all() and torch.isfinite(uncertainty).all()):
        raise RuntimeError(
            f"The network of checkpoint {used.checkpoint!r} returned values that are not finite; "
            "its weights are damaged or do not suit this device. Verify them with `napari-colorize "
            "models verify`."
        )
    return chroma.float(), uncertainty.float()
