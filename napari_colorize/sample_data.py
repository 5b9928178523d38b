"""Grey pictures to try the plugin on; all ship inside scikit-image, nothing is downloaded.

The colour photographs among them are made grey as the library would: their lightness L* is kept.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LayerData = tuple[NDArray[np.uint8], dict[str, Any], str]


def camera() -> list[LayerData]:
    """Return a photograph that has always been grey."""
    import skimage.data

    return _layer(skimage.data.camera(), "Camera")


def astronaut() -> list[LayerData]:
    """Return the portrait of Eileen Collins, made grey."""
    import skimage.data

    return _layer(grey(skimage.data.astronaut()), "Astronaut, grey")


def cat() -> list[LayerData]:
    """Return the cat Chelsea, made grey."""
    import skimage.data

    return _layer(grey(skimage.data.cat()), "Cat, grey")


def coffee() -> list[LayerData]:
    """Return a cup of coffee, made grey."""
    import skimage.data

    return _layer(grey(skimage.data.coffee()), "Coffee, grey")


def rocket() -> list[LayerData]:
    """Return a rocket on its launch pad, made grey."""
    import skimage.data

    return _layer(grey(skimage.data.rocket()), "Rocket, grey")


def immunohistochemistry() -> list[LayerData]:
    """Return stained colonic glands, made grey: what colour prediction cannot know."""
    import skimage.data

    picture = grey(skimage.data.immunohistochemistry())
    return _layer(picture, "Immunohistochemistry, grey")


def grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the grey codes whose CIE L* is that of an sRGB picture.

    Parameters
    ----------
    rgb : (H, W, 3) uint8 array

    Returns
    -------
    (H, W) uint8 array
    """
    from skimage.color import lab2rgb, rgb2lab

    lab = rgb2lab(rgb)
    lab[..., 1:] = 0
    return np.round(lab2rgb(lab)[..., 0] * 255).astype(np.uint8)


def _layer(picture: NDArray[np.uint8], name: str) -> list[LayerData]:
    return [(picture, {"name": name}, "image")]
