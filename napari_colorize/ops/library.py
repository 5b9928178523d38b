"""Find the compiled library, bind every operator, and say once if plain torch has to do.

``load()`` is called by every function of :mod:`napari_colorize.ops` and must be called before a
TorchScript or exported graph that uses ``torch.ops.napari_colorize`` is read from a file.
"""

from __future__ import annotations

import os
import threading
import warnings
from importlib import import_module
from typing import Any, Literal

import torch

from napari_colorize._version import __version__
from napari_colorize.ops.bindings import NAMESPACE, Operator

OLDEST_TORCH = (2, 11)
"""The stable ABI that the library is built against; see ``csrc/torch_stable.h``."""

OPERATOR_MODULES = ("colour", "encoding", "bilateral", "bilateral_gradients", "finishing", "levin")
"""Modules of this package with a tuple ``OPERATORS``."""

_BACKEND_VARIABLE = "NAPARI_COLORIZE_BACKEND"
_lock = threading.Lock()
_library: torch.library.Library | None = None
_native: Any = None


class CannotLoad(Exception):
    """The reason, as a sentence, why the compiled library is not used."""


def load() -> None:
    """Bind the operators to ``torch.ops.napari_colorize``, once a process.

    The compiled library is used where it loads. Otherwise the same schemas are defined over the
    plain-torch twins, and a ``RuntimeWarning`` says why; with ``NAPARI_COLORIZE_BACKEND=twin`` in
    the environment this happens by request and in silence.
    """
    global _library, _native
    if _library is not None:
        return
    with _lock:
        if _library is not None:
            return
        if not _twin_requested():
            try:
                _native = _import_native(torch.__version__)
            except CannotLoad as reason:
                warnings.warn(
                    f"The compiled operators of napari-colorize are not used: {reason} "
                    "Everything works in plain torch, only slower.",
                    RuntimeWarning,
                    stacklevel=3,
                )
        library = torch.library.Library(NAMESPACE, "FRAGMENT")
        for operator in _operators():
            _bind(library, operator, defined=_native is not None)
        _library = library
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_work_alone)


def _work_alone() -> None:
    """Let a forked child work on one thread.

    Of the threads of its parent it has none, but OpenMP would wait for them for ever.
    """
    torch.set_num_threads(1)


def backend() -> Literal["native", "twin"]:
    """Say what computes on the CPU: the compiled library or its plain-torch twin.

    Returns
    -------
    str
        ``"native"`` or ``"twin"``.
    """
    load()
    return "twin" if _native is None else "native"


def native_module() -> Any:
    """Return the compiled module ``napari_colorize._C``, or None where the twins serve."""
    load()
    return _native


def _twin_requested() -> bool:
    asked = os.environ.get(_BACKEND_VARIABLE, "")
    if asked not in ("", "native", "twin"):
        raise ValueError(
            f"The environment variable {_BACKEND_VARIABLE} is {asked!r}; it can be 'native' or "
            "'twin', or be left unset."
        )
    return asked == "twin"


def _import_native(torch_version: str) -> Any:
    """Import the compiled modules, or raise `CannotLoad`."""
    _check_torch(torch_version)
    try:
        native = import_module("napari_colorize._C")
    except ModuleNotFoundError as error:
        raise CannotLoad(
            "they were not built, because there was no C++ compiler at installation or it was "
            "told not to use one."
        ) from error
    except (ImportError, OSError) as error:
        raise CannotLoad(
            f"they do not load with torch {torch_version} ({_first_line(error)}). Reinstall "
            "napari-colorize to build them for this torch."
        ) from error
    if native.version != __version__:
        warnings.warn(
            f"The compiled operators of napari-colorize are from version {native.version}, the "
            f"package is {__version__}. Reinstall napari-colorize to build them anew.",
            RuntimeWarning,
            stacklevel=4,
        )
    if native.has_cuda and torch.version.cuda is not None:
        _import_cuda()
    return native


def _check_torch(torch_version: str) -> None:
    """Refuse a torch whose stable ABI lacks what the library was built against."""
    found = tuple(int(part) for part in torch_version.split(".")[:2])
    if found < OLDEST_TORCH:
        raise CannotLoad(
            f"they need torch {OLDEST_TORCH[0]}.{OLDEST_TORCH[1]} or newer, and this is torch "
            f"{torch_version}."
        )


def _import_cuda() -> None:
    """Add the CUDA kernels; without them, tensors on a GPU are served by the twins."""
    try:
        import_module("napari_colorize._C_cuda")
    except (ImportError, OSError) as error:
        warnings.warn(
            f"The CUDA operators of napari-colorize do not load ({_first_line(error)}); on a GPU "
            "plain torch is used instead.",
            RuntimeWarning,
            stacklevel=5,
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]


def _operators() -> list[Operator]:
    modules = [import_module(f"napari_colorize.ops.{name}") for name in OPERATOR_MODULES]
    return [operator for module in modules for operator in module.OPERATORS]


def _bind(
    library: torch.library.Library,
    operator: Operator,
    *,
    defined: bool,
    namespace: str = NAMESPACE,
) -> None:
    """Register an operator's twin, fake and gradient; define its schema if nothing has yet.

    The twin is bound to ``CompositeExplicitAutograd``: a kernel for the tensor's own device goes
    before it, and every device without one is served by plain torch.
    """
    qualified = f"{namespace}::{operator.name}"
    if not defined:
        library.define(operator.schema, tags=(torch.Tag.pt2_compliant_tag,))
    library.impl(operator.name, operator.twin, "CompositeExplicitAutograd")
    torch.library.register_fake(qualified, operator.fake, lib=library)
    torch.library.register_autograd(
        qualified,
        operator.backward or operator.refuse_gradient,
        setup_context=operator.setup_context,
        lib=library,
    )
