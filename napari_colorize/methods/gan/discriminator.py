"""The discriminator, and what it and the generator are told (Nazeri 2018, §2.2; Goodfellow 2014).

Is this the picture's own colour? It gives one answer a patch.
"""

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


def discriminator_loss(real: Tensor, fake: Tensor, real_label: float = 0.9) -> Tensor:
    """Mean cross-entropy of telling true colours from generated ones.

    Parameters
    ----------
    real, fake
        Logits of patches with true and with generated colours.
    real_label
        Target for true ones: 0.9 is one-sided label smoothing (Salimans et al. 2016, §3.4), which
        keeps the discriminator from being certain; 1 switches it off. Generated ones always have
        the target 0: smoothing that too would reward what the generator does already.

    Returns
    -------
    0-dim Tensor; log 4 / 2 where nothing can be told.
    """
    true = F.binary_cross_entropy_with_logits(real, torch.full_like(real, real_label))
    false = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return 0.5 * (true + false)


def adversarial_loss(fake: Tensor) -> Tensor:
    """Non-saturating loss of the generator: −log D(G), whose slope stays where D has won."""
    return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def expected_error_loss(expected: Tensor, distance: Tensor) -> Tensor:
    """Negative log-likelihood of distances under exponentials of the expected means.

    Smallest where `expected` is the mean distance of pixels like this one.

    Parameters
    ----------
    expected
        Predicted mean distance, Lab units, > 0.
    distance
        Distance of the colour from the true one, same shape.
    """
    floor = expected.clamp(min=0.5)
    return (floor.log() + distance.detach() / floor).mean()
