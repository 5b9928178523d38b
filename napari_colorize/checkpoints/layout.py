"""Do these tensors fit that network? If not, a sentence that says what differs."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from napari_colorize.checkpoints.errors import CheckpointError

if TYPE_CHECKING:
    import torch

_LISTED = 4


def build(architecture: str, options: Mapping[str, Any]) -> "torch.nn.Module":
    """Build the untrained graph of `architecture`, or say what is wrong with the request."""
    from napari_colorize.methods import ARCHITECTURES

    builder = ARCHITECTURES.get(architecture)
    if builder is None:
        raise CheckpointError(
            f"The architecture {architecture!r} is not known to this napari-colorize; it has "
            f"{', '.join(sorted(ARCHITECTURES)) or 'none'}. A newer version may have it."
        )
    try:
        return builder(**options)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"The architecture {architecture!r} cannot be built with the options "
            f"{dict(options)!r}: {error}."
        ) from error


def refuse_larger(
    architecture: str, options: Mapping[str, Any], state: "Mapping[str, torch.Tensor]", name: str
) -> None:
    """Compare a network with a file before memory is asked for it: built without numbers.

    Raises
    ------
    CheckpointError
        The network takes far more memory than the file has numbers for.
    """
    import torch

    try:
        with torch.device("meta"):
            planned = build(architecture, options)
    except CheckpointError:
        raise
    except Exception:  # what cannot be built without numbers is compared after it was built
        return
    wanted = sum(tensor.numel() for tensor in planned.state_dict().values())
    there = sum(tensor.numel() for tensor in state.values())
    if wanted > 2 * there + (1 << 20):
        raise CheckpointError(
            f"{name} does not fit the architecture {architecture!r}: with the options of its "
            f"record the network has {wanted:,} numbers, the file {there:,}. The record was "
            "changed, or belongs to other weights."
        )


def load_into(
    graph: "torch.nn.Module", state: "Mapping[str, torch.Tensor]", name: str, architecture: str
) -> None:
    """Copy `state` into `graph` after comparing every name and shape.

    Raises
    ------
    CheckpointError
        Something is missing, foreign or of another shape; all three are listed.
    """
    differences = describe_differences(graph.state_dict(), state)
    if differences:
        raise CheckpointError(
            f"{name} does not fit the architecture {architecture!r}: {differences}. The weights "
            "belong to another network, or to other options of this one."
        )
    graph.load_state_dict(dict(state), strict=True)


def describe_differences(
    expected: "Mapping[str, torch.Tensor]", found: "Mapping[str, torch.Tensor]"
) -> str:
    """Return what keeps `found` from fitting `expected`; empty if nothing does."""
    missing = [key for key in expected if key not in found]
    foreign = [key for key in found if key not in expected]
    reshaped = [
        f"{key} (file {_shape(found[key])}, network {_shape(expected[key])})"
        for key in expected
        if key in found and tuple(found[key].shape) != tuple(expected[key].shape)
    ]
    parts = [
        f"{len(keys)} {'tensor' if len(keys) == 1 else 'tensors'} {what}: {_some(keys)}"
        for what, keys in (
            ("missing", missing),
            ("not part of it", foreign),
            ("of another shape", reshaped),
        )
        if keys
    ]
    return "; ".join(parts)


def _shape(tensor: "torch.Tensor") -> str:
    return "×".join(str(n) for n in tensor.shape) or "single number"


def _some(keys: Iterable[str]) -> str:
    keys = list(keys)
    rest = len(keys) - _LISTED
    return ", ".join(keys[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
