"""The discriminator: is this the picture's own colour? One answer a patch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize.methods.gan.layers import SameConv2d, activation, initialise, norm_of
from napari_colorize.methods.gan.tables import DiscriminatorTable


class PatchDiscriminator(nn.Module):
    """Logits of patches being real, of a picture joined with the grey one it was made from.

    The grey picture may be finer than the colours: it is then folded, each colour pixel seeing the
    block of grey pixels it stands for.

    Parameters
    ----------
    table
        Layers.
    planes
        Planes of a picture: 3 for Lab, 2 for its chroma.
    stride
        Grey pixels for one colour pixel, along one side.
    norm
        Batch norm where the table has it.
    leak
        Slope of LeakyReLU for negative values; 0 for plain ReLU.
    """

    def __init__(
        self,
        table: DiscriminatorTable,
        planes: int = 3,
        stride: int = 1,
        norm: bool = True,
        leak: float = 0.2,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.gain = table.gain
        self.blur = table.blur
        layers: list[nn.Module] = []
        channels = planes + stride * stride
        for layer in table.layers:
            layers += [
                SameConv2d(channels, layer.filters, layer.stride),
                norm_of(layer.filters, layer.norm and norm),
                activation(leak),
            ]
            channels = layer.filters
        self.layers = nn.Sequential(*layers, SameConv2d(channels, 1))
        initialise(self, leak)

    def forward(self, luma: Tensor, planes: Tensor) -> Tensor:
        """Return logits.

        Parameters
        ----------
        luma
            (N, 1, H, W) float32 L* 0…100: the condition.
        planes
            (N, P, H / stride, W / stride) float32 in −1…1: true or generated.

        Returns
        -------
        (N, 1, h, w), one logit for each patch; above 0: real.
        """
        grey = F.pixel_unshuffle(luma / 50.0 - 1.0, self.stride)
        if self.blur > 1:
            planes = F.avg_pool2d(planes, self.blur, 1, self.blur // 2, count_include_pad=False)
        return self.layers(torch.cat((grey, planes * self.gain), 1))
