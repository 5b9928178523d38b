"""From a name or a path to a network that is ready to run.

Do these tensors fit that network? If not, a sentence says what differs.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorize.checkpoints import registry, weights
from napari_colorize.checkpoints.errors import CheckpointError, Remedy
from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.checkpoints.weights import read_borrowed

if TYPE_CHECKING:
    import torch


_LISTED = 4


def build(architecture: str, options: Mapping[str, Any]) -> torch.nn.Module:
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
    architecture: str, options: Mapping[str, Any], state: Mapping[str, torch.Tensor], name: str
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
    graph: torch.nn.Module, state: Mapping[str, torch.Tensor], name: str, architecture: str
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
    expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]
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


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(str(n) for n in tensor.shape) or "single number"


def _some(keys: Iterable[str]) -> str:
    keys = list(keys)
    rest = len(keys) - _LISTED
    return ", ".join(keys[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


CACHE_SIZE = 4
"""Networks kept in memory; the one used longest ago goes first."""


@dataclass(frozen=True)
class LoadedModel:
    """A network in eval mode with its record.

    Parameters
    ----------
    graph : torch.nn.Module
        ``graph(luma, temperature, vividness) → (ab, uncertainty)``; a ``ScriptModule`` where
        TorchScript is to be had, the eager module otherwise.
    record : CheckpointRecord
        What the weights are, and the settings they were chosen with.
    device : str
        Where the weights lie.
    scripted : bool
        Whether `graph` is TorchScript.
    """

    graph: torch.nn.Module
    record: CheckpointRecord
    device: str = "cpu"
    scripted: bool = True


_cache: OrderedDict[tuple, LoadedModel] = OrderedDict()
# One loader at a time: two threads that ask for the same weights must not both hold them twice.
_lock = threading.RLock()


def load(name_or_path: str | Path, device: str | torch.device = "cpu") -> LoadedModel:
    """Load weights by name, or by the path of a weights file with its record beside it.

    The file's SHA-256 is compared with the record before a byte of it is deserialised. The
    result is cached until the file changes; it is safe to call from several threads.

    Parameters
    ----------
    name_or_path : str or Path
        A name in the registry, or the path of a ``.safetensors`` or ``.pth`` file that has its
        ``.json`` record beside it (or of that record).
    device : str or torch.device, optional
        Where the network is to run.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) Unknown name, missing or damaged file, wrong hash, or weights that do
        not fit their architecture.
    """
    import torch

    try:
        target = torch.device(device)
    except RuntimeError as error:
        raise CheckpointError(
            f"{device!r} is not a device; use 'cpu', 'cuda' or 'cuda:0'."
        ) from error
    entry = locate(name_or_path)
    assert entry.weights is not None
    stat = entry.weights.stat()
    key = (
        *(str(entry.weights.resolve()), stat.st_mtime_ns, stat.st_size),
        *(entry.record.to_json(), str(target)),
    )
    with _lock:
        if key not in _cache:
            _cache[key] = _load(entry, target)
            while len(_cache) > CACHE_SIZE:
                _cache.popitem(last=False)
        _cache.move_to_end(key)
        return _cache[key]


def clear_cache() -> None:
    """Forget all networks in memory."""
    with _lock:
        _cache.clear()


def verify(name_or_path: str | Path) -> CheckpointRecord:
    """Check hash, content and layout of weights from the disk, past any cache.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) What is wrong, in a sentence.
    """
    entry = locate(name_or_path)
    _read_graph(entry)
    return entry.record


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Keep Python from looking for cycles of dead objects for a moment.

    What makes a great many objects that stay, such as importing torch, sets the collector off
    again and again. It then holds the interpreter while it goes through everything that a host
    such as napari has alive: its window would stand still for a tenth of a second each time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def method_of(name_or_path: str | Path) -> str:
    """Return the method that weights belong to, as their record says; they are not read.

    Raises
    ------
    CheckpointError
        (a ``ValueError``) Unknown name, or no record.
    """
    return locate(name_or_path).record.method


def locate(name_or_path: str | Path) -> registry.Entry:
    """Find record and weights file of a name or path; the weights file exists on return."""
    text = str(name_or_path)
    looks_like_path = isinstance(name_or_path, Path) or text.endswith(
        (".safetensors", ".pth", ".pt", ".json")
    )
    if looks_like_path or "/" in text or "\\" in text:
        entry = _entry_of_file(Path(name_or_path).expanduser())
    else:
        entry = registry.find(text)
    if entry.weights is None:
        raise CheckpointError(
            f"The weights {entry.record.name!r} are not on this machine yet.",
            Remedy.FETCH,
            name=entry.record.name,
        )
    if not entry.weights.is_file():
        raise CheckpointError(
            f"The weights file {entry.weights} of {entry.record.name!r} does not exist. Check "
            "the path, or fetch, import or install the weights again."
        )
    return entry


def _entry_of_file(path: Path) -> registry.Entry:
    if path.suffix == ".json":
        found = CheckpointRecord.from_json(path)
        weights_path = path.parent / found.file if found.file else None
        return registry.Entry(found, weights_path, path)
    if not path.is_file():
        raise CheckpointError(f"The weights file {path} does not exist. Check the path.")
    beside = path.with_suffix(".json")
    if not beside.is_file():
        weights.refuse_other_content(weights.read_bytes(path), path.name)
        raise CheckpointError(
            f"{path.name} has no record ({beside.name}) beside it, so it is not known which "
            "network it belongs to.",
            Remedy.IMPORT_FIRST,
            name=path.name,
        )
    found = replace(CheckpointRecord.from_json(beside), file=path.name)
    return registry.Entry(found, path, beside)


def _load(entry: registry.Entry, device: torch.device) -> LoadedModel:
    graph = _read_graph(entry)
    try:
        graph.to(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise CheckpointError(
            f"The network cannot be placed on the device {str(device)!r}: {reason}. "
            "Use device='cpu', or install a torch build for this device."
        ) from error
    scripted, succeeded = _script(graph)
    return LoadedModel(scripted, entry.record, str(device), succeeded)


def _read_graph(entry: registry.Entry) -> torch.nn.Module:
    found = entry.record
    assert entry.weights is not None
    content = weights.read_bytes(entry.weights)
    weights.check_digest(content, found.sha256, entry.weights.name, found.size_bytes)
    state = {
        **weights.parse(content, entry.weights.name),
        **read_borrowed(found.borrowed, entry.weights.parent),
    }
    refuse_larger(found.architecture, found.options, state, entry.weights.name)
    graph = build(found.architecture, found.options)
    load_into(graph, state, entry.weights.name, found.architecture)
    if hasattr(graph, "trained_rebalancing"):
        # The state dict does not hold it, and vividness is wrong without it.
        setattr(graph, "trained_rebalancing", float(found.trained_rebalancing))  # noqa: B010
    return graph.eval().requires_grad_(False)


def _script(graph: torch.nn.Module) -> tuple[Any, bool]:
    import torch

    try:
        with warnings.catch_warnings(), without_collecting():
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.script(graph), True
    except (
        Exception
    ) as error:  # whatever keeps TorchScript away, the eager module computes the same
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        warnings.warn(
            f"TorchScript cannot be used here ({reason}); the network runs eagerly, with the "
            "same results.",
            RuntimeWarning,
            stacklevel=2,
        )
        return graph, False
