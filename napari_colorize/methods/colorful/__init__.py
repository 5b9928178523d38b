"""Colorful Image Colorization (Zhang, Isola, Efros, ECCV 2016, arXiv 1603.08511).

Colour is predicted as a distribution over 313 ab bins for every pixel, trained by cross-entropy
with rare colours given more weight, and read out by the annealed mean.

- `network.py`: the paper's network, and a compact one on a pretrained trunk
- `rebalance.py`: the class weights of the paper's §2.2
- `loss.py`: cross-entropy on soft-encoded targets
- `graph.py`: lightness in, chroma and uncertainty out: what TorchScript and ``torch.export`` get
"""
