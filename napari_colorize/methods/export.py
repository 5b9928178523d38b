"""From one plain module to the two files that need no Python class: ``.pt`` and ``.pt2``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.fx.experimental import _config as symbolic_sizes

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def example_inputs(height: int = 96, width: int = 128) -> tuple[torch.Tensor, ...]:
    """Lightness (1, 1, H, W), temperature and vividness: what every graph takes."""
    return torch.full((1, 1, height, width), 50.0), torch.tensor(0.38), torch.tensor(0.5)


def script(graph: nn.Module) -> torch.jit.ScriptModule:
    """Compile a graph to TorchScript: any picture size, savable with ``torch.jit.save``.

    A process that loads the file registers the operators first: ``napari_colorize.ops.load()``.
    """
    with warnings.catch_warnings():
        # TorchScript is frozen upstream, yet it is what hosts without Python can load; `export`
        # is the way that remains.
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(graph)


def export(graph: nn.Module) -> ExportedProgram:
    """Trace a graph with ``torch.export``: any picture size, savable with ``torch.export.save``.

    The number of pictures is 1; temperature and vividness stay inputs.
    """
    free = torch.export.Dim.DYNAMIC
    # A U-Net's bottleneck may be a single pixel in the example, but is not in a larger picture.
    with symbolic_sizes.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]
        return torch.export.export(
            graph, example_inputs(), dynamic_shapes=({2: free, 3: free}, None, None)
        )
