"""What the shipped weights gain from being held, on films whose motion and colours are known."""

import numpy as np
import pytest
import skimage.data

from napari_colorize import colorize_stack
from napari_colorize.evaluation.flicker import flicker, pan
from napari_colorize.evaluation.metrics import psnr
from napari_colorize.sample_data import grey

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")


@pytest.mark.slow
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_flicker_falls_threefold_and_the_colours_get_no_worse(name):
    film = pan(getattr(skimage.data, name)(), 12)
    frames = np.stack([grey(frame) for frame in film.frames])
    alone = colorize_stack(frames, "colorful", consistency=0, maps=False).rgb
    held = colorize_stack(frames, "colorful", maps=False).rgb

    def mean_psnr(coloured):
        pairs = zip(coloured, film.frames, strict=True)
        return np.mean([psnr(one, true) for one, true in pairs])

    assert flicker(held, film.corners) < flicker(alone, film.corners) / 3
    assert mean_psnr(held) > mean_psnr(alone) - 0.3
