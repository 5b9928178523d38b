"""Films whose motion is known."""

import cv2
import numpy as np


def scene(seed, side=160):
    """Return a grey picture of blobs that no other seed gives, uint8."""
    noise = np.random.default_rng(seed).standard_normal((side, side))
    fine, coarse = (cv2.GaussianBlur(noise, (0, 0), sigma) for sigma in (3, 9))
    picture = fine / fine.std() + coarse / coarse.std()
    return np.clip(128 + 45 * picture, 0, 255).astype(np.uint8)


def glide(picture, count, step=(1, 2), side=96):
    """Return a window that moves by whole pixels over a picture, and its corners."""
    corners = [(frame * step[0], frame * step[1]) for frame in range(count)]
    return np.stack([picture[y : y + side, x : x + side] for y, x in corners]), corners


def noisy(frames, sigma, seed=0):
    """Add to each frame a noise of its own, in grey codes."""
    noise = np.random.default_rng(seed).normal(0, sigma, frames.shape)
    return np.clip(np.rint(frames + noise), 0, 255).astype(np.uint8)
