"""What an operator is made of, as each module of this package declares it.

A module with operators has a tuple ``OPERATORS`` of :class:`Operator`; `library` binds them to
``torch.ops.napari_colorize`` when the first one is called. The schemas are those of
``csrc/ops.cpp``, word for word; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAMESPACE = "napari_colorize"


@dataclass(frozen=True)
class Operator:
    """One operator: its schema, its plain-torch twin, its shapes and its gradient.

    Parameters
    ----------
    schema : str
        Name, arguments and results, as in ``csrc/ops.cpp``.
    twin : callable
        The same operation in plain torch: the definition of right. It serves where the compiled
        library or a kernel for the tensor's device is missing.
    fake : callable
        Returns empty tensors of the result's shapes, dtypes and strides (for tracing and export).
        Results are contiguous, in the twin too.
    setup_context, backward : callable, optional
        The gradient, as `torch.library.register_autograd` takes it. It must be made of
        differentiable torch functions, or of an operator with a gradient of its own, if a second
        derivative is to work.
    no_gradient : str
        Where there is no `backward`: why, as the end of a sentence. Calling ``.backward()`` through
        the operator raises a ``RuntimeError`` with it.
    """

    schema: str
    twin: Callable[..., Any]
    fake: Callable[..., Any]
    setup_context: Callable[..., None] | None = None
    backward: Callable[..., Any] | None = None
    no_gradient: str = "it is not differentiable"

    @property
    def name(self) -> str:
        """The operator's name without its namespace."""
        return self.schema.split("(", 1)[0]

    def refuse_gradient(self, ctx: Any, *gradients: Any) -> Any:
        """Stand in for a missing `backward`: say so instead of returning no gradient silently."""
        raise RuntimeError(
            f"{self.name} has no gradient, because {self.no_gradient}. Call it under "
            "torch.no_grad() or on a detached tensor."
        )
