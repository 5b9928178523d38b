"""Image Colorization using GANs (Nazeri, Ng, Ebrahimi 2018, arXiv 1803.05400), and pix2pix.

A U-Net turns lightness into colour. Trained with L1 alone it is the method ``unet``; trained
against a discriminator that sees the grey picture too, it is ``gan``. pix2pix (Isola, Zhu, Zhou,
Efros 2016, arXiv 1611.07004) is the same machinery with its own table, and dropout as a source of
chance.

- `tables.py`: the papers' layer tables, as data
- `layers.py`: their layers: padding, norm, LeakyReLU, dropout that a seed can repeat
- `generator.py`, `discriminator.py`: networks from tables
- `compact.py`: a generator for photographs on a pretrained trunk
- `loss.py`: what generator and discriminator are told
- `graph.py`: lightness in, chroma and uncertainty out; samples with different seeds

Three slips of the authors' released code are not repeated: batch norm uses a batch's own statistics
in training only, so that a picture's colours do not depend on its neighbours; dropout is active in
training; and the grey input is brought to −1…1 as the colours are.
"""
