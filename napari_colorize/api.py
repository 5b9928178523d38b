"""The one front door: a grey picture in, a coloured one out, with what is known about it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_colorize import checkpoints
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import memory
from napari_colorize.pipeline.clipped import clipped_colours
from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.refine import as_tensor, full_size_map, full_size_rgb, with_alpha
from napari_colorize.pipeline.resample import network_shape
from napari_colorize.records import record as provenance
from napari_colorize.results import Cancelled, Colorized, Progress, Ticker

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Cancelled", "Colorized", "Progress", "Ticker", "colorize"]

Asked = TypeVar("Asked", bound=ColorizeParameters)


def colorize(
    image: Any,
    method: str | None = None,
    *,
    parameters: ColorizeParameters | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    source: Any = None,
    **changes: Any,
) -> Colorized:
    """Colour one grey picture; its lightness is kept.

    The same picture, parameters and machine give the same pixels: no random number is drawn.

    Parameters
    ----------
    image : array-like
        (H, W) grey or (H, W, 3 or 4) RGB(A), any real dtype, from 1 × 1 pixel: NumPy array, torch
        tensor, or anything with ``__array__``. Of RGB, the lightness is used and alpha is kept.
        NaN counts as the low end of the window. See
        :func:`napari_colorize.pipeline.image.read_plane`.
    method : {"colorful", "deep", "unet", "gan", "pix2pix"}, optional
        Default: that of ``parameters``; where these are left out that of ``checkpoint``, else
        ``"colorful"``.
    parameters : ColorizeParameters, optional
        All choices in one object.
    progress : callable, optional
        Called as ``progress(share, stage)`` with a share of 0…1, from the calling thread.
    should_stop : callable, optional
        Asked between stages; once it returns True, :class:`Cancelled` is raised.
    source : str, path or mapping, optional
        Where the picture came from, for the record: a path, a layer's name, ``Page.source``.
    **changes
        Single fields of :class:`ColorizeParameters`, over ``parameters``.

    Returns
    -------
    Colorized

    Raises
    ------
    TypeError, ValueError
        The picture or a parameter cannot be used, or weights are missing or damaged.
    MemoryError
        Memory ran out. Nothing is returned then; in particular not the grey picture.
    RuntimeError
        The network gave something else than finite chroma.
    Cancelled
        ``should_stop`` returned True.

    Examples
    --------
    >>> import napari_colorize, skimage.data
    >>> result = napari_colorize.colorize(skimage.data.camera())
    >>> result.rgb.shape
    (512, 512, 3)
    """
    asked = asked_for(parameters, method, changes, ColorizeParameters)
    tick = Ticker(progress, should_stop)
    provenance.describe_source(source)  # a wrong one is refused before the work, not after

    tick(0.0, "reading lightness")
    with explained_memory("reading lightness", image, "cpu"):
        plane = read_plane(image, asked.window, asked.gamma)
    tick(0.1, "loading weights")
    device = resolve_device(asked.device)
    with explained_memory("loading the weights", image, device):
        model, used = load_model(asked, device)
    assert used.network_size is not None
    height, width = plane.luma.shape
    tick(0.25, "predicting colour")
    said: list[str] = []
    with explained_memory("predicting colour", image, device):
        seen = plane.lightness_at(network_shape(height, width, used.network_size))
        (chroma, small_uncertainty), used = _predicted(model, asked, used, seen, said.append)
    tick(0.7, "refining")
    with explained_memory("refining", image, device):
        rgb, moved = full_size_rgb(
            *(plane, seen, chroma, used),
            lambda share: tick(0.7 + 0.25 * share, "refining"),
            said.append,
        )
        moved_share = np.count_nonzero(moved) / moved.size
        clipped = clipped_colours(moved, plane)
        rgb = with_alpha(rgb, plane.alpha)
        uncertainty = full_size_map(small_uncertainty, (height, width))
    tick(0.95, "writing the record")
    record = provenance.make_record(
        plane=plane,
        parameters=used,
        checkpoint=model.record,
        network_shape=seen.shape,
        uncertainty=uncertainty,
        clipped=clipped,
        moved_share=moved_share,
        output_shape=rgb.shape,
        source=source,
    )
    if said:
        record["memory"] = said
        memory.tell(" ".join(said))
    tick(1.0, "done")
    return Colorized(rgb, uncertainty, clipped, record)


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


def _predicted(
    model: Any,
    asked: Asked,
    used: Asked,
    seen: NDArray[np.float32],
    tell: Callable[[str], None],
) -> "tuple[tuple[Tensor, Tensor], Asked]":
    """Run the network, on the CPU where the device's memory runs out; say which it was."""
    try:
        return predict(model.graph, seen, used), used
    except Exception as error:
        if used.device == "cpu" or not memory.ran_out(error):
            raise
    memory.release()  # after the error and its frames, which held what took the memory
    model, elsewhere = load_model(asked, "cpu")
    predicted = predict(model.graph, seen, elsewhere)
    tell(f"Memory ran out on {used.device}; the network ran on the CPU instead.")
    return predicted, elsewhere


@contextlib.contextmanager
def explained_memory(stage: str, image: Any, device: str) -> Iterator[None]:
    """Turn every way of running out of memory into one sentence; never into a grey picture."""
    try:
        yield
    except Exception as error:
        if not memory.ran_out(error):
            raise
        shape = getattr(image, "shape", None)
        raise MemoryError(
            f"Memory ran out on {device} while {stage} of a picture of shape "
            f"{tuple(shape) if shape is not None else 'unknown'}; nothing was coloured. Close "
            "other programs, choose a smaller network_size, use device='cpu', or colour a "
            "smaller or cropped picture."
        ) from error
