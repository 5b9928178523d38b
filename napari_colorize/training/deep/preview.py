"""One picture, coloured by networks that are still learning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_colorize import ops
from napari_colorize.methods.deep.descriptor import DeepDescriptor
from napari_colorize.methods.deep.graph import DeepGraph
from napari_colorize.methods.deep.network import ClusterNetworks
from napari_colorize.methods.deep.yuv import luma_to_grey, uv_to_ab
from napari_colorize.training.arrays import Reference
from napari_colorize.training.callbacks.watching import Watch
from napari_colorize.training.deep.references import Seen, seen_at

LARGEST = 192
"""Side of the part that is shown, px: all of its descriptors are kept, 15 MB."""


class Preview:
    """Shows a watch the middle of the first picture that can be read.

    Parameters
    ----------
    descriptor
        Of the training.
    pictures
        To choose from, the best liked first.
    size
        Short side at which networks see them, px.
    watch
        Who is shown it; a plain `Watch` looks at nothing, and nothing is made ready for it.
    """

    def __init__(
        self, descriptor: DeepDescriptor, pictures: Sequence[Reference], size: int, watch: Watch
    ) -> None:
        self._watch = watch
        seen = None if type(watch).sample is Watch.sample else _first(pictures, size)
        self._seen = None if seen is None else _middle(seen)
        if self._seen is not None:
            self._luma = torch.from_numpy(self._seen.lightness)[None, None]
            with torch.no_grad():
                _, _, fine = descriptor(self._luma)
                grey = luma_to_grey(self._luma)
                self._rows = descriptor.rows(grey, fine, 0, grey.shape[2])[0].flatten(1)

    @torch.no_grad()
    def look(
        self, networks: ClusterNetworks, step: int, learnt: float, checked: float | None
    ) -> None:
        """Tell the errors and, while there is one network for all pictures, show its colours."""
        self._watch.loss(step, learnt, checked)
        if self._seen is not None and networks.clusters == 1:
            uv = networks.predict(self._rows, torch.tensor([0]))
            self._show(uv_to_ab(uv.reshape(1, 2, *self._luma.shape[2:]), self._luma))

    @torch.no_grad()
    def look_at_graph(self, graph: DeepGraph) -> None:
        """Show the picture as the finished graph colours it."""
        if self._seen is not None:
            self._show(graph(self._luma, torch.ones(()), torch.ones(()))[0])

    def _show(self, ab: Tensor) -> None:
        assert self._seen is not None
        grey = torch.cat((self._luma, torch.zeros_like(ab)), 1)
        painted, _ = ops.gamut_clip(torch.cat((self._luma, ab), 1), channel_dim=1)
        truth = np.rint(self._seen.rgb * 255).astype(np.uint8)
        self._watch.sample(_rgb(grey), _rgb(painted), truth)


def _rgb(lab: Tensor) -> NDArray[np.uint8]:
    picture = lab[0].permute(1, 2, 0).contiguous()
    return np.asarray(ops.lab_to_rgb(picture, dtype=torch.uint8).numpy())


def _first(pictures: Sequence[Reference], size: int) -> Seen | None:
    for picture in pictures:
        try:
            return seen_at(picture.read(), size)
        except ValueError:
            continue
    return None


def _middle(seen: Seen) -> Seen:
    height, width = seen.lightness.shape
    top, left = max(0, height - LARGEST) // 2, max(0, width - LARGEST) // 2
    part = np.s_[top : top + LARGEST, left : left + LARGEST]
    return Seen(np.ascontiguousarray(seen.lightness[part]), np.ascontiguousarray(seen.rgb[part]))
