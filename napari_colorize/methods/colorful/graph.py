"""Lightness in, chroma and uncertainty out: the graph that TorchScript and ``torch.export`` get."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_colorize import ops
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork
from napari_colorize.methods.colorful.network import CompactNetwork, PaperNetwork
from napari_colorize.methods.padding import crop_pair, pad_to_multiple
from napari_colorize.ops.bins import NUM_BINS, bin_tensor


class ColorfulGraph(nn.Module):
    """A network to bin logits, and their annealed mean (Zhang 2016, §2.3).

    Parameters
    ----------
    network
        (N, 1, H, W) L* → (N, 313, H/4, W/4) logits, for sides that are multiples of
        ``network.multiple``.
    trained_rebalancing
        How much of the class rebalancing the loss applied: 1 for the paper's full weights, 0 for
        none. Stored here because it decides what `vividness` has to add.

    Attributes
    ----------
    log_weights
        (313,) buffer: logarithm of the class weights of the training pictures
        (`rebalance.class_weights`); zeros until training or a checkpoint fills it.
    """

    bins: Tensor
    log_weights: Tensor

    def __init__(
        self,
        network: CompactNetwork | HypercolumnNetwork | PaperNetwork,
        trained_rebalancing: float,
    ) -> None:
        super().__init__()
        ops.load()
        self.network = network
        self.multiple: int = network.multiple
        self.stride: int = network.stride
        self.trained_rebalancing = trained_rebalancing
        self.register_buffer("bins", bin_tensor(), persistent=False)
        self.register_buffer("log_weights", torch.zeros(NUM_BINS))

    def forward(
        self, luma: Tensor, temperature: Tensor, vividness: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Predict chroma.

        Parameters
        ----------
        luma
            (N, 1, H, W) float32, L* 0…100; any H, W ≥ 1.
        temperature
            0-dim float32 on the CPU, > 0. Near 0 the most probable colour, 1 the mean colour.
        vividness
            0-dim float32 on the CPU, 0…1: how much of the class rebalancing the prediction keeps.

        Returns
        -------
        ab
            (N, 2, ceil(H/4), ceil(W/4)) float32, Lab units.
        uncertainty
            (N, 1, ceil(H/4), ceil(W/4)) float32: entropy of the distribution over bins divided by
            log 313, 0 (one colour) … 1 (any colour).
        """
        logits = self.network(pad_to_multiple(luma, self.multiple))
        bias = (vividness - self.trained_rebalancing) * self.log_weights
        ab, uncertainty = torch.ops.napari_colorize.annealed_mean(
            logits, self.bins, bias, temperature
        )
        return crop_pair(ab, uncertainty, luma, self.stride)

    @torch.jit.export
    def distribution(self, luma: Tensor, vividness: Tensor) -> Tensor:
        """Logits over the bins that `forward` decodes: what palettes and suggestions start from.

        Parameters
        ----------
        luma, vividness
            As for `forward`.

        Returns
        -------
        logits
            (N, 313, ceil(H/4), ceil(W/4)) float32.
        """
        logits = self.network(pad_to_multiple(luma, self.multiple))
        bias = (vividness - self.trained_rebalancing) * self.log_weights
        height = (luma.shape[2] + self.stride - 1) // self.stride
        width = (luma.shape[3] + self.stride - 1) // self.stride
        return (logits + bias[:, None, None])[:, :, :height, :width]


def compact_graph(
    widths: Sequence[int] = (256, 192, 128, 96), trained_rebalancing: float = 0.5
) -> ColorfulGraph:
    """Build an untrained `CompactNetwork` graph: what the shipped weights fill."""
    return ColorfulGraph(CompactNetwork(widths), trained_rebalancing)


def hypercolumn_graph(
    trunk: str = "lite2",
    widths: Sequence[int] = (512, 512),
    context: int = 256,
    blocks: int = 0,
    trained_rebalancing: float = 0.0,
) -> ColorfulGraph:
    """Build an untrained `HypercolumnNetwork` graph."""
    network = HypercolumnNetwork(trunk, widths, context, blocks)
    return ColorfulGraph(network, trained_rebalancing)


def paper_graph(trained_rebalancing: float = 1.0) -> ColorfulGraph:
    """Build an untrained `PaperNetwork` graph, for the public weights or training from scratch."""
    return ColorfulGraph(PaperNetwork(), trained_rebalancing)
