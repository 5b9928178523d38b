"""Logits from hypercolumns: what a pretrained trunk holds of a point, at all scales, is read out.

Larsson, Maire and Shakhnarovich (2016, arXiv 1603.06668, §3) describe a pixel by its *hypercolumn*,
the values of a network's maps of all strides at that place, and learn the read-out at sparse,
random positions, since neighbours teach nearly the same. Here the trunk keeps its ImageNet weights,
so that a training reads every picture once and then learns from what was stored.

The first layer is linear. It is therefore applied to each map at that map's own stride, and the
sums, not the hypercolumns, are brought to stride 4: the same numbers at a fraction of the work.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize.methods.trunks import EfficientNetLite, trunk_channels
from napari_colorize.ops.bins import NUM_BINS

PLACE = 3
"""Numbers beside the maps at a cell: its lightness, its row and how far from the middle it is."""


class Hypercolumns(NamedTuple):
    """What the read-out takes: maps in the layout (N, H, W, C), fine ones joined at stride 4.

    Read densely, ``fine`` is a map of all cells (N, h, w, C); read sparsely it is (N, P, C).
    """

    fine: Tensor
    sixteen: Tensor
    thirtytwo: Tensor


class Standardise(nn.Module):
    """Subtract the mean and divide by the deviation that a channel had in the training pictures."""

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(…, C) → (…, C)."""
        return (x - self.mean) * self.scale


class Attend(nn.Module):
    """One transformer block over the cells of a coarse map: each may look at the whole picture.

    Where a cell lies reaches it by a depthwise convolution (Chu et al. 2021, arXiv 2102.10882), so
    that any size of map will do.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.place = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mix = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, H, W, C) → (N, H, W, C)."""
        n, h, w, c = x.shape
        x = x + self.place(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        tokens = x.reshape(n, h * w, c)
        qkv = self.qkv(self.norm1(tokens)).reshape(n, h * w, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, c)
        tokens = tokens + self.drop(self.out(seen))
        tokens = tokens + self.drop(self.mix(self.norm2(tokens)))
        return tokens.reshape(n, h, w, c)


class HypercolumnNetwork(nn.Module):
    """A frozen EfficientNet-lite, a look at the whole picture, and a perceptron a cell of stride 4.

    Input (N, 1, H, W) float32 L* 0…100, H and W multiples of 32; output (N, 313, H/4, W/4) logits.

    Parameters
    ----------
    trunk
        Key of `trunks.TRUNKS`.
    widths
        Units of the perceptron's hidden layers.
    context
        Width of the transformer blocks at stride 32, a multiple of 64.
    blocks
        How many of them; 0: no cell knows more of the picture than the trunk's maps tell it.
    """

    stride = 4
    multiple = 32

    def __init__(
        self,
        trunk: str = "lite2",
        widths: Sequence[int] = (512, 512),
        context: int = 256,
        blocks: int = 0,
        dropout: Sequence[float] = (0.2, 0.4, 0.1),
    ) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = trunk_channels(trunk)
        first, second = widths
        at_input, hidden, within = dropout
        self.trunk = EfficientNetLite(trunk)
        self.trunk_name = trunk
        self.scale_fine = Standardise(c2 + c4 + c8 + PLACE)
        self.scale16 = Standardise(c16)
        self.scale32 = Standardise(c32)
        self.drop = nn.Dropout(at_input)
        self.fine = nn.Linear(c2 + c4 + c8 + PLACE, first)
        self.sixteen = nn.Linear(c16, first, bias=False)
        self.thirtytwo = nn.Linear(c32, first, bias=False)
        self.whole = nn.Linear(c32, first, bias=False)
        self.look_around = blocks > 0
        self.enter = nn.Linear(c32, context if blocks else 1)
        self.enter16 = nn.Linear(c16, context if blocks else 1, bias=False)
        self.enter_whole = nn.Linear(c32, context if blocks else 1, bias=False)
        self.attend = nn.Sequential(
            *(Attend(context, context // 64, within) for _ in range(blocks))
        )
        self.context = nn.Linear(context if blocks else 1, first, bias=False)
        self.read = nn.Sequential(
            nn.LayerNorm(first),
            nn.GELU(),
            nn.Dropout(hidden),
            nn.Linear(first, second),
            nn.LayerNorm(second),
            nn.GELU(),
            nn.Dropout(hidden),
        )
        self.logits = nn.Linear(second, NUM_BINS)

    def forward(self, luma: Tensor) -> Tensor:
        """Logits (N, 313, H/4, W/4) of lightness (N, 1, H, W)."""
        return self.logits(self.hidden(self.look(luma))).permute(0, 3, 1, 2)

    def hidden(self, columns: Hypercolumns) -> Tensor:
        """What the last layer reads at all cells, (N, H/4, W/4, C)."""
        x = self.fine(self.scale_fine(columns.fine))
        x = x + enlarged(self.sixteen(self.scale16(columns.sixteen)), 4)
        x = x + enlarged(self.coarse(columns.sixteen, columns.thirtytwo), 8)
        return self.read(x)

    def look(self, luma: Tensor) -> Hypercolumns:
        """Hypercolumns of all cells of lightness (N, 1, H, W), not yet standardised."""
        # The trunk learnt from (value − 127) / 128; L*/100 is close to an sRGB grey value.
        x = luma / 50.0 - 1.0
        # Depthwise convolutions on a CPU are three times faster in this layout.
        maps = self.trunk(x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last))
        fine = (
            F.avg_pool2d(maps[0], 2),  # the bilinear value at the middle of a cell of stride 4
            maps[1],
            F.interpolate(maps[2], scale_factor=2.0, mode="bilinear", align_corners=False),
            F.avg_pool2d(x, 4),
            places(maps[1]),
        )
        last = [torch.cat(fine, 1), maps[3], maps[4]]
        fine4, sixteen, thirtytwo = [m.permute(0, 2, 3, 1) for m in last]
        return Hypercolumns(fine4, sixteen, thirtytwo)

    def coarse(self, sixteen: Tensor, thirtytwo: Tensor) -> Tensor:
        """What stride 32 adds to the first layer, the look at the whole picture included.

        Parameters
        ----------
        sixteen, thirtytwo
            (N, H/16, W/16, C16) and (N, H/32, W/32, C32), not yet standardised.
        """
        wide = self.drop(self.scale32(thirtytwo))
        mean = wide.mean((1, 2), keepdim=True)
        added = self.thirtytwo(wide) + self.whole(mean)
        if self.look_around:
            pooled = F.avg_pool2d(self.scale16(sixteen).permute(0, 3, 1, 2), 2)
            pooled = self.enter16(pooled.permute(0, 2, 3, 1))
            tokens = self.enter(wide) + self.enter_whole(mean) + pooled
            added = added + self.context(self.attend(tokens))
        return added

    @torch.jit.unused
    def sparse(self, columns: Hypercolumns, cells: Tensor) -> Tensor:
        """Logits (N, P, 313) at positions; what `forward` gives there.

        Parameters as for `sparse_hidden`.
        """
        return self.logits(self.sparse_hidden(columns, cells))

    @torch.jit.unused
    def sparse_hidden(self, columns: Hypercolumns, cells: Tensor) -> Tensor:
        """Return what the last layer reads at positions, (N, P, C).

        Parameters
        ----------
        columns
            ``fine`` (N, P, C) of those positions, the coarse maps whole.
        cells
            (N, P) int64: row · width + column in the grid of stride 4.
        """
        x = self.fine(self.drop(self.scale_fine(columns.fine)))
        # At few positions it is cheaper to read first; the layer is linear, so the order is free.
        x = x + self.sixteen(self.drop(self.scale16(read_at(columns.sixteen, cells, 4))))
        x = x + read_at(self.coarse(columns.sixteen, columns.thirtytwo), cells, 8)
        return self.read(x)

    @torch.jit.unused
    def standardise(self, samples: Sequence[tuple[Hypercolumns, Tensor, Tensor]]) -> None:
        """Take means and deviations of the channels over hypercolumns of some pictures."""
        for of, scale in enumerate((self.scale_fine, self.scale16, self.scale32)):
            values = torch.cat([columns[of].flatten(0, -2) for columns, _, _ in samples])
            scale.mean.copy_(values.mean(0))
            scale.scale.copy_(1 / values.std(0).clamp_min(1e-3))

    @torch.jit.unused
    def last_layer(self) -> nn.Linear:
        """The layer that makes the logits; a training starts it from the colour prior."""
        return self.logits


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Bring (N, H, W, C) to ``factor`` times the size, bilinearly about the cells' middles."""
    x = x.permute(0, 3, 1, 2)
    x = F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
    return x.permute(0, 2, 3, 1)


def places(like: Tensor) -> Tensor:
    """Row from −1 to 1 and distance of the column from the middle, 0…1: (N, 2, H, W)."""
    n, _, h, w = like.shape
    row = (2 * torch.arange(h, dtype=like.dtype, device=like.device) + 1) / h - 1
    column = ((2 * torch.arange(w, dtype=like.dtype, device=like.device) + 1) / w - 1).abs()
    return torch.stack((row[:, None].expand(h, w), column.expand(h, w)))[None].expand(n, 2, h, w)


def read_at(x: Tensor, cells: Tensor, factor: int) -> Tensor:
    """Read (N, H, W, C) bilinearly at cells of the ``factor`` times finer grid: (N, P, C)."""
    n, h, w, c = x.shape
    width = w * factor
    row = _weights(cells // width, h, factor)
    column = _weights(cells % width, w, factor)
    weights = (row[..., :, None] * column[..., None, :]).flatten(2)
    return torch.bmm(weights.to(x.dtype), x.reshape(n, h * w, c))


def _weights(place: Tensor, size: int, factor: int) -> Tensor:
    """(N, P) → (N, P, size): how much each coarse cell counts, linear between their middles."""
    at = ((place + 0.5) / factor - 0.5).clamp(0, size - 1)
    return (1 - (at[..., None] - torch.arange(size, device=place.device)).abs()).clamp_min(0)
